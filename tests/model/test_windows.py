"""The algebra of windows, and what a read does to coverage."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallybook.model.coverage import PartialBucketError, Run, check, cover, read_until, squeeze
from tallybook.model.windows import DAY, SECONDS, Span, Window, ceil, cut, floor, iso, merge, naive, subtract, unix

spans = st.lists(st.builds(lambda a, b: Span(a, a + b), st.integers(0, 60), st.integers(0, 20)), max_size=6)
widths = st.sampled_from(list(SECONDS))


def moments(some: list[Span]) -> set[int]:
    return {m for s in some for m in range(s.start, s.end)}


def is_disjoint(some: list[Span]) -> bool:
    return all(a.end < b.start for a, b in itertools.pairwise(some)) and all(s.start < s.end for s in some)


@settings(deadline=None)
@given(spans)
def test_merge_keeps_every_moment_in_disjoint_spans(some: list[Span]) -> None:
    assert moments(merge(some)) == moments(some)
    assert is_disjoint(merge(some))


@settings(deadline=None)
@given(spans, spans)
def test_subtract_then_merge_gives_back_the_whole(some: list[Span], holes: list[Span]) -> None:
    rest = subtract(some, holes)
    assert moments(rest) == moments(some) - moments(holes)
    assert moments(merge([*rest, *holes])) == moments(some) | moments(holes)
    assert is_disjoint(rest) or moments(rest) == set()


@settings(deadline=None)
@given(widths, st.integers(0, 3_000), st.integers(1, 3_000), st.integers(1, 200))
def test_pieces_are_disjoint_cover_and_obey_limit_and_midnights(width: str, at: int, count: int, limit: int) -> None:
    step = SECONDS[width]
    window = Window(at * step, (at + count) * step, width)
    pieces = cut(window, limit)
    assert pieces == sorted(pieces, reverse=True)
    assert [p.start for p in pieces[:-1]] == [p.end for p in pieces[1:]]
    assert (pieces[-1].start, pieces[0].end) == (window.start, window.end)
    assert all(p.buckets <= limit and p.width == width for p in pieces)
    for piece in pieces[1:]:  # an inner edge is a midnight wherever the piece reaches one
        assert piece.end % DAY == 0 or floor(piece.end, "1d") <= piece.start


@pytest.mark.parametrize(("start", "end"), [(0, 0), (DAY, 0), (60, DAY), (0, DAY + 60)])
def test_a_window_is_whole_buckets(start: int, end: int) -> None:
    with pytest.raises(ValueError, match="not whole 1d buckets"):
        Window(start, end, "1d")


@settings(deadline=None)
@given(st.integers(0, 10**10), widths)
def test_floor_and_ceil_are_the_edges_around_a_moment(moment: int, width: str) -> None:
    low, high = floor(moment, width), ceil(moment, width)
    assert low <= moment <= high
    assert (high - low, low % SECONDS[width]) in {(0, 0), (SECONDS[width], 0)}


@settings(deadline=None)
@given(st.integers(0, 1 << 33))
def test_naive_time_and_back_is_the_same(moment: int) -> None:
    assert unix(naive(moment)) == moment


def test_iso_is_as_short_as_exactness_allows() -> None:
    assert [iso(0), iso(3600), iso(61)] == ["1970-01-01", "1970-01-01T01:00Z", "1970-01-01T00:01:01Z"]


reads = st.lists(
    st.tuples(widths, st.integers(0, 71), st.integers(1, 72), st.integers(-2 * DAY, 4 * DAY), st.sampled_from("ab")),
    min_size=1,
    max_size=7,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(reads)
def test_at_most_one_width_holds_a_moment_as_it_was_read_last(some: list[tuple[str, int, int, int, str]]) -> None:
    runs: tuple[Run, ...] = ()
    oracle: dict[int, tuple[str, str, int]] = {}
    for width, first, count, late, dimension in some:
        step, count = SECONDS[width], count // 24 + 1 if width == "1d" else count
        start = 100 * DAY + first * 3600 // step * step
        window = Window(start, start + count * step, width)
        read_at = (window.end + late) // 60 * 60
        until = read_until(window, read_at)
        try:
            check(runs, window, until)
        except PartialBucketError:
            continue
        change = cover(runs, window, (dimension,), read_at, 0)
        held = [m for r in change.replaced for m in range(r.start, r.end, 60)]
        assert set(held) <= {m for m in oracle if window.start <= m < window.end}
        for moment in range(window.start, window.end, 60):
            oracle.pop(moment, None)
        oracle |= dict.fromkeys(range(window.start, until, 60), (width, dimension, read_at))
        runs = change.runs
    for shown in (runs, tuple(squeeze(runs))):
        covered = [(m, (r.width, r.dimensions[0], r.read_at)) for r in shown for m in range(r.start, r.end, 60)]
        assert len(covered) == len(dict(covered))
        assert dict(covered) == oracle
        assert all(r.start % SECONDS[r.width] == 0 for r in shown)


def test_a_finer_read_may_not_leave_a_coarser_bucket_partly_covered() -> None:
    held = [Run(0, 2 * DAY, "1d", (), 9 * DAY)]
    for window in (Window(3600, DAY, "1h"), Window(0, 3600, "1h"), Window(DAY, 2 * DAY - 3600, "1h")):
        with pytest.raises(PartialBucketError, match="inside a bucket held at 1d"):
            check(held, window, window.end)
    check(held, Window(0, DAY, "1h"), DAY)
    with pytest.raises(PartialBucketError, match="may not replace buckets held at 1h"):
        check([Run(0, 3600, "1h", (), DAY)], Window(0, DAY, "1d"), DAY)


def test_a_finer_read_takes_the_place_of_an_open_bucket_once_it_reaches_as_far() -> None:
    held = [Run(0, 7200, "1d", (), 7200)]
    check(held, Window(0, 3 * 3600, "1h"), 7200)
    with pytest.raises(PartialBucketError):
        check(held, Window(0, 3 * 3600, "1h"), 7199)


def test_stability_is_decided_by_when_a_bucket_was_read() -> None:
    run = Run(0, 3 * DAY, "1d", (), read_at=4 * DAY)
    assert [run.stable_until(days * DAY) for days in (0, 1, 2, 3, 9)] == [3 * DAY, 3 * DAY, 2 * DAY, DAY, 0]
    assert Run(0, DAY + 60, "1d", (), read_at=DAY + 60).stable_until(0) == DAY
