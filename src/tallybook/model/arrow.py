"""Python values to Arrow columns, in little memory.

`pyarrow.array`, `pyarrow.scalar` and `Table.from_pylist` import pandas wherever it is installed (26.0.1: 42 MB and
about a second); what is here does the same for the few types of a book and leaves pandas alone.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow.lib import StringBuilder

from tallybook.model.windows import unix


def column(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Return `values` (None is null) as a column of type `kind`.

    Text, bytes, booleans, whole numbers, doubles, decimals and naive UTC datetimes are known; a number that does
    not fit raises `OverflowError` or `pyarrow.ArrowInvalid`, text that is no Unicode a `ValueError`, another type
    a `TypeError`.
    """
    nulls = values.count(None)
    if nulls == len(values):
        return pa.nulls(len(values), kind)
    if pa.types.is_string(kind):
        return _text(values)
    if pa.types.is_decimal(kind):
        return _text([None if v is None else str(v) for v in values]).cast(kind)
    filled = _bytes(values) if pa.types.is_binary(kind) else _numbers(values, kind)
    if not nulls:
        return filled
    return pc.if_else(_flags(v is not None for v in values), filled, pa.nulls(len(values), kind))


def table(rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> pa.Table:
    """Return `rows` as a table of `schema`; what a row lacks is null."""
    arrays = [column([row.get(field.name) for row in rows], field.type) for field in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def _text(values: Sequence[str | None]) -> pa.Array:
    if not set(map(type, values)) <= {str, type(None)}:
        raise TypeError("a column of text holds something else")
    builder = StringBuilder()
    builder.append_values(values)
    return builder.finish()


def _bytes(values: Sequence[bytes | None]) -> pa.Array:
    ends = array("i", accumulate((len(v or b"") for v in values), initial=0))
    whole = b"".join(v or b"" for v in values)
    return pa.Array.from_buffers(pa.binary(), len(values), [None, pa.py_buffer(ends), pa.py_buffer(whole)])


def _flags(values: Any) -> pa.Array:
    raw = bytes(values)
    return pa.Array.from_buffers(pa.uint8(), len(raw), [None, pa.py_buffer(raw)]).cast(pa.bool_())


def _numbers(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_boolean(kind):
        return _flags(bool(v) for v in values)
    if pa.types.is_float64(kind):
        floats = array("d", [0.0 if v is None else v for v in values])
        return pa.Array.from_buffers(kind, len(floats), [None, pa.py_buffer(floats)])
    ticks: Callable[[Any], int] = _microseconds if pa.types.is_timestamp(kind) else int
    plain = ticks is int and None not in values
    numbers = array("q", values if plain else [0 if v is None else ticks(v) for v in values])
    whole = pa.Array.from_buffers(pa.int64(), len(numbers), [None, pa.py_buffer(numbers)])
    if pa.types.is_timestamp(kind):
        return whole.cast(pa.timestamp("us")).cast(kind)
    return whole.cast(kind)


def _microseconds(moment: Any) -> int:
    return unix(moment) * 1_000_000 + int(moment.microsecond)
