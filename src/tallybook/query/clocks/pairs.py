"""Which slot of a range is compared with which slot of another. Pure."""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise, zip_longest

from tallybook.model.windows import Span
from tallybook.query.clocks.axis import Slot, following, slots
from tallybook.query.clocks.time import Range
from tallybook.query.clocks.zones import MONTHS, at, clock

Pair = tuple[Slot | None, Slot | None]
"""A slot of now and what it is compared with; None where the other side has nothing there."""


def paired(now: Range, before: Range, grain: str, back: dt.timedelta, *, in_units: bool) -> tuple[Pair, ...]:
    """Return the slots of two ranges in pairs, in order; partners share the key of now's.

    `back` is how far before is by clocks, in whole days. Natural slots meet by what clocks show, so that 9 o'clock
    meets 9 o'clock; months and longer of a calendar period (`in_units`) one after another. Where neither fits (weeks
    of two months, months of any 90 days), the slots of before are those of now, moved.
    """
    if grain == "total" or (in_units and grain in MONTHS):
        pairs = list(zip_longest(slots(now, grain, now.tz), slots(before, grain, now.tz)))
    elif grain in MONTHS or (grain == "week" and back.days % 7):
        pairs = _moved(now, before, grain, back)
    else:
        pairs = _by_clock(slots(now, grain, now.tz), slots(before, grain, now.tz), back)
    return tuple(_sharing_keys(pairs, grain))


def _by_clock(now: Iterable[Slot], before: Iterable[Slot], back: dt.timedelta) -> list[Pair]:
    """Pair by labels; of an hour that clocks go through twice, the first is the first."""
    waiting: dict[dt.datetime, deque[Slot]] = {}
    for slot in before:
        waiting.setdefault(slot.label + back, deque()).append(slot)
    out: list[tuple[dt.datetime, Pair]] = []
    for slot in now:
        same = waiting.get(slot.label)
        out.append((slot.label, (slot, same.popleft() if same else None)))
    out += [(label, (None, slot)) for label, rest in waiting.items() for slot in rest]
    return [pair for _, pair in sorted(out, key=lambda item: item[0])]


def _moved(now: Range, before: Range, grain: str, back: dt.timedelta) -> list[Pair]:
    """Cut before where now is cut, so many days earlier."""
    tz = now.tz
    longest = Span(now.start, max(now.end, at(clock(before.end, tz) + back, tz)))
    axis = slots(longest, grain, tz)
    inner = [min(at(clock(slot.start, tz) - back, tz), before.end) for slot in axis[1:]]
    marks = pairwise([before.start, *inner, before.end])
    out: list[Pair] = []
    for slot, (start, end) in zip(axis, marks, strict=True):
        mine = replace(slot, end=min(slot.end, now.end)) if slot.start < now.end else None
        out.append((mine, replace(slot, start=start, end=end, label=clock(start, tz)) if start < end else None))
    return out


def _sharing_keys(pairs: Sequence[Pair], grain: str) -> Iterable[Pair]:
    """Give before the keys of now; what has no partner gets keys after all others."""
    last = max(slot.key for slot, _ in pairs if slot)
    for now, before in pairs:
        if before is None:
            yield now, None
        elif now is not None:
            yield now, replace(before, key=now.key)
        else:
            last = following(last, grain)
            yield None, replace(before, key=last)
