"""When things happened at the company, counted back from the month in which it is made.

So every history of 120 days or more has the launch, the migration and both incidents. A price list changes on
fixed days of the year.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

DAY = 86_400
HOUR = 3_600
Span = tuple[int, int]
"""First second, and the first one after it."""


def latest(month: int, day: int, before: dt.datetime) -> int:
    """Return the last such day that lies at least 30 days before `before`: it moves once a year only."""
    limit = before - dt.timedelta(days=30)
    moment = dt.datetime(limit.year, month, day, tzinfo=dt.UTC)
    if moment > limit:
        moment = moment.replace(year=limit.year - 1)
    return int(moment.timestamp())


@dataclass(frozen=True, slots=True)
class Timeline:
    """The dates of one organization, in seconds; all but the runaway key at midnight UTC."""

    made: dt.datetime = field(compare=False)
    """When the organization is made."""
    month: int
    """The month in which the organization is made; growth is counted from here."""
    launched: int
    """A new model can be used."""
    migrated: Span
    """Work moves from an old model to the new one."""
    cold: Span
    """A changed prompt misses the cache."""
    runaway: Span
    """One key calls in a loop; it is deleted afterwards."""
    repriced: int
    """A price falls."""
    discounted: int
    """A negotiated discount begins."""

    def years(self, second: int) -> float:
        """Return years since the month in which the organization is made, for growth that neither starts nor ends."""
        return min(1.0, max(-3.0, (second - self.month) / (365 * DAY)))

    def moved(self, second: int) -> float:
        """Return the part of the work of the old model that the new one does."""
        start, end = self.migrated
        if second < self.launched:
            return 0.0
        return 0.05 + 0.89 * min(1.0, max(0.0, (second - start) / (end - start)))

    def ago(self, months: int, day: int = 1, hour: int = 0) -> int:
        """Return a moment of the month `months` before the one in which the organization is made."""
        return _ago(self.month, months, day, hour)


def _ago(month: int, months: int, day: int, hour: int = 0) -> int:
    first = dt.datetime.fromtimestamp(month, dt.UTC)
    place = first.year * 12 + first.month - 1 - months
    return int(first.replace(year=place // 12, month=place % 12 + 1, day=day, hour=hour).timestamp())


def timeline(now: dt.datetime) -> Timeline:
    """Return the dates of an organization that is made at `now`."""
    month = int(now.astimezone(dt.UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0).timestamp())
    return Timeline(
        made=now,
        month=month,
        launched=_ago(month, 3, 6),
        migrated=(_ago(month, 3, 20), _ago(month, 1, 10)),
        cold=(_ago(month, 2, 3), _ago(month, 2, 8)),
        runaway=(_ago(month, 1, 17, 1), _ago(month, 1, 17, 7)),
        repriced=latest(7, 1, now),
        discounted=latest(10, 1, now),
    )
