"""The store of a team: a schema on a PostgreSQL server."""

from __future__ import annotations

import hashlib
import logging
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
import pyarrow as pa

from tallybook.model.clock import Clock
from tallybook.model.errors import MigrationError, NotABookError, StoreError, StoreLockedError
from tallybook.store import line_items, postgres_schema, postgres_sql, rebuilt, rolling
from tallybook.store.base import Provable, Sizes, Store
from tallybook.store.migrations import UNFINISHED, migrations, unfinished
from tallybook.store.postgres_server import Server
from tallybook.store.postgres_session import PostgresSession
from tallybook.store.postgres_words import Names
from tallybook.store.session import Session
from tallybook.store.sql_store import SqlStore

log = logging.getLogger(__name__)

T = TypeVar("T")
_LOCK_SECONDS = 5.0
_LOCK = "SELECT version FROM internal.book FOR UPDATE"
"""Whoever writes begins with it, and so writes alone; readers never wait."""
_APPLIED = """SELECT c.relname, has_schema_privilege(n.oid, 'USAGE') FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'v') AND n.nspname = ANY (ARRAY[?::TEXT, ?::TEXT])"""

_ROLES = "SELECT count(*) FROM pg_catalog.pg_roles WHERE rolname = ANY (ARRAY[?::TEXT, ?::TEXT])"

_UNGRANTED = """SELECT r.rolname FROM pg_catalog.pg_roles AS r JOIN pg_catalog.pg_namespace AS n ON n.nspname = ?
WHERE r.rolname IN (?, ?) AND pg_has_role(n.nspowner, 'USAGE') AND NOT has_schema_privilege(r.oid, n.oid, 'USAGE')"""
"""Roles that were made after the book, where whoever asks may grant."""


class PostgresStore(SqlStore):
    """A book in two schemas of a PostgreSQL database. They are created by `migrate`, by nothing else."""

    dialect = "postgresql"

    def __init__(
        self,
        url: str,
        clock: Clock | None = None,
        *,
        names: Names | None = None,
        lock_seconds: float = _LOCK_SECONDS,
    ) -> None:
        """`lock_seconds` is how long to wait for another sync of an organization to end."""
        super().__init__(clock)
        self._address = url
        self._names = names or Names()
        self._server = Server(url, self._names, self._clock)
        self.url = self._server.shown
        self._lock_seconds = lock_seconds
        self._is_current = False
        self._mine = threading.local()

    def __repr__(self) -> str:
        return f"<PostgresStore {self.url}>"

    def exists(self) -> bool:
        """Return whether there is a book; never creates one."""
        return bool(self._server.tried(self._look))

    def _look(self) -> set[int]:
        with self._server.reading() as session:
            return self._applied(session)

    def _applied(self, session: PostgresSession) -> set[int]:
        """Return the numbers of the applied migrations, none where there is nothing.

        Raises `NotABookError` for somebody else's tables and `MigrationError` for a book of a newer tallybook.
        """
        found = dict(session.execute(_APPLIED, [self._names.public, self._names.internal]).fetchall())
        if not found:
            return set()
        if "migrations" not in found:
            raise NotABookError(
                f"The schema {self._names.public} at {self.url} holds no tallybook book; it was left as it is. Name "
                "another database with --book."
            )
        if not found["migrations"]:
            raise StoreError(
                f"{session.user} may only read the public tables of {self.url}. Syncs and questions need the role of "
                f"a writer; a DBA types: GRANT {postgres_schema.WRITER} TO {session.user}"
            )
        done = {row[0] for row in session.execute("SELECT number FROM internal.migrations").fetchall()}
        if newer := done - {UNFINISHED, *(number for number, _, _ in migrations())}:
            raise MigrationError(
                f"The book {self.url} was written by a newer tallybook (migration {max(newer)}); it was left as it "
                "is. Upgrade: pip install -U tallybook"
            )
        return done

    def migrate(self) -> None:
        """Create the book, or bring an older one up to this version's schema."""
        self._server.tried(self._migrate)

    def _migrate(self) -> None:
        done = self._look()
        missing = [step for step in postgres_schema.steps(self._names) if step[0] not in done]
        if missing:
            number = _number(self._names.public)
            with self._server.writing(f"SELECT pg_advisory_xact_lock({number})") as session:
                done = self._applied(session)
                missing = [step for step in missing if step[0] not in done]
                if missing:
                    self._apply(session, missing, is_new=not done)
                if done and missing:
                    rolling.refill(session)
        with self._server.writing(_LOCK) as session:
            line_items.refresh(session)
            lacking = [self._names.public, postgres_schema.READER, postgres_schema.WRITER]
            if session.execute(_UNGRANTED, lacking).fetchall():
                self._grant(session)

    def _grant(self, session: PostgresSession) -> None:
        """Give the roles their rights, where a DBA has made both."""
        if session.execute(_ROLES, [postgres_schema.READER, postgres_schema.WRITER]).fetchone() == (2,):
            session.run(postgres_schema.grants(self._names))

    def _apply(self, session: PostgresSession, missing: list[tuple[int, str, str]], *, is_new: bool) -> None:
        now = self._now()
        if is_new:
            session.run(postgres_schema.beginning(self._names))
        for i, (number, name, text) in enumerate(missing):
            log.info("migration %d: %s", number, name)
            session.run(text)
            session.execute("INSERT INTO internal.migrations VALUES (?, ?, ?)", [number, name, now])
            if is_new and i == 0:
                session.execute(
                    "INSERT INTO internal.book (book_id, created_at, last_commit, version) VALUES (?, ?, ?, 0)",
                    [uuid.uuid4().hex, now, now],
                )
        session.run(postgres_schema.ending(self._names, is_new=is_new))
        self._grant(session)

    def ddl(self) -> str:
        """Return every statement that makes a new book, for somebody who runs them by hand; asks no server."""
        return postgres_schema.whole(self._names)

    def ask(self, text: str) -> pa.Table:
        """Return the answer to somebody's own SELECT over the public tables and views; all else is refused."""
        self._must_be_current()
        with self._server.explained(), self._server.reading() as session:
            return postgres_sql.ask(session.connection, session.user, text)

    @contextmanager
    def syncing(self, org: str) -> Iterator[None]:
        """Hold the lock of `org`'s syncs; raises `StoreLockedError` that names the holder."""
        number = _number(f"{self._names.public} {org}")
        connection = self._server.tried(lambda: self._server.connect(f" sync {org}"))
        try:
            deadline = self._clock.monotonic() + self._lock_seconds
            while not _is_locked(connection, number):
                if self._clock.monotonic() >= deadline:
                    who = f"Another sync of {org!r} into {self.url} is running{_holder(connection, number)}."
                    raise StoreLockedError(f"{who} Wait until it is done.")
                self._clock.sleep(0.1)
            yield
        finally:
            connection.close()

    def version(self) -> str:
        """Return which book it is, and a number that every write makes larger."""
        if not self.exists():
            return "none"
        (row,) = self.read("SELECT book_id, version FROM internal.book").to_pylist()
        return f"{row['book_id']}-{row['version']}"

    @contextmanager
    def opened(self, *, still: bool = False) -> Iterator[None]:
        """Connections stay for the next call anyway; with `still` this thread reads all of one moment."""
        self._must_be_current()
        if not still:
            yield
            return
        with self._reading() as session:
            before, self._mine.session = self._still, session
            try:
                yield
            finally:
                self._mine.session = before

    @property
    def _still(self) -> Session | None:
        """What this thread reads with, where that is of one moment."""
        found: Session | None = getattr(self._mine, "session", None)
        return found

    def _must_be_current(self) -> None:
        if self._is_current:
            return
        done = self._server.tried(self._look)
        if not done:
            raise NotABookError(f"There is no book at {self.url}. `tallybook sync` creates it.")
        if {number for number, _, _ in migrations()} - done:
            raise MigrationError(
                f"The book {self.url} is older than this tallybook. `tallybook sync` brings it up to date."
            )
        if UNFINISHED in done and not self.may_be_unfinished:
            raise StoreError(unfinished(self.url))
        self._is_current = True

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        if self._still is not None:
            with self._server.explained():
                yield self._still
            return
        self._must_be_current()
        with self._server.explained(), self._server.reading() as session:
            yield session

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        self._must_be_current()
        with self._server.writing(_LOCK) as session:
            yield session

    def look(self, work: Callable[[Session], T]) -> T:
        if self._still is not None:  # what is lost of one moment cannot be read at another
            return super().look(work)
        return self._server.tried(lambda: super(PostgresStore, self).look(work))

    def change(self, work: Callable[[Session], T]) -> T:
        return self._server.tried(lambda: super(PostgresStore, self).change(work))

    @contextmanager
    def beside(self, clock: Clock) -> Iterator[Store]:
        """Return a new store with a clock of its own beside this one, which is thrown away at the end."""
        other = PostgresStore(self._address, clock, names=self._names.rebuilt)
        self._drop(self._names.rebuilt)
        try:
            yield other
        finally:
            other.close()
            self._drop(self._names.rebuilt)

    def _drop(self, names: Names) -> None:
        with self._server.explained(), self._server.connection() as connection:
            for schema in (names.public, names.internal):
                connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE".encode())

    @contextmanager
    def _compared(self, other: Store, provable: Provable) -> Iterator[Session]:  # noqa: ARG002 - SQL knows where it is
        with self._server.explained(), self._writing() as session, rebuilt.compared(session, provable):
            yield session

    def sizes(self) -> Sizes:
        """Return how many rows and bytes every table has, and the whole."""
        return self.look(lambda session: _sizes(session, self._names))

    def maintain(self) -> None:
        """Give back what nothing stands in any more, and let the server learn how much there is."""
        self._must_be_current()
        is_due = bool(self.rows("book")[0]["rewrite_due"])
        with self._server.explained(), self._server.connection() as connection:
            kind = "VACUUM (FULL, ANALYZE)" if is_due else "VACUUM (ANALYZE)"
            for table, _ in _tables(PostgresSession(connection, self._names), self._names):
                connection.execute(f"{kind} {table}".encode())
        if is_due:
            self.change(lambda session: session.execute("UPDATE internal.book SET rewrite_due = false"))

    def close(self) -> None:
        """Let go of the connections."""
        self._server.close()


def _number(text: str) -> int:
    """Return the number of an advisory lock."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], signed=True)


def _is_locked(connection: psycopg.Connection[Any], number: int) -> bool:
    """Return whether the lock of a number is ours now."""
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", [number]).fetchone()
    return bool(row and row[0])


def _holder(connection: psycopg.Connection[Any], number: int) -> str:
    row = connection.execute(
        "SELECT a.application_name, a.usename FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid "
        "WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 "
        "AND (l.classid::bigint << 32 | l.objid::bigint) = %s",
        [number],
    ).fetchone()
    return f" ({row[0]}, user {row[1]})" if row else ""


_PLACES = """SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname), c.relname,
    pg_total_relation_size(c.oid) FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname = ANY (ARRAY[?::TEXT, ?::TEXT]) ORDER BY 1"""


def _tables(session: PostgresSession, names: Names) -> list[tuple[str, int]]:
    return [(place, size) for place, _, size in session.execute(_PLACES, [names.public, names.internal]).fetchall()]


def _sizes(session: Session, names: Names) -> Sizes:
    found = session.execute(_PLACES, [names.public, names.internal]).fetchall()
    counts = " UNION ALL ".join(f"SELECT '{name}', count(*) FROM {place}" for place, name, _ in found)
    rows = dict(session.execute(counts).fetchall())
    taken = {name: size if rows[name] else 0 for _, name, size in found}
    total = sum(size for _, _, size in found)
    return Sizes(rows=rows, bytes=taken, free=total - sum(taken.values()), total=total)
