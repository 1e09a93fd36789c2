"""Exact numbers of an answer as Arrow columns. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import Any

import pyarrow as pa

from tallybook.model.arrow import column
from tallybook.model.schema import MONEY
from tallybook.query.metrics import Metric

_EXACT = Context(prec=76, rounding=ROUND_HALF_EVEN)
_PLACES = Decimal(1).scaleb(-18)


def plain(rows: pa.Table) -> dict[str, list[Any]]:
    """Return the columns of a statement as Python values; sums of whole numbers are `int`, which divides fast."""
    return {name: _plain(rows[name]) for name in rows.column_names}


def _plain(values: pa.ChunkedArray) -> list[Any]:
    is_whole = pa.types.is_decimal(values.type) and not values.type.scale
    try:
        found: list[Any] = (values.cast(pa.int64()) if is_whole else values).to_pylist()
    except pa.ArrowInvalid:  # bytes x seconds of years are more
        return [None if v is None else int(v) for v in values.to_pylist()]
    return found


def column_of(known: Metric, values: Sequence[Any]) -> pa.Array:
    """Return a metric's numbers as they are shown: money rounded half-even to 18 places, counts whole."""
    if known.is_money:
        return column([None if v is None else money(v) for v in values], MONEY)
    if known.kind == "ratio" or known.is_mean:
        return column([None if v is None else float(v) for v in values], pa.float64())
    if known.is_own:
        return column([None if v is None else money(v) for v in values], MONEY)
    return column([None if v is None else int(v) for v in values], pa.int64())


def money(value: Decimal | Fraction | int) -> Decimal:
    """Return an amount with at most 18 places."""
    if isinstance(value, Fraction):
        value = _EXACT.divide(Decimal(value.numerator), Decimal(value.denominator))
    return _EXACT.quantize(Decimal(value), _PLACES)
