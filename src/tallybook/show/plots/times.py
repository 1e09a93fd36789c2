"""Where an axis of time has its ticks, and what they say. Pure but for the width of letters."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

from tallybook.show.plots.lettering import width

_Wanted = Callable[[dt.datetime], bool]
_Level = tuple[_Wanted, str, str]
"""Which slots have a tick, what it says, and what it says below where that changes."""


def _minutes(n: int) -> _Level:
    return lambda t: (t.hour * 60 + t.minute) % n == 0, "{t:%H:%M}", "{t.day} {t:%b}"


def _is_midnight(t: dt.datetime) -> bool:
    return t.hour == t.minute == 0


_EVERY: _Level = (lambda _: True, "{t.day} {t:%b}", "{t:%Y}")
_DAY: _Level = (_is_midnight, "{t.day} {t:%b}", "{t:%Y}")
_MONDAY: _Level = (lambda t: _is_midnight(t) and t.weekday() == 0, "{t.day} {t:%b}", "{t:%Y}")
_MONTH: _Level = (lambda t: _is_midnight(t) and t.day == 1, "{t:%b}", "{t:%Y}")
_QUARTER: _Level = (lambda t: _is_midnight(t) and t.day == 1 and t.month in (1, 4, 7, 10), "{t:%b}", "{t:%Y}")
_JANUARY: _Level = (lambda t: _is_midnight(t) and t.day == 1 and t.month == 1, "{t:%Y}", "")
_NEW_MONTH: _Level = (lambda t: t.day <= 7, "{t.day} {t:%b}", "{t:%Y}")
_NEW_QUARTER: _Level = (lambda t: t.day <= 7 and t.month in (1, 4, 7, 10), "{t.day} {t:%b}", "{t:%Y}")

_LEVELS: dict[str, tuple[_Level, ...]] = {
    "minute": (*map(_minutes, (1, 5, 10, 15, 30, 60, 180, 360, 720)), _DAY, _MONDAY),
    "hour": (*map(_minutes, (60, 180, 360, 720)), _DAY, _MONDAY, _MONTH, _QUARTER),
    "day": (_EVERY, _MONDAY, _MONTH, _QUARTER, _JANUARY),
    "week": (_EVERY, _NEW_MONTH, _NEW_QUARTER),
    "month": (_MONTH, _QUARTER, _JANUARY),
    "quarter": ((lambda _: True, "Q{q}", "{t:%Y}"), _JANUARY),
    "year": ((lambda _: True, "{t:%Y}", ""),),
}
"""By grain, from the finest to the coarsest."""
_GAP = 9
_NARROWEST = 12
"""Points that any label needs at least; levels with more than fit are not even tried."""


def time_ticks(starts: Sequence[dt.datetime], grain: str, room: float, size: float) -> list[tuple[int, str]]:
    """Return which slots have a tick, and its label, so that no two labels touch in `room` points."""
    step = room / max(len(starts), 1)
    levels = _LEVELS[grain]
    for wanted, upper, lower in levels:
        chosen = [i for i, t in enumerate(starts) if wanted(t)]
        if (len(chosen) - 1) * _NARROWEST > room:
            continue
        labels = _labels([starts[i] for i in chosen], upper, lower)
        if _fit(chosen, labels, step, size) and (len(chosen) > 1 or len(starts) == 1):
            return list(zip(chosen, labels, strict=True))
    _, upper, lower = levels[0]
    for every in range(max(2, int(len(starts) * _NARROWEST / room)), len(starts) + 2):
        chosen = list(range(0, len(starts), every))
        labels = _labels([starts[i] for i in chosen], upper, lower)
        if _fit(chosen, labels, step, size):
            break
    return list(zip(chosen, labels, strict=True))


def _labels(starts: Sequence[dt.datetime], upper: str, lower: str) -> list[str]:
    out: list[str] = []
    before = None
    for t in starts:
        quarter = (t.month + 2) // 3
        below = lower.format(t=t, q=quarter)
        text = upper.format(t=t, q=quarter)
        out.append(f"{text}\n{below}" if below and below != before else text)
        before = below
    return out


def _fit(chosen: Sequence[int], labels: Sequence[str], step: float, size: float) -> bool:
    widths = [max(width(line, size) for line in label.split("\n")) for label in labels]
    pairs = zip(chosen, chosen[1:], widths, widths[1:], strict=False)
    return all((b - a) * step >= (left + right) / 2 + _GAP for a, b, left, right in pairs)
