"""What is particular to a book in one DuckDB file: sharing it, refusing what is no book, and the layout."""

import datetime as dt
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from tallybook.model.datasets import MEASURES
from tallybook.model.errors import MigrationError, NotABookError, StoreError
from tallybook.model.schema import COSTS_TABLE, USAGE_TABLE
from tallybook.model.windows import naive
from tallybook.store import duckdb as duckdb_store
from tallybook.store import duckdb_file, duckdb_sizes
from tallybook.store.base import Batch
from tallybook.store.duckdb import DuckDBStore
from tallybook.store.duckdb_engine import BLOCK, engine_of
from tallybook.store.migrations import migrations
from tests.store.book import D0, DAY, StoreUnderTest, make_room, read, usage

BATCH = Batch("acme", "sync_1", (read("completions", D0, D0 + DAY, usage(D0)),))
USES: dict[str, Callable[[DuckDBStore], object]] = {
    "migrate": lambda s: s.migrate(),
    "replace": lambda s: s.replace(BATCH),
    "read": lambda s: s.read("SELECT 1"),
    "coverage": lambda s: s.coverage("acme", ["costs"]),
    "put": lambda s: s.put("notes", [{"org": "acme"}]),
    "maintain": lambda s: s.maintain(),
}


@contextmanager
def unprivileged() -> Iterator[None]:
    """Lose root's right to write anywhere."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(0)


def foreign_table(path: Path) -> None:
    with duckdb.connect(str(path)) as con:
        con.execute("CREATE TABLE usage AS SELECT 42 AS answer")


def foreign_view(path: Path) -> None:
    with duckdb.connect(str(path)) as con:
        con.execute("CREATE VIEW answer AS SELECT 42 AS answer")


def foreign_migrations(path: Path) -> None:
    with duckdb.connect(str(path)) as con:
        con.execute("CREATE SCHEMA internal")
        con.execute("CREATE TABLE internal.migrations AS SELECT 1 AS number")


NO_BOOKS: dict[str, Callable[[Path], object]] = {
    "text": lambda p: p.write_text("Dear diary,\nthis is a text file, longer than a header is.\n"),
    "empty": lambda p: p.write_bytes(b""),
    "torn": lambda p: p.write_bytes(b"\0" * 8 + b"DUCK" + b"\0" * 4),
    "table": foreign_table,
    "view": foreign_view,
    "migrations of something else": foreign_migrations,
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("kind", NO_BOOKS)
def test_a_file_that_is_no_book_is_refused_and_left_as_it_is(fast_path: Path, kind: str, use: str) -> None:
    path = fast_path / "other.duckdb"
    NO_BOOKS[kind](path)
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"other\.duckdb") as caught:
        USES[use](DuckDBStore(path))
    assert kind == "torn" or isinstance(caught.value, NotABookError)
    assert path.read_bytes() == before
    assert [p.name for p in fast_path.iterdir()] == ["other.duckdb"]


def test_a_folder_is_no_book(fast_path: Path) -> None:
    for use in USES.values():
        with pytest.raises(NotABookError, match="is not a file"):
            use(DuckDBStore(fast_path))
    assert list(fast_path.iterdir()) == []


def test_a_file_that_takes_the_place_of_a_book_is_looked_at_anew(fast_path: Path) -> None:
    path = fast_path / "book.duckdb"
    store = DuckDBStore(path)
    store.migrate()
    store.replace(BATCH)
    with duckdb.connect(str(path)) as con:
        con.execute("DROP SCHEMA internal CASCADE")
    with pytest.raises(NotABookError, match="not a tallybook book"):
        store.replace(BATCH)


@pytest.mark.parametrize("use", USES)
def test_a_book_of_a_newer_tallybook_is_refused_with_advice(fast_path: Path, use: str) -> None:
    path = fast_path / "book.duckdb"
    DuckDBStore(path).migrate()
    with duckdb.connect(str(path)) as con:
        con.execute("INSERT INTO internal.migrations VALUES (999, 'future', TIMESTAMP '2030-01-01')")
    before = path.read_bytes()
    with pytest.raises(MigrationError, match=r"migration 999.*pip install -U tallybook"):
        USES[use](DuckDBStore(path))
    assert path.read_bytes() == before


def test_a_book_whose_making_was_cut_short_is_made_whole(fast_path: Path) -> None:
    path = fast_path / "book.duckdb"
    duckdb.connect(str(path)).close()
    with pytest.raises(NotABookError, match=r"nothing in .* yet. `tallybook sync` fills it"):
        DuckDBStore(path).read("SELECT 1")
    DuckDBStore(path).migrate()
    assert DuckDBStore(path).rows("notes") == []


def test_refusals_of_a_book_that_had_no_history_of_them_stand_since_they_were_learned(
    fast_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = fast_path / "book.duckdb"
    with monkeypatch.context() as patch:
        for module in (duckdb_store, duckdb_file):
            patch.setattr(module, "migrations", lambda: migrations()[:1])
        DuckDBStore(path).migrate()
    learned = naive(D0)
    with duckdb.connect(str(path)) as con:
        con.execute(
            "INSERT INTO internal.refusals VALUES ('acme', 'costs', ?, ?, NULL, NULL, 'too old', 1, ?, NULL)",
            [naive(D0 - DAY), learned, learned],
        )
    with pytest.raises(MigrationError, match=r"older than this tallybook. `tallybook sync` brings it up to date"):
        DuckDBStore(path).read("SELECT 1")
    store = DuckDBStore(path)
    store.migrate()
    assert [row["reason"] for row in store.rows("refusals", None, learned)] == ["too old"]
    assert store.rows("refusals", None, learned - dt.timedelta(microseconds=1)) == []
    given = read("costs", D0 - DAY, D0)
    store.replace(Batch("acme", "sync_2", (given,)))
    assert store.rows("refusals") == []
    assert [row["reason"] for row in store.rows("refusals", None, learned)] == ["too old"]


def test_a_missing_folder_is_named(fast_path: Path) -> None:
    store = DuckDBStore(fast_path / "missing" / "book.duckdb")
    with pytest.raises(StoreError, match="missing does not exist"):
        store.migrate()
    with pytest.raises(StoreError, match="missing does not exist"), store.syncing("acme"):
        pass
    assert list(fast_path.iterdir()) == []


def test_a_folder_that_may_not_be_written_is_named(fast_path: Path) -> None:
    fast_path.chmod(0o555)
    store = DuckDBStore(fast_path / "book.duckdb")
    with unprivileged():
        with pytest.raises(StoreError, match=r"Cannot write the book .*book\.duckdb: permission denied"):
            store.migrate()
        with pytest.raises(StoreError, match="Cannot write beside the book"), store.syncing("acme"):
            pass
    assert list(fast_path.iterdir()) == []


def test_a_book_that_may_only_be_read_can_be_read(fast_path: Path) -> None:
    path = fast_path / "book.duckdb"
    store = DuckDBStore(path)
    store.migrate()
    store.replace(BATCH)
    path.chmod(0o444)
    fast_path.chmod(0o555)
    before = path.read_bytes()
    with unprivileged():
        assert store.read("SELECT input_tokens FROM usage").to_pylist() == [{"input_tokens": 1}]
        for use in ("replace", "put"):
            with pytest.raises(StoreError, match="Cannot write the book"):
                USES[use](store)
    assert path.read_bytes() == before


def test_a_book_that_may_not_be_read_is_named(fast_path: Path) -> None:
    path = fast_path / "book.duckdb"
    DuckDBStore(path).migrate()
    path.chmod(0)
    fast_path.chmod(0o755)
    with unprivileged(), pytest.raises(StoreError, match=r"Cannot read the book .*[Pp]ermission denied"):
        DuckDBStore(path).read("SELECT 1")


def test_a_path_and_a_link_to_it_share_one_instance(fast_path: Path) -> None:
    store = DuckDBStore(fast_path / "book.duckdb")
    store.migrate()
    link = fast_path / "link.duckdb"
    link.symlink_to(store.path)
    with store.opened():
        DuckDBStore(link).replace(BATCH)
        assert store.read("SELECT count(*) AS n FROM usage").to_pylist() == [{"n": 1}]


def test_what_a_thread_reads_still_is_of_one_moment_and_others_see_what_is_new(fast_path: Path) -> None:
    store = DuckDBStore(fast_path / "book.duckdb")
    store.migrate()

    def count() -> object:
        return store.read("SELECT count(*) AS n FROM usage").to_pylist()[0]["n"]

    with ThreadPoolExecutor(1) as others, store.opened(still=True):
        assert count() == 0
        others.submit(store.replace, BATCH).result()
        assert (count(), others.submit(count).result()) == (0, 1)
        with store.opened(still=True):
            assert count() == 0
        assert count() == 0
    assert count() == 1


def test_what_is_streamed_leaves_little_in_memory(fast_path: Path) -> None:
    store = DuckDBStore(fast_path / "book.duckdb")
    store.migrate()
    used = "SELECT current_setting('memory_limit') AS memory, current_setting('threads') AS threads"
    (before,) = store.read(used).to_pylist()
    with store.streaming() as stream:
        assert stream(used, []).read_all().to_pylist() == [{"memory": "122.0 MiB", "threads": 2}]
    assert store.read(used).to_pylist() == [before]
    assert before["memory"] != "122.0 MiB"


def test_a_variable_of_the_program_is_no_table(book: StoreUnderTest) -> None:
    secret = pa.table({"a": [1]})
    with pytest.raises(StoreError, match="secret"):
        book.store.read("SELECT * FROM secret")
    assert secret.num_rows == 1


def test_the_public_tables_are_laid_out_as_the_schema_says(book: StoreUnderTest) -> None:
    for name, schema in (("usage", USAGE_TABLE), ("costs", COSTS_TABLE)):
        found = book.store.read(f"SELECT * FROM {name} LIMIT 0").schema
        assert [(f.name, f.type) for f in found] == [(f.name, f.type) for f in schema]


def test_history_has_the_columns_of_its_facts_and_why_they_were_replaced(book: StoreUnderTest) -> None:
    for name in ("usage", "costs"):
        facts = book.store.read(f"SELECT * FROM {name} LIMIT 0").schema
        history = book.store.read(f"SELECT * FROM internal.{name}_history LIMIT 0").schema
        assert list(history)[: len(facts)] == list(facts)
        assert history.names[len(facts) :] == ["replaced_at", "reason", "absent"]


def test_every_measure_has_its_column_and_daily_sums(book: StoreUnderTest) -> None:
    for table in ("usage", "internal.usage_history"):
        assert set(MEASURES) <= set(book.store.read(f"SELECT * FROM {table} LIMIT 0").schema.names)
    flows = {m.name for m in MEASURES.values() if m.kind == "flow"}
    levels = {f"{m.name}_seconds" for m in MEASURES.values() if m.kind == "level"}
    for table in ("usage_daily", "usage_daily_narrow"):
        names = book.store.read(f"SELECT * FROM internal.{table} LIMIT 0").schema.names
        assert flows | levels <= set(names)


def test_where_much_is_free_tidying_up_gives_it_back(fast_path: Path) -> None:
    path = fast_path / "book.duckdb"
    duckdb.connect(str(path)).close()  # with the blocks of an older book
    store = DuckDBStore(path)
    store.migrate()
    store.replace(BATCH)
    make_room(path, 6_000_000)
    before, held, size = store.sizes(), store.read("FROM usage").to_pylist(), path.stat().st_size
    assert before.free > 6_000_000
    store.maintain()
    after = store.sizes()
    assert (after.free, after.rows) == (0, before.rows)
    assert path.stat().st_size < size - 6_000_000
    assert store.read("FROM usage").to_pylist() == held
    assert store.read("SELECT block_size FROM pragma_database_size()").to_pylist()[0]["block_size"] == BLOCK


def test_where_little_is_free_or_much_is_held_the_file_stays(fast_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = fast_path / "book.duckdb"
    store = DuckDBStore(path)
    store.migrate()
    make_room(path, 1_000_000)
    inode = path.stat().st_ino
    store.maintain()
    assert store.sizes().free > 1_000_000
    make_room(path, 6_000_000)
    monkeypatch.setattr(duckdb_sizes, "_LARGE", 1 << 10)
    store.maintain()
    assert path.stat().st_ino == inode


def test_ctrl_c_while_the_file_is_let_go_is_ctrl_c_and_lets_it_go(fast_path: Path) -> None:
    class Interrupted:
        def __init__(self, root: duckdb.DuckDBPyConnection) -> None:
            self.root = root

        def execute(self, text: str) -> object:
            if text.startswith("DETACH"):
                raise RuntimeError("Query interrupted")  # as DuckDB says it
            return self.root.execute(text)

        def __getattr__(self, name: str) -> object:
            return getattr(self.root, name)

    store = DuckDBStore(fast_path / "book.duckdb")
    store.migrate()
    engine = engine_of((fast_path / "book.duckdb").resolve())
    root: Any = engine._root
    with pytest.raises(KeyboardInterrupt), store.opened():
        engine._root = Interrupted(root)  # type: ignore[assignment]
    assert engine._root is None
    assert store.read("SELECT 1 AS one").to_pylist() == [{"one": 1}]


def test_a_new_book_gives_out_space_in_small_blocks(fast_path: Path) -> None:
    store = DuckDBStore(fast_path / "book.duckdb")
    store.migrate()
    store.replace(Batch("acme", "s", (read("completions", D0, D0 + DAY, usage(D0)),)))
    store.maintain()
    assert set(store.sizes().bytes.values()) == {0, BLOCK}
