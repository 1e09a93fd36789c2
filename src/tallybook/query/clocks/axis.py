"""The slots of time that an answer has, by the clocks of a zone, and how a statement tells them apart. Pure.

A statement truncates `start_time + shift`, with a shift that is constant over pieces of time: that is the same on
every store, and needs no time zones there. Within a piece no two slots share a key.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tallybook.model.errors import UnknownNameError, UsageError
from tallybook.model.windows import DAY, Span, naive, unix
from tallybook.query.clocks.zones import at, beginning, local, offsets, stepped

_SECONDS = {"minute": 60, "hour": 3600}
"""Grains that are told by counting seconds, not days of a calendar."""

_SHORTEST = _SECONDS | {"day": DAY, "week": 7 * DAY, "month": 28 * DAY, "quarter": 90 * DAY, "year": 365 * DAY}

GRAINS = (*_SHORTEST, "total")
"""The lengths of time by which an answer can be given, finest first."""

LIMIT = 100_000
"""The most slots of one answer: about eleven years of hours."""

Pieces = list[tuple[int | None, int]]
"""Until when (Unix seconds, exclusive; None for ever) how many seconds are added before truncation, in order."""


@dataclass(frozen=True, slots=True, order=True)
class Slot(Span):
    """One slot of an answer: moments in Unix seconds, cut to the range."""

    key: dt.datetime
    """What truncating its shifted moments gives (see `shift_pieces`); no two slots of an axis share it."""
    label: dt.datetime
    """What clocks in the zone show at its natural start; an hour that clocks go through twice has two slots."""


def slots(span: Span, grain: str, tz: str = "UTC") -> list[Slot]:
    """Return the slots of a range in order; together they are the range.

    Raises `UnknownNameError` for a grain that does not exist, `UsageError` where there would be too many.
    """
    if grain not in GRAINS:
        raise UnknownNameError("grain", grain, GRAINS)
    if grain == "total":
        start = local(span.start, tz)
        return [Slot(span.start, span.end, start, start)]
    _bounded(span, grain)
    return list(_clock(span, _SECONDS[grain], tz) if grain in _SECONDS else _calendar(span, grain, tz))


def _bounded(span: Span, grain: str) -> None:
    length = span.end - span.start
    if length <= LIMIT * _SHORTEST[grain]:
        return
    fits = next((g for g, seconds in _SHORTEST.items() if length <= LIMIT * seconds), "total")
    raise UsageError(
        f"By {grain}, that range has about {length // _SHORTEST[grain]:,} slots of time; an answer has at most "
        f"{LIMIT:,}. Ask by {fits}, or for less time."
    )


def _calendar(span: Span, grain: str, tz: str) -> Iterator[Slot]:
    """Give natural days or longer; one that clocks leave out altogether has no slot."""
    key = beginning(local(span.start, tz), grain)
    start = span.start
    while start < span.end:
        following = stepped(key, grain)
        end = min(max(at(following, tz), start), span.end)
        if end > start:
            yield Slot(start, end, key, key)
        key, start = following, end


def _clock(span: Span, step: int, tz: str) -> Iterator[Slot]:
    """Give hours or minutes as clocks show them; keys count on where clocks are put back, so that none comes twice."""
    ahead = offsets(span, tz)
    first = local(span.start, tz)
    key = naive(unix(first) // step * step)
    pieces = [(*piece, until) for piece, (until, _) in pairwise([*ahead, (span.end, 0)])]
    for begun, shift, until in pieces:
        for edge in range((begun + shift) // step * step - shift, until, step):
            yield Slot(max(edge, begun), min(edge + step, until), key, naive(edge + shift))
            key += dt.timedelta(seconds=step)


def shift_pieces(span: Span, grain: str, tz: str = "UTC") -> Pieces:
    """Return by how much moments are shifted, until when, so that truncation to `grain` gives their slot's key."""
    return [(None, 0)] if tz == "UTC" else pieces(slots(span, grain, tz), grain)


def clock_pieces(span: Span, tz: str) -> Pieces:
    """Return by how much moments are shifted, until when, so that they are what clocks show."""
    ahead = offsets(span, tz)
    return [*((until, shift) for (_, shift), (until, _) in pairwise(ahead)), (None, ahead[-1][1])]


def pieces(axis: Sequence[Slot], grain: str) -> Pieces:
    """Return few pieces of constant shift that take every moment of each slot to the slot's key.

    A piece goes on for as long as one shift serves; in a day of 25 hours the next one begins with the last hour.
    """
    out: Pieces = []
    free = (-_FAR, _FAR)
    low, high = free
    for slot in axis if grain != "total" else ():
        first, last = unix(slot.key), unix(following(slot.key, grain))
        begun = slot.start
        while max(low, first - begun) > min(high, last - slot.end):
            shift = max(low, first - begun)
            serves_until = last - shift if shift <= high else begun
            if serves_until > begun:
                begun = serves_until
            else:
                shift = _smallest(low, high)
            out.append((begun, shift))
            low, high = free
        low, high = max(low, first - begun), min(high, last - slot.end)
    return [*out, (None, _smallest(low, high))]


_FAR = 2**62


def _smallest(low: int, high: int) -> int:
    return min(max(0, low), high)


def following(key: dt.datetime, grain: str) -> dt.datetime:
    """Return the key of the natural slot after that of `key`."""
    return key + dt.timedelta(seconds=_SECONDS[grain]) if grain in _SECONDS else stepped(key, grain)


def edges(axis: Iterable[Slot]) -> list[int]:
    """Return the moments at which slots begin or end, each once, in order."""
    return sorted({edge for slot in axis for edge in (slot.start, slot.end)})
