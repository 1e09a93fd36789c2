"""Text in pictures: fonts, what they can draw, how wide it is, and how it is made to fit."""

from __future__ import annotations

import unicodedata
from functools import cache, lru_cache
from typing import Any

from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.font_manager import FontProperties, fontManager, get_font

FAMILY = "DejaVu Sans"
"""Comes with matplotlib, so that a picture looks the same everywhere."""
_BEYOND = (
    "Noto Sans CJK JP", "Noto Sans CJK SC", "Noto Sans JP", "Hiragino Sans", "PingFang SC", "Yu Gothic",
    "Microsoft YaHei", "Malgun Gothic", "Apple SD Gothic Neo", "WenQuanYi Zen Hei", "Arial Unicode MS", "Noto Emoji",
)  # fmt: skip
"""Fonts for names in other scripts, used where they are installed."""
_TOFU = "\N{WHITE SQUARE}"
_MEASURE = 144
_SAFETY = 1.02
"""Letters are hinted to whole dots, so that a text is a little wider at some resolutions."""


@cache
def families() -> tuple[str, ...]:
    """Return the fonts there are, the first choice first."""
    have = {font.name for font in fontManager.ttflist}
    return (FAMILY, *(name for name in _BEYOND if name in have))


def font(size: float, *, bold: bool = False) -> FontProperties:
    """Return a font of a size in points."""
    return FontProperties(family=list(families()), size=size, weight="bold" if bold else "normal")


def style(size: float, *, bold: bool = False) -> dict[str, Any]:
    """Return what to give to a text of matplotlib's; a dollar sign in it is a dollar sign."""
    return {"fontproperties": font(size, bold=bold), "parse_math": False}


@cache
def _drawn() -> frozenset[int]:
    paths = (fontManager.findfont(FontProperties(family=[name]), fallback_to_default=False) for name in families())
    return frozenset(code for path in paths for code in get_font(path).get_charmap())


@lru_cache(maxsize=4096)
def drawable(text: str) -> str:
    """Return a text in one line in which every letter can be drawn; what cannot be is a square."""
    out = ""
    for letter in unicodedata.normalize("NFC", " ".join(text.split())):
        kind, is_known = unicodedata.category(letter), ord(letter) in _drawn()
        if kind in ("Cf", "Cc") or (kind in ("Mn", "Me") and not is_known):
            continue  # it has no shape of its own
        out += letter if is_known else "" if out.endswith(_TOFU) else _TOFU
    return " ".join(out.split())


@cache
def _renderer() -> RendererAgg:
    return RendererAgg(16, 16, _MEASURE)  # type: ignore[no-untyped-call]


@lru_cache(maxsize=4096)
def width(text: str, size: float, *, bold: bool = False) -> float:
    """Return how wide a text is, in points."""
    measure: Any = _renderer().get_text_width_height_descent
    dots = measure(drawable(text), font(size, bold=bold), ismath=False)[0]
    return float(dots) * 72 / _MEASURE * _SAFETY


def shortened(text: str, room: float, size: float, *, bold: bool = False) -> str:
    """Return a text that fits into `room` points: whole, or its beginning and its end, by which names differ."""
    text = drawable(text)
    if width(text, size, bold=bold) <= room:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if width(_cut(text, middle), size, bold=bold) <= room:
            low = middle
        else:
            high = middle - 1
    return _cut(text, low)


def _cut(text: str, letters: int) -> str:
    end = letters // 3
    return f"{text[: letters - end].rstrip()}…{text[len(text) - end :].lstrip()}"


def wrapped(text: str, room: float, size: float, most: int = 6) -> list[str]:
    """Return a text in lines of at most `room` points, the last of them shortened where there would be more."""
    lines: list[str] = []
    words = drawable(text).split(" ")
    while words:
        taken = 1
        while taken < len(words) and width(" ".join(words[: taken + 1]), size) <= room:
            taken += 1
        if len(lines) == most - 1:
            taken = len(words)
        lines.append(shortened(" ".join(words[:taken]), room, size))
        words = words[taken:]
    return lines
