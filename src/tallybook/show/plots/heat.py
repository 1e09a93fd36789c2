"""A heat-map: hours by days of the week, or series by slots."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from tallybook.show.plots.bars import floats
from tallybook.show.plots.data import Entity, Panel, Series, Slot
from tallybook.show.plots.lettering import shortened, width
from tallybook.show.plots.mark import Look, Mark, bare, name_axis, time_axis
from tallybook.show.plots.stage import SMALL, Box, Row, Stage

_ROW = 22.0
_TALL = 90.0
_STRIP = 120.0
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class Heat(Mark):
    """Cells whose colour is their number."""

    top = 20

    def __init__(self, panel: Panel, look: Look) -> None:
        self.is_week = panel.grain == "hour" and len(panel.series) == 1
        if self.is_week:
            panel = _week(panel)
        elif (panel.axis, panel.dimension) == ("weekday", "hour"):
            panel = _turned(panel)
        super().__init__(panel, look)
        self.names = [slot.entity.label if slot.entity else "" for slot in self.panel.slots]
        self.cells = np.array([floats(s.values) for s in self.panel.series]).reshape(
            len(self.panel.series), len(self.panel.slots)
        )

    @property
    def remark(self) -> str:
        """What one has to know to read it."""
        return "A cell is the mean of its hour of the week." if self.is_week else ""

    @property
    def height(self) -> float:
        """How high it is drawn, in points."""
        return len(self.panel.series) * _ROW + 60 + (0 if self.is_timed else _TALL * self._is_turned(500))

    def _is_turned(self, wide: float) -> bool:
        """Return whether names below the columns must stand on end."""
        return max((width(n, SMALL) for n in self.names), default=0) + 4 > wide / max(len(self.names), 1)

    def legend(self) -> list[Row]:
        """Return nothing: rows have their names."""
        return []

    def signs(self) -> list[Row]:
        """Return nothing: a colour has no room for a hatch."""
        return []

    def paint(self, axes: Axes) -> None:
        """Draw what does not depend on the size."""
        bare(axes, self.theme)
        low, high = self._ends()
        x = np.append(self.edges[:, 0], self.edges[-1:, 1])
        y = np.arange(len(self.cells) + 1) - 0.5
        if self.cells.size:
            axes.pcolormesh(
                x, y, np.ma.masked_invalid(self.cells), cmap=self._colours(), vmin=low, vmax=high or low + 1,
                edgecolors=self.theme.ground, linewidth=1 if len(self.panel.slots) < 100 else 0,
            )  # fmt: skip
        axes.set_ylim(len(self.cells) - 0.5, -0.5)

    def _colours(self) -> LinearSegmentedColormap:
        ends = [self.theme.rule, self.theme.hues[0]]
        return LinearSegmentedColormap.from_list("tallybook", ends, bad=self.theme.ground)

    def _ends(self) -> tuple[float, float]:
        known = self.cells[~np.isnan(self.cells)]
        return (min(float(known.min()), 0.0), max(float(known.max()), 0.0)) if known.size else (0.0, 0.0)

    def settle(self, axes: Axes, wide: float, high: float) -> None:  # noqa: ARG002
        """Place the names of rows and columns."""
        rows = [shortened(s.entity.label, self.room, SMALL) for s in self.panel.series]
        name_axis(axes.yaxis, range(len(rows)), rows, self.theme)
        if self.is_timed:
            time_axis(axes, self.panel, self.edges, wide)
            return
        is_turned = self._is_turned(wide)
        names = [shortened(n, _TALL if is_turned else 1e9, SMALL) for n in self.names]
        name_axis(axes.xaxis, range(len(names)), names, self.theme)
        axes.tick_params(axis="x", rotation=90 if is_turned else 0)

    def draw(self, stage: Stage, box: Box) -> Axes | None:
        """Draw the cells, and below them what their colours mean."""
        above = Box(box.left, box.bottom + 24, box.right, box.top)
        axes = stage.axes(above)
        self.paint(axes)
        stage.fit(axes, above, self.settle)
        low, high = self._ends()
        texts = self.values([_exact(low), _exact(high)])
        left = box.right - _STRIP - width(texts[1], SMALL) - 6
        strip = stage.axes(Box(left, box.bottom + 2, left + _STRIP, box.bottom + 10))
        strip.imshow(np.linspace(0, 1, 64).reshape(1, -1), aspect="auto", cmap=self._colours())
        strip.set_axis_off()
        stage.text(left - 6, box.bottom + 6, texts[0], SMALL, ha="right", color=self.theme.soft)
        stage.text(left + _STRIP + 6, box.bottom + 6, texts[1], SMALL, color=self.theme.soft)
        return axes if self.is_timed else None


def _exact(value: float) -> int | float:
    return int(value) if value.is_integer() else value


def _turned(panel: Panel) -> Panel:
    """Return a panel with its rows as columns."""
    slots = tuple(Slot(s.entity) for s in panel.series)
    series = tuple(
        Series(slot.entity or Entity("", ""), tuple(s.values[i] for s in panel.series))
        for i, slot in enumerate(panel.slots)
    )
    return replace(panel, slots=slots, series=series, axis=panel.dimension, dimension=panel.axis)


def _week(panel: Panel) -> Panel:
    """Return the mean of each hour of the week, a row for each day and a column for each hour."""
    found: dict[tuple[int, int], list[Decimal]] = {}
    for slot, value in zip(panel.slots, panel.series[0].values, strict=True):
        if slot.start is not None and value is not None:
            found.setdefault((slot.start.weekday(), slot.start.hour), []).append(Decimal(value))
    hours = tuple(Slot(Entity(f"{hour:02}", f"{hour:02}")) for hour in range(24))
    days = tuple(
        Series(Entity(name, name), tuple(_mean(found.get((day, hour), [])) for hour in range(24)))
        for day, name in enumerate(WEEKDAYS)
    )
    return replace(panel, slots=hours, series=days, axis="hour", dimension="weekday")


def _mean(values: list[Decimal]) -> Decimal | None:
    return sum(values, Decimal(0)) / len(values) if values else None
