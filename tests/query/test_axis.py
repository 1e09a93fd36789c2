"""The axis of an answer, against clocks walked step by step: slots, their keys, and the shifts that lead there."""

import datetime as dt
import itertools
import time
from bisect import bisect_right
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallybook import UsageError
from tallybook.model.errors import UnknownNameError
from tallybook.model.windows import DAY, Span, naive, unix
from tallybook.query.clocks.axis import GRAINS, LIMIT, Slot, edges, pieces, shift_pieces, slots

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",  # half an hour
    "Asia/Kathmandu",  # a quarter
    "Australia/Lord_Howe",  # clocks move by half an hour
    "America/Santiago",  # a midnight that does not exist, south of the equator
    "Africa/Cairo",  # the same, north of it
    "America/Havana",  # a midnight that comes twice
    "Asia/Beirut",  # put back at midnight to the day before
    "Antarctica/Troll",  # by two hours
    "Africa/Casablanca",  # back for a month in the year
    "Pacific/Apia",
    "Pacific/Kiritimati",
)
CHANGES = {
    "Europe/Berlin": ("2026-03-29T01:00", "2026-10-25T01:00"),
    "Australia/Lord_Howe": ("2026-10-03T15:30", "2026-04-04T15:00"),
    "America/Santiago": ("2026-09-06T04:00", "2026-04-05T03:00"),
    "Africa/Cairo": ("2026-04-23T22:00", "2026-10-29T21:00"),
    "America/Havana": ("2026-03-08T05:00", "2026-11-01T05:00"),
    "Asia/Beirut": ("2026-03-28T22:00", "2026-10-24T21:00"),
}
LONGEST = {"minute": DAY, "hour": 40 * DAY, "day": 500 * DAY, "week": 1500 * DAY}


def utc(text: str) -> int:
    return unix(dt.datetime.fromisoformat(text))


def walked(moment: int, tz: str) -> dt.datetime:
    """What clocks show, from the standard library alone."""
    return dt.datetime.fromtimestamp(moment, ZoneInfo(tz)).replace(tzinfo=None, fold=0)


def truncated(wall: dt.datetime, grain: str) -> dt.datetime:
    """What DATE_TRUNC does, written down the long way."""
    day = dt.datetime(wall.year, wall.month, wall.day)  # noqa: DTZ001
    if grain == "week":
        year, week, _ = wall.isocalendar()
        return dt.datetime.combine(dt.date.fromisocalendar(year, week, 1), dt.time())
    return {
        "minute": wall.replace(second=0),
        "hour": wall.replace(minute=0, second=0),
        "day": day,
        "month": day.replace(day=1),
        "quarter": day.replace(day=1, month={1: 1, 2: 4, 3: 7, 4: 10}[(wall.month + 2) // 3]),
        "year": day.replace(day=1, month=1),
    }[grain]


def shifted(moment: int, shifts: list[tuple[int | None, int]]) -> dt.datetime:
    ends = [until for until, _ in shifts[:-1]]
    return naive(moment + shifts[bisect_right(ends, moment)][1])


@st.composite
def questions(draw: st.DrawFn) -> tuple[Span, str, str]:
    """A range, a grain and a zone; often about a change of clocks."""
    grain = draw(st.sampled_from(GRAINS[:-1]))
    tz = draw(st.sampled_from(ZONES))
    length = draw(st.integers(1, LONGEST.get(grain, 3000 * DAY)))
    start = draw(st.integers(utc("2021-01-01"), utc("2036-01-01")))
    if tz in CHANGES and draw(st.booleans()):
        start = utc(draw(st.sampled_from(CHANGES[tz]))) - draw(st.integers(0, length))
    if draw(st.booleans()):
        start, length = start // 900 * 900, -(-length // 900) * 900
    return Span(start, start + length), grain, tz


@given(questions(), st.data())
@settings(max_examples=150, deadline=None)
def test_every_moment_is_in_the_slot_that_clocks_show_and_truncation_finds_it(
    asked: tuple[Span, str, str], data: st.DataObject
) -> None:
    span, grain, tz = asked
    axis, shifts = slots(span, grain, tz), shift_pieces(span, grain, tz)
    assert (axis[0].start, axis[-1].end) == (span.start, span.end)
    assert all(a.end == b.start and a.key < b.key for a, b in itertools.pairwise(axis))
    assert edges(axis) == [s.start for s in axis] + [span.end]
    anywhere = data.draw(st.lists(st.integers(span.start, span.end - 1), max_size=50))
    stride = max(900, (span.end - span.start) // 200 // 900 * 900)
    starts = [s.start for s in axis]
    for moment in {*anywhere, *range(span.start, span.end, stride), *starts[:200], *(s.end - 1 for s in axis[:200])}:
        slot = axis[bisect_right(starts, moment) - 1]
        assert slot.label == truncated(walked(moment, tz), grain)
        assert slot.key == truncated(shifted(moment, shifts), grain)
    assert grain in ("minute", "hour") or all(s.key == s.label for s in axis)


@given(questions())
@settings(max_examples=60, deadline=None)
def test_a_slot_ends_where_clocks_show_the_next_one_and_nowhere_else(asked: tuple[Span, str, str]) -> None:
    span, grain, tz = asked
    for a, b in itertools.pairwise(slots(span, grain, tz)[:300]):
        back = walked(b.start, tz) <= walked(b.start - 1, tz)
        assert truncated(walked(b.start, tz), grain) != truncated(walked(b.start - 1, tz), grain) or back
        assert a.label != b.label or (back and grain in ("minute", "hour"))


@pytest.mark.parametrize("tz", CHANGES)
@pytest.mark.parametrize("grain", GRAINS[1:-1])
def test_duckdb_truncates_the_shifted_moments_of_a_year_to_the_keys(tz: str, grain: str) -> None:
    span = Span(utc("2026-01-01T05:00"), utc("2027-01-02T07:00"))
    shifts = shift_pieces(span, grain, tz)
    cases = "".join(f" WHEN t < TIMESTAMP '{naive(until)}' THEN {s}" for until, s in shifts[:-1] if until)
    shift = f"CASE{cases} ELSE {shifts[-1][1]} END" if cases else str(shifts[-1][1])
    found = duckdb.sql(
        f"SELECT date_trunc('{grain}', t + to_seconds({shift})) AS key, COUNT(*), MIN(t) FROM (SELECT TIMESTAMP "
        f"'{naive(span.start)}' + to_minutes(30 * i) AS t FROM range({(span.end - span.start) // 1800}) AS r(i)) "
        "GROUP BY key ORDER BY key"
    ).fetchall()
    assert found == [(s.key, (s.end - s.start) // 1800, naive(s.start)) for s in slots(span, grain, tz)]


@pytest.mark.parametrize(
    ("tz", "grain", "start", "end", "most"),
    [
        ("UTC", "hour", "2026-01-01", "2026-12-31", 1),
        ("Europe/Berlin", "hour", "2026-01-01", "2026-12-31", 1),
        ("Asia/Kolkata", "day", "2026-01-01", "2026-12-31", 1),
        ("Europe/Berlin", "day", "2026-01-01", "2026-12-31", 3),
        ("Australia/Lord_Howe", "hour", "2026-01-01", "2026-12-31", 3),
        ("America/New_York", "minute", "2026-03-01", "2026-03-31", 1),
    ],
)
def test_shifts_change_only_where_clocks_do(tz: str, grain: str, start: str, end: str, most: int) -> None:
    assert len(shift_pieces(Span(utc(start), utc(end)), grain, tz)) <= most


def hours(start: str, end: str, tz: str) -> list[tuple[str, float]]:
    found = slots(Span(utc(start), utc(end)), "hour", tz)
    return [(f"{s.label:%H:%M}", (s.end - s.start) / 3600) for s in found]


def test_an_hour_that_comes_twice_has_two_slots_and_one_that_is_left_out_has_none() -> None:
    assert [h for h, _ in hours("2026-10-24T23:00", "2026-10-25T03:00", "Europe/Berlin")] == [
        "01:00",
        "02:00",
        "02:00",
        "03:00",
    ]
    assert [h for h, _ in hours("2026-03-29T00:00", "2026-03-29T02:00", "Europe/Berlin")] == ["01:00", "03:00"]


def test_clocks_that_move_by_half_an_hour_leave_half_an_hour_of_a_slot() -> None:
    lord_howe = "Australia/Lord_Howe"
    assert hours("2026-04-04T14:00", "2026-04-04T16:30", lord_howe) == [("01:00", 1), ("01:00", 0.5), ("02:00", 1)]
    assert hours("2026-10-03T14:30", "2026-10-03T17:00", lord_howe) == [("01:00", 1), ("02:00", 0.5), ("03:00", 1)]


@pytest.mark.parametrize(
    ("tz", "day", "length"),
    [
        ("Europe/Berlin", "2026-03-29", 23),
        ("Europe/Berlin", "2026-10-25", 25),
        ("America/Santiago", "2026-09-06", 23),
        ("America/Santiago", "2026-04-04", 25),
        ("Africa/Cairo", "2026-04-24", 23),
        ("America/Havana", "2026-11-01", 25),
        ("Australia/Lord_Howe", "2026-10-04", 23.5),
        ("Antarctica/Troll", "2026-03-29", 22),
        ("Europe/Berlin", "2026-10-26", 24),
    ],
)
def test_a_day_is_as_long_as_clocks_take_for_it(tz: str, day: str, length: float) -> None:
    noon = utc(f"{day}T12:00")
    found = [s for s in slots(Span(noon - 3 * DAY, noon + 3 * DAY), "day", tz) if f"{s.label:%Y-%m-%d}" == day]
    assert [(s.end - s.start) / 3600 for s in found] == [length]


def test_a_day_that_an_island_skipped_has_no_slot() -> None:
    span = Span(utc("2011-12-29T10:00"), utc("2012-01-01T10:00"))
    assert [s.label.day for s in slots(span, "day", "Pacific/Apia")] == [29, 31, 1]


def test_hours_follow_clocks_that_are_put_back_for_a_month_in_the_middle_of_a_range() -> None:
    span = Span(utc("2026-02-01"), utc("2026-04-10"))
    assert len({walked(t, "Africa/Casablanca") - naive(t) for t in range(span.start, span.end, DAY)}) == 2
    for slot in slots(span, "hour", "Africa/Casablanca"):
        assert slot.label == walked(slot.start, "Africa/Casablanca")


@pytest.mark.parametrize(
    ("start", "days"), [("2006-10-28T02:30", [28, 29, 30]), ("2006-10-29T02:45", [29, 30])], ids=["before", "amid"]
)
def test_days_do_not_turn_back_where_clocks_were_put_back_just_after_midnight(start: str, days: list[int]) -> None:
    span = Span(utc(start), utc("2006-10-31T03:30"))
    axis = slots(span, "day", "America/St_Johns")
    assert [s.label.day for s in axis] == days
    assert (axis[0].start, axis[-1].end) == (span.start, span.end)
    shifts = shift_pieces(span, "day", "America/St_Johns")
    for moment in range(span.start, span.end, 60):
        slot = next(s for s in axis if s.start <= moment < s.end)
        assert truncated(shifted(moment, shifts), "day") == slot.key


@pytest.mark.parametrize(
    ("grain", "start", "end", "labels"),
    [
        ("week", "2026-12-30", "2027-01-12", ["2026-12-28", "2027-01-04", "2027-01-11"]),  # 2026 has a week 53
        ("month", "2024-01-31", "2024-03-02", ["2024-01-01", "2024-02-01", "2024-03-01"]),
        ("quarter", "2025-12-31", "2026-07-01", ["2025-10-01", "2026-01-01", "2026-04-01"]),
        ("year", "2023-12-31", "2026-01-01", ["2023-01-01", "2024-01-01", "2025-01-01"]),
    ],
)
def test_slots_are_natural_units_and_the_outer_ones_are_cut(
    grain: str, start: str, end: str, labels: list[str]
) -> None:
    found = slots(Span(utc(start), utc(end)), grain)
    assert [f"{s.label:%Y-%m-%d}" for s in found] == labels
    assert (found[0].start, found[-1].end) == (utc(start), utc(end))
    assert [s.key for s in found] == [s.label for s in found]


def test_the_whole_is_one_slot_that_needs_no_shift() -> None:
    span = Span(utc("2026-03-01T05:00"), utc("2026-11-01"))
    assert [(s.start, s.end) for s in slots(span, "total", "Europe/Berlin")] == [(span.start, span.end)]
    assert shift_pieces(span, "total", "Europe/Berlin") == [(None, 0)]


@pytest.mark.parametrize("grain", ["day", "week", "month"])
@given(st.lists(st.integers(1, 40), min_size=1, max_size=12), st.integers(-400, 400), st.data())
@settings(max_examples=40, deadline=None)
def test_any_row_of_slots_can_be_led_to_any_growing_keys(
    grain: str, lengths: list[int], apart: int, data: st.DataObject
) -> None:
    keys = [s.key for s in slots(Span(utc("2026-01-01"), utc("2029-01-01")), grain)]
    at = utc("2026-01-01") + apart * 3600
    axis = []
    for length, key in zip(lengths, keys, strict=False):
        axis.append(Slot(at, at + length * 3600, key, key))
        at += length * 3600
    shifts = pieces(axis, grain)
    for slot in axis:
        for moment in range(slot.start, slot.end, 1800):
            assert truncated(shifted(moment, shifts), grain) == slot.key


def test_a_wrong_grain_and_too_many_slots_are_refused_with_what_to_ask_instead() -> None:
    with pytest.raises(UnknownNameError, match=r"Unknown grain 'weekly'\. Did you mean `week`"):
        slots(Span(0, DAY), "weekly")
    with pytest.raises(UsageError, match=r"By minute, that range has about 525,600 .* at most 100,000\. Ask by hour"):
        slots(Span(0, 365 * DAY), "minute")
    with pytest.raises(UsageError, match=r"By hour, .* Ask by day"):
        slots(Span(0, LIMIT * 3600 + 1), "hour", "Asia/Kolkata")


def test_ten_years_of_hours_and_of_local_days_are_laid_out_at_once() -> None:
    began = time.process_time()
    assert len(slots(Span(utc("2026-01-01"), utc("2036-01-01")), "hour", "Europe/Berlin")) == 3652 * 24
    assert len(shift_pieces(Span(utc("2026-01-01"), utc("2036-01-01")), "day", "Europe/Berlin")) == 21
    assert time.process_time() - began < 3
