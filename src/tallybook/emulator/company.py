"""The synthetic organization: an endless stream of single events, made on demand, a day at a time."""

from __future__ import annotations

import math
import random
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

from tallybook.emulator.arrivals import Event, Known
from tallybook.emulator.habits import FOREVER, Source, sources
from tallybook.emulator.roster import hire
from tallybook.model.clock import Clock, SystemClock

DAY = 86_400
HOUR = 3_600
KEPT_EVENTS = 40_000
"""How many events of recent days stay in memory, whatever the length of the history."""

_WEEK = (1.10, 1.20, 1.25, 1.20, 1.05, 0.65, 0.55)
"""Monday to Sunday, around 1."""
_HOURS = (2, 1, 1, 1, 1, 2, 4, 7, 11, 14, 15, 14, 12, 14, 15, 15, 13, 10, 7, 6, 5, 4, 3, 2)


class Company:
    """An organization with a history of `days` before the moment of its creation.

    Everything follows from `seed` and the clock; the events of a day depend on `seed` and the day alone.
    """

    def __init__(
        self, seed: int = 7, days: int = 400, requests_per_day: float = 200, clock: Clock | None = None
    ) -> None:
        self.seed = seed
        self.days = days
        self.requests_per_day = requests_per_day
        self.clock: Clock = clock or SystemClock()
        self.founded = (self.now() // DAY - days) * DAY
        """The first second that has events."""
        self.roster = hire(seed, self.clock.now())
        self.sources = sources(seed, self.roster)
        self.known: tuple[Known, ...] = ()
        """An event is served once all of these say that it is known; levels always are."""
        self.bill_lag = 0
        """Seconds after which usage is billed."""
        self.split_gap = 0
        """Costs by key or by user leave out one profile in so many."""
        self._days: OrderedDict[tuple[str, int], list[Event]] = OrderedDict()
        self._kept = 0
        self._lock = threading.Lock()

    def now(self) -> int:
        """Return the current second."""
        return int(self.clock.now().timestamp())

    def twin(self) -> Company:
        """Return the same organization once more, for a server that shows it in another way."""
        twin = Company(self.seed, self.days, self.requests_per_day, self.clock)
        twin.founded, twin.roster, twin.sources = self.founded, self.roster, self.sources
        return twin

    def events(
        self, source: str, start: int, end: int, *, known_at: int | None = None, billed: bool = False
    ) -> Iterable[Event]:
        """Return the single events of `source` in `[start, end)`, by day, unsorted within it.

        They are those known at a moment: now, or `known_at`; in the end all are known (`FOREVER`). `billed`: those
        that are in the bill by then.
        """
        at = self.now() if known_at is None else known_at
        if billed and at != FOREVER:
            at -= self.bill_lag
        first, last = max(start, self.founded), min(end, at + 1)
        parts: list[Sequence[Event]] = []
        for day in range(first // DAY, -(-last // DAY) if last > first else 0):
            events: Sequence[Event] = self._day(source, day)
            if day * DAY < first or (day + 1) * DAY > last:
                events = [event for event in events if first <= event[0] < last]
            if self.known and source != "vector_stores":
                events = [event for event in events if all(known(event, at) for known in self.known)]
            parts.append(events)
        return chain.from_iterable(parts)

    def ledger(
        self,
        start: int,
        end: int,
        dataset: str | None = None,
        by: Sequence[str] = (),
        grain: str = "total",
        known_at: int | None = None,
    ) -> dict[str, list[dict[str, Any]]]:
        """Return the true totals of `[start, end)` by dataset; see `tallybook.emulator.ledger`."""
        from tallybook.emulator.ledger import ledger

        return ledger(self, start, end, dataset, by, grain, known_at)

    def _day(self, name: str, day: int) -> list[Event]:
        key = (name, day)
        with self._lock:
            if key in self._days:
                self._days.move_to_end(key)
                return self._days[key]
        source = self.sources[name]
        events = _samples(source, day) if name == "vector_stores" else self._draw(source, day)
        with self._lock:
            if key not in self._days:
                self._days[key] = events
                self._kept += len(events)
            while self._kept > KEPT_EVENTS and len(self._days) > 1:
                self._kept -= len(self._days.popitem(last=False)[1])
        return events

    def _draw(self, source: Source, day: int) -> list[Event]:
        rng = random.Random(f"{self.seed}/{source.name}/{day}")
        uniform, draw, profiles = rng.random, source.draw, source.profiles
        # 1970-01-01 was a Thursday.
        mean = self.requests_per_day * source.share * _WEEK[(day + 3) % 7] * rng.uniform(0.88, 1.12)
        count = int(mean + uniform())
        who = rng.choices(range(len(profiles)), cum_weights=source.cumulative, k=count)
        hours = rng.choices(range(24), _HOURS, k=count)
        start = day * DAY
        events = [
            (start + hour * HOUR + int(uniform() * HOUR), place, draw(uniform, profiles[place].shape))
            for place, hour in zip(who, hours, strict=True)
        ]
        ends = [profile.until for profile in profiles]
        return [event for event in events if event[0] < ends[event[1]]] if min(ends) < FOREVER else events


def _samples(source: Source, day: int) -> list[Event]:
    """Return the levels of every vector store, read at each full hour, in whole mebibytes."""
    return [
        (
            day * DAY + hour * HOUR,
            place,
            (int(profile.weight * (1 + day % 97 / 120 + 0.1 * math.sin(place + hour / 4))) << 20,),
        )
        for hour in range(24)
        for place, profile in enumerate(source.profiles)
    ]
