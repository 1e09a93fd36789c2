"""The default store: one DuckDB file, held open only while a call runs so that other processes get in."""

from __future__ import annotations

import logging
import random
import re
import shutil
import threading
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb
import filelock
import pyarrow as pa

from tallybook.model.clock import Clock, SystemClock
from tallybook.model.coverage import Run
from tallybook.model.datasets import MEASURES, dataset
from tallybook.model.errors import MigrationError, NotABookError, StoreError, StoreLockedError
from tallybook.model.windows import naive
from tallybook.store.base import Batch, Changes, table_of
from tallybook.store.duckdb_write import held_runs, write
from tallybook.store.migrations import migrations

log = logging.getLogger(__name__)

SCHEMAS = {"public": "main", "internal": "internal"}
STATE = ("directory", "notes", "syncs", "orgs", "refusals", "fetches", "line_items", "teams", "business")
"""The small tables that `rows` and `put` accept."""

_MAGIC = slice(8, 12)
_LOCK_SECONDS = 5.0


class _Instance:
    """The one read-write database instance that all users of a file in this process share."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.writing = threading.Lock()
        self.users = 0
        self.root: duckdb.DuckDBPyConnection | None = None
        self.checked = -1
        """The inode of the file that was found to be a current book."""


_INSTANCES: dict[str, _Instance] = {}
_INSTANCES_LOCK = threading.Lock()


class DuckDBStore:
    """A book in a DuckDB file. The file is created by `migrate`, by nothing else."""

    dialect = "duckdb"

    def __init__(self, path: str | Path, clock: Clock | None = None, *, lock_seconds: float = _LOCK_SECONDS) -> None:
        """`lock_seconds` is how long to wait for another process to let go of the file."""
        self.path = Path(path)
        self.url = str(self.path)
        self._clock = clock or SystemClock()
        self._lock_seconds = lock_seconds
        with _INSTANCES_LOCK:
            self._instance = _INSTANCES.setdefault(str(self.path.resolve()), _Instance())

    def exists(self) -> bool:
        """Return whether there is a book; never creates one."""
        return self.path.exists()

    def migrate(self) -> None:
        """Create the book, or bring an older one up to this version's schema."""
        self._must_have_folder()
        with self._cursor(create=True) as cursor, self._instance.writing:
            done = _applied(cursor)
            for number, name, text in migrations():
                if number in done:
                    continue
                log.info("migration %d: %s", number, name)
                with _transaction(cursor):
                    if not done:
                        _begin_book(cursor)
                    cursor.execute(text.format(**SCHEMAS))
                    cursor.execute(
                        "INSERT INTO internal.migrations VALUES (?, ?, ?)", [number, name, naive_now(self._clock)]
                    )
                    if not done:
                        now = naive_now(self._clock)
                        cursor.execute("INSERT INTO internal.book VALUES (?, ?, ?, 0)", [uuid.uuid4().hex, now, now])
                done.add(number)

    def replace(self, batch: Batch) -> Changes:
        """Write reads in one transaction: facts, history, coverage, requests, refusals and notes."""
        with self._cursor() as cursor, self._instance.writing, _transaction(cursor):
            return write(cursor, batch, naive_now(self._clock))

    def read(self, text: str, params: Sequence[Any] = ()) -> pa.Table:
        """Return the answer to one statement with bound values."""
        with self._cursor() as cursor:
            relation = cursor.sql(text, params=list(params)) if params else cursor.sql(text)
            return relation.to_arrow_table()

    @contextmanager
    def syncing(self, org: str) -> Iterator[None]:
        """Hold the lock of `org`'s syncs; raises `StoreLockedError` that names the holder."""
        self._must_have_folder()
        lock = filelock.FileLock(f"{self.path}.{org}.lock", timeout=self._lock_seconds, poll_interval=0.1)
        try:
            with _translated(self.path), lock:
                yield
        except filelock.Timeout:
            holder = ""
            with suppress(StoreError):
                running = self.rows("syncs", {"org": org, "ended_at": None})
                holder = max(running, key=lambda r: r["began_at"])["summary"] if running else ""
            raise StoreLockedError(
                f"Another sync of {org!r} into {self.path} is running{_named(holder)}. Wait until it is done."
            ) from None
        except PermissionError as exc:
            raise StoreError(
                f"Cannot write beside the book {self.path}: {exc.strerror}. Name another with --book."
            ) from exc

    def coverage(self, org: str, datasets: Iterable[str]) -> dict[str, list[Run]]:
        """Return what is held, per dataset, in order."""
        out: dict[str, list[Run]] = {d: [] for d in datasets}
        with self._cursor() as cursor:
            for name, run in held_runs(cursor, org, list(out)):
                out[name].append(run)
        return out

    def totals(self, org: str, name: str, start: int, end: int) -> dict[str, Any]:
        """Return the sum of every number of a dataset over `[start, end)`, Unix seconds; costs per currency."""
        known = dataset(name)
        params = [org, naive(start), naive(end)]
        span = "org = ? AND start_time >= ? AND start_time < ?"
        if known.is_costs:
            text = f"SELECT currency, SUM(amount) AS amount FROM costs WHERE {span} GROUP BY currency"
            return {row["currency"]: row["amount"] for row in self.read(text, params).to_pylist()}
        flows = [m for m in known.measures if MEASURES[m].kind == "flow"]
        if not flows:
            return {}
        sums = ", ".join(f"SUM({m})::HUGEINT::VARCHAR AS {m}" for m in flows)
        row = self.read(f"SELECT {sums} FROM usage WHERE {span} AND dataset = ?", [*params, name]).to_pylist()[0]
        return {m: int(row[m] or 0) for m in flows}

    def holds_rows(self, org: str, name: str, start: int, end: int) -> bool:
        """Return whether there are facts of a dataset in `[start, end)`, Unix seconds."""
        params = [org, naive(start), naive(end)]
        span = "org = ? AND start_time >= ? AND start_time < ?"
        text = f"SELECT 1 FROM {table_of(name)} WHERE {span}"
        if not dataset(name).is_costs:
            text, params = text + " AND dataset = ?", [*params, name]
        return bool(self.read(text + " LIMIT 1", params).num_rows)

    def rows(self, table: str, where: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Return rows of a small table of state whose columns equal `where`."""
        conditions = [f"{column} IS NOT DISTINCT FROM ?" for column in where or {}]
        text = f"SELECT * FROM internal.{_state(table)}" + (" WHERE " + " AND ".join(conditions) if conditions else "")
        found: list[dict[str, Any]] = self.read(text, list((where or {}).values())).to_pylist()
        return found

    def put(self, table: str, rows: Sequence[Mapping[str, Any]], *, key: Sequence[str] = ()) -> None:
        """Add rows to a small table of state; rows equal in `key` are replaced."""
        if not rows:
            return
        name = _state(table)
        with self._cursor() as cursor, self._instance.writing, _transaction(cursor):
            cursor.execute(f"CREATE TEMP TABLE given AS FROM internal.{name} LIMIT 0")
            schema = cursor.sql("FROM given").to_arrow_table().schema
            given = pa.Table.from_pylist([dict(r) for r in rows], schema=schema)
            cursor.register("given_rows", given)
            cursor.execute("INSERT INTO given BY NAME FROM given_rows")
            if key:
                same = " AND ".join(f"t.{c} IS NOT DISTINCT FROM g.{c}" for c in key)
                cursor.execute(f"DELETE FROM internal.{name} AS t USING given AS g WHERE {same}")
            cursor.execute(f"INSERT INTO internal.{name} FROM given")
            cursor.execute("DROP TABLE given")

    def sizes(self) -> dict[str, int]:
        """Return rows per table, and the bytes of the whole under `bytes`."""
        tables = self.read(
            "SELECT table_name, estimated_size FROM duckdb_tables() WHERE schema_name IN ('main', 'internal')"
        )
        out = {row["table_name"]: row["estimated_size"] for row in tables.to_pylist()}
        wal = self.path.with_name(self.path.name + ".wal")
        return out | {"bytes": sum(p.stat().st_size for p in (self.path, wal) if p.exists())}

    def maintain(self) -> None:
        """Fold the write-ahead log into the file."""
        with self._cursor() as cursor, self._instance.writing:
            cursor.execute("CHECKPOINT")

    def close(self) -> None:
        """Nothing is held between calls."""

    @contextmanager
    def _cursor(self, *, create: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        instance = self._instance
        if not create:
            self._must_exist()
        with instance.lock:
            if instance.root is None:
                instance.root = self._open()
            instance.users += 1
            cursor = instance.root.cursor()
        try:
            with _translated(self.path):
                if not create:
                    self._must_be_current(cursor)
                yield cursor
        finally:
            cursor.close()
            with instance.lock:
                instance.users -= 1
                if instance.users == 0:
                    root, instance.root = instance.root, None
                    if root is not None:
                        root.close()

    def _must_have_folder(self) -> None:
        if not self.path.parent.is_dir():
            raise StoreError(f"Cannot create the book {self.path}: the folder {self.path.parent} does not exist.")

    def _must_exist(self) -> None:
        if not self.exists():
            raise NotABookError(f"There is no book at {self.path}. `tallybook sync` creates it.")

    def _must_be_current(self, cursor: duckdb.DuckDBPyConnection) -> None:
        if self._instance.checked == self.path.stat().st_ino:
            return
        missing = {number for number, _, _ in migrations()} - _applied(cursor)
        if missing:
            raise MigrationError(
                f"The book {self.path} is older than this tallybook. `tallybook sync` brings it up to date."
            )
        self._instance.checked = self.path.stat().st_ino

    def _open(self) -> duckdb.DuckDBPyConnection:
        """Open the file, waiting for another process that holds it."""
        if self.exists():
            self._refuse_strangers()
        deadline = self._clock.monotonic() + self._lock_seconds
        while True:
            try:
                with _translated(self.path):
                    return duckdb.connect(str(self.path), config={"autoload_known_extensions": "false"})
            except StoreLockedError:
                if self._clock.monotonic() > deadline:
                    raise
                self._clock.sleep(random.uniform(0.005, 0.02))  # noqa: S311

    def _refuse_strangers(self) -> None:
        """Refuse, before it is opened, a file that is no DuckDB database, and one that is no book."""
        try:
            with self.path.open("rb") as file:
                head = file.read(16)
        except OSError as exc:
            raise StoreError(f"Cannot read {self.path}: {exc.strerror}.") from exc
        if head[_MAGIC] != b"DUCK":
            raise NotABookError(
                f"{self.path} is not a tallybook book; it was left as it is. Name another path with --book."
            )
        if self._instance.checked == self.path.stat().st_ino:
            return
        try:
            with duckdb.connect(str(self.path), read_only=True) as peek:
                _applied(peek)
        except duckdb.IOException:
            return  # held by another process: opening it reports that, and checks again
        except NotABookError as exc:
            raise NotABookError(
                f"{self.path} is a DuckDB file but not a tallybook book; it was left as it is. "
                "Name another path with --book."
            ) from exc


def naive_now(clock: Clock) -> Any:
    """Return now as it is kept at rest: naive, UTC."""
    return clock.now().replace(tzinfo=None)


def _named(summary: str) -> str:
    """Return the process that a sync's opening record names."""
    process = re.search(r'"process": (\d+)', summary)
    return f" (process {process[1]})" if process else ""


def _state(table: str) -> str:
    if table not in STATE:
        raise ValueError(f"{table!r} is not a table of state")
    return table


def _begin_book(cursor: duckdb.DuckDBPyConnection) -> None:
    cursor.execute("CREATE SCHEMA internal")
    cursor.execute("CREATE TABLE internal.migrations (number INTEGER PRIMARY KEY, name TEXT, applied_at TIMESTAMP)")


def _applied(cursor: duckdb.DuckDBPyConnection) -> set[int]:
    """Return the numbers of the applied migrations, none for an empty file; refuses foreign and newer files."""
    tables = cursor.execute("SELECT schema_name, table_name FROM duckdb_tables()").fetchall()
    if not tables:
        return set()
    if ("internal", "migrations") not in tables or ("main", "usage") not in tables:
        raise NotABookError(
            "This DuckDB file is not a tallybook book; it was left as it is. Name another path with --book."
        )
    done = {row[0] for row in cursor.execute("SELECT number FROM internal.migrations").fetchall()}
    if newer := done - {number for number, _, _ in migrations()}:
        raise MigrationError(
            f"The book was written by a newer tallybook (migration {max(newer)}). Upgrade: pip install -U tallybook"
        )
    return done


@contextmanager
def _transaction(cursor: duckdb.DuckDBPyConnection) -> Iterator[None]:
    cursor.execute("BEGIN TRANSACTION")
    try:
        yield
    except BaseException:
        cursor.execute("ROLLBACK")
        raise
    cursor.execute("COMMIT")


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    """Turn the driver's exceptions into ours, once, here."""
    try:
        yield
    except duckdb.Error as exc:
        text = str(exc)
        holder = re.search(r"held in (.+?) \(PID (\d+)", text)
        if "Could not set lock" in text or holder:
            who = f" by process {holder[2]} ({holder[1]})" if holder else ""
            raise StoreLockedError(
                f"The book {path} is held{who}. Wait until it is done, or stop it, and try again."
            ) from exc
        if "ermission denied" in text or "ead-only file system" in text:
            raise StoreError(
                f"Cannot write the book {path}: permission denied. Name another path with --book."
            ) from exc
        if isinstance(exc, duckdb.IOException | duckdb.OutOfMemoryException) and _is_full(path, text):
            raise StoreError(
                f"No space is left for the book {path}. Nothing was lost: what had been committed is there. Free some "
                "space and run it again."
            ) from exc
        raise StoreError(f"The book {path} could not be used: {text.splitlines()[0]}") from exc


def _is_full(path: Path, text: str) -> bool:
    return "o space left" in text or shutil.disk_usage(path.parent).free < 1 << 20
