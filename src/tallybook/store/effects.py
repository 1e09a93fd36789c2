"""What reads do to coverage: the pure half of a write, which all stores share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby, pairwise

import pyarrow as pa

from tallybook.model.coverage import PartialBucketError, Run, check, cover, read_until, squeeze
from tallybook.model.records import Read
from tallybook.model.windows import Window, ceil, merge, naive


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of held buckets that a read takes the place of."""

    dataset: str
    start: int
    end: int
    """To the end of the last bucket, open or not, as far as the read goes."""
    width: str
    """The width that was held."""
    reason: str | None
    """`rewidened` or `regrouped`; None leaves it to each bucket: `open` or `restated`."""
    read_at: int


@dataclass(slots=True)
class Effect:
    """What reads do to coverage."""

    pieces: list[Piece] = field(default_factory=list)
    before: dict[str, list[Run]] = field(default_factory=dict)
    after: dict[str, list[Run]] = field(default_factory=dict)
    replaced: list[tuple[str, Run]] = field(default_factory=list)


def effect(reads: Sequence[Read], held: Mapping[str, Sequence[Run]], recorded_at: int) -> Effect:
    """Return what `reads` do to coverage; raises `PartialBucketError` where they are not allowed to.

    Adjacent windows of one batch are judged together.
    """
    out = Effect(before={k: list(v) for k, v in held.items()})
    for name in {r.dataset for r in reads}:
        windows = sorted((r.window for r in reads if r.dataset == name), key=lambda w: w.start)
        if any(a.overlaps(b) for a, b in pairwise(windows)):
            raise PartialBucketError(f"two reads of {name} in one batch overlap")
    for (dataset, width), group in _by_width(reads).items():
        for span in merge(r.window for r in group):
            last = max((r for r in group if r.window.end <= span.end), key=lambda r: r.window.end)
            window = Window(span.start, span.end, width)
            check(held.get(dataset, ()), window, read_until(last.window, last.read_at))
    runs = {k: tuple(v) for k, v in held.items()}
    for read in reads:
        change = cover(runs.get(read.dataset, ()), read.window, read.dimensions, read.read_at, recorded_at)
        runs[read.dataset] = change.runs
        out.replaced += [(read.dataset, run) for run in change.replaced]
        out.pieces += [
            Piece(read.dataset, run.start, _end(run, read), run.width, _reason(run, read), run.read_at)
            for run in change.replaced
        ]
    out.after = {k: squeeze(v) for k, v in runs.items()}
    return out


def known(read: Read) -> Read | None:
    """Return what a read knows: whole buckets that had begun when it did; None where there are none.

    Later ones are in a window only when the clock has stepped back since it was planned, or runs behind the
    provider's. Whatever is held of them stays.
    """
    window = read.window
    end = min(window.end, ceil(read.read_at, window.width))
    if end == window.end:
        return read
    return inside(read, Window(window.start, end, window.width)) if end > window.start else None


def inside(read: Read, window: Window) -> Read:
    """Return the part of a read that lies in `window`, without its requests and notes."""
    if read.rows is None:
        return replace(read, window=window, fetches=(), notes=())
    low, high = naive(window.start), naive(window.end)
    flags = [low <= start < high for start in read.rows["start_time"].to_pylist()]
    # Slices cost nothing, where the first use of Arrow's filters takes 40 MB (measured 2026-11, pyarrow 26).
    slices, at = [], 0
    for wanted, group in groupby(flags):
        length = len(list(group))
        slices += [read.rows.slice(at, length)] if wanted else []
        at += length
    rows = pa.concat_tables(slices) if slices else read.rows.slice(0, 0)
    return replace(read, window=window, rows=rows, fetches=(), notes=())


def _by_width(reads: Iterable[Read]) -> dict[tuple[str, str], list[Read]]:
    groups: dict[tuple[str, str], list[Read]] = {}
    for read in reads:
        groups.setdefault((read.dataset, read.window.width), []).append(read)
    return groups


def _end(held: Run, read: Read) -> int:
    """Return where a piece ends: with its last bucket, open or not, but never beyond what is read in its place."""
    return min(held.extent.end, max(held.end, read.window.end))


def _reason(held: Run, read: Read) -> str | None:
    if held.width != read.window.width:
        return "rewidened"
    return "regrouped" if held.dimensions != read.dimensions else None
