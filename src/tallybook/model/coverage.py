"""What is held of a dataset, bucket by bucket, and how a read changes it. Pure.

The rules that keep sums right (docs/adr/0002): at most one width holds a moment; a finer read may
replace only whole coarser buckets; whether a bucket is stable is decided by when it was read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from tallybook.model.windows import DAY, SECONDS, Span, Window, ceil, floor


@dataclass(frozen=True, slots=True)
class Run:
    """Adjacent buckets of one dataset that were read alike."""

    start: int
    """Inclusive, a bucket edge, Unix seconds."""
    end: int
    """Exclusive: a bucket edge, or the moment of reading inside the last bucket, which is then open."""
    width: str
    dimensions: tuple[str, ...]
    """The `group_by` values asked for, sorted."""
    read_at: int
    """When the request that read them began, Unix seconds."""
    recorded_at: int = 0
    """When this was committed, microseconds since 1970; only the store sets it."""

    @property
    def span(self) -> Span:
        """The moments known."""
        return Span(self.start, self.end)

    @property
    def extent(self) -> Span:
        """The span of the buckets, an open last one to its end."""
        return Span(self.start, ceil(self.end, self.width))

    def stable_until(self, look_back: int) -> int:
        """Return the end of the last bucket that was read at or after its end + `look_back` seconds."""
        edge = floor(min(self.read_at - look_back, self.end), self.width)
        return max(self.start, edge)


class PartialBucketError(ValueError):
    """A read that would leave a held bucket partly covered, or make the book coarser."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a read does to coverage."""

    replaced: tuple[Run, ...]
    """The parts of held runs that the read takes the place of."""
    runs: tuple[Run, ...]
    """All runs after the read, in order."""


def read_until(window: Window, read_at: int) -> int:
    """Return up to which moment a read of `window` that began at `read_at` knows anything."""
    return max(window.start, min(window.end, read_at))


def cover(runs: Sequence[Run], window: Window, dimensions: tuple[str, ...], read_at: int, recorded_at: int) -> Change:
    """Return coverage after `window` was read; `check` says first whether it may be."""
    until = read_until(window, read_at)
    replaced: list[Run] = []
    kept: list[Run] = []
    for run in runs:
        if not run.extent.overlaps(window):
            kept.append(run)
            continue
        if run.start < window.start:
            kept.append(replace(run, end=window.start))
        if run.end > window.end:
            kept.append(replace(run, start=window.end))
        start, end = max(run.start, window.start), min(run.end, window.end)
        if start < end:
            replaced.append(replace(run, start=start, end=end))
    if until > window.start:
        kept.append(Run(window.start, until, window.width, dimensions, read_at, recorded_at))
    return Change(tuple(replaced), tuple(sorted(kept, key=lambda r: r.start)))


def check(runs: Iterable[Run], window: Window, until: int) -> None:
    """Raise `PartialBucketError` where a read of `window`, known up to `until`, would break the first rule.

    It may not make the book coarser, nor leave a bucket held at a coarser width partly covered; an open bucket
    reaches only to its read time.
    """
    for run in runs:
        if not run.extent.overlaps(window):
            continue
        held, new = SECONDS[run.width], SECONDS[window.width]
        if held < new:
            raise PartialBucketError(f"a read at {window.width} may not replace buckets held at {run.width}")
        if held == new:
            continue
        if run.start < window.start and window.start % held:
            raise PartialBucketError(f"{window} begins inside a bucket held at {run.width}")
        if until < min(run.end, ceil(min(window.end, run.end), run.width)):
            raise PartialBucketError(f"{window} ends inside a bucket held at {run.width}")


def squeeze(runs: Iterable[Run]) -> list[Run]:
    """Return the runs in order with equal neighbours joined."""
    out: list[Run] = []
    for run in sorted(runs, key=lambda r: r.start):
        if out and out[-1].end == run.start and replace(out[-1], start=run.start, end=run.end) == run:
            out[-1] = replace(out[-1], end=run.end)
        else:
            out.append(run)
    return out


def by_day(runs: Iterable[Run], span: Span) -> dict[int, list[Run]]:
    """Return the runs that touch each UTC day of `span`, by the day's start; days without any are left out."""
    out: dict[int, list[Run]] = {}
    for run in runs:
        for start in range(max(floor(run.start, "1d"), span.start), min(run.end, span.end), DAY):
            out.setdefault(start, []).append(run)
    return out


def together(split: Iterable[Run], bill: Sequence[Run]) -> list[Run]:
    """Return the parts of a split's runs that were written together with the bill, or after it, in order.

    Where the bill alone was read again since, the split distributes other dollars: it counts as not held.
    """
    out = []
    for run in split:
        for whole in bill:
            start, end = max(run.start, whole.start), min(run.end, whole.end)
            if start < end and run.recorded_at >= whole.recorded_at:
                out.append(replace(run, start=start, end=end))
    return squeeze(out)
