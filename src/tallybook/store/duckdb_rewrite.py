"""A DuckDB file written anew: what was deleted stays in its free blocks until then."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

import duckdb

from tallybook.store.duckdb_engine import BLOCK, BOOK, Engine


def rewrite(engine: Engine) -> None:
    """Copy all that the open book of an engine holds into a new file, and put that in its place in one step.

    Nobody else uses the book; nothing may be asked of it afterwards before it is opened again.
    """
    path = engine.path
    new = path.with_name(f"{path.name}.new")
    _discard(new)
    try:
        with engine.cursor() as cursor:
            _copy(cursor, new)
        _dress(new, path)
        try:
            new.replace(path)  # while it is held, so that nobody else writes into the file that goes
        except PermissionError:  # Windows does not replace a file in use
            engine.detach()
            new.replace(path)
    finally:
        _discard(new)


def _copy(cursor: duckdb.DuckDBPyConnection, new: Path) -> None:
    cursor.execute("CHECKPOINT")
    target = str(new).replace("'", "''")
    cursor.execute("DETACH DATABASE IF EXISTS fresh")  # what an interruption has left
    cursor.execute(f"ATTACH '{target}' AS fresh (TYPE duckdb, BLOCK_SIZE {BLOCK})")
    try:
        cursor.execute(f"COPY FROM DATABASE {BOOK} TO fresh")
        cursor.execute("UPDATE fresh.internal.book SET rewrite_due = false")
        cursor.execute("CHECKPOINT fresh")
    finally:
        cursor.execute("DETACH fresh")


def _dress(new: Path, old: Path) -> None:
    """Give a file the owner and the permissions of another."""
    shutil.copymode(old, new)
    status = old.stat()
    with suppress(OSError, AttributeError):  # only root gives files away; Windows has no such owners
        os.chown(new, status.st_uid, status.st_gid)


def _discard(path: Path) -> None:
    for file in (path, path.with_name(f"{path.name}.wal")):
        file.unlink(missing_ok=True)
