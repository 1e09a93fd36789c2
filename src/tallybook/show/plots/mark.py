"""How a panel is drawn: what all marks have in common. A mark draws into any axes, its own or a user's."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.dates import date2num
from matplotlib.ticker import FixedLocator, Formatter, MaxNLocator, NullLocator

from tallybook.show.numbers import headline, listed, ticks
from tallybook.show.plots.data import Entity, Number, Panel
from tallybook.show.plots.lettering import families, style
from tallybook.show.plots.palette import Theme
from tallybook.show.plots.stage import PITCH, SMALL, Box, Row, Stage, legend_width
from tallybook.show.plots.times import time_ticks

Floats = np.ndarray
WORD_HATCH = "////"
HATCHES = {"provisional": "////", "missing": "xxxx"}
"""By the state of a slot."""
_GUTTER = 22.0
NAME_ROOM = 190.0
_HEIGHT = 270.0


@dataclass(frozen=True, slots=True)
class Look:
    """What is the same all over a picture."""

    theme: Theme
    hues: Mapping[str, int]
    """Which hue each entity has."""
    other: float
    """Shares below this are folded into Other, where shares are drawn."""
    top: int | None = None
    """How many series are wanted, where that was said."""

    def colour(self, entity: Entity) -> str:
        """Return the colour of an entity."""
        if entity.role == "plain":
            return self.theme.hues[self.hues[entity.key]]
        return self.theme.other if entity.role == "other" else self.theme.word


class Mark(ABC):
    """One way to draw a panel."""

    along: ClassVar[Literal["axis", "whole"]] = "axis"
    """What its slots are; see `reading.panels`."""
    folds: ClassVar[bool] = False
    """Whether it folds what is small by itself."""
    together: ClassVar[bool] = False
    """Whether metrics of one unit share a panel where nothing is grouped by."""
    top: ClassVar[int] = 12
    """How many series are drawn where nobody says."""

    def __init__(self, panel: Panel, look: Look) -> None:
        self.panel, self.look, self.theme = panel, look, look.theme
        self.edges = edges(panel)
        self.is_timed = bool(panel.slots) and panel.slots[0].start is not None
        self.room = NAME_ROOM
        """How wide a name beside the axes may be, in points."""

    @abstractmethod
    def paint(self, axes: Axes) -> None:
        """Draw what does not depend on the size."""

    @abstractmethod
    def settle(self, axes: Axes, wide: float, high: float) -> None:
        """Place what depends on the size of the axes, in points: ticks and labels. May be called again."""

    def legend(self) -> list[Row]:
        """Return the series with their totals, the largest first; none where there is nothing to tell apart."""
        if len(self.panel.series) < 2:
            return []
        totals = listed([s.total for s in self.panel.series], self.panel.unit, self.panel.currency)
        is_known = any(s.total is not None for s in self.panel.series)
        return [
            Row(s.entity.label, (total,) if is_known else (), self.look.colour(s.entity), _hatch(s.entity))
            for s, total in zip(self.panel.series, totals, strict=True)
        ]

    def signs(self) -> list[Row]:
        """Return what the hatches over stretches of time mean, and the line of what it is compared with."""
        states = {slot.state for slot in self.panel.slots}
        rows = [Row(state, (), self.theme.rule, hatch) for state, hatch in HATCHES.items() if state in states]
        return (
            [*rows, Row("before", (), self.theme.ink, line=":")] if self.panel.is_compared and self.is_timed else rows
        )

    @property
    def remark(self) -> str:
        """What one has to know to read it; mostly nothing."""
        return ""

    @property
    def height(self) -> float:
        """How high it is drawn, in points."""
        return max(_HEIGHT, len(self.legend()) * PITCH)

    def draw(self, stage: Stage, box: Box) -> Axes | None:
        """Draw into a box of a picture: the axes, and the legend to their right; return axes that show time."""
        rows = self.legend()
        wide = legend_width(rows)
        axes_box = Box(box.left, box.bottom, box.right - wide - _GUTTER * bool(rows), box.top)
        axes = stage.axes(axes_box)
        self.paint(axes)
        stage.fit(axes, axes_box, self.settle)
        stage.legend(box.right - wide, box.top, rows)
        return axes if self.is_timed else None

    def shade(self, axes: Axes, state: str, colour: str) -> None:
        """Hatch the stretches of time that are in a state."""
        is_in = np.array([slot.state == state for slot in self.panel.slots], dtype=int)
        turns = np.flatnonzero(np.diff(is_in, prepend=0, append=0)).reshape(-1, 2)
        for first, after in turns:
            ends = self.edges[first, 0], self.edges[after - 1, 1]
            axes.axvspan(*ends, facecolor="none", edgecolor=colour, linewidth=0, hatch=HATCHES[state], zorder=1)

    def value(self, number: Number | None) -> str:
        """Return a number of this panel in a few characters."""
        return headline(number, self.panel.unit, self.panel.currency)

    def values(self, numbers: Sequence[Number | None]) -> list[str]:
        """Return numbers of this panel that stand below each other."""
        return listed(numbers, self.panel.unit, self.panel.currency)


def _hatch(entity: Entity) -> str:
    return WORD_HATCH if entity.role == "word" else ""


class _Numbers(Formatter):
    """The numbers along an axis."""

    def __init__(self, panel: Panel) -> None:
        self._panel = panel

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        return ticks([float(v) for v in values], self._panel.unit, self._panel.currency)

    def __call__(self, x: float, pos: int | None = None) -> str:  # noqa: ARG002 - as matplotlib has it
        return headline(x, self._panel.unit, self._panel.currency)


def bare(axes: Axes, theme: Theme, *, keep: str = "") -> None:
    """Take away the frame but for one side, and the ticks."""
    for side, spine in axes.spines.items():
        spine.set_visible(side == keep)
        spine.set_color(theme.soft)
        spine.set_linewidth(0.8)
    axes.tick_params(length=0, pad=4, labelcolor=theme.soft, labelsize=SMALL, labelfontfamily=list(families()))
    axes.set_axisbelow(True)
    axes.margins(0)


def value_axis(axis: Axis, panel: Panel, theme: Theme, low: float, high: float, *, bins: int = 5) -> None:
    """Let an axis show numbers from `low` to `high`, round ones, with lines that guide the eye."""
    if low == high == 0:
        axis.set_major_locator(FixedLocator([0]))
        high = 1
    else:
        is_whole = panel.unit not in ("money", "share", "bytes", "seconds") and "/" not in panel.unit
        axis.set_major_locator(MaxNLocator(bins, steps=[1, 2, 2.5, 5, 10], integer=is_whole))
    room = (high - low) * 0.04
    limits = (low - room if low < 0 else 0, high + room if high > 0 else 0)
    axis.set_view_interval(*limits, ignore=True)
    axis.set_major_formatter(_Numbers(panel))
    axis.grid(visible=True, color=theme.rule, linewidth=0.8)


def name_axis(axis: Axis, places: Sequence[float], names: Sequence[str], theme: Theme, size: float = SMALL) -> None:
    """Let an axis show names at places."""
    axis.set_ticks(places, labels=names)
    axis.set_minor_locator(NullLocator())
    for label in axis.get_ticklabels():
        label.set(color=theme.ink, **style(size))


def edges(panel: Panel) -> Floats:
    """Return where each slot of a panel begins and ends along the axis: days since 1970, or whole numbers."""
    if panel.slots and panel.slots[0].start is not None:
        ends = np.array([(slot.start, slot.end) for slot in panel.slots], dtype="datetime64[us]")
        days: Floats = date2num(ends)  # type: ignore[no-untyped-call]
        return days
    places = np.arange(len(panel.slots), dtype=float)
    return np.stack([places - 0.5, places + 0.5], axis=1)


def time_axis(axes: Axes, panel: Panel, where: Floats, wide: float) -> None:
    """Give axes the ticks of their time, as many as fit into `wide` points; `where` is the `edges` of the panel."""
    found = time_ticks([slot.start for slot in panel.slots if slot.start], panel.grain, wide, SMALL)
    axes.set_xlim(where[0, 0], where[-1, 1])
    axes.xaxis.set_ticks([where[i].mean() for i, _ in found], labels=[label for _, label in found])
    axes.xaxis.set_minor_locator(NullLocator())
