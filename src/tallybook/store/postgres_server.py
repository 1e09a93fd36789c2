"""Connections to a PostgreSQL server: kept for the next call, made anew when lost, their errors explained."""

from __future__ import annotations

import logging
import os
import socket
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, TypeVar
from urllib.parse import quote

import psycopg
from psycopg.conninfo import conninfo_to_dict

from tallybook.model.clock import Clock
from tallybook.model.errors import StoreError, UsageError
from tallybook.store.postgres_schema import WRITER
from tallybook.store.postgres_session import PostgresSession
from tallybook.store.postgres_words import Names

log = logging.getLogger(__name__)

T = TypeVar("T")

_IDLE = 4
"""How many connections are kept."""
_CONNECT_SECONDS = 10
_LOST = ("08", "57P01", "57P02", "57P03")
"""How the codes of errors begin after which the server may be back soon."""
_AGAIN = ("40001", "40P01")
"""Codes of transactions that the server undid in favour of others."""
_WAITS = (0.1, 0.3, 1.0, 3.0, 6.0, 10.0)
"""Seconds between tries: a server that restarts is back within."""
_DENIED = "42501"


class LostError(StoreError):
    """The connection was lost, or the server undid a transaction in favour of another; nothing was committed."""

    def __init__(self, where: str) -> None:
        super().__init__(f"The connection to {where} was lost, and nothing was committed. Try again.")


class UnreachableServerError(StoreError):
    """There is no connection."""


class Server:
    """A database, as one URL names it. Safe to use from several threads."""

    def __init__(self, url: str, names: Names, clock: Clock) -> None:
        self._url = url
        self.names = names
        self.shown = shown(url)
        self._user = str(conninfo_to_dict(url).get("user") or "the user")
        self._clock = clock
        self._lock = threading.Lock()
        self._idle: list[psycopg.Connection[Any]] = []
        self._process = os.getpid()
        weakref.finalize(self, _close, self._idle, self._process)

    def connect(self, purpose: str = "") -> psycopg.Connection[Any]:
        """Return a new connection; `purpose` is what the server shows of it."""
        where = f"{socket.gethostname()}, process {os.getpid()}"
        given = conninfo_to_dict(self._url)
        options = {"connect_timeout": _CONNECT_SECONDS, "application_name": f"tallybook{purpose} ({where})"[:63]}
        options = {k: v for k, v in options.items() if k not in given}
        try:
            # Plans for any value are worse than planning again, and poolers forget what was prepared.
            return psycopg.connect(self._url, autocommit=True, prepare_threshold=None, **options)  # type: ignore[arg-type]
        except psycopg.OperationalError as exc:
            raise UnreachableServerError(_unreachable(self.shown, given, str(exc))) from exc

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection[Any]]:
        """Yield a connection outside of any transaction."""
        connection = self._take() or self.connect()
        try:
            yield connection
        finally:
            self._give(connection)

    def _take(self) -> psycopg.Connection[Any] | None:
        with self._lock:
            if self._process != os.getpid():  # a child must not speak where its parent does
                self._idle, self._process = [], os.getpid()
            return self._idle.pop() if self._idle else None

    def _give(self, connection: psycopg.Connection[Any]) -> None:
        is_idle = not connection.closed and connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        with self._lock:
            if is_idle and len(self._idle) < _IDLE:
                self._idle.append(connection)
                return
        connection.close()

    def close(self) -> None:
        """Let go of all connections that are kept."""
        with self._lock:
            _close(self._idle, self._process)

    def tried(self, work: Callable[[], T]) -> T:
        """Do `work`, again where the connection was lost; what was committed all the same is not done twice."""
        was_there = False
        for seconds in _WAITS:
            try:
                with self.explained():
                    return work()
            except UnreachableServerError:
                if not was_there:
                    raise
            except LostError:
                was_there = True
                self.close()
            log.warning("the connection to %s was lost; trying again", self.shown)
            self._clock.sleep(seconds)
        with self.explained():
            return work()

    def _is_committed(self, xid: str) -> bool:
        """Return whether a transaction was committed; waits for one that still runs."""
        for seconds in _WAITS:
            try:
                with self.connection() as connection:
                    (status,) = connection.execute("SELECT pg_xact_status(%s::xid8)", [xid]).fetchone() or (None,)
            except (psycopg.OperationalError, UnreachableServerError):
                status = "in progress"
            if status != "in progress":
                return bool(status == "committed")
            self._clock.sleep(seconds)
        raise StoreError(f"The connection to {self.shown} was lost, and it is not known whether the last commit is "
                         "there. Run `tallybook sync` again.")  # fmt: skip

    @contextmanager
    def reading(self) -> Iterator[PostgresSession]:
        """Yield a transaction that cannot write, all of one moment."""
        with self.connection() as connection:
            self._begin(connection, "ISOLATION LEVEL REPEATABLE READ READ ONLY")
            session = PostgresSession(connection, self.names)
            try:
                yield session
            finally:
                with suppress(psycopg.Error):
                    session.close()
                    connection.execute("ROLLBACK")

    @contextmanager
    def writing(self, lock: str) -> Iterator[PostgresSession]:
        """Yield a transaction that begins with `lock`, for which others wait, and is committed as a whole."""
        with self.connection() as connection:
            self._begin(connection, "ISOLATION LEVEL READ COMMITTED")
            try:
                # Of temporary tables the server knows no sizes; where it takes them for small, it compares every row
                # with every other: 90 seconds for 29,000 rows instead of 2 (measured 2026-11, PostgreSQL 15).
                connection.execute("SET LOCAL enable_nestloop = off")
                session = PostgresSession(connection, self.names)
                session.execute(lock)
                (xid,) = session.execute("SELECT pg_current_xact_id()::text").fetchone() or ("",)
                yield session
            except BaseException:
                with suppress(psycopg.Error):
                    connection.execute("ROLLBACK")
                log.debug("a transaction is undone")
                raise
            try:
                connection.execute("COMMIT")
            except psycopg.Error as exc:
                if not _is_lost(exc) or not self._is_committed(xid):
                    raise
            log.debug("a transaction is committed")

    def _begin(self, connection: psycopg.Connection[Any], kind: str) -> None:
        names = self.names
        connection.execute(
            f"BEGIN {kind}; SET LOCAL search_path = {names.public}, {names.internal}; SET LOCAL TimeZone = 'UTC'"
        )

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn the driver's exceptions into ours, once, here."""
        try:
            yield
        except psycopg.Error as exc:
            if _is_lost(exc):
                raise LostError(self.shown) from exc
            raise _explained(self.shown, self._user, exc) from exc


def _close(connections: list[psycopg.Connection[Any]], process: int) -> None:
    if process == os.getpid():
        while connections:
            connections.pop().close()


def _is_lost(error: psycopg.Error) -> bool:
    """Return whether the same may work on another connection."""
    code = error.sqlstate or ""
    return code.startswith(_LOST) or code in _AGAIN or (isinstance(error, psycopg.OperationalError) and not code)


def shown(url: str) -> str:
    """Return what may be seen of a URL: not its password."""
    try:
        known = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise UsageError(
            "The address of the book is no PostgreSQL URL. Write postgresql://USER@HOST:5432/DATABASE, and the "
            "password in ~/.pgpass or PGPASSWORD."
        ) from None
    user = f"{quote(str(known['user']))}@" if known.get("user") else ""
    host = str(known.get("host") or "")
    port = f":{known['port']}" if known.get("port") else ""
    where = f"{user}{host if '/' not in host else quote(host, safe='')}{port}"
    return f"postgresql://{where}/{quote(str(known.get('dbname') or ''))}"


def _explained(where: str, user: str, error: psycopg.Error) -> StoreError:
    """Return what is said of an error of the driver."""
    text = (str(error).strip() or type(error).__name__).splitlines()[0]
    code = error.sqlstate or ""
    if code == _DENIED:
        return StoreError(
            f"{user} may not do this at {where}: {text}. Syncs and questions need the role of a writer; a DBA types: "
            f"GRANT {WRITER} TO {user}. Only the owner of the tables brings an older book up to date."
        )
    if code.startswith("53"):
        return StoreError(f"The server of {where} has no room: {text}. Nothing was lost; free some, and run it again.")
    return StoreError(f"The book {where} could not be used: {text}")


def _unreachable(where: str, given: Mapping[str, Any], said: str) -> str:
    """Return why there is no connection, and what to do."""
    database, user = given.get("dbname"), given.get("user")
    text = said.strip().splitlines()[0].removeprefix("connection failed: ")
    if f'database "{database}" does not exist' in said:
        return f"There is no database {database!r} at {where}. Create it with: createdb {database}, or name another."
    if "password" in said or f'role "{user}" does not exist' in said or "no pg_hba.conf entry" in said:
        return f"The server refuses {where}: {text}. Put the password into ~/.pgpass or PGPASSWORD, and try again."
    if "SSL" in said or "certificate" in said:
        return f"No secure connection to {where}: {text}. See sslmode and sslrootcert in the URL."
    return f"Cannot reach {where}: {text}. Is the server running? Try: pg_isready -h {given.get('host') or 'localhost'}"
