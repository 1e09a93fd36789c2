"""Lines over time: of what cannot be stacked, and of what one wants to compare."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from matplotlib.axes import Axes

from tallybook.show.plots.bars import floats
from tallybook.show.plots.lettering import drawable
from tallybook.show.plots.mark import (
    Floats,
    Mark,
    bare,
    name_axis,
    time_axis,
    value_axis,
)
from tallybook.show.plots.stage import TEXT, Row

_FEW = 45
_WORD_LINE = (0, (1, 1.5))


class Lines(Mark):
    """A line for each series; what is not known is a gap."""

    together = True

    def paint(self, axes: Axes) -> None:
        """Draw what does not depend on the size."""
        bare(axes, self.theme, keep="bottom")
        where = self.edges.mean(axis=1)
        ends = [0.0]
        for series in reversed(self.panel.series):
            colour, values = self.look.colour(series.entity), floats(series.values)
            is_word = series.entity.role == "word"
            dots = _alone(values) if len(values) > _FEW else np.ones(len(values), dtype=bool)
            axes.plot(
                where, values, color=self.theme.soft if is_word else colour, linewidth=1.8, label=series.entity.label,
                linestyle=_WORD_LINE if is_word else "-", marker="o", markersize=3.2,
                markevery=np.flatnonzero(dots).tolist(), zorder=3,
            )  # fmt: skip
            before = floats(series.previous) if series.previous else values[:0]
            if before.size:
                axes.plot(where, before, color=colour, linewidth=1, linestyle=(0, (2, 2)), zorder=2.8)
            ends += [float(v) for v in (*values, *before) if not np.isnan(v)]
        self._unsure(axes)
        value_axis(axes.yaxis, self.panel, self.theme, min(ends), max(ends))

    def _unsure(self, axes: Axes) -> None:
        """Hatch the time that may still change, and cross out that of which something is missing."""
        self.shade(axes, "provisional", self.theme.rule)
        self.shade(axes, "missing", self.theme.other)

    def settle(self, axes: Axes, wide: float, high: float) -> None:  # noqa: ARG002
        """Place the times."""
        if self.panel.slots and self.panel.slots[0].start is not None:
            time_axis(axes, self.panel, self.edges, wide)
            return
        names = [drawable(slot.entity.label) if slot.entity else "" for slot in self.panel.slots]
        name_axis(axes.xaxis, range(len(names)), names, self.theme, TEXT)

    def legend(self) -> list[Row]:
        """Return the series as lines."""
        return [replace(row, hatch="", line="-") for row in super().legend()]


def _alone(values: Floats) -> Floats:
    """Return which values have no neighbour, so that no line shows them."""
    known = np.concatenate([[False], ~np.isnan(values), [False]])
    alone: Floats = np.logical_and(known[1:-1], ~(known[:-2] | known[2:]))
    return alone
