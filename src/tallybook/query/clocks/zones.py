"""Clocks on walls: time zones by name, and the natural units of time that people count in. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from tallybook.model.errors import UnknownNameError, near
from tallybook.model.windows import DAY, Span, naive, unix

_COMMON = ("America/Los_Angeles", "America/New_York", "Asia/Kolkata", "Asia/Tokyo", "Europe/Berlin", "UTC")
"""What is named where nothing resembles what was written; all of them would fill a screen."""

_STEP = 4 * DAY
"""Shorter than any two changes of one zone's clocks have been apart since 1970."""

MONTHS = {"month": 1, "quarter": 3, "year": 12}
"""The natural units that are whole months."""


@lru_cache(maxsize=64)
def zone(name: str) -> dt.tzinfo:
    """Return the time zone of the IANA database called `name`; raises `UnknownNameError` with the nearest names."""
    if name == "UTC":
        return dt.UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError, TypeError):  # what it raises depends on what the name is as a path
        raise UnknownNameError("time zone", str(name), _resembling(str(name))) from None


def _resembling(name: str) -> Iterable[str]:
    names = available_timezones()
    if near(name, names):
        return names
    city = name.replace(" ", "_").casefold()
    return [n for n in names if city == n.rpartition("/")[2].casefold()] or _COMMON


def local(moment: int, tz: str) -> dt.datetime:
    """Return what clocks in `tz` show, naive, at Unix seconds."""
    if tz == "UTC":
        return naive(moment)
    return naive(moment).replace(tzinfo=dt.UTC).astimezone(zone(tz)).replace(tzinfo=None, fold=0)


def clock(moment: int, tz: str) -> dt.datetime:
    """Return what clocks in `tz` show, naive; midnight for the start of a day, even where they skip it."""
    wall = local(moment, tz)
    day = beginning(wall, "day")
    return day if wall != day and at(day, tz) == moment else wall


def offset(moment: int, tz: str) -> int:
    """Return by how many seconds clocks in `tz` are ahead of UTC at Unix seconds."""
    return unix(local(moment, tz)) - moment


def at(wall: dt.datetime, tz: str) -> int:
    """Return Unix seconds of the first moment at which clocks in `tz` show `wall`.

    Where they never do, because they are put forward past it: the moment at which that is done.
    """
    wall = wall.replace(microsecond=0, fold=0)
    moment = unix(wall.replace(tzinfo=zone(tz)))
    return moment if local(moment, tz) == wall else _change(moment - DAY, moment, tz)


def offsets(span: Span, tz: str) -> list[tuple[int, int]]:
    """Return from which moment on clocks in `tz` are ahead of UTC by how many seconds, beginning with the span."""
    out = [(span.start, offset(span.start, tz))]
    if tz == "UTC":
        return out
    before = span.start
    while before < span.end - 1:
        after = min(before + _STEP, span.end - 1)
        ahead = offset(after, tz)
        if ahead != out[-1][1]:
            out.append((_change(before, after, tz), ahead))
        before = after
    return out


def _change(before: int, after: int, tz: str) -> int:
    """Return the first moment at which the clocks are as far ahead of UTC as they are at `after`."""
    ahead = offset(after, tz)
    while after - before > 1:
        middle = (before + after) // 2
        before, after = (before, middle) if offset(middle, tz) == ahead else (middle, after)
    return after


def beginning(wall: dt.datetime, unit: str) -> dt.datetime:
    """Return the naive start of the day, week (Monday), month, quarter or year that `wall` is in."""
    day = wall.replace(hour=0, minute=0, second=0, microsecond=0)
    if unit == "week":
        return day - dt.timedelta(days=day.weekday())
    length = MONTHS.get(unit)
    return day if length is None else day.replace(day=1, month=(day.month - 1) // length * length + 1)


def stepped(start: dt.datetime, unit: str, n: int = 1) -> dt.datetime:
    """Return the naive start of the unit that is `n` after the one that begins at `start`."""
    length = MONTHS.get(unit)
    if length is None:
        return start + n * dt.timedelta(days=7 if unit == "week" else 1)
    months = start.year * 12 + start.month - 1 + n * length
    return start.replace(year=months // 12, month=months % 12 + 1)
