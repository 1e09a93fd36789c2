"""What is planned, against an oracle that looks at every hour."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tallybook.collect.plan import LONG_GAP, Want, plan
from tallybook.model.coverage import PartialBucketError, Run, check, cover, read_until, squeeze
from tallybook.model.datasets import dataset
from tallybook.model.windows import DAY, SECONDS, Span, Window, ceil, floor

HOUR = 3600
FIRST = 20_000 * DAY
CHATS = dataset("completions")
reads = st.lists(
    st.tuples(st.sampled_from(["1h", "1d"]), st.integers(0, 239), st.integers(1, 200), st.integers(0, 300)), max_size=5
)


def held(some: list[tuple[str, int, int, int]], now: int) -> list[Run]:
    """Return what a book holds after reads of a width, first hour, hours, and hours between the read and its end."""
    runs: tuple[Run, ...] = ()
    for width, first, hours, late in some:
        start = floor(FIRST + first * HOUR, width)
        window = Window(start, ceil(start + hours * HOUR, width), width)
        read_at = min(now, window.end + (late - 40) * HOUR)
        until = read_until(window, read_at)
        try:
            check(runs, window, until)
        except PartialBucketError:
            continue
        runs = cover(runs, window, (), read_at, 0).runs
    return squeeze(runs)


def needed(want: Want, runs: list[Run], now: int) -> set[int]:
    """Return every hour of the wanted range that is not held stable at the wanted width or finer."""
    start, end = floor(want.start, want.width), ceil(min(want.end, now), want.width)
    hours = set(range(start, end, HOUR))
    for run in runs:
        if SECONDS[run.width] <= SECONDS[want.width] and not want.full:
            hours -= set(range(run.start, run.stable_until(want.look_back), HOUR))
    return hours


wants = st.builds(
    lambda start, hours, width, look_back, full: Want(
        CHATS, FIRST + start * HOUR + 17, FIRST + (start + hours) * HOUR + 17, width, look_back * HOUR, full
    ),
    st.integers(0, 200),
    st.integers(0, 400),
    st.sampled_from(["1h", "1d"]),
    st.sampled_from([0, 24, 72]),
    st.booleans(),
)


@settings(max_examples=200, deadline=None)
@given(wants, reads, st.integers(10, 500))
def test_every_moment_that_is_not_stable_is_in_exactly_one_window(
    want: Want, some: list[tuple[str, int, int, int]], ago: int
) -> None:
    now = FIRST + ago * HOUR + 1_000
    runs = held(some, now)
    windows = plan(want, runs, [], now)
    planned = [m for w in windows for m in range(w.start, w.end, HOUR)]
    assert len(planned) == len(set(planned))
    assert needed(want, runs, now) <= set(planned)
    assert windows == sorted(windows, key=lambda w: w.start, reverse=True)
    assert all(w.buckets <= CHATS.limit(w.width) and w.start < now for w in windows)
    reachable = [r for r in runs if r.extent.end > FIRST]
    for wider in _neighbours(windows):
        check(reachable, wider, read_until(wider, now))  # the store would take it


def _neighbours(windows: list[Window]) -> list[Window]:
    """Return adjacent windows of one width as one, as a store judges them."""
    out: list[Window] = []
    for w in sorted(windows):
        if out and out[-1].end == w.start and out[-1].width == w.width:
            out[-1] = Window(out[-1].start, w.end, w.width)
        else:
            out.append(w)
    return out


@settings(max_examples=150, deadline=None)
@given(wants, reads, st.integers(10, 500))
def test_after_the_plan_was_read_nothing_stable_is_planned_again(
    want: Want, some: list[tuple[str, int, int, int]], ago: int
) -> None:
    now = FIRST + ago * HOUR + 1_000
    runs = tuple(held(some, now))
    for window in plan(want, runs, [], now):
        runs = cover(runs, window, (), now, 0).runs
    again = plan(replace(want, full=False), runs, [], now)
    later = now - want.look_back
    assert all(w.end > later - SECONDS[w.width] for w in again)


@settings(max_examples=150, deadline=None)
@given(wants, reads, st.integers(10, 500), st.lists(st.tuples(st.integers(0, 20), st.integers(1, 5)), max_size=3))
def test_what_was_refused_is_left_out_without_cutting_a_held_bucket(
    want: Want, some: list[tuple[str, int, int, int]], ago: int, gone: list[tuple[int, int]]
) -> None:
    now = FIRST + ago * HOUR + 1_000
    runs = held(some, now)
    refused = [Span(FIRST + a * 7 * HOUR, FIRST + (a + b) * 7 * HOUR) for a, b in gone]
    windows = plan(want, runs, refused, now)
    for wider in _neighbours(windows):
        check(runs, wider, read_until(wider, now))
    if want.width == "1h" and all(r.width == "1h" for r in runs):
        lost = {m for s in refused for m in range(s.start, s.end, HOUR)}
        planned = {m for w in windows for m in range(w.start, w.end, HOUR)}
        assert not planned & lost
        assert needed(want, runs, now) - lost <= planned


def test_stable_coverage_plans_nothing() -> None:
    now = FIRST + 30 * DAY
    runs = [Run(FIRST, FIRST + 10 * DAY, "1h", (), now)]
    assert plan(Want(CHATS, FIRST, FIRST + 10 * DAY, "1d", 3 * DAY), runs, [], now) == []


def test_the_first_phase_reads_only_long_gaps_by_day() -> None:
    now = FIRST + 100 * DAY + 5 * HOUR
    want = Want(CHATS, FIRST + 17, now, "1h", 3 * DAY)
    windows = plan(want, [], [], now, first_phase=True)
    assert (windows[-1].start, windows[0].end, {w.width for w in windows}) == (FIRST, FIRST + 101 * DAY, {"1d"})
    assert all(w.buckets <= 31 for w in windows)
    short = Want(CHATS, now - LONG_GAP + DAY, now, "1h", 3 * DAY)
    assert plan(short, [], [], now, first_phase=True) == []
    assert plan(want, [Run(FIRST, now, "1d", (), now)], [], now, first_phase=True) == []


def test_nothing_is_planned_after_now_or_in_an_empty_range() -> None:
    now = FIRST + DAY
    assert plan(Want(CHATS, now + DAY, now + 2 * DAY, "1h", 0), [], [], now) == []
    assert plan(Want(CHATS, now, now, "1h", 0), [], [], now) == []
    assert [w.end for w in plan(Want(CHATS, now - HOUR, now + DAY, "1h", 0), [], [], now)] == [now]


def test_what_this_very_sync_has_read_is_not_read_again_unless_finer_is_wanted() -> None:
    now = FIRST + 10 * DAY
    (run,) = cover((), Window(FIRST, now, "1d"), CHATS.asked, now, 5).runs
    days = Want(CHATS, FIRST, now, "1d", 3 * DAY)
    assert [w.start for w in plan(days, [run], [], now)] == [FIRST + 7 * DAY]
    assert plan(replace(days, committed=4), [run], [], now) == []
    assert [w.start for w in plan(replace(days, committed=5), [run], [], now)] == [FIRST + 7 * DAY]
    hours = replace(days, width="1h", committed=4)
    assert sum(w.end - w.start for w in plan(hours, [run], [], now)) == 10 * DAY
