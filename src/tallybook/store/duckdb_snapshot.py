"""A new DuckDB file with tables and views of its own, for any tool; it needs nothing of tallybook."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias

import duckdb
import pyarrow as pa

from tallybook.model.errors import ExportError
from tallybook.store.duckdb_engine import interruptible
from tallybook.store.duckdb_file import is_full, transaction
from tallybook.store.migrations import migrations

_VIEW = re.compile(r"^\s*(CREATE|DROP) .*VIEW .*\{public\}\.v_", re.IGNORECASE)
_COMMENT = re.compile(r"^\s*--.*$", re.MULTILINE)

READABLE_SINCE = "v1.0.0"
"""The oldest DuckDB that can open it; what is left to itself, 2.0 writes for 2.0 alone (measured 2026-11)."""

Rows: TypeAlias = pa.RecordBatchReader | pa.Table


class Snapshot:
    """A file that is being filled; a context manager. Raises `ExportError` or `OSError`."""

    def __init__(self, path: Path, meaning: Callable[[str], str]) -> None:
        """`meaning` says what a column is, for tools that show it."""
        self._path = path
        self._meaning = meaning
        with self._translated():
            self._database = duckdb.connect(":memory:", config={"python_enable_replacements": "false"})
            options = f"TYPE duckdb, STORAGE_VERSION '{READABLE_SINCE}'"
            self._database.execute(f"ATTACH {_literal(str(path))} AS snapshot ({options})")
            self._database.execute("USE snapshot")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                with self._translated():
                    self._database.execute("USE memory")
                    self._database.execute("DETACH snapshot")
        finally:
            self._database.close()
            self._path.with_name(f"{self._path.name}.wal").unlink(missing_ok=True)

    def fill(self, name: str, about: str, parts: Iterable[Rows]) -> None:
        """Make a table of rows that come in parts, at least one, each read to its end, batch by batch."""
        given = iter(parts)
        first = next(given)
        # By itself: DuckDB 2.0.0 loses rows added to a table that the same transaction made of a query without rows.
        self._copy("CREATE TABLE {} AS FROM given", name, first.schema.empty_table())
        with self._translated(), transaction(self._database):
            for part in chain([first], given):
                self._copy("INSERT INTO {} BY NAME FROM given", name, part)
            self._database.execute(f"COMMENT ON TABLE {_quoted(name)} IS {_literal(about)}")
            for column in first.schema.names:
                text = _literal(self._meaning(column))
                self._database.execute(f"COMMENT ON COLUMN {_quoted(name)}.{_quoted(column)} IS {text}")

    def create_views(self) -> None:
        """Create the public views of a book, on tables that are all in one schema here."""
        statements = [part for _, _, text in migrations() for part in _COMMENT.sub("", text).split(";")]
        with self._translated(), transaction(self._database):
            for statement in filter(_VIEW.match, statements):
                self._database.execute(statement.format(public="main", internal="main"))

    def _copy(self, text: str, name: str, rows: Rows) -> None:
        with self._translated():
            self._database.register("given", rows)
            self._database.execute(text.format(_quoted(name)))
            self._database.unregister("given")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            with interruptible():
                yield
        except duckdb.Error as exc:
            text = str(exc)
            if is_full(self._path, text):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from exc
            raise ExportError(f"The snapshot could not be written: {text.splitlines()[0]}") from exc


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
