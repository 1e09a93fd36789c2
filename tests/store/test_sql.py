"""A statement of the user's reads what is public, and can do nothing else, whatever it says."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tallybook.model.errors import NotABookError, StoreError, StoreLockedError, TallybookError, UsageError
from tallybook.store import duckdb_sql
from tallybook.store.base import Amendment, Edit
from tallybook.store.duckdb import DuckDBStore
from tallybook.store.duckdb_sql import LockedEngine, ask
from tests.clock import FakeClock
from tests.store.book import D0, DAY, StoreUnderTest, cost, read, usage

Cursor = duckdb.DuckDBPyConnection
NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
SECRET = "proj_kept_apart"


def filled(folder: Path) -> DuckDBStore:
    """Return a book with a row of everything, and one of a directory that nothing public shows."""
    store = DuckDBStore(folder / "book.duckdb", FakeClock(NOW))
    store.migrate()
    book = StoreUnderTest(store, FakeClock(NOW), "internal", lambda: store)
    book.write(read("completions", D0, D0 + DAY, usage(D0, 7, model="gpt-5")), read("costs", D0, D0 + DAY, cost(D0)))
    seen = {"first_seen": NOW.replace(tzinfo=None), "last_seen": NOW.replace(tzinfo=None)}
    store.put("directory", [{"org": "acme", "kind": "project", "id": SECRET, "name": SECRET, **seen}])
    return store


@pytest.fixture
def store(fast_path: Path) -> DuckDBStore:
    (fast_path / "beside.csv").write_text(f"a\n{SECRET}\n")
    return filled(fast_path)


@pytest.fixture(scope="module")
def cursor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cursor]:
    """A cursor as `ask` is given it, on a book that stays as it is to the last byte, in a folder that does."""
    folder = tmp_path_factory.mktemp("sql")
    (folder / "beside.csv").write_text(f"a\n{SECRET}\n")
    path = filled(folder).path
    before, names = path.read_bytes(), sorted(folder.iterdir())
    with engine(path) as opened:
        yield opened
    assert (path.read_bytes(), sorted(folder.iterdir())) == (before, names)


@contextmanager
def engine(path: Path) -> Iterator[Cursor]:
    """Hold a book as statements of users are given it."""
    locked = LockedEngine(path.resolve())
    locked.attach()
    try:
        yield locked.cursor()
    finally:
        locked.detach()


def folder_of(cursor: Cursor) -> str:
    (row,) = cursor.execute("SELECT path FROM duckdb_databases() WHERE path IS NOT NULL").fetchall()
    return str(Path(row[0]).parent)


ANSWERS: dict[str, list[dict[str, Any]]] = {
    "SELECT SUM(input_tokens) AS n FROM usage": [{"n": 7}],
    "SELECT SUM(input_tokens) AS n FROM main.usage;": [{"n": 7}],
    "SELECT SUM(input_tokens) AS n FROM Tallybook.MAIN.Usage": [{"n": 7}],
    "-- mine\nFROM v_usage_daily SELECT model, input_tokens": [{"model": "gpt-5", "input_tokens": 7}],
    "SELECT amount, currency FROM costs": [{"amount": Decimal(1), "currency": "usd"}],
    "WITH Usage AS (SELECT * FROM usage) SELECT count(*) AS n FROM usage JOIN v_tokens USING (org)": [{"n": 1}],
    "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 3) SELECT max(n) AS n FROM t": [{"n": 3}],
    "SELECT (SELECT max(amount) FROM costs) > 0 AS a, EXISTS (FROM usage) AS b": [{"a": True, "b": True}],
    "SELECT k FROM range(2) AS r(k) UNION ALL SELECT 5 EXCEPT SELECT 0 ORDER BY k": [{"k": 1}, {"k": 5}],
    "SELECT gpt FROM (SELECT model, input_tokens AS n FROM usage) PIVOT (SUM(n) FOR model IN ('gpt-5' AS gpt))": [
        {"gpt": 7}
    ],
    "SELECT u.model, l.n FROM usage AS u, LATERAL (SELECT u.input_tokens + 1 AS n) AS l": [{"model": "gpt-5", "n": 8}],
    "SELECT input_tokens, row_number() OVER (ORDER BY model) AS n FROM usage QUALIFY n = 1 LIMIT 50%": [],
    "VALUES (1, 'a')": [{"col0": 1, "col1": "a"}],
    "SELECT column_name AS c FROM (DESCRIBE costs) WHERE c = 'amount'": [{"c": "amount"}],
    "SELECT 2::HUGEINT ** 100 > 0 AS a, 18446744073709551616 AS b": [{"a": True, "b": 18446744073709551616}],
}


@pytest.mark.parametrize("text", ANSWERS)
def test_what_is_public_can_be_asked_in_any_way(cursor: Cursor, text: str) -> None:
    assert ask(cursor, text).to_pylist() == ANSWERS[text]


def test_tables_and_columns_can_be_listed(cursor: Cursor) -> None:
    names = {row["name"] for row in ask(cursor, "SHOW TABLES").to_pylist()}
    assert names == {"usage", "costs", "v_usage_daily", "v_tokens", "v_costs_daily", "v_bill_monthly"}
    assert "kind" not in {row["column_name"] for row in ask(cursor, "DESCRIBE v_bill_monthly").to_pylist()}
    assert ask(cursor, "SUMMARIZE usage").num_rows > 10


HOSTILE = (
    # what writes
    "INSERT INTO usage SELECT * FROM usage", "DELETE FROM costs", "UPDATE costs SET amount = 0", "DROP TABLE usage",
    "TRUNCATE costs", "ALTER TABLE usage ADD COLUMN x INT", "CREATE TABLE x AS SELECT 1", "CREATE VIEW x AS SELECT 1",
    "CREATE OR REPLACE VIEW v_tokens AS SELECT 1", "CREATE TEMP TABLE x AS SELECT 1", "CREATE MACRO f() AS 1",
    "MERGE INTO costs USING usage ON false WHEN MATCHED THEN DELETE", "CREATE SCHEMA x", "CREATE SEQUENCE x",
    "WITH x AS (DELETE FROM costs RETURNING *) SELECT count(*) FROM x", "SELECT 1; DROP TABLE usage",
    "WITH x AS (INSERT INTO costs SELECT * FROM costs RETURNING *) FROM x",
    "WITH x AS (UPDATE costs SET amount = 0 RETURNING *) FROM x", "CHECKPOINT", "VACUUM", "ANALYZE",
    "SELECT 1 AS a INTO x",
    # what changes the engine
    "ATTACH '{folder}/other.duckdb' AS o", "DETACH tallybook", "USE memory", "SET threads = 1", "RESET threads",
    "SET enable_external_access = true", "SET GLOBAL lock_configuration = false", "PRAGMA database_list",
    "PRAGMA threads=1", "INSTALL httpfs", "LOAD httpfs", "BEGIN", "COMMIT", "CALL pragma_version()",
    "PREPARE p AS SELECT 1", "EXECUTE p", "EXPLAIN ANALYZE DELETE FROM usage", "EXPORT DATABASE '{folder}/x'",
    "IMPORT DATABASE '{folder}/x'", "CREATE SECRET s (TYPE s3)", "SELECT * FROM checkpoint()",
    "SELECT * FROM force_checkpoint()", "SELECT * FROM enable_logging()",
    # files and hosts
    "COPY usage TO '{folder}/stolen.csv'", "COPY (SELECT 1) TO '{folder}/stolen.csv'", "COPY costs FROM '/etc/passwd'",
    "FROM '{folder}/beside.csv'", 'FROM "{folder}/beside.csv"', "FROM read_csv('{folder}/beside.csv')",
    "FROM read_csv_auto('{folder}/beside.csv')", "FROM READ_TEXT('{folder}/beside.csv')",
    "FROM read_blob('{folder}/book.duckdb')", "FROM glob('{folder}/*')", "FROM sniff_csv('{folder}/beside.csv')",
    "FROM read_json('{folder}/beside.csv')", "FROM read_parquet('{folder}/x.parquet')", "FROM parquet_metadata('x')",
    "FROM read_duckdb('{folder}/book.duckdb')", "FROM 'http://127.0.0.1:9/x.csv'", "FROM read_csv('s3://a/b.csv')",
    "SELECT (SELECT a FROM '{folder}/beside.csv')", "SELECT * FROM usage, read_text('{folder}/beside.csv')",
    "SELECT * FROM usage WHERE model IN (SELECT a FROM read_csv('{folder}/beside.csv'))",
    "SELECT * FROM usage, LATERAL (FROM glob(model))", "SUMMARIZE '{folder}/beside.csv'",
    "DESCRIBE FROM read_csv('{folder}/beside.csv')", "SELECT getenv('HOME')", "SELECT read_text('{folder}/beside.csv')",
    "WITH a AS (FROM '{folder}/beside.csv'), \"{folder}/beside.csv\" AS (SELECT 1) FROM a",
    # what is not public
    "FROM internal.directory", "FROM tallybook.internal.directory", 'FROM "internal"."directory"',
    "FROM Internal.Directory", "SELECT (SELECT max(name) FROM internal.directory)", "DESCRIBE internal.directory",
    "SHOW internal.directory", "SUMMARIZE internal.directory", "FROM usage UNION ALL FROM internal.usage_history",
    "SELECT * FROM usage JOIN internal.directory USING (org)", "FROM (FROM (FROM internal.names))",
    "FROM internal.usage_daily PIVOT (SUM(input_tokens) FOR model IN ('a'))", "TABLE internal.directory",
    "WITH directory AS (SELECT 1) FROM internal.directory", "WITH directory AS (SELECT 1) FROM main.internal.directory",
    "WITH directory AS (SELECT 1) FROM tallybook.internal.directory", "FROM tallybook.main.internal.directory",
    "FROM tallybook.internal.main.usage", "FROM internal.main.usage", "FROM tallybook.usage", "FROM memory.main.usage",
    "WITH x AS (FROM internal.directory) FROM x", "WITH x AS MATERIALIZED (FROM internal.pages) FROM usage",
    "FROM query('FROM internal.directory')", "FROM query_table('internal.directory')", "FROM seq_scan('x')",
    "FROM query_table(['usage', 'internal.directory'])", "SHOW ALL TABLES", "SHOW DATABASES", "SHOW SCHEMAS",
    "FROM pragma_table_info('internal.directory')", "FROM pragma_storage_info('internal.directory')",
    "FROM json_execute_serialized_sql('x')", "FROM duckdb_settings()", "FROM duckdb_secrets()", "FROM duckdb_views()",
    "FROM duckdb_tables", "FROM sqlite_master", "FROM information_schema.tables", "FROM pg_catalog.pg_class",
    "FROM duckdb_logs", "FROM system.main.duckdb_tables", "FROM temp.main.x", "FROM memory.main.x", "FROM directory",
    "WITH a AS (FROM duckdb_columns), duckdb_columns AS (SELECT 1) FROM a",
    "WITH duckdb_tables AS (FROM duckdb_tables) FROM duckdb_tables",
    "FROM sqlite_master, (WITH sqlite_master AS (SELECT 1 AS b) SELECT 1 AS c)",
    "SELECT 1; SELECT 2", "", ";", "-- nothing", "/* ",
)  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_whatever_else_is_refused(cursor: Cursor, text: str) -> None:
    with pytest.raises(TallybookError) as caught:
        ask(cursor, text.replace("{folder}", folder_of(cursor)))
    assert caught.value.exit_code == 2
    assert SECRET not in str(caught.value)


def test_nothing_is_looked_up_for_what_is_refused(cursor: Cursor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Already to bind a statement, a file that it names is opened."""
    looked_up = []

    def look_up(_: Cursor, text: str) -> Any:
        looked_up.append(text)
        raise UsageError

    monkeypatch.setattr(duckdb_sql, "_answer", look_up)
    for text in HOSTILE:
        with suppress(TallybookError):
            ask(cursor, text)
    assert looked_up == [t for t in HOSTILE if t.startswith(("SELECT getenv", "SELECT read_text"))]


REACHING = [t for t in HOSTILE if "{folder}" in t or "http" in t or "s3" in t or "/etc" in t]
WRITING = [*HOSTILE[: HOSTILE.index("SELECT 1 AS a INTO x")], "UPDATE internal.book SET version = 0"]


@pytest.mark.parametrize("text", [t for t in REACHING if "book.duckdb" not in t])
def test_the_engine_alone_reaches_no_file_and_no_host(cursor: Cursor, text: str) -> None:
    with pytest.raises(duckdb.Error):
        cursor.execute(text.replace("{folder}", folder_of(cursor))).fetchall()


LOCKED = ("SET enable_external_access = true", "SET lock_configuration = false", "SET threads = 1", "LOAD httpfs",
          "DETACH tallybook")  # fmt: skip
HARMLESS = ("CREATE TEMP TABLE", "CREATE MACRO", "CHECKPOINT", "VACUUM", "ANALYZE", "SELECT 1; DROP")


@pytest.mark.parametrize("text", [*(t for t in WRITING if not t.startswith(HARMLESS)), *LOCKED])
def test_the_engine_alone_writes_nothing_and_keeps_its_settings(cursor: Cursor, text: str) -> None:
    with pytest.raises(duckdb.Error):
        cursor.execute(text).fetchall()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("SELECT amounts FROM costs", r'"amounts" not found.*Candidate bindings: "amount"'),
        ("SELECT amount FORM costs", r'syntax error at or near "costs"'),
        ("FROM usge", r"Unknown table or view 'usge'. Did you mean `usage`\?"),
        ("FROM internal.usage_daily", r"internal.usage_daily is not public. Did you mean `v_usage_daily`"),
        ("SELECT 'a'::INT", "Could not convert"),
        ("SELECT lengths(model) FROM usage", "lengths"),
        ("SELECT ?", "parameter"),
        ("SELECT 1 AS a, 2 AS a", "Two columns of the answer are called 'a'"),
        ("DROP TABLE usage", "Only one SELECT .* SHOW TABLES lists them"),
        ("FROM read_csv('x')", r"The function read_csv is not possible here\. Only one SELECT"),
        ("SELECT 1; SELECT 2", "2 statements"),
        ("SELECT '\udcff'", "not all text"),
    ],
)
def test_a_mistake_is_told_in_a_sentence(cursor: Cursor, text: str, said: str) -> None:
    with pytest.raises((UsageError, TallybookError), match=f"(?s){said}") as caught:
        ask(cursor, text)
    assert caught.value.exit_code == 2
    assert "LINE 1" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["(" * 900 + "SELECT 1" + ")" * 900, "SELECT " + "(" * 9_000 + "1" + ")" * 9_000, "SELECT 1" + "+1" * 30_000],
)
def test_a_statement_nested_deeply_is_answered_or_refused(cursor: Cursor, text: str) -> None:
    with suppress(UsageError):
        ask(cursor, text)


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.text() | st.lists(st.sampled_from([*HOSTILE, *ANSWERS, "(", ")", "'", '"', ";", ","])).map(" ".join))
def test_any_text_is_answered_or_refused(cursor: Cursor, text: str) -> None:
    try:
        ask(cursor, text)
    except TallybookError as exc:
        assert exc.exit_code == 2  # noqa: PT017


def test_a_file_that_was_written_anew_still_has_its_views(store: DuckDBStore) -> None:
    assert store.amend(Amendment((Edit("*.model", lambda _: "gpt-6"),))) > 0
    store.maintain()
    assert store.ask("SELECT model, input_tokens FROM v_usage_daily").to_pylist() == [
        {"model": "gpt-6", "input_tokens": 7}
    ]
    assert store.ask("FROM v_bill_monthly").num_rows == 1


def test_without_a_book_none_is_made(fast_path: Path) -> None:
    with pytest.raises(NotABookError):
        DuckDBStore(fast_path / "none.duckdb").ask("SELECT 1")
    assert list(fast_path.iterdir()) == []


def test_what_is_still_in_the_log_is_read(store: DuckDBStore) -> None:
    with duckdb.connect(str(store.path)) as con:
        con.execute("PRAGMA disable_checkpoint_on_shutdown")
        con.execute("UPDATE costs SET amount = 5")
    assert store.path.with_name("book.duckdb.wal").exists()
    assert store.ask("SELECT amount FROM costs").to_pylist() == [{"amount": Decimal(5)}]


def test_others_in_this_process_wait_meanwhile_and_then_go_on(
    store: DuckDBStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, go = threading.Event(), threading.Event()
    real = duckdb_sql.check

    def slow(*given: Any) -> None:
        inside.set()
        assert go.wait(20)
        real(*given)

    monkeypatch.setattr(duckdb_sql, "check", slow)
    asked: list[Any] = []
    asking = threading.Thread(target=lambda: asked.append(store.ask("SELECT 1 AS a").to_pylist()))
    asking.start()
    assert inside.wait(20)
    reading = threading.Thread(target=lambda: asked.append(store.read("SELECT 2 AS a").to_pylist()))
    reading.start()
    reading.join(0.05)
    assert (reading.is_alive(), asked) == (True, [])
    go.set()
    asking.join(20)
    reading.join(20)
    assert asked == [[{"a": 1}], [{"a": 2}]]


def test_while_somebody_else_in_this_process_uses_the_book_it_says_so(store: DuckDBStore) -> None:
    with store.opened(), pytest.raises(StoreLockedError, match="in use in this process"):
        store.ask("SELECT 1")
    assert store.ask("SELECT 1 AS a").num_rows == 1


def test_a_book_that_may_not_be_read_is_the_same_error_as_ever(store: DuckDBStore) -> None:
    store.path.write_bytes(b"\0" * 8 + b"DUCK" + b"\0" * 4)
    with pytest.raises(StoreError, match=r"book\.duckdb"):
        store.ask("SELECT 1")
