"""The default store: one DuckDB file, held open only while a call runs so that other processes get in."""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import duckdb
import filelock
import pyarrow as pa

from tallybook.model.clock import Clock
from tallybook.model.errors import StoreError, StoreLockedError, UsageError
from tallybook.store import line_items, rebuilt, rolling
from tallybook.store.base import Provable, Sizes, Store, Stream
from tallybook.store.duckdb_file import BookFile, applied, transaction
from tallybook.store.duckdb_sizes import is_roomy, sizes
from tallybook.store.duckdb_sql import ask
from tallybook.store.migrations import migrations
from tallybook.store.session import Session
from tallybook.store.sql_store import SqlStore

log = logging.getLogger(__name__)

DIALECT = {"public": "main", "internal": "internal", "zstd": "USING COMPRESSION zstd"}
"""What stands in braces in migrations."""
_LOCK_SECONDS = 5.0


class DuckDBStore(SqlStore):
    """A book in a DuckDB file. The file is created by `migrate`, by nothing else."""

    dialect = "duckdb"

    def __init__(self, path: str | Path, clock: Clock | None = None, *, lock_seconds: float = _LOCK_SECONDS) -> None:
        """`lock_seconds` is how long to wait for another process to let go of the file."""
        self.path = Path(path)
        self.url = str(self.path)
        super().__init__(clock)
        self._lock_seconds = lock_seconds
        self._file = BookFile(self.path, self._clock, lock_seconds)

    @property
    def may_be_unfinished(self) -> bool:
        """Whether a book that is still being copied is used all the same."""
        return self._file.may_be_unfinished

    @may_be_unfinished.setter
    def may_be_unfinished(self, may: bool) -> None:
        self._file.may_be_unfinished = may

    def exists(self) -> bool:
        """Return whether there is a book; never creates one."""
        return self.path.exists()

    def version(self) -> str:
        """Return size and time of the file and of its log, which every commit changes."""
        return self._file.version()

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
                        rolling.refill(cursor)
            with transaction(cursor):
                line_items.refresh(cursor)

    def _apply(
        self, cursor: duckdb.DuckDBPyConnection, missing: Sequence[tuple[int, str, str]], *, is_new: bool
    ) -> None:
        now = self._now()
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

    def ddl(self) -> str:
        """Raise `UsageError`: nobody has to make a file by hand."""
        raise UsageError(
            "A file needs no DBA: `tallybook sync` makes it. Name a book on a server: --book postgresql://USER@HOST/DATABASE"
        )

    def ask(self, text: str) -> pa.Table:
        """Return the answer to somebody's own SELECT over the public tables and views; all else is refused."""
        with self._file.guarded() as cursor:
            return ask(cursor, text)

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
    def streaming(self) -> Iterator[Stream]:
        """Yield what reads statements batch by batch, each to its end before the next, and all of one moment."""
        with self._file.frugal(), super().streaming() as stream:
            yield stream

    @contextmanager
    def opened(self, *, still: bool = False) -> Iterator[None]:
        """Keep the file open between calls, for many in a row: opening it takes most of a short one's time."""
        with self._file.still() if still else self._file.opened():
            yield

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
    def _reading(self) -> Iterator[Session]:
        with self._file.reading() as cursor:
            yield cursor

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        with self._file.writing() as cursor, transaction(cursor):
            yield cursor

    @contextmanager
    def _compared(self, other: Store, provable: Provable) -> Iterator[Session]:
        with self._file.writing() as cursor:
            where = other.url.replace("'", "''")
            cursor.execute(f"ATTACH '{where}' AS rebuilt (READ_ONLY)")
            try:
                with transaction(cursor), rebuilt.compared(cursor, provable):
                    yield cursor
            finally:
                cursor.execute("DETACH rebuilt")

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


def _begin_book(cursor: duckdb.DuckDBPyConnection) -> None:
    cursor.execute("CREATE SCHEMA internal")
    cursor.execute("CREATE TABLE internal.migrations (number INTEGER PRIMARY KEY, name TEXT, applied_at TIMESTAMP)")
