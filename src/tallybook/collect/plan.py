"""Which windows to read, given what is held. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tallybook.model.coverage import Run
from tallybook.model.datasets import Dataset
from tallybook.model.windows import SECONDS, Span, Window, ceil, cut, finer, floor, merge, subtract

LONG_GAP = 31 * SECONDS["1d"]
"""A gap longer than one page of days is first read by day, so that questions are answered within seconds."""


@dataclass(frozen=True, slots=True)
class Want:
    """What should be held of one dataset."""

    dataset: Dataset
    start: int
    """Inclusive, Unix seconds; need not be a bucket edge."""
    end: int
    """Exclusive; the bucket that holds the last moment before it is read whole."""
    width: str
    look_back: int
    """A bucket read at least this many seconds after its end is stable and not read again."""
    full: bool = False
    """Read stable buckets again, too."""
    committed: int | None = None
    """The newest commit before this sync, microseconds; what was recorded later is not read twice in one sync."""


def plan(
    want: Want, runs: Sequence[Run], refused: Iterable[Span], now: int, *, first_phase: bool = False
) -> list[Window]:
    """Return the windows to read, each at most one page, newest first.

    A bucket is left out if it is held, stable, at the wanted width or finer, or in `refused`. Buckets held at a
    coarser width are read whole; those held at a finer one are read again at that width: the book never coarsens.
    With `first_phase` only gaps longer than `LONG_GAP` are planned, by day.
    """
    if first_phase:
        return _days(want, runs, refused, now)
    start, end = _edges(want, runs, now)
    if start >= end:
        return []
    needs: list[tuple[Span, str]] = []
    at = start
    before: Run | None = None
    for run in sorted(runs, key=lambda r: r.start):
        extent = run.extent
        if extent.end <= start or extent.start >= end:
            continue
        if extent.start > at:
            needs += _gap(Span(at, extent.start), want.width, before, run)
        needs += _again(want, run, Span(max(extent.start, start), min(extent.end, end)))
        at, before = max(at, extent.end), run
    if at < end:
        needs += _gap(Span(at, end), want.width, before, None)
    return _windows(want.dataset, needs, _whole(refused, runs, want.width))


def _edges(want: Want, runs: Sequence[Run], now: int) -> tuple[int, int]:
    """Widen the range to whole buckets, and to whole buckets of what is held at a coarser width."""
    start, end = floor(want.start, want.width), ceil(min(want.end, now), want.width)
    for run in runs:
        if SECONDS[run.width] <= SECONDS[want.width]:
            continue
        extent = run.extent
        if extent.start < start < extent.end:
            start = floor(start, run.width)
        if extent.start < end < extent.end:
            end = min(ceil(end, run.width), ceil(now, want.width))
    return start, end


def _whole(refused: Iterable[Span], runs: Sequence[Run], width: str) -> list[Span]:
    """Widen what was refused to whole buckets of what is held at a coarser width: such a bucket is read whole."""
    out = list(refused)
    for run in runs:
        if SECONDS[run.width] > SECONDS[width]:
            inside = [Span(max(s.start, run.start), min(s.end, run.extent.end)) for s in out if s.overlaps(run.extent)]
            out += [Span(floor(s.start, run.width), ceil(s.end, run.width)) for s in inside]
    return out


def _gap(gap: Span, width: str, before: Run | None, after: Run | None) -> list[tuple[Span, str]]:
    """Return a gap at the wanted width; its ragged edges at the finer width of the neighbour they touch."""
    left = before.width if before and gap.start % SECONDS[width] else width
    right = after.width if after and gap.end % SECONDS[width] else width
    inner_start, inner_end = ceil(gap.start, width), floor(gap.end, width)
    if inner_start > inner_end:
        return [(gap, finer(left, right))]
    pieces = [
        (Span(gap.start, inner_start), left),
        (Span(inner_start, inner_end), width),
        (Span(inner_end, gap.end), right),
    ]
    return [(span, at) for span, at in pieces if span.start < span.end]


def _again(want: Want, run: Run, part: Span) -> list[tuple[Span, str]]:
    if SECONDS[run.width] > SECONDS[want.width]:
        return [(part, want.width)]
    if want.committed is not None and run.recorded_at > want.committed:
        return []
    stable = part.start if want.full else max(part.start, run.stable_until(want.look_back))
    return [(Span(stable, part.end), run.width)] if stable < part.end else []


def _days(want: Want, runs: Sequence[Run], refused: Iterable[Span], now: int) -> list[Window]:
    start, end = floor(want.start, "1d"), ceil(min(want.end, now), "1d")
    gaps = subtract([Span(start, end)] if start < end else [], [*(r.extent for r in runs), *refused])
    days = [(Span(ceil(g.start, "1d"), floor(g.end, "1d")), "1d") for g in gaps if g.end - g.start > LONG_GAP]
    return _windows(want.dataset, days, [])


def _windows(dataset: Dataset, needs: Iterable[tuple[Span, str]], refused: list[Span]) -> list[Window]:
    by_width: dict[str, list[Span]] = {}
    for span, width in needs:
        by_width.setdefault(width, []).append(span)
    out: list[Window] = []
    for width, spans in by_width.items():
        for span in subtract(merge(spans), refused):
            whole = Span(floor(span.start, width), ceil(span.end, width))
            out += cut(Window(whole.start, whole.end, width), dataset.limit(width))
    return sorted(out, key=lambda w: w.start, reverse=True)
