"""Daily sums of `usage`, kept beside it: what they hold, and the queries that make them. Pure, portable SQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tallybook.model.datasets import DIMENSIONS, MEASURES, Measure
from tallybook.model.windows import SECONDS

DAY = "day"
"""The column that says which UTC day a row adds up; what `start_time` is in `usage`."""
ALWAYS = ("org", "dataset", DAY)
"""The columns besides dimensions that tell rows of every roll-up apart."""

_SECONDS = " ".join(f"WHEN '{width}' THEN {seconds}" for width, seconds in SECONDS.items())


def _column(measure: Measure) -> str:
    return measure.name if measure.kind == "flow" else f"{measure.name}_seconds"


def _summand(measure: Measure) -> str:
    """Return what a row of `usage` adds: a flow its value, a level its value times the seconds of its bucket."""
    if measure.kind == "flow":
        return measure.name
    return f"CAST({measure.name} AS DECIMAL(20, 0)) * CAST(CASE width {_SECONDS} END AS DECIMAL(5, 0))"


SUMS: Mapping[str, str] = MappingProxyType({m.name: _column(m) for m in MEASURES.values()})
"""Each measure to the column of every roll-up that is to be summed: of a flow its sums, of a level its sums times
seconds."""
_SUMMANDS = {_column(m): _summand(m) for m in MEASURES.values()}


@dataclass(frozen=True, slots=True)
class Rollup:
    """A table of daily sums, whatever the width of the buckets: one row per day and combination of its dimensions.

    A sum is NULL where every row has NULL. Rows of the open day are in it, too.
    """

    name: str
    dimensions: tuple[str, ...]
    """Those of `usage` that it keeps, besides `ALWAYS`."""

    @property
    def place(self) -> str:
        """As SQL names it."""
        return f"internal.{self.name}"


ROLLUPS = (Rollup("usage_daily", DIMENSIONS), Rollup("usage_daily_narrow", ("project_id", "model")))
"""Every roll-up, each made of the one before it, the first of `usage`."""


def smallest(dimensions: Iterable[str]) -> Rollup | None:
    """Return the smallest roll-up that tells all of these dimensions of `usage` apart; None where there is none."""
    wanted = {*dimensions} - {*ALWAYS}
    return next((r for r in reversed(ROLLUPS) if wanted <= {*r.dimensions}), None)


def columns(rollup: Rollup) -> str:
    """Return the columns of a roll-up in the order of `making`."""
    return ", ".join([*ALWAYS, *rollup.dimensions, *_SUMMANDS])


def making(rollup: Rollup, days: str = "") -> str:
    """Return the query of the rows of a roll-up.

    `days` names a table of `ALWAYS`, outside of which nothing is added up; the values of the query are then the first
    of these days and the end of the last. Without it, all is added up, and there are no values.
    """
    before = dict(zip(ROLLUPS[1:], ROLLUPS, strict=False)).get(rollup)
    place, time = (before.place, f"f.{DAY}") if before else ("usage", "f.start_time")
    day = time if before else f"date_trunc('day', {time})"
    keys = ["f.org", "f.dataset", day, *(f"f.{d}" for d in rollup.dimensions)]
    sums = (f"SUM({column if before else summand}) AS {column}" for column, summand in _SUMMANDS.items())
    names = ", ".join([*keys[:2], f"{day} AS {DAY}", *keys[3:], *sums])
    text = f"SELECT {names} FROM {place} AS f"
    if days:
        among = f"(f.org, f.dataset, {day}) IN (SELECT {', '.join(ALWAYS)} FROM {days})"
        text += f" WHERE {time} >= ? AND {time} < ? AND {among}"
    return f"{text} GROUP BY {', '.join(keys)}"
