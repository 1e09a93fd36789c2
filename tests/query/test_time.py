"""Words for time: what they mean at a given moment, how a range prints, and what is refused."""

import datetime as dt
from contextlib import suppress
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallybook import UsageError
from tallybook.model.errors import UnknownNameError
from tallybook.model.windows import DAY, Span, naive, unix
from tallybook.query.clocks.time import Range, moment, resolve, stretch

NOW = dt.datetime(2026, 11, 18, 15, 30, tzinfo=dt.UTC)  # a Wednesday


TZS = ("Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe", "America/Santiago", "America/New_York", "Asia/Beirut")


def edges(**words: object) -> tuple[str, str]:
    span = resolve(NOW, **words)  # type: ignore[arg-type]
    return naive(span.start).isoformat(" ", "minutes"), naive(span.end).isoformat(" ", "minutes")


@pytest.mark.parametrize(
    ("words", "start", "end"),
    [
        ({}, "2026-10-20 00:00", "2026-11-19 00:00"),
        ({"last": "1d"}, "2026-11-18 00:00", "2026-11-19 00:00"),
        ({"last": "30d"}, "2026-10-20 00:00", "2026-11-19 00:00"),
        ({"last": "24h"}, "2026-11-17 16:00", "2026-11-18 16:00"),
        ({"last": "1w"}, "2026-11-16 00:00", "2026-11-23 00:00"),
        ({"last": "2w"}, "2026-11-09 00:00", "2026-11-23 00:00"),
        ({"last": "1mo"}, "2026-11-01 00:00", "2026-12-01 00:00"),
        ({"last": "12mo"}, "2025-12-01 00:00", "2026-12-01 00:00"),
        ({"last": " 3 d "}, "2026-11-16 00:00", "2026-11-19 00:00"),
        ({"period": "today"}, "2026-11-18 00:00", "2026-11-19 00:00"),
        ({"period": "yesterday"}, "2026-11-17 00:00", "2026-11-18 00:00"),
        ({"period": "this-week"}, "2026-11-16 00:00", "2026-11-23 00:00"),
        ({"period": "last-week"}, "2026-11-09 00:00", "2026-11-16 00:00"),
        ({"period": "this-month"}, "2026-11-01 00:00", "2026-12-01 00:00"),
        ({"period": "last-month"}, "2026-10-01 00:00", "2026-11-01 00:00"),
        ({"period": "2026-02"}, "2026-02-01 00:00", "2026-03-01 00:00"),
        ({"period": "2025-12"}, "2025-12-01 00:00", "2026-01-01 00:00"),
        ({"period": "2026-Q3"}, "2026-07-01 00:00", "2026-10-01 00:00"),
        ({"period": "2025-Q4"}, "2025-10-01 00:00", "2026-01-01 00:00"),
        ({"period": "2026"}, "2026-01-01 00:00", "2027-01-01 00:00"),
        ({"since": "2026-11-01"}, "2026-11-01 00:00", "2026-11-19 00:00"),
        ({"since": "2026-11-01", "until": "2026-11-01"}, "2026-11-01 00:00", "2026-11-02 00:00"),
        ({"until": "2026-11-01"}, "2026-10-03 00:00", "2026-11-02 00:00"),
        ({"since": "20261101", "until": "20261103"}, "2026-11-01 00:00", "2026-11-04 00:00"),
        ({"since": dt.date(2026, 11, 1), "until": dt.date(2026, 11, 2)}, "2026-11-01 00:00", "2026-11-03 00:00"),
        ({"since": "2026-11-01T00:00", "until": "2026-11-02T00:00"}, "2026-11-01 00:00", "2026-11-02 00:00"),
        ({"since": "2026-11-01T17:00Z", "until": "2026-11-02 03:30"}, "2026-11-01 17:00", "2026-11-02 03:30"),
        ({"since": "2026-11-01T17:00+02:00"}, "2026-11-01 15:00", "2026-11-19 00:00"),
        ({"since": dt.datetime(2026, 11, 1, 5, tzinfo=dt.UTC)}, "2026-11-01 05:00", "2026-11-19 00:00"),
    ],
)
def test_words_mean_half_open_ranges(words: dict[str, object], start: str, end: str) -> None:
    assert edges(**words) == (start, end)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ({"last": "30"}, "last='30' is not a length of time. Write for example 24h, 30d, 4w or 12mo."),
        ({"last": "0d"}, "not a length of time"),
        ({"last": "99999mo"}, "reaches back too far"),
        ({"last": "99999w"}, "reaches back too far"),
        ({"period": "last-mnth"}, "Did you mean `last-month`"),
        ({"period": "2026-13"}, "is not known"),
        ({"period": "0000"}, "is not known"),
        ({"period": "9999"}, "is not known"),
        ({"period": "2027-01"}, "is in the future"),
        ({"period": "today", "last": "3d"}, "Say the time in one way: period and last were both given."),
        ({"last": "3d", "since": "2026-11-01"}, "last and since/until were both given"),
        ({"since": "2026-11-31"}, "'2026-11-31' is not a date. Write 2026-10-31, or 2026-10-31T17:00Z for a moment."),
        ({"since": "yesterday"}, "is not a date"),
        ({"since": 1767225600}, "is not a date"),
        ({"since": "0001-01-01T00:00+05:00"}, "is not a date"),
        ({"since": "1969-12-31"}, "is out of range"),
        ({"until": "9999-12-31"}, "is out of range"),
        ({"since": "2026-11-19"}, "begins in the future, at 2026-11-19; today is 2026-11-18"),
        ({"since": "2026-11-05", "until": "2026-11-01"}, r"since \(2026-11-05\) is not before until \(2026-11-01, inc"),
    ],
)
def test_nonsense_is_refused_with_what_to_write_instead(words: dict[str, object], text: str) -> None:
    with pytest.raises(UsageError, match=text):
        edges(**words)


ANYTHING = st.one_of(st.none(), st.text(max_size=12), st.from_regex(r"\d{1,5}(h|d|w|mo)", fullmatch=True))
DATES = st.one_of(st.dates(), st.datetimes(), st.datetimes(timezones=st.timezones()))


@given(
    ANYTHING,
    ANYTHING,
    st.one_of(ANYTHING, DATES, DATES.map(str)),
    st.one_of(ANYTHING, DATES, DATES.map(str)),
    st.sampled_from(["UTC", *TZS]),
)
@settings(deadline=None)
def test_nothing_but_a_usage_error_ever_comes_out(
    last: object, period: object, since: object, until: object, tz: str
) -> None:
    with suppress(UsageError):
        span = resolve(NOW, last=last, period=period, since=since, until=until, tz=tz)  # type: ignore[arg-type]
        assert 0 <= span.start < span.end
        assert tz in str(span)
        assert span.start <= unix(NOW)


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [
        ("2026-10-01", "2026-11-01", "1-31 Oct 2026, 31 days, UTC"),
        ("2026-10-01", "2026-10-02", "1 Oct 2026, 1 day, UTC"),
        ("2026-10-25", "2026-11-24", "25 Oct - 23 Nov 2026, 30 days, UTC"),
        ("2025-12-30", "2026-01-02", "30 Dec 2025 - 1 Jan 2026, 3 days, UTC"),
        ("2026-10-01T17:00", "2026-10-02T05:30", "2026-10-01T17:00Z to 2026-10-02T05:30Z, 12.5 hours, UTC"),
        ("2026-10-01T00:00:05", "2026-10-02", "2026-10-01T00:00:05Z to 2026-10-02, 24 hours, UTC"),
    ],
)
def test_a_range_prints_as_people_say_it(start: str, end: str, text: str) -> None:
    assert str(Range(unix(dt.datetime.fromisoformat(start)), unix(dt.datetime.fromisoformat(end)))) == text


def test_a_stretch_of_whole_days_is_its_first_and_its_last_day() -> None:
    first = unix(dt.datetime(2026, 10, 1))  # noqa: DTZ001
    assert stretch(Span(first, first + DAY)) == "2026-10-01"
    assert stretch(Span(first, first + 3 * DAY)) == "2026-10-01 to 2026-10-03"
    assert stretch(Span(first, first + 90)) == "2026-10-01 to 2026-10-01T00:01:30Z"


LATE = dt.datetime(2026, 11, 18, 23, 40, tzinfo=dt.UTC)
"""Already Thursday in Berlin and Kolkata, still Wednesday in New York."""


@pytest.mark.parametrize(
    ("tz", "words", "start", "end", "text"),
    [
        ("Europe/Berlin", {"period": "today"}, "2026-11-18T23:00", "2026-11-19T23:00", "19 Nov 2026, 1 day"),
        ("America/New_York", {"period": "today"}, "2026-11-18T05:00", "2026-11-19T05:00", "18 Nov 2026, 1 day"),
        ("Asia/Kolkata", {"last": "2d"}, "2026-11-17T18:30", "2026-11-19T18:30", "18-19 Nov 2026, 2 days"),
        (
            "Asia/Kolkata",
            {"last": "2h"},
            "2026-11-18T22:30",
            "2026-11-19T00:30",
            "2026-11-19T04:00+05:30 to 2026-11-19T06:00+05:30, 2 hours",
        ),
        ("Europe/Berlin", {"last": "30d"}, "2026-10-20T22:00", "2026-11-19T23:00", "21 Oct - 19 Nov 2026, 30 days"),
        ("Europe/Berlin", {"last": "1w"}, "2026-11-15T23:00", "2026-11-22T23:00", "16-22 Nov 2026, 7 days"),
        ("Europe/Berlin", {"period": "2026-10"}, "2026-09-30T22:00", "2026-10-31T23:00", "1-31 Oct 2026, 31 days"),
        ("Europe/Berlin", {"period": "2026-03"}, "2026-02-28T23:00", "2026-03-31T22:00", "1-31 Mar 2026, 31 days"),
        ("America/Santiago", {"period": "2026-09"}, "2026-09-01T04:00", "2026-10-01T03:00", "1-30 Sep 2026, 30 days"),
        (
            "America/Santiago",  # whose 6 September begins at 01:00
            {"since": "2026-09-06", "until": "2026-09-06"},
            "2026-09-06T04:00",
            "2026-09-07T03:00",
            "6 Sep 2026, 1 day",
        ),
        (
            "Africa/Cairo",
            {"until": "2026-04-23"},
            "2026-03-24T22:00",
            "2026-04-23T22:00",
            "25 Mar - 23 Apr 2026, 30 days",
        ),
        (
            "Europe/Berlin",
            {"since": "2026-10-25T02:30", "until": "2026-10-25T03:00"},
            "2026-10-25T00:30",
            "2026-10-25T02:00",
            "2026-10-25T02:30+02:00 to 2026-10-25T03:00+01:00, 1.5 hours",
        ),
        (
            "Europe/Berlin",
            {"since": "2026-03-29T02:30", "until": "2026-03-29T04:00:00.000007"},
            "2026-03-29T01:00",
            "2026-03-29T02:00",
            "2026-03-29T03:00+02:00 to 2026-03-29T04:00+02:00, 1 hours",
        ),
        (
            "Europe/Berlin",
            {"since": "2026-11-18T17:00Z", "until": "2026-11-18"},
            "2026-11-18T17:00",
            "2026-11-18T23:00",
            "2026-11-18T18:00+01:00 to 2026-11-19, 6 hours",
        ),
        ("Pacific/Apia", {"period": "2011-12"}, "2011-12-01T10:00", "2011-12-31T10:00", "1-31 Dec 2011, 31 days"),
        ("UTC", {"period": "this-quarter"}, "2026-10-01", "2027-01-01", "1 Oct - 31 Dec 2026, 92 days"),
        ("UTC", {"period": "last-quarter"}, "2026-07-01", "2026-10-01", "1 Jul - 30 Sep 2026, 92 days"),
        ("UTC", {"period": "this-year"}, "2026-01-01", "2027-01-01", "1 Jan - 31 Dec 2026, 365 days"),
        ("UTC", {"period": "last-year"}, "2025-01-01", "2026-01-01", "1 Jan - 31 Dec 2025, 365 days"),
    ],
)
def test_words_are_understood_and_printed_by_the_clocks_of_a_zone(
    tz: str, words: dict[str, object], start: str, end: str, text: str
) -> None:
    span = resolve(LATE, tz=tz, **words)  # type: ignore[arg-type]
    assert span == Range(unix(dt.datetime.fromisoformat(start)), unix(dt.datetime.fromisoformat(end)), tz)
    assert str(span) == f"{text}, {tz}"


@pytest.mark.parametrize(
    ("words", "unit", "units"),
    [
        ({"period": "today"}, "day", 1),
        ({"period": "last-week"}, "week", 1),
        ({"period": "2026-10"}, "month", 1),
        ({"period": "2026-Q3"}, "quarter", 1),
        ({"period": "2026"}, "year", 1),
        ({"last": "12mo"}, "month", 12),
        ({"last": "4w"}, None, 0),
        ({"last": "30d"}, None, 0),
        ({"since": "2026-10-01", "until": "2026-10-31"}, None, 0),
    ],
)
def test_a_range_knows_whether_it_was_said_in_units_of_the_calendar(
    words: dict[str, object], unit: str | None, units: int
) -> None:
    span = resolve(NOW, **words)  # type: ignore[arg-type]
    assert (span.unit, span.units) == (unit, units)


@pytest.mark.parametrize(
    ("tz", "text"),
    [
        ("Europe/Berln", r"Unknown time zone 'Europe/Berln'\. Did you mean `Europe/Berlin`"),
        ("berlin", r"Unknown time zone 'berlin'\. Known: Europe/Berlin\."),
        ("new york", "Known: America/New_York"),
        ("CEST", "Unknown time zone 'CEST'"),
        ("+02:00", "Known: .*Europe/Berlin"),
        ("../UTC", "Unknown time zone"),
        ("Europe", "Unknown time zone"),
        ("", "Unknown time zone"),
    ],
)
def test_a_zone_that_does_not_exist_is_refused_with_the_nearest_names(tz: str, text: str) -> None:
    with pytest.raises(UnknownNameError, match=text):
        resolve(NOW, period="today", tz=tz)


@given(st.datetimes(dt.datetime(2021, 1, 1), dt.datetime(2036, 1, 1)), st.integers(1, 800), st.sampled_from(TZS))  # noqa: DTZ001
@settings(deadline=None)
def test_days_of_a_zone_begin_when_clocks_show_them_first(when: dt.datetime, n: int, tz: str) -> None:
    span = resolve(when.replace(tzinfo=dt.UTC), last=f"{n}d", tz=tz)
    shown = [dt.datetime.fromtimestamp(s, ZoneInfo(tz)) for s in (span.start, span.end)]
    before = [dt.datetime.fromtimestamp(s - 1, ZoneInfo(tz)) for s in (span.start, span.end)]
    assert [s.date() - b.date() for s, b in zip(shown, before, strict=True)] == [dt.timedelta(days=1)] * 2
    assert before[1].date() == when.replace(tzinfo=dt.UTC).astimezone(ZoneInfo(tz)).date()
    assert before[1].date() - before[0].date() == dt.timedelta(days=n)
    assert f", {n} day{'s' if n > 1 else ''}, {tz}" in str(span)


def test_a_timestamp_is_exact_also_as_an_end() -> None:
    assert moment("2026-10-31T00:00", is_end=True) == moment("2026-10-31") == moment("2026-10-30", is_end=True)
