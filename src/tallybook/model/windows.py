"""Half-open UTC time in whole seconds since 1970, and the algebra of windows. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

SECONDS = {"1m": 60, "1h": 3600, "1d": 86400}
"""The provider's bucket widths, finest first, with their length in seconds. Each divides the next."""

DAY = SECONDS["1d"]


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Half-open `[start, end)` in Unix seconds, UTC."""

    start: int
    """Inclusive."""
    end: int
    """Exclusive."""

    def overlaps(self, other: Span) -> bool:
        """Return whether the two share a moment."""
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True, order=True)
class Window(Span):
    """A span of whole buckets of one width: what one read asks for."""

    width: str
    """`1m`, `1h` or `1d`."""

    def __post_init__(self) -> None:
        step = SECONDS[self.width]
        if self.start % step or self.end % step or self.start >= self.end:
            raise ValueError(f"not whole {self.width} buckets: [{self.start}, {self.end})")

    def __str__(self) -> str:
        return f"{iso(self.start)} to {iso(self.end)} at {self.width}"

    @property
    def buckets(self) -> int:
        """How many buckets the window holds."""
        return (self.end - self.start) // SECONDS[self.width]


def floor(moment: int, width: str) -> int:
    """Return the start of the bucket that holds `moment`."""
    return moment - moment % SECONDS[width]


def ceil(moment: int, width: str) -> int:
    """Return the first bucket edge at or after `moment`."""
    return -floor(-moment, width)


def finer(a: str, b: str) -> str:
    """Return the finer of two widths."""
    return min(a, b, key=SECONDS.__getitem__)


def merge(spans: Iterable[Span]) -> list[Span]:
    """Return the same moments as disjoint, non-adjacent spans in order."""
    out: list[Span] = []
    for span in sorted(Span(s.start, s.end) for s in spans if s.start < s.end):
        if out and span.start <= out[-1].end:
            out[-1] = Span(out[-1].start, max(out[-1].end, span.end))
        else:
            out.append(span)
    return out


def subtract(spans: Iterable[Span], holes: Iterable[Span]) -> list[Span]:
    """Return the moments of `spans` that are in none of `holes`, disjoint and in order."""
    out: list[Span] = []
    cuts = merge(holes)
    for span in merge(spans):
        at = span.start
        for cut in cuts:
            if cut.end <= at or cut.start >= span.end:
                continue
            if cut.start > at:
                out.append(Span(at, cut.start))
            at = max(at, cut.end)
        if at < span.end:
            out.append(Span(at, span.end))
    return out


def overlap(a: Window, b: Window) -> Window | None:
    """Return what two windows of one width share, None where that is nothing."""
    start, end = max(a.start, b.start), min(a.end, b.end)
    return Window(start, end, a.width) if start < end else None


def cut(window: Window, limit: int) -> list[Window]:
    """Return `window` in pieces of at most `limit` buckets, newest first.

    Inner edges of pieces of several days fall on midnights, so that no piece ends inside a day that is
    held at a coarser width.
    """
    step = SECONDS[window.width] * limit
    out = []
    start = window.start
    while start < window.end:
        end = min(start + step, window.end)
        if end < window.end and floor(end, "1d") > start:
            end = floor(end, "1d")
        out.append(Window(start, end, window.width))
        start = end
    return out[::-1]


def naive(moment: int) -> dt.datetime:
    """Return the naive UTC datetime of Unix seconds: how time is kept at rest."""
    return dt.datetime(1970, 1, 1) + dt.timedelta(seconds=moment)  # noqa: DTZ001


def unix(moment: dt.datetime) -> int:
    """Return whole Unix seconds (rounded down) of a datetime; a naive one is UTC."""
    if moment.tzinfo is not None:
        moment = moment.astimezone(dt.UTC).replace(tzinfo=None)
    return (moment - dt.datetime(1970, 1, 1)) // dt.timedelta(seconds=1)  # noqa: DTZ001


def iso(moment: int) -> str:
    """Return `2026-10-31` for a midnight, `2026-10-31T17:00Z` otherwise."""
    when = naive(moment)
    if not moment % DAY:
        return when.strftime("%Y-%m-%d")
    return when.strftime("%Y-%m-%dT%H:%MZ") if not moment % 60 else when.strftime("%Y-%m-%dT%H:%M:%SZ")
