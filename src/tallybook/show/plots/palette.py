"""Colours: twelve hues for light and for dark, grey for Other alone; a colour follows its entity. Pure.

The hues were sought by simulated annealing: as far apart as can be, the first eight also for eyes that do not tell red
from green. As twelve cannot all be, legends have the order of the bars.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of a picture."""

    ground: str
    ink: str
    soft: str
    """Of what is read second: ticks, the range, the coverage."""
    rule: str
    """Of lines that only guide the eye."""
    warning: str
    other: str
    """The grey of Other."""
    word: str
    """Of what the provider names nothing for, such as `(none)`; hatched."""
    more: str
    less: str
    """Of differences in money: more is not what one hopes for."""
    hues: tuple[str, ...]


THEMES = {
    "light": Theme(
        ground="#ffffff", ink="#1c2230", soft="#5d6679", rule="#e4e7ee", warning="#b3400d",
        other="#b4bac7", word="#dadde5", more="#c8432f", less="#1d8a6b",
        hues=(
            "#4b48d7", "#d87804", "#068b8d", "#db2656", "#883198", "#606902",
            "#2299e7", "#b580ba", "#a29240", "#787bc1", "#1e8941", "#7e4829",
        ),
    ),
    "dark": Theme(
        ground="#14171f", ink="#eef0f5", soft="#a3abbd", rule="#2b303d", warning="#ff9a62",
        other="#6d7587", word="#3b4150", more="#f0705c", less="#3fbf98",
        hues=(
            "#6165f6", "#fb983d", "#37a6a7", "#fe4d72", "#a850b8", "#7c872e",
            "#3cabfb", "#ecb4f1", "#d4c372", "#acb1fc", "#77d88c", "#b77d5d",
        ),
    ),
}  # fmt: skip
"""By name."""


def hues(keys: Sequence[str], ranks: Mapping[str, int]) -> dict[str, int]:
    """Return which hue each entity has, the most important first.

    An entity has the hue of its rank among all there are, whatever a picture shows of them; without a rank, one that
    follows from its name. Where two meet in a picture, the later one has the next that is free.
    """
    count = len(THEMES["light"].hues)
    found: dict[str, int] = {}
    taken: set[int] = set()
    for key in keys:
        first = ranks.get(key, zlib.crc32(key.encode())) % count
        free = [(first + n) % count for n in range(count) if (first + n) % count not in taken]
        found[key] = free[0] if free else first
        taken.add(found[key])
    return found
