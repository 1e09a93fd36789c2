"""Colours: twelve hues for light and for dark, grey for Other alone; a colour follows its entity. Pure."""

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
            "#3d63dd", "#d97a1c", "#1f8f78", "#cf4560", "#8a4fc4", "#7a9a1f",
            "#2a93c4", "#b5517f", "#b08a12", "#5b5fb8", "#3f9142", "#a0643a",
        ),
    ),
    "dark": Theme(
        ground="#14171f", ink="#eef0f5", soft="#a3abbd", rule="#2b303d", warning="#ff9a62",
        other="#6d7587", word="#3b4150", more="#f0705c", less="#3fbf98",
        hues=(
            "#6f8fff", "#f29a45", "#35b89c", "#ee6c84", "#b07fe8", "#a3c544",
            "#52b7e6", "#e07fab", "#d9b23c", "#8d91ee", "#63bd66", "#cf8f60",
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
