"""Words for time to a half-open range, and ranges to words. Pure; everything is UTC."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from tallybook.model.errors import UsageError, suggest
from tallybook.model.windows import DAY, Span, iso, naive, unix

When = str | dt.date | dt.datetime

GRAINS = ("day", "month", "total")
"""The lengths of time by which an answer can be given."""

_UNITS = {"h": "hours", "d": "days", "w": "weeks", "mo": "months"}
_LAST = re.compile(r"([1-9]\d{0,4})\s*(h|d|w|mo)")
_NAMED = ("today", "yesterday", "this-week", "last-week", "this-month", "last-month")
_PERIOD = re.compile(r"(\d{4})(?:-(?:Q([1-4])|(0[1-9]|1[0-2])))?")


@dataclass(frozen=True, slots=True, order=True)
class Range(Span):
    """Half-open `[start, end)` in Unix seconds, UTC; prints as people say it."""

    def __str__(self) -> str:
        length = self.end - self.start
        if self.start % DAY or self.end % DAY:
            hours = f"{length / 3600:,.2f}".rstrip("0").rstrip(".")
            return f"{iso(self.start)} to {iso(self.end)}, {hours} hours, UTC"
        days = length // DAY
        first, last = naive(self.start), naive(self.end - DAY)
        if days == 1:
            return f"{first.day} {first:%b %Y}, 1 day, UTC"
        if (first.year, first.month) == (last.year, last.month):
            text = f"{first.day}-{last.day} {last:%b %Y}"
        elif first.year == last.year:
            text = f"{first.day} {first:%b} - {last.day} {last:%b %Y}"
        else:
            text = f"{first.day} {first:%b %Y} - {last.day} {last:%b %Y}"
        return f"{text}, {days} days, UTC"


def resolve(
    now: dt.datetime,
    *,
    period: str | None = None,
    since: When | None = None,
    until: When | None = None,
    last: str | None = None,
    default: str = "30d",
) -> Range:
    """Return the range that the words mean at `now` (aware).

    `period` is a calendar word (`this-month`, `2026-10`, `2026-Q3`, `2026`), `last` a length (`24h`, `30d`, `4w`,
    `12mo`) ending with the current hour, day, week or month. A bare date in `since` or `until` is that whole day;
    a timestamp is exact. Without any, the last 30 days. Raises `UsageError`.
    """
    given = [name for name, value in (("period", period), ("last", last)) if value is not None]
    if since is not None or until is not None:
        given.append("since/until")
    if len(given) > 1:
        raise UsageError(f"Say the time in one way: {' and '.join(given)} were both given.")
    if period is not None:
        return _period(period, now)
    if since is None and until is None:
        return _last(last if last is not None else default, now)
    return _between(since, until, now)


def moment(value: When, *, is_end: bool = False) -> int:
    """Return Unix seconds of a date or timestamp; a bare date as an end is the end of that day.

    A timestamp without an offset is UTC. Raises `UsageError`.
    """
    day = _parsed(value)
    if isinstance(day, dt.datetime):
        return _within(unix(day), value)
    start = unix(dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC))
    return _within(start + DAY if is_end else start, value)


def known_at(value: When, now: dt.datetime) -> dt.datetime:
    """Return the moment, naive UTC and exact, whose knowledge is asked for; a bare date is the end of that day.

    Today has not ended, so it means now. Raises `UsageError` for words that make no sense, and for the future.
    """
    day, latest = _parsed(value), _naive(now)
    if isinstance(day, dt.datetime):
        moment = day
    elif day == latest.date():
        moment = latest
    else:
        moment = naive(_within(unix(dt.datetime(day.year, day.month, day.day)), value)) + _TO_END_OF_DAY  # noqa: DTZ001
    _within(unix(moment), value)
    if moment > latest:
        raise UsageError(f"as_of ({value}) is in the future; now is {latest:%Y-%m-%dT%H:%MZ}.")
    return moment


_TO_END_OF_DAY = dt.timedelta(days=1, microseconds=-1)


def known_text(moment: dt.datetime) -> str:
    """Return a moment whose knowledge was asked for, as people say it: `the end of 2026-10-31`, or exactly."""
    if moment.time() == dt.time.max:
        return f"the end of {moment:%Y-%m-%d}"
    return f"{moment.isoformat(' ')} UTC"


def _parsed(value: When) -> dt.date | dt.datetime:
    """Return a day, or a moment as naive UTC."""
    try:
        if isinstance(value, dt.datetime):
            return _naive(value)
        day = value if isinstance(value, dt.date) else _day(str(value))
        return day if day is not None else _naive(dt.datetime.fromisoformat(str(value).strip()))
    except (ValueError, OverflowError, TypeError) as exc:
        raise UsageError(f"{str(value)!r} is not a date. Write 2026-10-31, or 2026-10-31T17:00Z for a moment.") from exc


def _naive(moment: dt.datetime) -> dt.datetime:
    """Return a moment as naive UTC; without an offset it is that already."""
    return moment if moment.tzinfo is None else moment.astimezone(dt.UTC).replace(tzinfo=None)


def _day(text: str) -> dt.date | None:
    """Return the day that `text` names in any way that ISO has, or None where it names a moment."""
    try:
        return dt.date.fromisoformat(text.strip())
    except ValueError:
        return None


_FIRST, _LAST_MOMENT = 0, 253_370_764_800
"""1970 to 9999: beyond, calendars and stores have no dates."""


def _within(seconds: int, said: When) -> int:
    if not _FIRST <= seconds < _LAST_MOMENT:
        raise UsageError(f"{str(said)!r} is out of range: there are dates from 1970 to 9998.")
    return seconds


def _between(since: When | None, until: When | None, now: dt.datetime) -> Range:
    today = unix(now) // DAY * DAY
    end = moment(until, is_end=True) if until is not None else today + DAY
    start = moment(since) if since is not None else max(end - 30 * DAY, _FIRST)
    if start > unix(now):
        raise UsageError(f"The range begins in the future, at {iso(start)}; today is {iso(today)} (UTC).")
    if start >= end:
        raise UsageError(backwards(start, end))
    return Range(start, end)


def backwards(start: int, end: int) -> str:
    """Return what is wrong with a range that ends before it begins, in the words of the one who wrote it."""
    last = f"{iso(end - DAY)}, included" if not end % DAY else iso(end)
    return f"since ({iso(start)}) is not before until ({last})."


def stretch(span: Span) -> str:
    """Return a span in few words: whole days as first and last day, anything else as exact moments."""
    if span.start % DAY or span.end % DAY:
        return f"{iso(span.start)} to {iso(span.end)}"
    first, last = iso(span.start), iso(span.end - DAY)
    return first if first == last else f"{first} to {last}"


def _last(text: str, now: dt.datetime) -> Range:
    match = _LAST.fullmatch(text.strip())
    if not match:
        raise UsageError(f"last={text!r} is not a length of time. Write for example 24h, 30d, 4w or 12mo.")
    n, unit = int(match[1]), match[2]
    day = now.astimezone(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        if unit == "h":
            end = unix(now) // 3600 * 3600 + 3600
            return Range(_within(end - n * 3600, text), end)
        if unit == "mo":
            end_month = _add_months(day.replace(day=1), 1)
            return Range(_within(unix(_add_months(end_month, -n)), text), unix(end_month))
        monday = day - dt.timedelta(days=day.weekday())
        last_day = day + dt.timedelta(days=1) if unit == "d" else monday + dt.timedelta(days=7)
        length = dt.timedelta(days=n if unit == "d" else 7 * n)
        return Range(_within(unix(last_day - length), text), unix(last_day))
    except (OverflowError, ValueError, UsageError) as exc:
        raise UsageError(f"last={text!r} reaches back too far.") from exc


def _period(text: str, now: dt.datetime) -> Range:
    text = text.strip()
    day = now.astimezone(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    one, monday, first = dt.timedelta(days=1), day - dt.timedelta(days=day.weekday()), day.replace(day=1)
    week = dt.timedelta(days=7)
    named = {
        "today": (day, day + one),
        "yesterday": (day - one, day),
        "this-week": (monday, monday + week),
        "last-week": (monday - week, monday),
        "this-month": (first, _add_months(first, 1)),
        "last-month": (_add_months(first, -1), first),
    }
    match = _PERIOD.fullmatch(text)
    if text not in named and (not match or not 1970 <= int(match[1]) <= 9998):
        raise UsageError(f"period={text!r} is not known. {suggest(text, [*_NAMED, '2026-10', '2026-Q3', '2026'])}")
    if match:
        year, quarter, month = int(match[1]), match[2], match[3]
        start = dt.datetime(year, int(month or 1) if not quarter else 3 * int(quarter) - 2, 1, tzinfo=dt.UTC)
        end = _add_months(start, 1 if month else 3 if quarter else 12)
    else:
        start, end = named[text]
    if start > now:
        raise UsageError(f"period={text!r} is in the future.")
    return Range(unix(start), unix(end))


def _add_months(moment: dt.datetime, n: int) -> dt.datetime:
    months = moment.year * 12 + moment.month - 1 + n
    return moment.replace(year=months // 12, month=months % 12 + 1)


def buckets(span: Span, grain: str) -> list[Span]:
    """Return the pieces of `span` that fall into each day, month, or the whole; the outer ones may be cut."""
    if grain == "total":
        return [Span(span.start, span.end)]
    out = []
    start = span.start
    while start < span.end:
        when = naive(start)
        day = when.replace(hour=0, minute=0, second=0)
        following = day + dt.timedelta(days=1) if grain == "day" else _add_months(day.replace(day=1), 1)
        end = min(unix(following), span.end)
        out.append(Span(start, end))
        start = end
    return out
