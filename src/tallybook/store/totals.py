"""Sums of what is held, whole or by day: one statement, the same on every store."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from tallybook.model.datasets import HELD, MEASURES, Dataset
from tallybook.model.windows import naive, unix


class Sum(NamedTuple):
    """One exact sum; NULL counts as nothing."""

    value: int | Decimal
    rows: int
    """How many rows were added up."""


Totals = dict[str | None, Sum]
"""Of costs by currency, of everything else by measure."""


def statement(
    org: str, name: str, start: int, end: int, *, place: str, which: str, by_day: bool
) -> tuple[str, list[Any]]:
    """Return the statement that adds up a dataset over `[start, end)`, Unix seconds, and its values.

    `place` is its table and `which` the column that tells datasets of one table apart, or nothing.
    """
    known = HELD[name]
    day = "date_trunc('day', start_time)::TIMESTAMP" if by_day else "NULL::TIMESTAMP"
    groups = ["day", "currency"] if known.is_costs else ["day"]
    sums = ["currency", "SUM(amount) AS amount"] if known.is_costs else _sums(known)
    where, params = "org = ? AND start_time >= ? AND start_time < ?", [org, naive(start), naive(end)]
    if which:
        where, params = f"{where} AND {which} = ?", [*params, known.split or name]
    text = f"SELECT {day} AS day, count(*) AS n, {', '.join(sums)} FROM {place} WHERE {where}"
    return f"{text} GROUP BY {', '.join(groups)}", params


def _sums(known: Dataset) -> list[str]:
    # As text: Arrow has no integer that holds every sum of 64-bit ones.
    return [f"SUM({m})::HUGEINT::VARCHAR AS {m}" for m in known.measures]


def whole(name: str, rows: Iterable[Mapping[str, Any]]) -> dict[Any, Any]:
    """Return the sum of every number that may be added over time."""
    known = HELD[name]
    if known.is_costs:
        return {row["currency"]: row["amount"] for row in rows}
    total = next(iter(rows), {})
    return {m: int(total.get(m) or 0) for m in known.measures if MEASURES[m].kind == "flow"}


def daily(name: str, rows: Iterable[Mapping[str, Any]]) -> dict[int, Totals]:
    """Return the sum of every number per day that has rows.

    The sum of a level means something only where the day is held as one bucket.
    """
    known = HELD[name]
    out: dict[int, Totals] = {}
    for row in rows:
        day: dt.datetime = row["day"]
        into = out.setdefault(unix(day), {})
        if known.is_costs:
            into[row["currency"]] = Sum(row["amount"] or Decimal(0), row["n"])
        else:
            into |= {m: Sum(int(row[m] or 0), row["n"]) for m in known.measures}
    return out
