"""The map of what is held, dataset by day, for a terminal: a character, and on a terminal a colour, per cell."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from rich.console import RenderableType
from rich.text import Text

from tallybook.model.windows import DAY, Span, naive
from tallybook.query.clocks.time import Range, stretch
from tallybook.query.reports.completeness import STATES, Completeness, Held
from tallybook.show.tables import plain, terminal_width
from tallybook.show.text import render

_LOOKS = {
    "stable": ("█", "green"),
    "provisional": ("▓", "yellow"),
    "open": ("░", "cyan"),
    "pending": ("·", "dim"),
    "unobtainable": ("-", "blue"),
    "partial": ("/", "bold magenta"),
    "missing": ("×", "bold red"),
}
"""State to its character and colour."""

_STEPS = (1, 7, 14, 28, 56, 112, 224, 448)
"""How many days a cell can be."""
_WIDEST = 160
_REASONS = 8


def heatmap(found: Completeness, *, width: int | None = None) -> str:
    """Return the map as text: one row per dataset, one cell per day, or as many days as make it fit."""
    width = width or terminal_width() or _WIDEST
    names = list(found.datasets)
    label = max(map(len, names)) + 1
    days = (found.span.end - found.span.start) // DAY
    step = next((s for s in _STEPS if -(-days // s) <= width - label), _STEPS[-1])
    lines: list[RenderableType] = [" " * label + _axis(found.span, step)]
    if step == 1:
        lines.append(" " * label + _mondays(found.span))
    lines += [Text(f"{name:<{label}}").append_text(_cells(found.datasets[name], step)) for name in names]
    lines += ["", _legend(found)]
    if step > 1:
        cell = "a week" if step == 7 else f"{step // 7} weeks"
        lines.append(f"A cell is {cell} and shows the worst day of it; --last 30d shows days.")
    lines += [*_widths(found), *_reasons(found)]
    head = plain(f"Organization {found.org!r}, {Range(found.span.start, found.span.end)}")
    return f"{head}\n\n{render(*lines, width=width)}"


def _cells(days: Sequence[Held], step: int) -> Text:
    """Return a row of cells; where one is several days, the last of them ends with the newest day."""
    first = len(days) % step
    blocks = [days[:first]] if first else []
    blocks += [days[i : i + step] for i in range(first, len(days), step)]
    worst = [max((held.state for held in block), key=STATES.index) for block in blocks]
    out = Text()
    for state, cells in groupby(worst):
        character, style = _LOOKS[state]
        out.append(character * len(list(cells)), style)
    return out


def _starts(span: Span, step: int) -> list[int]:
    """Return the first moment of each cell."""
    first = (span.end - span.start) % (step * DAY)
    return [*([span.start] if first else []), *range(span.start + first, span.end, step * DAY)]


def _axis(span: Span, step: int) -> str:
    """Return the names of months, each above the first cell that begins in it, and the year where there is room."""
    starts = [naive(s) for s in _starts(span, step)]
    marks = [i for i, s in enumerate(starts) if not i or (s.year, s.month) != (starts[i - 1].year, starts[i - 1].month)]
    line = ""
    for mark, following in zip(marks, [*marks[1:], len(starts)], strict=True):
        texts = (f"{starts[mark]:%b %Y}", f"{starts[mark]:%b}")
        room = following - mark - (following < len(starts))
        text = next((t for t in texts if len(t) <= room), "")
        line = line.ljust(mark) + text
    return line


def _mondays(span: Span) -> str:
    """Return the day of the month above each Monday."""
    line = ""
    for i, start in enumerate(_starts(span, 1)):
        if naive(start).weekday() == 0:
            line = line.ljust(i) + f"{naive(start).day}"
    return line


def _legend(found: Completeness) -> Text:
    """Return what the characters mean that occur."""
    seen = {held.state for days in found.datasets.values() for held in days}
    entries = [Text(_LOOKS[s][0], _LOOKS[s][1]).append(f" {s}", "default") for s in STATES if s in seen]
    return Text("  ").join(entries)


def _widths(found: Completeness) -> list[str]:
    """Return which datasets are held at which width."""
    by_width: dict[str, list[str]] = {}
    for name, days in found.datasets.items():
        held = sorted({"+".join(day.widths) for day in days if day.widths}, key=lambda w: (len(w), w))
        if held:
            by_width.setdefault(", ".join(held), []).append(name)
    return [f"Held at {width}: {', '.join(names)}" for width, names in by_width.items()]


def _reasons(found: Completeness) -> list[str]:
    """Return what is not held, and why."""
    gaps = [
        f"{held.state.capitalize()}: {name} {stretch(span)}: {held.reason}"
        for name in found.datasets
        for span, held in found.stretches(name)
        if held.reason
    ]
    more = [f"and {len(gaps) - _REASONS} more; --json lists all"] if len(gaps) > _REASONS else []
    return gaps[:_REASONS] + more
