"""What only a book on a PostgreSQL server has: roles, comments, dates for other tools, connections that are lost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tallybook.model.errors import (
    MigrationError,
    NotABookError,
    StoreError,
    StoreLockedError,
    UnknownNameError,
    UsageError,
)
from tallybook.store import sql_store
from tallybook.store.base import Batch, Changes
from tallybook.store.postgres import PostgresStore
from tallybook.store.postgres_schema import READER, WRITER, roles
from tests import postgres
from tests.clock import FakeClock
from tests.store.book import D0, DAY, NOON, cost, read, usage

VIEWS = ("v_usage_daily", "v_tokens", "v_costs_daily", "v_bill_monthly")
CLOCK = FakeClock(dt.datetime.fromtimestamp(NOON, dt.UTC))


def filled(url: str) -> PostgresStore:
    store = PostgresStore(url, CLOCK)
    store.migrate()
    reads = read("completions", D0, D0 + DAY, usage(D0, 7)), read("costs", D0, D0 + DAY, cost(D0, "2.5"))
    store.replace(Batch("acme", "sync_1", reads))
    return store


@pytest.fixture(scope="module")
def url() -> str:
    """A book in a database of its own, with the roles that a DBA makes first, and a login for each."""
    server = postgres.server()
    found = server.database()
    server.run(roles())
    for role in (READER, WRITER):
        server.run(f"CREATE ROLE a_{role} LOGIN PASSWORD 'of {role}' IN ROLE {role}")
    filled(found).close()
    return found


@pytest.fixture
def store(url: str) -> Iterator[PostgresStore]:
    opened = PostgresStore(url, CLOCK)
    yield opened
    opened.close()


def as_role(url: str, role: str) -> str:
    """Return the address of the same book for somebody of a role."""
    return url.replace(f"{postgres.OWNER}:open%20sesame", f"a_{role}:of%20{role}")


def said(url: str, statement: str) -> list[Any]:
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(statement.encode()).fetchall()


def test_everything_public_says_what_it_is(url: str) -> None:
    silent = said(
        url,
        """SELECT c.relname, a.attname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
        WHERE n.nspname = 'tallybook' AND c.relkind IN ('r', 'v')
            AND (coalesce(col_description(c.oid, a.attnum), '') = '' OR coalesce(obj_description(c.oid), '') = '')""",
    )
    assert silent == []
    ((about,),) = said(url, "SELECT obj_description('tallybook.v_bill_monthly'::regclass)")
    assert about == "The bill by UTC month."


@pytest.mark.parametrize("view", VIEWS)
def test_views_tell_time_by_a_date_and_by_a_moment_that_no_session_shifts(url: str, view: str) -> None:
    day = "month" if "month" in view else "day"
    zones = []
    for zone in ("UTC", "America/New_York"):
        with psycopg.connect(url, options=f"-c TimeZone={zone}") as connection:
            (found,) = connection.execute(
                f"SELECT DISTINCT {day}, bucket_start FROM tallybook.{view}".encode()
            ).fetchall()
        zones.append((found[0], found[1].astimezone(dt.UTC)))
    begins = dt.datetime.fromtimestamp(D0, dt.UTC).replace(**({"day": 1} if day == "month" else {}))
    assert zones == [(begins.date(), begins)] * 2


def test_a_reader_sees_what_is_public_and_nothing_behind_it(url: str) -> None:
    reader = as_role(url, READER)
    assert said(reader, "SELECT amount, project_name FROM tallybook.v_costs_daily")[0][1] == "proj_a"
    for statement in ("SELECT * FROM tallybook_internal.directory", "DELETE FROM tallybook.usage"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            said(reader, statement)


def test_roles_that_are_made_later_get_their_rights_from_the_next_migration(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for role in (READER, WRITER):
            connection.execute(f"REVOKE ALL ON SCHEMA tallybook FROM {role}".encode())
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        said(as_role(url, READER), "SELECT * FROM tallybook.costs")
    PostgresStore(url, CLOCK).migrate()
    for role in (READER, WRITER):
        assert said(as_role(url, role), "SELECT count(*) FROM tallybook.costs") == [(1,)]


def test_a_reader_who_syncs_or_asks_is_told_what_a_dba_types(url: str) -> None:
    for call in (PostgresStore.migrate, PostgresStore.orgs, PostgresStore.exists):
        with pytest.raises(StoreError, match=f"GRANT {WRITER} TO a_{READER}") as caught:
            call(PostgresStore(as_role(url, READER), CLOCK))
        assert "of%20" not in str(caught.value)


def test_a_writer_does_all_that_a_sync_does_and_owns_nothing(url: str) -> None:
    writer = PostgresStore(as_role(url, WRITER), CLOCK)
    writer.migrate()
    changes = writer.replace(Batch("acme", "sync_2", (read("completions", D0, D0 + DAY, usage(D0, 8), at=NOON + DAY),)))
    assert (changes.inserted, changes.removed) == (1, 1)
    writer.replace(Batch("acme", "sync_2", (read("completions", D0, D0 + DAY, usage(D0, 7), at=NOON + DAY),)))
    writer.close()
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        said(as_role(url, WRITER), "DROP TABLE tallybook.usage")


def test_no_password_is_ever_shown(url: str, caplog: pytest.LogCaptureFixture) -> None:
    store = PostgresStore(url.replace("open%20sesame", "wrong%20secret"), CLOCK)
    with pytest.raises(StoreError, match="password") as caught:
        store.orgs()
    for text in (str(caught.value), repr(store), store.url, caplog.text):
        assert "secret" not in text
    with pytest.raises(UsageError) as refused:
        PostgresStore("postgresql://me:secret@here/db?no_such_option=1", CLOCK)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda url: url.rpartition("/")[0] + "/nowhere", r"no database 'nowhere'.*createdb nowhere"),
        (lambda url: f"{url}?sslmode=require", "sslmode"),
        (lambda url: f"{url}?sslmode=verify-full&sslrootcert=/nowhere.pem", "SSL.*sslrootcert"),
        (lambda _: "postgresql://me@127.0.0.1:1/books", r"Cannot reach .*pg_isready -h 127\.0\.0\.1"),
    ],
)
def test_where_there_is_no_way_in_the_error_says_what_to_do(url: str, change: Any, words: str) -> None:
    with pytest.raises(StoreError, match=words):
        PostgresStore(change(url), CLOCK).migrate()


def test_tables_of_somebody_else_are_left_alone() -> None:
    url = postgres.server().database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA tallybook; CREATE TABLE tallybook.usage (mine INTEGER)")
    with pytest.raises(NotABookError, match="left as it is"):
        PostgresStore(url, CLOCK).migrate()
    assert said(url, "SELECT count(*) FROM pg_tables WHERE schemaname LIKE 'tallybook%'") == [(1,)]


def test_a_book_of_a_newer_tallybook_is_left_as_it_is() -> None:
    url = postgres.server().database()
    filled(url).close()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("INSERT INTO tallybook_internal.migrations VALUES (9999, 'later', now())")
    for call in (PostgresStore.migrate, PostgresStore.orgs):
        with pytest.raises(MigrationError, match=r"newer tallybook \(migration 9999\)"):
            call(PostgresStore(url, CLOCK))


def test_an_older_book_is_brought_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    from tallybook.store import migrations as ours
    from tallybook.store import postgres as module
    from tallybook.store import postgres_schema

    url = postgres.server().database()
    older = tuple(m for m in ours.migrations() if m[0] < 11)
    with monkeypatch.context() as patch:
        for each in (module, postgres_schema):
            patch.setattr(each, "migrations", lambda: older)
        PostgresStore(url, CLOCK).migrate()
    with pytest.raises(MigrationError, match="older than this tallybook"):
        PostgresStore(url, CLOCK).orgs()
    PostgresStore(url, CLOCK).migrate()
    store = filled(url)
    assert store.read("SELECT count(*) AS n FROM v_tokens").to_pylist() == [{"n": 1}]
    store.close()


def kill_others(url: str) -> None:
    """End every other connection to the database, as a restart does."""
    said(url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
              "WHERE datname = current_database() AND pid <> pg_backend_pid()")  # fmt: skip


def test_a_connection_lost_between_calls_is_made_anew(url: str, store: PostgresStore) -> None:
    assert store.orgs() == {"acme"}
    kill_others(url)
    assert store.orgs() == {"acme"}
    kill_others(url)
    store.put("orgs", [{"org": "acme", "first_seen": dt.datetime(2026, 11, 1)}], key=["org"])  # noqa: DTZ001
    assert len(store.rows("orgs")) == 1


@pytest.mark.parametrize("times", [1, 3])
def test_a_connection_lost_in_the_middle_of_a_write_loses_nothing(
    url: str, store: PostgresStore, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    real, left = sql_store.write, [None] * times

    def interrupted(*args: Any) -> Changes:
        changes = real(*args)
        if left:
            left.pop()
            kill_others(url)
        return changes

    monkeypatch.setattr(sql_store, "write", interrupted)
    when = D0 + (10 + times) * DAY
    changes = store.replace(
        Batch("acme", "sync_3", (read("completions", when, when + DAY, usage(when, 3), at=when + DAY),))
    )
    assert changes.inserted == 1
    assert left == []
    assert store.totals("acme", "completions", when, when + DAY)["input_tokens"] == 3


def test_a_commit_whose_answer_is_lost_is_not_done_twice(
    url: str, store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, lost = psycopg.Connection.execute, []

    def loses(self: Any, query: Any, *args: Any, **more: Any) -> Any:
        done = real(self, query, *args, **more)
        if query == "COMMIT" and not lost:
            lost.append(query)
            self.close()
            raise psycopg.OperationalError("server closed the connection unexpectedly")
        return done

    monkeypatch.setattr(psycopg.Connection, "execute", loses)
    before = store.rows("book")[0]["version"]
    store.put("notes", [{"org": "acme", "start_time": dt.datetime(2026, 1, 1), "end_time": dt.datetime(2026, 1, 2),  # noqa: DTZ001
                         "kind": "mine", "text": "once", "recorded_at": dt.datetime(2026, 1, 2)}])  # fmt: skip # noqa: DTZ001
    assert lost
    assert len(store.rows("notes", {"text": "once"})) == 1
    assert store.rows("book")[0]["version"] == before + 1


def test_who_reads_never_waits_for_who_writes(url: str, store: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> None:
    real, seen = sql_store.write, []

    def watched(*args: Any) -> Changes:
        changes = real(*args)
        with psycopg.connect(url, options="-c lock_timeout=1000"):
            seen.append(PostgresStore(url, CLOCK).totals("acme", "completions", D0, D0 + DAY)["input_tokens"])
        return changes

    monkeypatch.setattr(sql_store, "write", watched)
    store.replace(Batch("acme", "sync_4", (read("completions", D0, D0 + DAY, usage(D0, 70), at=NOON + DAY),)))
    assert seen == [7]
    monkeypatch.undo()
    store.replace(Batch("acme", "sync_4", (read("completions", D0, D0 + DAY, usage(D0, 7), at=NOON + DAY),)))


def test_a_second_sync_is_told_who_holds_the_first(url: str, store: PostgresStore) -> None:
    other = PostgresStore(as_role(url, WRITER), CLOCK)
    named = rf"tallybook sync acme \(.*user a_{WRITER}"
    with other.syncing("acme"), pytest.raises(StoreLockedError, match=named), store.syncing("acme"):
        pass
    with store.syncing("acme"):
        pass


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("SELECT * FROM tallybook_internal.directory", "permission denied"),
        ("DELETE FROM usage", "Only one SELECT"),
        ("WITH gone AS (DELETE FROM usage RETURNING 1) SELECT * FROM gone", "permission denied|read-only"),
        ("SELECT 1; DELETE FROM usage", "cannot insert multiple commands|Only one SELECT"),
        ("SELECT set_config('role', 'none', true)", "set_config is not possible"),
        ("SELECT query_to_xml('SELECT 1', true, true, '')", "query_to_xml is not possible"),
        ("SELECT pg_read_file('/etc/passwd')", "pg_read_file is not possible"),
        ("SELECT nothing FROM usage", 'column "nothing" does not exist'),
        ("SELECT 1 AS a, 2 AS a", "Two columns"),
    ],
)
def test_own_sql_reaches_nothing_but_what_is_public(url: str, store: PostgresStore, statement: str, words: str) -> None:
    postgres.server().run(f"GRANT {READER} TO {postgres.OWNER}")
    with pytest.raises((UsageError, UnknownNameError), match=words):
        store.ask(statement)
    assert store.ask("SELECT day, SUM(amount) AS n FROM v_costs_daily GROUP BY 1").num_rows == 1


def test_own_sql_without_the_role_says_what_a_dba_types(url: str) -> None:
    with pytest.raises(UsageError, match=f"GRANT {READER} TO a_{WRITER}"):
        PostgresStore(as_role(url, WRITER), CLOCK).ask("SELECT 1 AS a")


def test_the_version_is_another_after_every_write(store: PostgresStore) -> None:
    seen = [store.version(), store.version()]
    store.put("orgs", [{"org": "acme", "first_seen": dt.datetime(2026, 11, 1)}], key=["org"])  # noqa: DTZ001
    assert seen[0] == seen[1] != store.version()
