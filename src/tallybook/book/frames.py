"""Rows of whatever people keep numbers in: a CSV, Parquet or Arrow file, a frame of any library, a list of dicts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tallybook.model.errors import UsageError, suggest
from tallybook.query.own import csv_text

Frame = Any
"""A path, rows as mappings, or anything that gives Arrow: pandas, polars, pyarrow, DuckDB."""
_CSV = (".csv", ".tsv", ".txt")
_PARQUET = (".parquet", ".pq")
_ARROW = (".arrow", ".feather", ".ipc")


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a frame; each pass yields all of them."""

    name: str
    """The file, for people, or empty."""
    columns: tuple[str, ...]
    each: Iterable[tuple[str, Mapping[str, Any]]]
    """Each with its place, for people."""

    def must_have(self, columns: Iterable[str], hints: Mapping[str, str]) -> None:
        """Raise `UsageError` where a column is not there; `hints` say how another is named."""
        where = self.name or "The frame"
        if not self.columns:
            raise UsageError(f"{where} has no rows.")
        for column in columns:
            if column not in self.columns:
                hint = f" {hints[column]}" if column in hints else ""
                raise UsageError(f"{where} has no column {column!r}. {suggest(column, self.columns)}{hint}")


def rows_of(frame: Frame) -> Rows:
    """Return the rows of a frame; raises `UsageError` where it is none, or a file that cannot be read."""
    if isinstance(frame, str | Path):
        return _file(Path(frame))
    if hasattr(frame, "__arrow_c_stream__"):
        import pyarrow as pa

        return _arrow(pa.RecordBatchReader.from_stream(frame).read_all(), "")
    if isinstance(frame, Sequence) and all(isinstance(row, Mapping) for row in frame):
        columns = tuple(dict.fromkeys(str(name) for row in frame for name in row))
        return Rows("", columns, _Numbered(lambda: (dict.fromkeys(columns) | dict(row) for row in frame), ""))
    raise UsageError(
        f"{type(frame).__name__} is not a frame. Give a CSV, Parquet or Arrow file, a pandas or polars DataFrame, an "
        "Arrow table, or a list of dicts."
    )


@dataclass(frozen=True, slots=True)
class _Numbered:
    """Rows with their numbers."""

    start: Any
    """Called for each pass."""
    name: str

    def __iter__(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        lead = f"{self.name}, " if self.name else ""
        for number, row in enumerate(self.start(), 1):
            yield f"{lead}row {number}", row


def _file(path: Path) -> Rows:
    kind = path.suffix.lower()
    if kind not in (*_CSV, *_PARQUET, *_ARROW):
        raise UsageError(f"{path.name}: a file ends in {', '.join((*_CSV, *_PARQUET, *_ARROW))}, to be read as such.")
    try:
        if kind in _CSV:
            sheet = csv_text.read(csv_text.decoded(path.read_bytes(), path.name), path.name)
            return Rows(sheet.name, sheet.columns, [(f"{path.name}, line {li.number}", li.cells) for li in sheet.lines])
        return _arrow(_read(path, is_parquet=kind in _PARQUET), path.name)
    except OSError as exc:
        raise UsageError(f"Cannot read {path}: {exc.strerror or exc}.") from exc


def _read(path: Path, *, is_parquet: bool) -> Any:
    """Return the table of a Parquet file, or of an Arrow file in either of its two forms."""
    import pyarrow as pa

    with path.open("rb") as file:
        try:
            if is_parquet:
                from pyarrow import parquet

                return parquet.read_table(file)
            try:
                return pa.ipc.open_file(file).read_all()
            except pa.ArrowInvalid:
                file.seek(0)
                return pa.ipc.open_stream(file).read_all()
        except pa.ArrowException as exc:
            raise UsageError(f"{path.name} is not what its ending says: {exc}.") from exc


def _arrow(table: Any, name: str) -> Rows:
    def plain() -> Iterator[Mapping[str, Any]]:
        for batch in table.to_batches(max_chunksize=10_000):
            yield from _microseconds(batch).to_pylist()

    return Rows(name, tuple(table.column_names), _Numbered(plain, name))


def _microseconds(batch: Any) -> Any:
    """Return a batch whose times Python can have; finer ones become pandas' own or an error."""
    import pyarrow as pa

    for i, field in enumerate(batch.schema):
        if pa.types.is_timestamp(field.type) and field.type.unit == "ns":
            kind = pa.timestamp("us", field.type.tz)
            batch = batch.set_column(i, pa.field(field.name, kind), batch.column(i).cast(kind, safe=False))
    return batch
