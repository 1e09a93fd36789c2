"""The cells of an answer: numbers of a metric that stand below each other, changes, and starts of slots."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Protocol

from tallybook.query.metrics import Metric
from tallybook.show.numbers import UNKNOWN, Number, count, fixed, money, percent, places, relative

Row = Mapping[str, Any]
_LEAST = 0.001
"""Shares below are shown as less than a place after the point."""


class Shown(Protocol):
    """What writes the numbers of a column of several rows."""

    def __call__(self, those: Sequence[Row], column: str) -> list[str]: ...


_DIGITS, _DIGITS_OF_MONEY = 4, 3
"""How many digits the largest of several ratios has at least."""


def texts(known: Metric, rows: Sequence[Row]) -> Shown:
    """Return what writes a metric's numbers, all with as many places as those in `rows` need."""
    values = [r[known.name] for r in rows if r[known.name] is not None]
    if known.unit == "share":
        whole = all(not v or (abs(v) >= _LEAST and round(1000 * v) % 10 == 0) for v in values)
        return lambda those, column: [percent(r[column], whole=whole) for r in those]
    if known.is_money:
        exact = max(places(values), _needed(values, _DIGITS_OF_MONEY) if known.kind == "ratio" else 0)
        return lambda those, column: [money(r[column], r["currency"], exact) for r in those]
    if known.kind == "ratio" or known.is_own:
        digits = 0 if all(v == round(v) for v in values) else _needed(values, _DIGITS)
        return lambda those, column: [fixed(r[column], digits) for r in those]
    return lambda those, column: [count(None if r[column] is None else round(r[column])) for r in those]


def _needed(values: Iterable[Number], digits: int) -> int:
    """Return the places with which the largest has so many digits."""
    largest = max((abs(Decimal(repr(v)) if isinstance(v, float) else Decimal(v)) for v in values), default=Decimal(0))
    return max(0, digits - 1 - largest.adjusted()) if largest else 0


def change(now: Any, before: Any, known: Metric) -> str:
    """Return how much more it is than before; of shares in percentage points."""
    if known.unit != "share":
        return relative(now, before)
    return UNKNOWN if None in (now, before) else f"{100 * (now - before):+.1f} pp".replace("-", "−")


_SLOTS = {"minute": "%Y-%m-%d %H:%M", "hour": "%Y-%m-%d %H:%M", "month": "%Y-%m", "year": "%Y"}


def slot_text(moment: dt.datetime, grain: str) -> str:
    """Return the start of a slot as briefly as tells it from its neighbours."""
    if grain == "quarter":
        return f"{moment.year}-Q{(moment.month + 2) // 3}"
    return moment.strftime(_SLOTS.get(grain, "%Y-%m-%d"))
