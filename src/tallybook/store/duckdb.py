"""The default store: one DuckDB file, held open only while a call runs so that other processes get in."""

from __future__ import annotations

import datetime as dt
import logging
import re
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import duckdb
import filelock
import pyarrow as pa

from tallybook.model import arrow
from tallybook.model.clock import Clock, SystemClock
from tallybook.model.coverage import Run, squeeze
from tallybook.model.errors import StoreError, StoreLockedError
from tallybook.model.records import Swap
from tallybook.model.windows import naive
from tallybook.store import duckdb_rebuild, duckdb_rollups, line_items, orgs
from tallybook.store.base import Amendment, Batch, Changes, Mismatch, Provable, Sizes, Store, Stream, table_of
from tallybook.store.duckdb_amend import amend
from tallybook.store.duckdb_facts import TABLES, which
from tallybook.store.duckdb_file import BookFile, applied, transaction
from tallybook.store.duckdb_rows import swap
from tallybook.store.duckdb_sizes import is_roomy, sizes
from tallybook.store.duckdb_sql import ask
from tallybook.store.duckdb_write import held_runs, write
from tallybook.store.migrations import migrations
from tallybook.store.totals import Totals, daily, statement, whole
from tallybook.store.versions import VERSIONED, source

log = logging.getLogger(__name__)

DIALECT = {"public": "main", "internal": "internal", "zstd": "USING COMPRESSION zstd"}
"""What stands in braces in migrations."""
STATE = (
    "directory",
    "notes",
    "syncs",
    "orgs",
    "refusals",
    "controls",
    "fetches",
    "line_items",
    "teams",
    "business",
    "business_metrics",
    "business_coverage",
    "forgotten",
)
"""The small tables that `rows` and `put` accept."""

_READABLE = (*STATE, "book")
_LOCK_SECONDS = 5.0
_BATCH = 65_536
"""The most rows of a batch."""


class DuckDBStore:
    """A book in a DuckDB file. The file is created by `migrate`, by nothing else."""

    dialect = "duckdb"

    def __init__(self, path: str | Path, clock: Clock | None = None, *, lock_seconds: float = _LOCK_SECONDS) -> None:
        """`lock_seconds` is how long to wait for another process to let go of the file."""
        self.path = Path(path)
        self.url = str(self.path)
        self._clock = clock or SystemClock()
        self._lock_seconds = lock_seconds
        self._file = BookFile(self.path, self._clock, lock_seconds)

    def exists(self) -> bool:
        """Return whether there is a book; never creates one."""
        return self.path.exists()

    def migrate(self) -> None:
        """Create the book, or bring an older one up to this version's schema."""
        self._must_have_folder()
        with self._file.writing(create=True) as cursor:
            done = applied(cursor, self.path)
            missing = [m for m in migrations() if m[0] not in done]
            if missing:
                # All at once: whoever looks after a crash finds the old book or the new one, never one in between.
                with transaction(cursor):
                    self._apply(cursor, missing, is_new=not done)
                    if done:
                        duckdb_rollups.refill(cursor)
            with transaction(cursor):
                line_items.refresh(cursor)

    def _apply(
        self, cursor: duckdb.DuckDBPyConnection, missing: Sequence[tuple[int, str, str]], *, is_new: bool
    ) -> None:
        now = _naive_now(self._clock)
        if is_new:
            _begin_book(cursor)
        for i, (number, name, text) in enumerate(missing):
            log.info("migration %d: %s", number, name)
            cursor.execute(text.format(**DIALECT))
            cursor.execute("INSERT INTO internal.migrations VALUES (?, ?, ?)", [number, name, now])
            if is_new and i == 0:
                row = [uuid.uuid4().hex, now, now]
                cursor.execute(
                    "INSERT INTO internal.book (book_id, created_at, last_commit, version) VALUES (?, ?, ?, 0)", row
                )

    def replace(self, batch: Batch) -> Changes:
        """Write reads in one transaction: facts, history, coverage, requests, refusals and notes."""
        with self._file.writing() as cursor, transaction(cursor):
            changes = write(cursor, batch, _naive_now(self._clock))
            line_items.learn(cursor, batch.reads)
            return changes

    def read(self, text: str, params: Sequence[Any] = ()) -> pa.Table:
        """Return the answer to one statement with bound values."""
        with self._file.reading() as cursor:
            return cursor.sql(text, params=list(params)).to_arrow_table()

    def ask(self, text: str) -> pa.Table:
        """Return the answer to somebody's own SELECT over the public tables and views; all else is refused."""
        with self._file.guarded() as cursor:
            return ask(cursor, text)

    @contextmanager
    def streaming(self) -> Iterator[Stream]:
        """Yield what reads statements batch by batch, each to its end before the next, and all of one moment."""
        with self._file.reading() as cursor, ExitStack() as readers:

            def stream(text: str, params: Sequence[Any]) -> pa.RecordBatchReader:
                reader = cursor.sql(text, params=list(params)).to_arrow_reader(_BATCH)
                readers.callback(reader.close)
                return reader

            yield stream

    @contextmanager
    def syncing(self, org: str) -> Iterator[None]:
        """Hold the lock of `org`'s syncs; raises `StoreLockedError` that names the holder."""
        self._must_have_folder()
        if self.exists():
            self._file.refuse_strangers()
        lock = filelock.FileLock(f"{self.path}.{quote(org, safe='')}.lock")
        self._acquire(lock, org)
        try:
            yield
        finally:
            lock.release()

    def _acquire(self, lock: filelock.BaseFileLock, org: str) -> None:
        deadline = self._clock.monotonic() + self._lock_seconds
        while True:
            try:
                lock.acquire(timeout=0)
            except filelock.Timeout:
                if self._clock.monotonic() >= deadline:
                    who = f"Another sync of {org!r} into {self.path} is running{self._holder(org)}."
                    raise StoreLockedError(f"{who} Wait until it is done.") from None
            except OSError as exc:
                raise StoreError(
                    f"Cannot write beside the book {self.path}: {exc.strerror}. Name another with --book."
                ) from exc
            else:
                return
            self._clock.sleep(0.1)

    def _holder(self, org: str) -> str:
        """Return which process the newest sync that has not ended belongs to, where that is known."""
        with suppress(StoreError):
            running = self.rows("syncs", {"org": org, "ended_at": None})
            newest = max(running, key=lambda row: row["began_at"], default={})
            if process := re.search(r'"process": (\d+)', newest.get("summary") or ""):
                return f" (process {process[1]})"
        return ""

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Keep the file open between calls, for many in a row: opening it takes most of a short one's time."""
        with self._file.opened():
            yield

    def coverage(self, org: str, datasets: Iterable[str], as_of: dt.datetime | None = None) -> dict[str, list[Run]]:
        """Return what is held, or was held as of a moment (naive UTC), per dataset, in order."""
        out: dict[str, list[Run]] = {d: [] for d in datasets}
        with self._file.reading() as cursor:
            for name, run in held_runs(cursor, org, list(out), as_of=as_of):
                out[name].append(run)
        return out if as_of is None else {name: squeeze(runs) for name, runs in out.items()}

    def totals(self, org: str, name: str, start: int, end: int) -> dict[str, Any]:
        """Return the sum of every number of a dataset over `[start, end)`, Unix seconds; costs per currency."""
        return whole(name, self._sums(org, name, start, end, by_day=False))

    def daily_totals(self, org: str, name: str, start: int, end: int) -> dict[int, Totals]:
        """Return the sum of every number of a dataset per UTC day that has rows, costs per currency."""
        return daily(name, self._sums(org, name, start, end, by_day=True))

    def _sums(self, org: str, name: str, start: int, end: int, *, by_day: bool) -> list[dict[str, Any]]:
        table = TABLES[table_of(name)]
        text, params = statement(org, name, start, end, place=table.place, which=table.which, by_day=by_day)
        found: list[dict[str, Any]] = self.read(text, params).to_pylist()
        return found

    def holds_rows(self, org: str, name: str, start: int, end: int) -> bool:
        """Return whether there are facts of a dataset in `[start, end)`, Unix seconds; False without a book."""
        if not self.exists():
            return False
        table = TABLES[table_of(name)]
        params = [org, naive(start), naive(end)]
        text = f"SELECT 1 FROM {table.place} WHERE org = ? AND start_time >= ? AND start_time < ?"
        if table.which:
            text, params = text + f" AND {table.which} = ?", [*params, which(name)]
        return bool(self.read(text + " LIMIT 1", params).num_rows)

    def rows(
        self, table: str, where: Mapping[str, Any] | None = None, as_of: dt.datetime | None = None
    ) -> list[dict[str, Any]]:
        """Return rows of a small table of state whose columns equal `where`; of `refusals` also as of a moment."""
        held, params = source(_state(table, _READABLE if as_of is None else VERSIONED), VERSIONED.get(table, ()), as_of)
        conditions = [f"{column} IS NOT DISTINCT FROM ?" for column in where or {}]
        text = f"SELECT * FROM {held} AS t" + (" WHERE " + " AND ".join(conditions) if conditions else "")
        found: list[dict[str, Any]] = self.read(text, [*params, *(where or {}).values()]).to_pylist()
        return found

    def put(self, table: str, rows: Sequence[Mapping[str, Any]], *, key: Sequence[str] = ()) -> None:
        """Add rows to a small table of state; rows equal in `key` are replaced."""
        if not rows:
            return
        name = _state(table, STATE)
        unique = {tuple(row[c] for c in key): row for row in rows}.values() if key else rows
        with self._file.writing() as cursor, transaction(cursor):
            schema = cursor.sql(f"FROM internal.{name} LIMIT 0").to_arrow_table().schema
            if unknown := {c for row in rows for c in row} - set(schema.names):
                raise ValueError(f"{table} has no column {min(unknown)!r}")
            cursor.register("given", arrow.table(list(unique), schema))
            if key:
                same = " AND ".join(f"t.{c} IS NOT DISTINCT FROM g.{c}" for c in key)
                cursor.execute(f"DELETE FROM internal.{name} AS t USING given AS g WHERE {same}")
            cursor.execute(f"INSERT INTO internal.{name} BY NAME FROM given")
            cursor.execute("UPDATE internal.book SET version = version + 1")

    def swap(self, *what: Swap) -> None:
        """Put rows of small tables of state in the place of others, in one transaction."""
        with self._file.writing() as cursor, transaction(cursor):
            for each in what:
                _state(each.table, STATE)
                swap(cursor, each)
            cursor.execute("UPDATE internal.book SET version = version + 1")

    def amend(self, what: Amendment) -> int:
        """Change what is held in one transaction; return how many values and rows that were."""
        with self._file.writing() as cursor, transaction(cursor):
            return amend(cursor, what)

    def orgs(self) -> set[str]:
        """Return the names of the organizations of which anything is held."""
        with self._file.reading() as cursor:
            return orgs.names(cursor)

    def projects(self) -> dict[str, set[str]]:
        """Return the ids of all projects that are held, by organization."""
        with self._file.reading() as cursor:
            return orgs.projects(cursor)

    def rename(self, old: str, new: str) -> None:
        """Give an organization another name, everywhere at once; raises `UsageError` where that cannot be."""
        with self._file.reading() as cursor:
            orgs.check(cursor, old, new)
        with ExitStack() as locks:
            for name in sorted((old, new)):
                locks.enter_context(self.syncing(name))
            with self._file.writing() as cursor, transaction(cursor):
                orgs.rename(cursor, old, new)

    @contextmanager
    def beside(self, clock: Clock) -> Iterator[Store]:
        """Return a new store with a clock of its own beside this one, which is thrown away at the end."""
        path = self.path.with_name(f"{self.path.name}.rebuilt")
        every = [path, path.with_name(f"{path.name}.wal")]
        try:
            for left in every:
                left.unlink(missing_ok=True)
            yield DuckDBStore(path, clock)
        finally:
            for left in every:
                left.unlink(missing_ok=True)

    @contextmanager
    def _compared(self, rebuilt: Store, provable: Provable) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._file.writing() as cursor, duckdb_rebuild.compared(cursor, Path(rebuilt.url), provable):
            yield cursor

    def comparable(self, rebuilt: Store, provable: Provable) -> tuple[int, int]:
        """Return how many buckets are held, and how many of them `rebuilt` has from the same raw bucket."""
        with self._compared(rebuilt, provable) as cursor:
            return duckdb_rebuild.held_and_comparable(cursor)

    def mismatches(self, rebuilt: Store, provable: Provable) -> list[Mismatch]:
        """Return the rows that are not in both books, where `rebuilt` was made from the same raw buckets."""
        with self._compared(rebuilt, provable) as cursor:
            return list(duckdb_rebuild.mismatches(cursor))

    def mend(self, rebuilt: Store, provable: Provable) -> None:
        """Put what `rebuilt` has in the place of what `mismatches` names, in one transaction."""
        with self._compared(rebuilt, provable) as cursor, transaction(cursor):
            duckdb_rebuild.mend(cursor, list(duckdb_rebuild.mismatches(cursor)))

    def sizes(self) -> Sizes:
        """Return how many rows and bytes every table has, and the whole."""
        with self._file.reading() as cursor:
            return sizes(cursor, self.path)

    def maintain(self) -> None:
        """Fold the write-ahead log into the file; after an amendment, or where much is free, write the file anew."""
        with self._file.writing() as cursor:
            cursor.execute("CHECKPOINT")
            due = cursor.execute("SELECT 1 FROM internal.book WHERE rewrite_due").fetchone() or is_roomy(cursor)
        if due:
            self._file.rewrite()

    def close(self) -> None:
        """Nothing is held between calls."""

    def _must_have_folder(self) -> None:
        if not self.path.parent.is_dir():
            raise StoreError(f"Cannot create the book {self.path}: the folder {self.path.parent} does not exist.")


def _naive_now(clock: Clock) -> dt.datetime:
    """Return now as it is kept at rest: naive, UTC."""
    return clock.now().replace(tzinfo=None)


def _state(table: str, known: Collection[str]) -> str:
    if table not in known:
        raise ValueError(f"{table!r} is not a table of state")
    return table


def _begin_book(cursor: duckdb.DuckDBPyConnection) -> None:
    cursor.execute("CREATE SCHEMA internal")
    cursor.execute("CREATE TABLE internal.migrations (number INTEGER PRIMARY KEY, name TEXT, applied_at TIMESTAMP)")
