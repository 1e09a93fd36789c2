"""Bars: stacked, as a step area, or side by side. A series is one path, however many bars it has."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from tallybook.show.plots.data import Panel, Series
from tallybook.show.plots.lettering import drawable, shortened, width
from tallybook.show.plots.mark import (
    HATCHES,
    WORD_HATCH,
    Floats,
    Look,
    Mark,
    bare,
    name_axis,
    time_axis,
    value_axis,
)
from tallybook.show.plots.stage import TEXT

_THIN = 3.0
"""Points: thinner bars touch."""
_RECTANGLE = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY]
_ROW = 26.0


def floats(values: Sequence[object]) -> Floats:
    """Return numbers to draw; what is not known is NaN."""
    return np.array([np.nan if v is None else float(v) for v in values], dtype=float)  # type: ignore[arg-type]


def rectangles(starts: Floats, ends: Floats, low: Floats, high: Floats, *, upright: bool = True) -> Path:
    """Return one path of all rectangles that have a height; they stand, or lie on their side."""
    there = ~(np.isnan(low) | np.isnan(high)) & (low != high)
    a, b, c, d = starts[there], ends[there], low[there], high[there]
    along, across = np.stack([a, a, b, b, a], axis=1).ravel(), np.stack([c, d, d, c, c], axis=1).ravel()
    points = np.stack([along, across] if upright else [across, along], axis=1)
    return Path(points, _RECTANGLE * int(there.sum()))


class Stack(Mark):
    """Stacked bars over time, or over the values of the first dimension."""

    together = True
    gap = 0.14
    touches = True
    """Whether the line of what is compared with goes on from one slot to the next."""

    def __init__(self, panel: Panel, look: Look) -> None:
        super().__init__(panel, look)
        self.names = [slot.entity.label if slot.entity else "" for slot in panel.slots]
        widest = max((width(n, TEXT) for n in self.names), default=0)
        self.upright = self.is_timed or widest * len(self.names) * 1.15 < 440
        """Whether bars stand: names that do not fit below them stand beside bars that lie."""
        self._hatched: list[PathPatch] = []

    @property
    def height(self) -> float:
        """How high it is drawn, in points."""
        return super().height if self.upright else max(super().height, len(self.names) * _ROW)

    def lows_and_highs(self) -> list[tuple[Floats, Floats]]:
        """Return from where to where each series reaches: what is above 0 stands on it, what is below hangs."""
        above = np.zeros(len(self.panel.slots))
        below = np.zeros(len(self.panel.slots))
        out = []
        for series in self.panel.series:
            found = floats(series.values)
            known = np.nan_to_num(found)
            base = np.where(known >= 0, above, below)
            out.append((base, base + found))
            above, below = above + np.maximum(known, 0), below + np.minimum(known, 0)
        return out

    def spans(self, index: int) -> tuple[Floats, Floats]:  # noqa: ARG002 - bars side by side need it
        """Return where along the axis the bars of a series begin and end."""
        where = self.edges
        room = (where[:, 1] - where[:, 0]) * self._gap() / 2
        return where[:, 0] + room, where[:, 1] - room

    def _gap(self) -> float:
        if not self.is_timed:
            return 0.3
        return self.gap if 440 / max(len(self.panel.slots), 1) > _THIN else 0

    def paint(self, axes: Axes) -> None:
        """Draw what does not depend on the size."""
        bare(axes, self.theme, keep="bottom" if self.upright else "left")
        drawn = self.lows_and_highs()
        for i, (series, (low, high)) in enumerate(zip(self.panel.series, drawn, strict=True)):
            self._bars(axes, series, rectangles(*self.spans(i), low, high, upright=self.upright))
        self._unsure(axes, drawn)
        ends = np.nan_to_num(np.array(drawn, dtype=float)) if drawn else np.zeros(1)
        compared = self._compared(axes)
        highest = max(float(ends.max()), *compared)
        axis = axes.yaxis if self.upright else axes.xaxis
        value_axis(axis, self.panel, self.theme, min(float(ends.min()), *compared), highest)
        if not self.upright:
            axes.set_ylim(len(self.names) - 0.4, -0.6)
        elif not self.is_timed:
            axes.set_xlim(-0.6, len(self.names) - 0.4)
        if float(ends.min()) < 0:
            (axes.axhline if self.upright else axes.axvline)(0, color=self.theme.soft, linewidth=0.8, zorder=3)

    def _bars(self, axes: Axes, series: Series, path: Path) -> None:
        is_word = series.entity.role == "word"
        axes.add_artist(  # unlike add_patch, it does not follow every corner of thousands of bars
            PathPatch(
                path, facecolor=self.look.colour(series.entity), label=series.entity.label, linewidth=0, zorder=2,
                hatch=WORD_HATCH if is_word else None, edgecolor=self.theme.soft, snap=True,
            )
        )  # fmt: skip

    def _unsure(self, axes: Axes, drawn: Sequence[tuple[Floats, Floats]]) -> None:
        """Hatch the bars that may still change, and the place of those that are missing."""
        states = np.array([slot.state for slot in self.panel.slots])
        for i, (low, high) in enumerate(drawn):
            soft = np.where(states == "provisional", high, np.nan)
            if not np.isnan(soft).all():
                path = rectangles(*self.spans(i), low, soft, upright=self.upright)
                axes.add_artist(
                    PathPatch(
                        path, facecolor="none", edgecolor=(self.theme.ground, 0.75), linewidth=0, zorder=2.5,
                        hatch=HATCHES["provisional"], hatch_linewidth=0.8,
                    )
                )  # fmt: skip
        self.shade(axes, "missing", self.theme.other)

    def before(self) -> list[tuple[Floats, Floats, Floats]]:
        """Return from where to where along the axis, and how high, the range compared with is drawn."""
        each = [floats(s.previous) for s in self.panel.series if s.previous]
        if not each or not self.panel.adds_up:
            return []
        known = np.array(each)
        sums = np.where(np.isnan(known).all(axis=0), np.nan, np.nansum(known, axis=0))
        return [(self.edges[:, 0], self.edges[:, 1], sums)]

    def _compared(self, axes: Axes) -> list[float]:
        """Draw the range compared with; return how low and high it is."""
        ends = [0.0, 0.0]
        for starts, stops, values in self.before():
            gap = [] if self.is_timed and self.touches else [np.full_like(values, np.nan)]
            along = np.stack([starts, stops, *gap], axis=1).ravel()
            across = np.stack([values, values, *gap], axis=1).ravel()
            points = (along, across) if self.upright else (across, along)
            axes.plot(*points, color=self.theme.ink, linewidth=1, linestyle=(0, (2, 2)), label="before", zorder=3)
            ends += [float(v) for v in values if not np.isnan(v)]
        return ends

    def settle(self, axes: Axes, wide: float, high: float) -> None:  # noqa: ARG002
        """Place the names or times of the slots."""
        if self.is_timed:
            time_axis(axes, self.panel, self.edges, wide)
        elif self.upright:
            name_axis(axes.xaxis, range(len(self.names)), [*map(drawable, self.names)], self.theme, TEXT)
        else:
            names = [shortened(n, self.room, TEXT) for n in self.names]
            name_axis(axes.yaxis, range(len(names)), names, self.theme, TEXT)


class Area(Stack):
    """As stacked bars, without gaps: for many buckets."""

    gap = 0.0


class Bars(Stack):
    """Bars side by side."""

    top = 4
    touches = False

    def lows_and_highs(self) -> list[tuple[Floats, Floats]]:
        """Return from where to where each series reaches."""
        zero = np.zeros(len(self.panel.slots))
        return [(zero, floats(s.values)) for s in self.panel.series]

    def before(self) -> list[tuple[Floats, Floats, Floats]]:
        """Return from where to where along the axis, and how high, the range compared with is drawn."""
        return [(*self.spans(i), floats(s.previous)) for i, s in enumerate(self.panel.series) if s.previous]

    def spans(self, index: int) -> tuple[Floats, Floats]:
        """Return where along the axis the bars of a series begin and end."""
        starts, ends = super().spans(index)
        step = (ends - starts) / max(len(self.panel.series), 1)
        return starts + index * step, starts + (index + 1) * step
