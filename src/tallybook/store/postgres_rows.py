"""Rows of PostgreSQL to Arrow, and of Arrow to temporary tables."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from decimal import Decimal
from io import BytesIO
from typing import Any

import psycopg
import pyarrow as pa

from tallybook.model import arrow
from tallybook.model.schema import MONEY

_KINDS = {
    16: pa.bool_(),
    17: pa.binary(),
    20: pa.int64(),
    21: pa.int16(),
    23: pa.int32(),
    700: pa.float32(),
    701: pa.float64(),
    1082: pa.date32(),
    1114: pa.timestamp("us"),
    1184: pa.timestamp("us", "UTC"),
}
"""PostgreSQL's numbers of types; numbers and text are told apart otherwise."""
_NUMERIC, _WHOLE = 1700, pa.decimal128(38, 0)
_TYPES: tuple[tuple[Callable[[pa.DataType], bool], str], ...] = (
    (pa.types.is_boolean, "BOOLEAN"),
    (pa.types.is_integer, "BIGINT"),
    (pa.types.is_floating, "DOUBLE PRECISION"),
    (pa.types.is_timestamp, "TIMESTAMP"),
    (pa.types.is_binary, "BYTEA"),
    (pa.types.is_string, 'TEXT COLLATE "C"'),
)
_FEW = 500
"""Up to so many rows are given one by one."""


def schema(columns: Sequence[psycopg.Column], sample: Sequence[Sequence[Any]]) -> pa.Schema:
    """Return the types of an answer; of sums of decimals PostgreSQL says no places, so that some rows must."""
    return pa.schema([(c.name, _kind(c, [row[i] for row in sample])) for i, c in enumerate(columns)])


def _kind(column: psycopg.Column, sample: Sequence[Any]) -> pa.DataType:
    if column.type_code != _NUMERIC:
        return _KINDS.get(column.type_code, pa.string())
    if column.precision is not None and column.scale is not None:
        return pa.decimal128(min(column.precision, 38), column.scale)
    numbers = [v for v in sample if isinstance(v, Decimal)]
    return _WHOLE if numbers and all(v.as_tuple().exponent == 0 for v in numbers) else MONEY


def table(rows: Sequence[Sequence[Any]], kinds: pa.Schema) -> pa.Table:
    """Return rows as a table."""
    arrays = [_column([row[i] for row in rows], field.type) for i, field in enumerate(kinds)]
    return pa.Table.from_arrays(arrays, schema=kinds)


def _column(values: list[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_string(kind):
        return arrow.column([v if v is None or isinstance(v, str) else str(v) for v in values], kind)
    if pa.types.is_date(kind):
        days = [None if v is None else v.toordinal() - _EPOCH for v in values]
        return arrow.column(days, pa.int64()).cast(pa.int32()).cast(kind)
    if pa.types.is_timestamp(kind) and kind.tz:
        naive = [None if v is None else v.astimezone(dt.UTC).replace(tzinfo=None) for v in values]
        return arrow.column(naive, pa.timestamp("us")).cast(kind)
    return arrow.column(values, kind)


_EPOCH = dt.date(1970, 1, 1).toordinal()


def definition(name: str, kinds: pa.Schema) -> str:
    """Return the statement that makes a temporary table for rows of Arrow."""
    columns = ", ".join(f'"{field.name}" {_type(field.type)}' for field in kinds)
    return f"CREATE TEMP TABLE {name} ({columns}) ON COMMIT DROP"


def _type(kind: pa.DataType) -> str:
    if pa.types.is_decimal(kind):
        return f"DECIMAL({kind.precision}, {kind.scale})"
    if pa.types.is_int32(kind):
        return "INTEGER"
    return next(word for fits, word in _TYPES if fits(kind))


def copy(cursor: psycopg.RawCursor[Any], name: str, rows: pa.Table) -> None:
    """Add rows of Arrow to a table."""
    if not rows.num_rows:
        return
    columns = ", ".join(f'"{c}"' for c in rows.column_names)
    if rows.num_rows > _FEW and not any(pa.types.is_binary(field.type) for field in rows.schema):
        import pyarrow.csv

        written = BytesIO()
        options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed")
        pyarrow.csv.write_csv(rows, written, options)
        with cursor.copy(f"COPY {name} ({columns}) FROM STDIN (FORMAT csv)") as sink:
            sink.write(written.getbuffer())
        return
    with cursor.copy(f"COPY {name} ({columns}) FROM STDIN") as sink:
        for row in zip(*(column.to_pylist() for column in rows.columns), strict=True):
            sink.write_row(row)
