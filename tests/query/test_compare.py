"""What a range is compared with, slot by slot."""

import datetime as dt
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tallybook import UsageError
from tallybook.model.coverage import Run
from tallybook.model.errors import UnknownNameError
from tallybook.model.windows import DAY, naive, unix
from tallybook.query.clocks.axis import GRAINS, Slot, slots
from tallybook.query.clocks.compare import closed_through, compared
from tallybook.query.clocks.time import Range, resolve
from tests.query.test_axis import ZONES, shifted, truncated

NOW = dt.datetime(2026, 11, 18, 15, 30, tzinfo=dt.UTC)  # a Wednesday


def utc(text: str) -> int:
    return unix(dt.datetime.fromisoformat(text))


def said(tz: str = "UTC", **words: str) -> Range:
    return resolve(NOW, tz=tz, **words)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("words", "kind", "through", "now", "before"),
    [
        ({"last": "7d"}, "previous", "2026-11-19", "12-18 Nov 2026, 7 days", "5-11 Nov 2026, 7 days"),
        ({"last": "8d"}, "previous", "2026-11-19", "11-18 Nov 2026, 8 days", "28 Oct - 4 Nov 2026, 8 days"),
        ({"last": "30d"}, "previous", "2026-11-19", "20 Oct - 18 Nov 2026, 30 days", "15 Sep - 14 Oct 2026, 30 days"),
        ({"last": "30d"}, "previous", "2026-11-18", "20 Oct - 17 Nov 2026, 29 days", "15 Sep - 13 Oct 2026, 29 days"),
        (
            {"last": "7d"},
            "previous",
            "2026-11-18T15:00",
            "2026-11-12 to 2026-11-18T15:00Z, 159 hours",
            "2026-11-05 to 2026-11-11T15:00Z, 159 hours",
        ),
        (
            {"last": "24h"},
            "previous",
            "2026-11-18T16:00",
            "2026-11-17T16:00Z to 2026-11-18T16:00Z, 24 hours",
            "2026-11-10T16:00Z to 2026-11-11T16:00Z, 24 hours",
        ),
        ({"last": "7d"}, "year", "2026-11-19", "12-18 Nov 2026, 7 days", "13-19 Nov 2025, 7 days"),
        ({"last": "2mo"}, "previous", "2026-11-18", "1 Oct - 17 Nov 2026, 48 days", "1 Aug - 17 Sep 2026, 48 days"),
        ({"period": "yesterday"}, "previous", "2026-11-18", "17 Nov 2026, 1 day", "16 Nov 2026, 1 day"),
        ({"period": "last-week"}, "previous", "2026-11-18", "9-15 Nov 2026, 7 days", "2-8 Nov 2026, 7 days"),
        ({"period": "this-week"}, "year", "2026-11-18", "16-17 Nov 2026, 2 days", "17-18 Nov 2025, 2 days"),
        ({"period": "this-month"}, "previous", "2026-11-18", "1-17 Nov 2026, 17 days", "1-17 Oct 2026, 17 days"),
        ({"period": "this-month"}, "year", "2026-11-18", "1-17 Nov 2026, 17 days", "2-18 Nov 2025, 17 days"),
        ({"period": "2026-10"}, "previous", "2026-11-18", "1-31 Oct 2026, 31 days", "1-30 Sep 2026, 30 days"),
        ({"period": "2026-10"}, "previous", "2026-10-31", "1-30 Oct 2026, 30 days", "1-30 Sep 2026, 30 days"),
        ({"period": "2026-10"}, "year", "2026-11-18", "1-31 Oct 2026, 31 days", "1-31 Oct 2025, 31 days"),
        ({"period": "2026-03"}, "previous", "2026-03-31", "1-28 Mar 2026, 28 days", "1-28 Feb 2026, 28 days"),
        ({"period": "2026-03"}, "previous", "2026-04-01", "1-31 Mar 2026, 31 days", "1-28 Feb 2026, 28 days"),
        ({"period": "2024-02"}, "year", "2026-11-18", "1-29 Feb 2024, 29 days", "1-28 Feb 2023, 28 days"),
        (
            {"period": "2026-Q3"},
            "previous",
            "2026-11-18",
            "1 Jul - 30 Sep 2026, 92 days",
            "1 Apr - 30 Jun 2026, 91 days",
        ),
        ({"period": "2024"}, "year", "2026-11-18", "1 Jan - 31 Dec 2024, 366 days", "1 Jan - 31 Dec 2023, 365 days"),
    ],
)
def test_like_is_compared_with_like(words: dict[str, str], kind: str, through: str, now: str, before: str) -> None:
    found = compared(said(**words), kind, "day", through=utc(through))
    assert (str(found.now), str(found)) == (f"{now}, UTC", f"compared with {before}")


def test_where_nothing_is_known_yet_there_is_nothing_to_compare() -> None:
    for through in (None, utc("2026-11-18")):
        found = compared(said(period="today"), "previous", "day", through=through)
        assert (str(found), found.now, found.pairs) == ("nothing to compare yet", None, ())


def test_by_month_and_longer_a_year_ago_is_the_same_unit_also_before_it_is_over() -> None:
    asked = said(period="2026")
    found = compared(asked, "year", "month", through=utc("2026-11-18"))
    assert str(found) == "compared with 1 Jan - 17 Nov 2025, 321 days"
    assert "2 Jan - 18 Nov 2025" in str(compared(asked, "year", "week", through=utc("2026-11-18")))


def test_money_is_compared_through_the_last_billed_day() -> None:
    asked, known = said(period="this-month"), utc("2026-11-18T15:00")
    found = compared(asked, "previous", "day", through=known, billed_through=utc("2026-11-17"))
    assert str(found) == "compared with 1-16 Oct 2026, 16 days, through the last billed day (16 Nov 2026)"
    over = compared(said(period="2026-09"), "previous", "day", through=known, billed_through=utc("2026-11-17"))
    assert str(over) == "compared with 1-31 Aug 2026, 31 days"
    assert compared(asked, "previous", "day", through=known, billed_through=0).now is None


def test_what_is_held_and_closed_ends_with_the_dataset_that_lags_most() -> None:
    def run(end: str, width: str) -> Run:
        return Run(utc("2026-11-01"), utc(end), width, (), utc(end))

    hours, days = [run("2026-11-18T15:30", "1h"), run("2026-11-05", "1d")], [run("2026-11-18T15:30", "1d")]
    assert closed_through([hours, []]) == utc("2026-11-18T15:00")
    assert closed_through([hours, days]) == utc("2026-11-18")
    assert closed_through([[], []]) is None


def shown(pair: tuple[Slot | None, Slot | None]) -> tuple[str, str]:
    return tuple(f"{s.label:%m-%d %H:%M}" if s else "" for s in pair)  # type: ignore[return-value]


def test_months_of_a_calendar_period_are_paired_one_after_another() -> None:
    found = compared(said(period="2026"), "previous", "quarter", through=utc("2026-05-11"))
    assert [shown(p) for p in found.pairs] == [("01-01 00:00", "01-01 00:00"), ("04-01 00:00", "04-01 00:00")]
    assert found.pairs[1][1] == Slot(
        utc("2025-04-01"), utc("2025-05-11"), naive(utc("2026-04-01")), naive(utc("2025-04-01"))
    )


def test_days_that_the_other_month_does_not_have_stand_alone() -> None:
    longer = compared(said(period="2026-03"), "previous", "day", through=utc("2026-11-01"))
    assert [shown(p) for p in longer.pairs[27:]] == [
        ("03-28 00:00", "02-28 00:00"),
        ("03-29 00:00", ""),
        ("03-30 00:00", ""),
        ("03-31 00:00", ""),
    ]
    shorter = compared(said(period="2026-02"), "previous", "day", through=utc("2026-11-01"))
    assert [shown(p) for p in shorter.pairs[27:]] == [
        ("02-28 00:00", "01-28 00:00"),
        ("", "01-29 00:00"),
        ("", "01-30 00:00"),
        ("", "01-31 00:00"),
    ]


def test_weeks_of_two_months_are_cut_alike() -> None:
    found = compared(said(period="2026-10"), "previous", "week", through=utc("2026-10-25"))
    assert [shown(p) for p in found.pairs] == [
        ("09-28 00:00", "09-01 00:00"),
        ("10-05 00:00", "09-05 00:00"),
        ("10-12 00:00", "09-12 00:00"),
        ("10-19 00:00", "09-19 00:00"),
    ]
    assert all(a and b and a.end - a.start == b.end - b.start for a, b in found.pairs)


def test_an_hour_that_one_side_has_twice_or_not_at_all_stands_alone() -> None:
    berlin = "Europe/Berlin"
    asked = said(berlin, since="2026-10-25", until="2026-10-25")
    twice = compared(asked, "previous", "hour", through=utc("2026-11-01"))
    assert [shown(p) for p in twice.pairs[1:5]] == [
        ("10-25 01:00", "10-18 01:00"),
        ("10-25 02:00", "10-18 02:00"),
        ("10-25 02:00", ""),
        ("10-25 03:00", "10-18 03:00"),
    ]
    asked = said(berlin, since="2026-03-29", until="2026-03-29")
    skipped = compared(asked, "previous", "hour", through=utc("2026-11-01"))
    assert [shown(p) for p in skipped.pairs[1:4]] == [
        ("03-29 01:00", "03-22 01:00"),
        ("", "03-22 02:00"),
        ("03-29 03:00", "03-22 03:00"),
    ]
    for found in (twice, skipped):
        for _, slot in found.pairs:
            assert slot is None or truncated(shifted(slot.start, found.shift_pieces), "hour") == slot.key


def test_an_hour_that_clocks_skipped_then_is_nothing_to_compare_with() -> None:
    asked = Range(utc("2024-09-01T04:00"), utc("2024-10-01T03:00"), "America/Santiago", "month", 1)
    assert compared(asked, "year", "hour", through=utc("2024-09-01T05:00")).before is None
    assert compared(asked, "year", "hour", through=utc("2024-09-01T06:00")).before is not None


def test_a_wrong_word_and_times_before_all_time_are_refused() -> None:
    with pytest.raises(UnknownNameError, match=r"Unknown comparison 'years'\. Did you mean `year`"):
        compared(said(last="7d"), "years", "day", through=0)
    with pytest.raises(UsageError, match=r"was before 1970\. Ask for less time"):
        compared(said(since="1990-01-01"), "previous", "year", through=utc("2026-11-18"))
    with pytest.raises(UsageError, match="was before 1970"):
        compared(said(since="1971-01-01", until="9998-01-01"), "previous", "year", through=utc("2026-11-18"))


WORDS = st.one_of(
    st.sampled_from(["this-week", "last-week", "this-month", "last-month", "this-quarter", "last-year", "today"]).map(
        lambda word: {"period": word}
    ),
    st.builds(lambda n, unit: {"last": f"{n}{unit}"}, st.integers(1, 60), st.sampled_from(["h", "d", "w"])),
    st.builds(lambda n: {"last": f"{n}mo"}, st.integers(1, 6)),
)


@st.composite
def comparisons(draw: st.DrawFn) -> tuple[Range, str, str, int]:
    """What to compare; hours only of few weeks."""
    tz = draw(st.sampled_from(ZONES))
    when = draw(st.datetimes(dt.datetime(2022, 1, 1), dt.datetime(2030, 1, 1)))  # noqa: DTZ001
    asked = resolve(when.replace(tzinfo=dt.UTC), tz=tz, **draw(WORDS))
    grain = draw(st.sampled_from(GRAINS[1 if asked.end - asked.start < 40 * DAY else 2 :]))
    through = asked.start + draw(st.integers(1, (asked.end - asked.start) // 3600)) * 3600
    if draw(st.booleans()):
        through = asked.end
    return asked, draw(st.sampled_from(["previous", "year"])), grain, through


@given(comparisons())
@settings(max_examples=200, deadline=None)
def test_both_sides_are_laid_out_whole_and_partners_share_a_key(
    asked: tuple[Range, str, str, int],
) -> None:
    found = compared(*asked[:3], through=asked[3])
    assume(found.now and found.before)
    assert found.now is not None
    assert found.before is not None
    for side, span in ((0, found.now), (1, found.before)):
        row = sorted(pair[side] for pair in found.pairs if pair[side])  # type: ignore[type-var]
        assert (row[0].start, row[-1].end) == (span.start, span.end)  # type: ignore[union-attr]
        assert all(a.end == b.start for a, b in pairwise(row))  # type: ignore[union-attr]
    assert [a for a, _ in found.pairs if a] == slots(found.now, found.grain, found.now.tz)
    assert all(a.key == b.key for a, b in found.pairs if a and b)
    keys = [(a or b).key for a, b in found.pairs if a or b]  # type: ignore[union-attr]
    assert len(keys) == len(set(keys)) == len(found.pairs)


@given(comparisons())
@settings(max_examples=100, deadline=None)
def test_truncating_the_shifted_moments_of_before_gives_the_key_of_their_pair(
    asked: tuple[Range, str, str, int],
) -> None:
    found = compared(*asked[:3], through=asked[3])
    shifts = found.shift_pieces
    for _, slot in found.pairs if found.grain != "total" else ():
        if slot:
            step = max(900, (slot.end - slot.start) // 30)
            for moment in {slot.start, slot.end - 1, *range(slot.start, slot.end, step)}:
                assert truncated(shifted(moment, shifts), found.grain) == slot.key


@given(comparisons())
@settings(max_examples=150, deadline=None)
def test_both_sides_are_as_long_by_the_clocks_unless_a_whole_unit_is_compared_with_another(
    asked: tuple[Range, str, str, int],
) -> None:
    found = compared(*asked[:3], through=asked[3])
    assume(found.now and found.before)
    assert found.now is not None
    assert found.before is not None
    assert found.before.start < found.now.start
    walls = [
        dt.datetime.fromtimestamp(s, ZoneInfo(found.now.tz)).replace(tzinfo=None)
        for s in (found.now.start, found.now.end, found.before.start, found.before.end)
    ]
    spans = [walls[1] - walls[0], walls[3] - walls[2]]
    if not (found.asked.unit and found.now == found.asked):
        assert abs(spans[0] - spans[1]) <= dt.timedelta(hours=2)  # what clocks are moved by
        assert found.now.days == found.before.days
    if not found.asked.unit:
        apart = (walls[0].date() - walls[2].date()).days
        assert apart % 7 == 0
        if found.kind == "previous":
            ends = (found.asked.start, found.asked.end)
            begun, ended = (dt.datetime.fromtimestamp(s, ZoneInfo(found.now.tz)).replace(tzinfo=None) for s in ends)
            # The fewest whole weeks that are as long as the range is by the clocks, however these are moved meanwhile.
            assert ended - begun <= dt.timedelta(days=apart) < ended - begun + dt.timedelta(days=7)
        else:
            assert apart == 364
