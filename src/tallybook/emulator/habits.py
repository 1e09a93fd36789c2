"""Profiles and sources: weighted combinations of dimension values, from which single events are drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate

from tallybook.emulator.draws import Draw, Shape
from tallybook.emulator.prices import Rate
from tallybook.emulator.timeline import DAY, Timeline

Value = str | bool | None
FOREVER = 2**62

_HOURS = (2, 1, 1, 1, 1, 2, 4, 7, 11, 14, 15, 14, 12, 14, 15, 15, 13, 10, 7, 6, 5, 4, 3, 2)
_NIGHTLY = (8, 6, 5, 4, 3, 2, 2, 4, 8, 12, 14, 14, 12, 14, 15, 15, 14, 12, 10, 9, 9, 9, 9, 8)


def _clock(hours: Iterable[int]) -> tuple[int, ...]:
    return tuple(hour for hour, busy in enumerate(hours) for _ in range(busy))


OFFICE, BATCH = _clock(_HOURS), _clock(_NIGHTLY)
"""The hours of the day, each as often as it is busy."""


@dataclass(frozen=True, slots=True)
class Curve:
    """How the weight of a profile changes from day to day."""

    timeline: Timeline
    growth: float = 1.0
    """How many times as much as a year before."""
    weekend: float = 1.0
    """At weekends, against working days."""
    since: int = 0
    until: int = FOREVER
    """No events before and from these midnights on: the key was not made yet, or was deleted, the project archived."""
    moves: str = ""
    """`old` for a model whose work moves to another one, `new` for that one."""

    def at(self, day: int) -> float:
        """Return the factor of a day."""
        second = day * DAY
        if not self.since <= second < self.until:
            return 0.0
        factor: float = self.growth ** self.timeline.years(second)
        if self.moves:
            moved = self.timeline.moved(second)
            factor *= moved if self.moves == "new" else 1 - moved
        # 1970-01-01 was a Thursday.
        return factor * self.weekend if (day + 3) % 7 > 4 else factor


@dataclass(frozen=True, slots=True)
class Profile:
    """One combination of dimension values, how it behaves and what it is billed at."""

    dims: Mapping[str, Value]
    weight: float
    """Its part of the events; of storage, its size in mebibytes."""
    shape: Shape
    tariff: tuple[Rate, ...]
    curve: Curve
    hours: tuple[int, ...] = OFFICE
    cold: Shape | None = None
    """Its shape while the prompt misses the cache."""
    granted: bool = False
    """Whether it is free of charge as long as the day's allowance lasts."""


@dataclass(frozen=True, slots=True)
class Source:
    """One stream of events: its profiles and how many events a day it has."""

    name: str
    profiles: tuple[Profile, ...]
    share: float
    """Events for each completions request."""
    draw: Draw
    curves: tuple[Curve, ...]
    weights: tuple[tuple[float, int], ...]
    """Of each profile: its weight, and the place of its curve."""
    shapes: tuple[Shape, ...]
    cold: tuple[Shape, ...]
    """Shapes while a prompt misses the cache."""
    free: Mapping[int, int]
    """From a profile to its twin that is not billed."""
    runaway: int | None = None
    """The profile whose key calls in a loop."""

    def cumulative(self, day: int) -> list[float]:
        """Return the cumulative weights of the profiles on a day."""
        factors = [curve.at(day) for curve in self.curves]
        return list(accumulate(weight * factors[curve] for weight, curve in self.weights))


def source(name: str, profiles: Iterable[Profile], share: float, draw: Draw) -> Source:
    """Return a stream of events."""
    billed = tuple(profiles)
    granted = [place for place, profile in enumerate(billed) if profile.granted]
    twins = (Profile(billed[place].dims, 0.0, billed[place].shape, (), billed[place].curve) for place in granted)
    found = (*billed, *twins)
    curves = {curve: place for place, curve in enumerate(dict.fromkeys(profile.curve for profile in found))}
    return Source(
        name=name,
        profiles=found,
        share=share,
        draw=draw,
        curves=tuple(curves),
        weights=tuple((profile.weight, curves[profile.curve]) for profile in found),
        shapes=tuple(profile.shape for profile in found),
        cold=tuple(profile.cold or profile.shape for profile in found),
        free={place: len(billed) + number for number, place in enumerate(granted)},
    )
