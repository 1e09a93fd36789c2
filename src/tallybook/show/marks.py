"""Bars and sparklines made of block characters, for terminals. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

Number = Decimal | int | float

_LEVELS = "▁▂▃▄▅▆▇█"
_EIGHTHS = "▏▎▍▌▋▊▉█"
_LESS = "▒"


def sparkline(values: Sequence[Number | None], width: int | None = None) -> str:
    """Return a character per value, as high as the value between the least, at most 0, and the largest.

    What is not known is a space; what is more than nothing is higher than nothing. Where there are more values than
    `width`, a character is the mean of several.
    """
    if width is not None and len(values) > width:
        values = [_mean(values[len(values) * i // width : len(values) * (i + 1) // width]) for i in range(width)]
    known = [float(v) for v in values if v is not None]
    low, high = min([0.0, *known]), max([0.0, *known])
    top = len(_LEVELS) - 1
    out = []
    for value in values:
        if value is None:
            out.append(" ")
            continue
        level = round((float(value) - low) / ((high - low) or 1) * top)
        out.append(_LEVELS[max(level, 1) if value > 0 else level])
    return "".join(out)


def _mean(values: Sequence[Number | None]) -> float | None:
    known = [float(v) for v in values if v is not None]
    return sum(known) / len(known) if known else None


def bar(value: Number | None, largest: Number, width: int) -> str:
    """Return a bar in eighths of a character, `width` long for `largest`; what is less than nothing is shaded."""
    if not value or not largest:
        return ""
    eighths = max(1, round(min(abs(float(value)) / abs(float(largest)), 1) * width * 8))
    whole, rest = divmod(eighths, 8)
    if value < 0:
        return _LESS * max(whole, 1)
    return _EIGHTHS[-1] * whole + (_EIGHTHS[rest - 1] if rest else "")
