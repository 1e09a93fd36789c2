"""From an answer to a figure: which mark suits it, what stands above and below, how high it all is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tallybook.model.errors import UsageError
from tallybook.query.metrics import METRICS
from tallybook.show.numbers import headline
from tallybook.show.plots.bars import Area, Bars, Stack
from tallybook.show.plots.data import Panel, folded, folded_slots
from tallybook.show.plots.donut import Donut
from tallybook.show.plots.heat import Heat
from tallybook.show.plots.lettering import drawable, font, shortened, style, width, wrapped
from tallybook.show.plots.lines import Lines
from tallybook.show.plots.mark import Look, Mark
from tallybook.show.plots.palette import THEMES, Theme, hues
from tallybook.show.plots.rank import Rank, Waterfall
from tallybook.show.plots.reading import adds_up, asked, panels, spoken
from tallybook.show.plots.stage import PAD, PITCH, SMALL, TEXT, TITLE, WIDE, Box, Stage, legend_width, lines
from tallybook.show.result import Result

MARKS: dict[str, type[Mark]] = {
    "stack": Stack,
    "bars": Bars,
    "area": Area,
    "line": Lines,
    "rank": Rank,
    "donut": Donut,
    "heat": Heat,
    "waterfall": Waterfall,
}
"""By kind."""

_MANY = 120
"""Buckets, from which bars are drawn without gaps."""
_SIDE_BY_SIDE = 31
"""Buckets, up to which bars of several metrics have room side by side."""
_CELLS = 20
"""Slots of an axis of entities that are drawn where nobody says."""
_LINE, _GAP, _EMPTY = 18.0, 7.0, 80.0


def draw(
    result: Result,
    kind: str | None,
    theme: str,
    *,
    ax: Axes | None,
    title: str | None,
    top: int | None,
    other: float,
) -> Figure:
    """Return a figure of an answer, or draw it into a user's axes and return their figure."""
    chosen = kind or choose(result)
    mark = MARKS[chosen]
    top = top or asked(result).top
    found = [
        panel if mark.folds else folded(folded_slots(panel, top or _CELLS), top or mark.top)
        for panel in panels(result, mark.along, together=mark.together)
    ]
    marks = [mark(panel, _look(panel, result, THEMES[theme], other, top)) for panel in found]
    if ax is not None:
        return _into(ax, marks, result, title)
    return _sheet(marks, result, title, THEMES[theme])


def choose(result: Result) -> str:
    """Return the kind of picture that suits an answer, by its shape."""
    query = asked(result)
    by, adds = [d.name for d in query.by], all(map(adds_up, query.metrics))
    if {"weekday", "hour"} <= set(by):
        return "heat"
    if query.grain == "total":
        if not by or len(by) == len(query.metrics) == 1:
            return "rank"
        if len(by) > 1:
            return "stack" if adds else "bars"
        return "bars" if len({m.unit for m in query.metrics}) == 1 else "rank"
    slots = len(set(result.table["time"].to_pylist()))
    if not adds:
        return "line"
    if by or len(query.metrics) == 1 or len({m.unit for m in query.metrics}) > 1:
        return "stack" if slots <= _MANY else "area"
    return "bars" if slots <= _SIDE_BY_SIDE else "line"


def _look(panel: Panel, result: Result, theme: Theme, other: float, top: int | None) -> Look:
    """Give every entity of a panel its hue."""
    names: Iterable[str] = METRICS
    if panel.dimension is not None:
        names = result.rank(panel.dimension) if result.rank else ()
    places = {name: place for place, name in enumerate(names)}
    keys = [s.entity.key for s in panel.series if s.entity.role == "plain"]
    keys += [m.entity.key for s in panel.series for m in s.members]
    return Look(theme, hues(list(dict.fromkeys(keys)), places), other, top)


def heading(result: Result) -> str:
    """Return what an answer is about: `Cost by project, per day`."""
    query = asked(result)
    first, *more = [spoken(m.name) for m in query.metrics]
    text = _and([first, *map(_small, more)])
    if query.by:
        text += f" by {_and([_small(spoken(d.name)) for d in query.by])}"
    if query.grain == "total":
        return text
    return f"{text}{', ' if query.by else ' '}per {query.grain}"


def _small(text: str) -> str:
    """Return words with a small first letter, unless they begin with an abbreviation."""
    return text if text[:2].isupper() else text[:1].lower() + text[1:]


def _and(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def footing(result: Result, marks: Sequence[Mark]) -> str:
    """Return what the numbers rest on."""
    parts = [f"Data {result.coverage}."]
    if any("money" in m.panel.unit for m in marks):
        parts.insert(0, "Cost is billed, before tax, credits and adjustments.")
    left_out = sum(m.panel.left_out for m in marks)
    if left_out:
        parts.append(f"{left_out} more are not shown: such numbers do not add up to Other.")
    return " ".join([*parts, *filter(None, dict.fromkeys(m.remark for m in marks)), *result.notes])


def _sheet(marks: Sequence[Mark], result: Result, title: str | None, theme: Theme) -> Figure:
    """Return a figure with the marks below each other, between a title and what the numbers rest on."""
    foot = lines(footing(result, marks), SMALL)
    heads = [_head(m) if len(marks) > 1 else "" for m in marks]
    heights = [
        (m.height if m.panel.slots else _EMPTY, _LINE if head else 0) for m, head in zip(marks, heads, strict=True)
    ]
    top = PAD + TITLE + 2 * _LINE
    bottom = PAD + len(foot) * SMALL * 1.45 + 10
    stage = Stage(theme, top + bottom + sum(map(sum, heights)) + (len(marks) - 1) * PAD)
    _header(stage, marks, result, title)
    y = stage.height - top
    timed = []
    for mark, head, (high, extra) in zip(marks, heads, heights, strict=True):
        if head:
            stage.text(PAD, y - TEXT / 2, shortened(head, WIDE - 2 * PAD, TEXT), TEXT, color=theme.soft)
        y -= extra
        if mark.panel.slots:
            axes = mark.draw(stage, Box(PAD, y - high, WIDE - PAD, y))
            timed += [(axes, mark.settle)] if axes else []
        else:
            stage.text(WIDE / 2, y - high / 2, "Nothing in this range.", TEXT, ha="center", color=theme.soft)
        y -= high + PAD
    stage.align(timed)
    colour = theme.soft if result.coverage.complete else theme.warning
    for i, line in enumerate(reversed(foot)):
        stage.text(PAD, PAD + i * SMALL * 1.45 + SMALL / 2, line, SMALL, color=colour)
    return stage.figure


def _header(stage: Stage, marks: Sequence[Mark], result: Result, title: str | None) -> None:
    """Write the title, below it the total and the range, and at the right what the hatches mean."""
    y = stage.height - PAD - TITLE / 2
    said = title if title is not None else heading(result)
    stage.text(PAD, y, shortened(said, WIDE - 2 * PAD, TITLE, bold=True), TITLE, bold=True)
    y -= _LINE + 2
    signs = list(dict.fromkeys(row for mark in marks for row in mark.signs()))
    right = WIDE - PAD
    for row in reversed(signs):
        right -= legend_width([row])
        stage.legend(right, y + PITCH / 2, [row])
        right -= 2 * _GAP
    total = _total(marks[0].panel) if len(marks) == 1 else ""
    x = PAD
    if total:
        stage.text(x, y, total, TEXT, bold=True)
        x += width(total, TEXT, bold=True) + _GAP
    stage.text(x, y, shortened(result.basis, right - x - _GAP, TEXT), TEXT, color=stage.theme.soft)


def _total(panel: Panel) -> str:
    """Return what a panel amounts to; nothing where that is no sum."""
    return "" if panel.total is None else headline(panel.total, panel.unit, panel.currency)


def _head(mark: Mark) -> str:
    """Return what stands above one of several panels: what it is, and its total."""
    panel = mark.panel
    name = _and([spoken(name) for name in panel.metrics])
    return ": ".join(filter(None, [f"{name} ({panel.currency.upper()})" if panel.currency else name, _total(panel)]))


def _into(axes: Axes, marks: Sequence[Mark], result: Result, title: str | None) -> Figure:
    """Draw into a user's axes, with matplotlib's own title and legend, and what the numbers rest on below."""
    if len(marks) != 1:
        names = ", ".join(_head(mark) for mark in marks)
        raise UsageError(f"Several units or currencies need axes of their own: {names}. Ask for one, or leave ax out.")
    mark, figure = marks[0], axes.get_figure(root=True)
    assert figure is not None  # noqa: S101 - axes that one can pass are in a figure
    mark.room = figure.get_size_inches()[0] * 72 * 0.25
    mark.paint(axes)
    size = axes.get_window_extent()
    mark.settle(axes, size.width * 72 / figure.dpi, size.height * 72 / figure.dpi)
    ink, soft = mark.theme.ink, mark.theme.soft
    axes.set_title(drawable(title if title is not None else heading(result)), loc="left", color=ink, **style(TITLE))
    rests = "\n".join(wrapped(f"{result.basis}. {footing(result, marks)}", size.width * 72 / figure.dpi, SMALL))
    axes.set_xlabel(rests, loc="left", color=soft, **style(SMALL))
    if len(mark.panel.series) > 1 and mark.legend():
        for text in axes.legend(prop=font(SMALL), frameon=False, labelcolor=ink).get_texts():
            text.set(text=shortened(text.get_text(), mark.room, SMALL), parse_math=False)
    return figure
