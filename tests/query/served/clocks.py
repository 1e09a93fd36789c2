"""Slots of time, found by looking at the clock every quarter of an hour."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cache
from zoneinfo import ZoneInfo

STEP = 900
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Slot:
    """Moments in Unix seconds, and what clocks show at the natural start."""

    start: int
    end: int
    label: dt.datetime


def local(moment: int, tz: str) -> dt.datetime:
    return dt.datetime.fromtimestamp(moment, ZoneInfo(tz))


def moment(text: str, tz: str, *, is_end: bool = False) -> int:
    """Return a date as the midnight at which it begins, or ends; a timestamp exactly."""
    if "T" in text:
        return int(dt.datetime.fromisoformat(text).timestamp())
    day = dt.date.fromisoformat(text) + dt.timedelta(days=1 if is_end else 0)
    return int(dt.datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(tz)).timestamp())


@cache
def slots(start: int, end: int, grain: str, tz: str) -> list[Slot]:
    """Return the slots of a range; an hour that clocks go through twice is two."""
    found: dict[tuple[dt.datetime, dt.timedelta | None], list[int]] = {}
    for at in range(start, end, STEP):
        shown = local(at, tz)
        ahead = shown.utcoffset() if grain == "hour" else None
        found.setdefault((_natural(shown.replace(tzinfo=None, fold=0), grain), ahead), []).append(at)
    return [Slot(those[0], min(those[-1] + STEP, end), label) for (label, _), those in found.items()]


def _natural(shown: dt.datetime, grain: str) -> dt.datetime:
    hour = shown.replace(minute=0, second=0)
    day = hour.replace(hour=0)
    return {
        "hour": hour,
        "day": day,
        "week": day - dt.timedelta(days=day.weekday()),
        "month": day.replace(day=1),
        "quarter": day.replace(day=1, month=day.month - (day.month - 1) % 3),
        "year": day.replace(day=1, month=1),
        "total": dt.datetime(1, 1, 1),  # noqa: DTZ001
    }[grain]
