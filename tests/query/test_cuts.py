"""Which edges cut what is held, and what is said about it."""

import datetime as dt
import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallybook.model.coverage import Run
from tallybook.model.errors import UnanswerableError
from tallybook.model.windows import DAY, SECONDS, Span, unix
from tallybook.query.clocks.axis import GRAINS, edges, slots
from tallybook.query.clocks.cuts import check_edges
from tallybook.query.clocks.time import moment


def utc(text: str) -> int:
    return unix(dt.datetime.fromisoformat(text))


def run(start: str, end: str, width: str = "1d") -> Run:
    return Run(utc(start), utc(end), width, (), utc(end))


DAYS_THEN_HOURS = [run("2026-01-01", "2026-03-01"), run("2026-03-01", "2026-04-10", "1h")]


@pytest.mark.parametrize(
    ("grain", "tz", "start", "end", "text"),
    [
        (
            "hour",
            "UTC",
            "2026-02-27",
            "2026-03-03",
            (
                "completions of acme is held by 1d until 2026-03-01, so what was before 2026-02-28T23:00Z and what was "
                "after it cannot be told apart. Ask from 2026-03-01 on, or by day in UTC."
            ),
        ),
        (
            "day",
            "Europe/Berlin",
            "2026-02-26T23:00",
            "2026-03-04T23:00",
            (
                "completions of acme is held by 1d until 2026-03-01, so what was before 2026-02-28T23:00Z (2026-03-01 "
                "00:00 in Europe/Berlin) and what was after it cannot be told apart. Ask from 2026-03-02 on, or by day "
                "in UTC."
            ),
        ),
        (
            "hour",
            "Europe/Berlin",
            "2026-02-26T23:00",
            "2026-03-04T23:00",
            r"Ask from 2026-03-01T01:00 on, or by day in UTC.",
        ),
        (
            "day",
            "Asia/Kolkata",
            "2026-03-02T18:30",
            "2026-03-06T18:30",
            (
                "completions of acme is held by 1h until 2026-04-10, so what was before 2026-03-06T18:30Z (2026-03-07 "
                "00:00 in Asia/Kolkata) and what was after it cannot be told apart. Ask by hour in UTC."
            ),
        ),
        (
            "total",
            "UTC",
            "2026-02-27T05:00",
            "2026-03-02",
            (
                "completions of acme is held by 1d around 2026-02-27T05:00Z, so the range cannot begin there. The "
                "nearest that can be answered begins with 2026-02-28; whole days of UTC always can."
            ),
        ),
        (
            "day",
            "UTC",
            "2026-02-20",
            "2026-02-27T05:00",
            (
                "completions of acme is held by 1d around 2026-02-27T05:00Z, so the range cannot end there. The "
                "nearest that can be answered ends before 2026-02-27; whole days of UTC always can."
            ),
        ),
    ],
)
def test_an_edge_inside_a_held_bucket_is_refused_with_what_can_be_asked(
    grain: str, tz: str, start: str, end: str, text: str
) -> None:
    with pytest.raises(UnanswerableError) as caught:
        check_edges("completions", " of acme", DAYS_THEN_HOURS, slots(Span(utc(start), utc(end)), grain, tz), tz)
    assert str(caught.value).endswith(text)


@st.composite
def held(draw: st.DrawFn) -> list[Run]:
    """Adjacent runs of any widths about March 2026, the last one perhaps open."""
    at, out = utc("2026-03-20"), []
    for _ in range(draw(st.integers(1, 4))):
        width = draw(st.sampled_from(["1m", "1h", "1d"]))
        end = at + draw(st.integers(1, 6)) * DAY
        out.append(Run(at, end, width, (), end))
        at = end + draw(st.integers(0, 2)) * DAY
    last = out.pop()
    read = draw(st.integers(last.start + 1, last.end))
    return [*out, Run(last.start, read, last.width, (), read)]


@given(
    held(),
    st.sampled_from([g for g in GRAINS if g != "minute"]),
    st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu"]),
    st.integers(-3 * 24, 30 * 24),
    st.integers(1, 30 * 24),
    st.sampled_from([60, 900, 3600]),
)
@settings(max_examples=150, deadline=None)
def test_it_is_refused_exactly_where_a_bucket_has_moments_known_on_both_sides(
    runs: list[Run], grain: str, tz: str, start: int, length: int, unit: int
) -> None:
    span = Span(utc("2026-03-20") + start * unit, utc("2026-03-20") + (start + length) * unit)
    axis = slots(span, grain, tz)

    def splits(edge: int) -> bool:
        """Whether an edge has known moments of one bucket before and after it; a range may not begin in a bucket."""
        for r in runs:
            bucket = edge // SECONDS[r.width] * SECONDS[r.width]
            known = bucket + SECONDS[r.width] if edge == span.start else min(bucket + SECONDS[r.width], r.end)
            if r.start <= bucket < edge < known and bucket < r.end:
                return True
        return False

    cut = [e for e in edges(axis) if splits(e)]
    if not cut:
        check_edges("completions", "", runs, axis, tz)
        return
    with pytest.raises(UnanswerableError) as caught:
        check_edges("completions", "", runs, axis, tz)
    text = str(caught.value)
    if "Ask from" in text:
        since = moment(text.split("Ask from ")[1].split(" ")[0], tz=tz)
        assert since > max(cut)
        check_edges("completions", "", runs, slots(Span(since, span.end), grain, tz), tz)


def test_the_future_is_not_offered() -> None:
    open_hour = [Run(utc("2026-03-01"), utc("2026-03-01T16:36"), "1h", (), utc("2026-03-01T16:36"))]
    with pytest.raises(UnanswerableError, match=r"cannot be told apart\. Ask by hour in UTC\.$"):
        check_edges("completions", "", open_hour, slots(Span(utc("2026-03-01"), utc("2026-03-02")), "minute"))


def test_whole_days_of_a_year_in_many_runs_are_let_through_at_once() -> None:
    marks = [utc("2026-01-01") + i * 18 * DAY for i in range(21)]
    runs = [Run(a, b, "1d", (), b) for a, b in pairwise(marks)]
    axis = slots(Span(utc("2026-01-01"), utc("2027-01-01")), "day")
    began = time.process_time()
    check_edges("costs", "", runs, axis)
    assert time.process_time() - began < 0.5
