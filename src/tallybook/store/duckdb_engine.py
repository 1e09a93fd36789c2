"""DuckDB in this process: one engine for each file, which stays when the file is let go."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from weakref import WeakValueDictionary

import duckdb

ALL_THREADS = 0
BOOK = "tallybook"
"""What the book is called within its engine, whatever its file is called."""
BLOCK = 131_072
"""The unit in which a new file gives out space, to every table at least one. A book of a year, synced every 15 minutes,
is 14 % smaller with it than with the engine's 262,144, a small one 40 %; from 65,536 down money is not compressed any
more (measured 2026-11, DuckDB 2.0.0)."""


_LITTLE, _FEW = "128MB", 2
"""What `frugal` leaves: 10 million rows are exported as fast as with all memory, in 150 MB less (measured 2026-11)."""


class Engine:
    """Where all users of a file in this process meet; `lock` guards everything but `writing` and cursors.

    Opening and closing a file takes 1 ms, starting an engine 15 (measured 2026-11).
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = threading.Lock()
        self.writing = threading.Lock()
        self.users = 0
        self.current = False
        """Whether the open file is known to be a book of this version."""
        self.seen: tuple[int, int] | None = None
        """Device and inode of the file that was last found to be a book."""
        self._root: duckdb.DuckDBPyConnection | None = None
        self._threads = ALL_THREADS

    def attach(self, *, threads: int | None = None, read_only: bool = False) -> None:
        """Open the file, created if need be; `threads` is left as it was where it does not matter."""
        if self._root is None:
            self._root, self._threads = _start(self.path), ALL_THREADS
        # What an interruption has left.
        self._root.execute(f"DETACH DATABASE IF EXISTS {BOOK}")
        if threads is not None and threads != self._threads:
            self._root.execute(f"SET threads = {threads}" if threads else "RESET threads")
            self._threads = threads
        file = str(self.path).replace("'", "''")
        # What is there keeps the blocks that it has.
        more = ", READ_ONLY" if read_only else "" if self.path.exists() else f", BLOCK_SIZE {BLOCK}"
        self._root.execute(f"ATTACH '{file}' AS {BOOK} (TYPE duckdb{more})")

    @contextmanager
    def frugal(self) -> Iterator[None]:
        """Keep little of the file in memory, for what is read once from end to end.

        Few threads, because each needs room for a block of every column.
        """
        assert self._root is not None  # noqa: S101 - it is attached
        self._root.execute(f"SET memory_limit = '{_LITTLE}'")
        self._root.execute(f"SET threads = {_FEW}")
        try:
            yield
        finally:
            self._root.execute("RESET memory_limit")
            self._root.execute(f"SET threads = {self._threads}" if self._threads else "RESET threads")

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """Return a connection of its own to the open file."""
        assert self._root is not None  # noqa: S101 - it is attached
        cursor = self._root.cursor()
        cursor.execute(f"USE {BOOK}")
        return cursor

    def detach(self) -> None:
        """Let the file go. What cannot be folded into it now stays beside it, in the log."""
        assert self._root is not None  # noqa: S101 - it is attached
        try:
            with interruptible():
                self._root.execute(f"DETACH DATABASE IF EXISTS {BOOK}")
        except duckdb.Error:
            self.stop()
        except KeyboardInterrupt:
            self.stop()
            raise

    def stop(self) -> None:
        """End it; the next `attach` starts another."""
        root, self._root = self._root, None
        if root is not None:
            with suppress(duckdb.Error):
                root.close()


@contextmanager
def interruptible() -> Iterator[None]:
    """Turn what the driver makes of Ctrl+C into what Python makes of it."""
    try:
        yield
    except duckdb.InterruptException as exc:
        raise KeyboardInterrupt from exc
    except RuntimeError as exc:
        # How DuckDB 2.0.0 reports Ctrl+C that comes while it works.
        if "interrupted" in str(exc):
            raise KeyboardInterrupt from exc
        raise


def _start(path: Path) -> duckdb.DuckDBPyConnection:
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoload_known_extensions": "false",
        "autoinstall_known_extensions": "false",
        "python_enable_replacements": "false",  # a name is a table, never a variable of this program
        "temp_directory": f"{path}.tmp",  # made only for what does not fit into memory
    }
    return duckdb.connect(":memory:", config=config)


_ENGINES: WeakValueDictionary[Path, Engine] = WeakValueDictionary()
_ENGINES_LOCK = threading.Lock()


def engine_of(path: Path) -> Engine:
    """Return the engine of the file at `path`, which is resolved; it lives as long as somebody keeps it."""
    with _ENGINES_LOCK:
        return _ENGINES.setdefault(path, Engine(path))


def _before_fork() -> None:
    """End idle engines: a child would lack their threads, and crash when it ends them."""
    for engine in list(_ENGINES.values()):
        if engine.lock.acquire(blocking=False):
            try:
                if engine.users == 0:
                    engine.stop()
            finally:
                engine.lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork)
