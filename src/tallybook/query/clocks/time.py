"""Words for time to a half-open range, and ranges to words. Pure; in UTC, or as clocks in a named zone show it."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field

from tallybook.model.errors import UsageError, suggest
from tallybook.model.windows import DAY, Span, iso, naive, unix
from tallybook.query.clocks.zones import at, beginning, clock, local, offset, stepped, zone

When = str | dt.date | dt.datetime

_UNITS = {"d": "day", "w": "week", "mo": "month"}
_LAST = re.compile(r"([1-9]\d{0,4})\s*(h|d|w|mo)")
NAMED = {"today": ("day", 0), "yesterday": ("day", -1)} | {
    f"{which}-{unit}": (unit, n)
    for unit in ("week", "month", "quarter", "year")
    for which, n in (("this", 0), ("last", -1))
}
"""The calendar words: which unit, and how many of them from the current one."""
_PERIOD = re.compile(r"(\d{4})(?:-(?:Q([1-4])|(0[1-9]|1[0-2])))?")


@dataclass(frozen=True, slots=True, order=True)
class Range(Span):
    """Half-open `[start, end)` in Unix seconds, UTC; prints as people say it, by the clocks of its zone."""

    tz: str = "UTC"
    """The zone that it was said in."""
    unit: str | None = field(default=None, compare=False)
    """`day`, `week`, `month`, `quarter` or `year` where it was said as units of the calendar."""
    units: int = field(default=0, compare=False)
    """How many of them."""

    def __str__(self) -> str:
        return f"{self.dates}, {self.length}, {self.tz}"

    def as_dict(self) -> dict[str, str]:
        """Return JSON-ready values; the edges are UTC."""
        start, end = (naive(edge).strftime("%Y-%m-%dT%H:%M:%SZ") for edge in (self.start, self.end))
        return {"start": start, "end": end, "text": str(self)}

    @property
    def days(self) -> int | None:
        """How many days of its zone it is, however many hours these have; None where an edge is inside a day."""
        if any(clock(edge, self.tz).time() != dt.time() for edge in (self.start, self.end)):
            return None
        return (local(self.end - 1, self.tz).date() - local(self.start, self.tz).date()).days + 1

    @property
    def length(self) -> str:
        """How long it is: `31 days`, or hours where it is not whole days."""
        days = self.days
        if days is None:
            hours = f"{(self.end - self.start) / 3600:,.2f}".rstrip("0").rstrip(".")
            return f"{hours} hours"
        return "1 day" if days == 1 else f"{days} days"

    @property
    def dates(self) -> str:
        """From when to when: `1-31 Oct 2026`, or exact moments where it is not whole days."""
        if self.days is None:
            return f"{_iso(self.start, self.tz)} to {_iso(self.end, self.tz)}"
        first, last = local(self.start, self.tz), local(self.end - 1, self.tz)
        if first.date() == last.date():
            return f"{first.day} {first:%b %Y}"
        if (first.year, first.month) == (last.year, last.month):
            return f"{first.day}-{last.day} {last:%b %Y}"
        if first.year == last.year:
            return f"{first.day} {first:%b} - {last.day} {last:%b %Y}"
        return f"{first.day} {first:%b %Y} - {last.day} {last:%b %Y}"


def _iso(moment: int, tz: str) -> str:
    """Return `2026-10-31` for a midnight, else `2026-10-31T17:00` with the distance from UTC."""
    if tz == "UTC":
        return iso(moment)
    shown = naive(moment).replace(tzinfo=dt.UTC).astimezone(zone(tz))
    return (
        f"{shown:%Y-%m-%d}"
        if shown.time() == dt.time()
        else shown.isoformat(timespec="seconds" if shown.second else "minutes")
    )


def resolve(
    now: dt.datetime,
    *,
    period: str | None = None,
    since: When | None = None,
    until: When | None = None,
    last: str | None = None,
    default: str = "30d",
    tz: str = "UTC",
) -> Range:
    """Return the range that the words mean at `now` (aware), by the clocks of `tz`.

    `period` is a calendar word (`this-month`, `2026-10`, `2026-Q3`, `2026`), `last` a length (`24h`, `30d`, `4w`,
    `12mo`) ending with the current hour, day, week or month. A bare date in `since` or `until` is that whole day;
    a timestamp is exact, and one without an offset is of `tz`. Without any, the last 30 days. Raises `UsageError`,
    and `UnknownNameError` for a zone that does not exist.
    """
    zone(tz)
    given = [name for name, value in (("period", period), ("last", last)) if value is not None]
    if since is not None or until is not None:
        given.append("since/until")
    if len(given) > 1:
        raise UsageError(f"Say the time in one way: {' and '.join(given)} were both given.")
    if period is not None:
        return _period(period, now, tz)
    if since is None and until is None:
        return _last(last if last is not None else default, now, tz)
    return _between(since, until, now, tz)


def moment(value: When, *, is_end: bool = False, tz: str = "UTC") -> int:
    """Return Unix seconds of a date or timestamp; a bare date as an end is the end of that day.

    Dates, and timestamps without an offset, are of `tz`; where clocks show a time twice, it is the first. Raises
    `UsageError`.
    """
    said = _parsed(value, tz)
    if isinstance(said, dt.datetime):
        return _within(unix(said), value)
    day = dt.datetime(said.year, said.month, said.day)  # noqa: DTZ001
    try:
        return _within(at(stepped(day, "day") if is_end else day, tz), value)
    except OverflowError:
        return _within(_LAST_MOMENT, value)


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


def _parsed(value: When, tz: str = "UTC") -> dt.date | dt.datetime:
    """Return a day, or a moment as naive UTC; one without an offset is of `tz`."""
    try:
        said: dt.date | dt.datetime | None = value if isinstance(value, dt.date) else _day(str(value))
        if said is None:
            said = dt.datetime.fromisoformat(str(value).strip())
        if isinstance(said, dt.datetime):
            return naive(at(said, tz)) if said.tzinfo is None and tz != "UTC" else _naive(said)
    except (ValueError, OverflowError, TypeError) as exc:
        raise UsageError(f"{str(value)!r} is not a date. Write 2026-10-31, or 2026-10-31T17:00Z for a moment.") from exc
    return said


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


def _between(since: When | None, until: When | None, now: dt.datetime, tz: str) -> Range:
    today = beginning(local(unix(now), tz), "day")
    end = moment(until, is_end=True, tz=tz) if until is not None else at(stepped(today, "day"), tz)
    start = moment(since, tz=tz) if since is not None else _days_before(end, 30, tz)
    if start > unix(now):
        raise UsageError(f"The range begins in the future, at {_iso(start, tz)}; today is {today:%Y-%m-%d} ({tz}).")
    if start >= end:
        raise UsageError(backwards(start, end, tz))
    return Range(start, end, tz)


def _days_before(end: int, n: int, tz: str) -> int:
    """Return the moment at which clocks showed the same, so many days before; not before 1970."""
    return max(at(clock(end, tz) - dt.timedelta(days=n), tz), _FIRST)


def backwards(start: int, end: int, tz: str = "UTC") -> str:
    """Return what is wrong with a range that ends before it begins, in the words of the one who wrote it."""
    is_day = local(end, tz).time() == dt.time()
    last = f"{local(end - 1, tz):%Y-%m-%d}, included" if is_day else _iso(end, tz)
    return f"since ({_iso(start, tz)}) is not before until ({last})."


def stretch(span: Span) -> str:
    """Return a span in few words: whole days as first and last day, anything else as exact moments."""
    if span.start % DAY or span.end % DAY:
        return f"{iso(span.start)} to {iso(span.end)}"
    first, last = iso(span.start), iso(span.end - DAY)
    return first if first == last else f"{first} to {last}"


def _last(text: str, now: dt.datetime, tz: str) -> Range:
    match = _LAST.fullmatch(text.strip())
    if not match:
        raise UsageError(f"last={text!r} is not a length of time. Write for example 24h, 30d, 4w or 12mo.")
    n, unit = int(match[1]), _UNITS.get(match[2])
    try:
        if unit is None:
            ahead = offset(unix(now), tz)
            end = (unix(now) + ahead) // 3600 * 3600 + 3600 - ahead
            return Range(_within(end - n * 3600, text), end, tz)
        end_day = stepped(beginning(local(unix(now), tz), unit), unit)
        start = _within(at(stepped(end_day, unit, -n), tz), text)
        return Range(start, at(end_day, tz), tz, *(("month", n) if unit == "month" else ()))
    except (OverflowError, ValueError, UsageError) as exc:
        raise UsageError(f"last={text!r} reaches back too far.") from exc


def _period(text: str, now: dt.datetime, tz: str) -> Range:
    text = text.strip()
    match = _PERIOD.fullmatch(text)
    if text not in NAMED and (not match or not 1970 <= int(match[1]) <= 9998):
        raise UsageError(f"period={text!r} is not known. {suggest(text, [*NAMED, '2026-10', '2026-Q3', '2026'])}")
    if match:
        year, quarter, month = int(match[1]), match[2], match[3]
        unit = "quarter" if quarter else "month" if month else "year"
        start = dt.datetime(year, 3 * int(quarter) - 2 if quarter else int(month or 1), 1)  # noqa: DTZ001
    else:
        unit, n = NAMED[text]
        start = stepped(beginning(local(unix(now), tz), unit), unit, n)
    first = at(start, tz)
    if first > unix(now):
        raise UsageError(f"period={text!r} is in the future.")
    return Range(max(first, _FIRST), at(stepped(start, unit), tz), tz, unit, 1)
