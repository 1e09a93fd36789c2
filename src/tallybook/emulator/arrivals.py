"""When what happened becomes known: late, withdrawn again, or billed behind the usage. Pure."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from tallybook.emulator.draws import Measures

HOUR = 3_600
Event = tuple[int, int, Measures]
"""Second, position of the profile in its source, measures in the order of the dataset."""
Known = Callable[[Event, int], bool]
"""From an event and a moment to whether the event is known then."""

SETTLED_AFTER = 48 * HOUR
"""No event comes or goes later than this after it happened."""
CURVE = ((0.0, 0), (0.60, 300), (0.80, 1_800), (0.90, 4 * HOUR), (0.97, 20 * HOUR), (1.0, SETTLED_AFTER))
"""`late`: the share of events that is known so many seconds after they happened; straight between these points."""


def _lot(event: Event, salt: int) -> int:
    """Return 24 bits that belong to the event alone, whenever it is asked."""
    second, place, measures = event
    return (second * 2_654_435_761 + place * 40_503 + measures[0] * 97 + salt) % 2**32 >> 8


def restated(event: Event, at: int) -> bool:
    """One event in eight is booked up to 46 hours late, one in eight is withdrawn up to as late, for good."""
    lot = _lot(event, 0)
    kind, changes_at = lot & 7, event[0] + (1 + (lot >> 3) % 46) * HOUR
    if kind == 0:
        return at >= changes_at
    return kind != 1 or at < changes_at


def delay(share: float) -> int:
    """Return after how many seconds `share` of the events are known."""
    for (low, since), (high, until) in pairwise(CURVE):
        if share <= high:
            return since + int((until - since) * (share - low) / (high - low))
    return SETTLED_AFTER


def late(event: Event, at: int) -> bool:
    """Every event is booked after a delay drawn from `CURVE`."""
    # A third of the bits of another multiplier, so that being late has nothing to do with being restated.
    return at >= event[0] + delay((_lot(event, 0) * 40_503 + event[1] * 7_919) % 2**20 / 2**20)
