"""What a range is compared with, and which slot of it with which. Pure.

Both sides are cut to what is known of the asked one, so that like is compared with like; only a calendar period that
is known to its end is compared whole with whole, though months differ in length.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tallybook.model.coverage import Run
from tallybook.model.errors import UnknownNameError, UsageError
from tallybook.model.windows import DAY, floor
from tallybook.query.clocks.axis import Pieces, pieces
from tallybook.query.clocks.pairs import Pair, paired
from tallybook.query.clocks.time import Range
from tallybook.query.clocks.zones import MONTHS, at, clock, stepped

KINDS = ("previous", "year")
"""What a range can be compared with: what was just before, and a year ago."""

_DAY = dt.timedelta(days=1)
_YEAR = 364
"""Days that are whole weeks, so that weekdays meet their like."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two ranges and the pairs of their slots."""

    kind: str
    grain: str
    asked: Range
    now: Range | None
    """The part of the asked range that is compared; None where nothing of it is known yet."""
    before: Range | None
    """What it is compared with."""
    pairs: tuple[Pair, ...]
    """Slots of now and of before, in order; None where the other side is shorter. Partners share their key."""
    billed_through: int | None = None
    """The end of the last billed day, Unix seconds, where that is what cut the asked range."""

    @property
    def shift_pieces(self) -> Pieces:
        """By how much moments of before are shifted so that truncation gives the key of their pair."""
        return pieces([before for _, before in self.pairs if before], self.grain)

    def __str__(self) -> str:
        if self.now is None or self.before is None:
            return "nothing to compare yet"
        text = f"compared with {self.before.dates}, {self.before.length}"
        if (through := self.billed_through) is not None:
            text += f", through the last billed day ({Range(through - DAY, through).dates})"
        return text


def compared(
    asked: Range, kind: str, grain: str, *, through: int | None, billed_through: int | None = None
) -> Comparison:
    """Return what `asked` is compared with, as far as it is known.

    `through` is the end of the last bucket that is held and closed (see `closed_through`); `billed_through`, for
    money, the end of the last billed day. `previous` is what was as many whole weeks ago as the range is long, or
    the calendar unit before; `year` is 364 days ago, and the same unit of the year before for months, quarters and
    years that are over or are shown by month or longer. Raises `UnknownNameError`, and `UsageError` for what would
    be before 1970.
    """
    if kind not in KINDS:
        raise UnknownNameError("comparison", kind, KINDS)
    known = asked.start if through is None else min(asked.end, through)
    end = known if billed_through is None else min(known, billed_through)
    if end <= asked.start:
        return Comparison(kind, grain, asked, None, None, ())
    back, whole = _back(asked, kind, grain, is_over=end == asked.end)
    now, before = _sides(asked, end, back, whole)
    if before.start == before.end:  # an hour that clocks skipped then
        return Comparison(kind, grain, asked, None, None, ())
    pairs = paired(now, before, grain, back, in_units=whole is not None)
    return Comparison(kind, grain, asked, now, before, pairs, billed_through if end < known else None)


def closed_through(held: Iterable[Sequence[Run]]) -> int | None:
    """Return until when all datasets that hold anything hold closed buckets; None where none holds anything."""
    return min((max(floor(run.end, run.width) for run in runs) for runs in held if runs), default=None)


def _back(asked: Range, kind: str, grain: str, *, is_over: bool) -> tuple[dt.timedelta, dt.datetime | None]:
    """Return how far before is, by clocks, and for a unit of the calendar where that ends."""
    start, end = clock(asked.start, asked.tz), clock(asked.end, asked.tz)
    by_unit = kind == "previous" or (asked.unit in MONTHS and (is_over or grain in MONTHS))
    if asked.unit is not None and by_unit:
        unit, units = ("year", 1) if kind == "year" else (asked.unit, asked.units)
        first = _back_to(start, unit, units, asked)
        return start - first, stepped(first, asked.unit, asked.units)
    days = _YEAR if kind == "year" else -(-(end - start) // (7 * _DAY)) * 7
    return start - _back_to(start, "day", days, asked), None


def _back_to(start: dt.datetime, unit: str, n: int, asked: Range) -> dt.datetime:
    try:
        first = stepped(start, unit, -n)
    except (OverflowError, ValueError):
        first = None
    if first is None or first.year < 1970:
        raise UsageError(f"What {asked.dates} would be compared with was before 1970. Ask for less time.")
    return first


def _sides(asked: Range, end: int, back: dt.timedelta, whole: dt.datetime | None) -> tuple[Range, Range]:
    """Return both ranges, cut to equal lengths by clocks, unless all of a calendar unit is known."""
    tz, start = asked.tz, clock(asked.start, asked.tz)
    first = start - back
    if whole is not None and end == asked.end:
        return asked, Range(at(first, tz), at(whole, tz), tz)
    elapsed = clock(end, tz) - start
    if whole is not None and elapsed > whole - first:
        elapsed = whole - first
        end = at(start + elapsed, tz)
    return Range(asked.start, end, tz), Range(at(first, tz), at(first + elapsed, tz), tz)
