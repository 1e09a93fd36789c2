"""The synthetic organization: an endless stream of single events, made on demand, a day at a time."""

from __future__ import annotations

import random
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from tallybook.emulator.arrivals import Event, Known
from tallybook.emulator.habits import FOREVER, Source
from tallybook.emulator.roster import hire
from tallybook.emulator.streams import sources
from tallybook.emulator.timeline import DAY, HOUR, timeline
from tallybook.model.clock import Clock, SystemClock

KEPT_EVENTS = 40_000
"""How many events of recent days stay in memory, whatever the length of the history."""

_WEEK = (1.10, 1.20, 1.25, 1.20, 1.05, 0.65, 0.55)
"""Monday to Sunday, around 1."""
_GROWTH, _LEVEL = 1.6, 1.22
"""All requests, against those of a year before, and what makes their mean over the last year 1."""
_STORED = 2.4
"""Storage, against that of a year before."""
FREE_TOKENS = 60_000
"""Tokens a day of small models that cost nothing for projects that share their data."""


class Company:
    """An organization with a history of `days` before the moment of its creation.

    Everything follows from `seed` and the month in which it is made; the events of a day from these and the day.
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
        self.timeline = timeline(self.clock.now())
        self.roster = hire(seed, self.timeline)
        self.sources = sources(seed, self.roster, self.timeline)
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
        twin.founded, twin.timeline, twin.roster, twin.sources = self.founded, self.timeline, self.roster, self.sources
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
        busy = _WEEK[(day + 3) % 7] * rng.uniform(0.88, 1.12) * _LEVEL * _GROWTH ** self.timeline.years(day * DAY)
        count = int(self.requests_per_day * source.share * busy + uniform())
        cumulative = source.cumulative(day)
        if not cumulative[-1]:
            return []
        who = rng.choices(range(len(profiles)), cum_weights=cumulative, k=count)
        start, shapes = day * DAY, source.cold if _within(self.timeline.cold, day) else source.shapes
        hours = [profile.hours for profile in profiles]
        events = [
            (
                start + hours[place][int(uniform() * len(hours[place]))] * HOUR + int(uniform() * HOUR),
                place,
                draw(uniform, shapes[place]),
            )
            for place in who
        ]
        if source.free:
            _grant(events, source.free)
        if source.runaway is not None and _within(self.timeline.runaway, day):
            events += self._loop(source, source.runaway, day)
        return events

    def _loop(self, source: Source, place: int, day: int) -> Iterator[Event]:
        """Yield what a key does that calls in a loop for some hours: more requests than all others, ever longer."""
        rng = random.Random(f"{self.seed}/loop/{day}")
        start, end = self.timeline.runaway
        for _ in range(int(1.5 * self.requests_per_day)):
            second = start + int(rng.random() * (end - start))
            typical, *rest = source.shapes[place]
            longer = 1 + 6 * (second - start) / (end - start)
            yield second, place, source.draw(rng.random, (typical * longer, *rest))


def _within(span: tuple[int, int], day: int) -> bool:
    return span[0] < (day + 1) * DAY and day * DAY < span[1]


def _grant(events: list[Event], free: Mapping[int, int]) -> None:
    """Let the first tokens of a day be free, request by request, until the allowance is used up."""
    used = 0
    for _, number in sorted((event[0], number) for number, event in enumerate(events) if event[1] in free):
        second, place, measures = events[number]
        events[number] = (second, free[place], measures)
        used += measures[0] + measures[1]
        if used >= FREE_TOKENS:
            return


def _samples(source: Source, day: int) -> list[Event]:
    """Return the levels of every vector store, read at each full hour, in whole mebibytes; they only grow."""
    return [
        (second, place, (int(profile.weight * _STORED ** profile.curve.timeline.years(second)) << 20,))
        for second in range(day * DAY, (day + 1) * DAY, HOUR)
        for place, profile in enumerate(source.profiles)
    ]
