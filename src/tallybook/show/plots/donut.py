"""A donut: shares of a whole, the small ones folded into Other, with what is in it beside."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from matplotlib.axes import Axes
from matplotlib.patches import Wedge

from tallybook.model.errors import UsageError
from tallybook.show.numbers import percent
from tallybook.show.plots.data import Panel, Series, added, folded, with_other
from tallybook.show.plots.lettering import style, width
from tallybook.show.plots.mark import WORD_HATCH, Look, Mark
from tallybook.show.plots.rank import Rank
from tallybook.show.plots.stage import PITCH, SMALL, Box, Row, Stage, legend_width

_RING = 170.0
_HOLE = 0.62
_MEMBERS = 10
_GUTTER = 26.0
_LONGEST, _BESIDE = 280.0, 130.0
"""How wide a name in the legend may be, alone, and beside what is in Other."""


class Donut(Mark):
    """A ring of shares, clockwise from the top."""

    along = "whole"
    folds = True

    def __init__(self, panel: Panel, look: Look) -> None:
        if not panel.adds_up:
            raise UsageError(f'{panel.metrics[0]} has no shares: its parts do not add up. Try kind="rank".')
        self.negative = tuple(s for s in panel.series if (s.total or 0) < 0)
        shown = tuple(s for s in panel.series if (s.total or 0) > 0)
        super().__init__(_few(replace(panel, series=shown), look.other, look.top or self.top), look)
        self.whole = Decimal(added(s.total for s in self.panel.series) or 0)

    @property
    def height(self) -> float:
        """How high it is drawn, in points."""
        return max(_RING, PITCH * len(self.legend()), 0 if self._inside is None else self._inside.height + PITCH)

    @property
    def _inside(self) -> Rank | None:
        """What is in Other."""
        members = [m for s in self.panel.series if s.entity.role == "other" for m in s.members]
        if len(members) < 2:
            return None
        panel = folded(replace(self.panel, series=tuple(members)), _MEMBERS)
        return Rank(panel, self.look)

    def share(self, series: Series) -> Decimal:
        """Return which part of the whole a series is."""
        return Decimal(series.total or 0) / self.whole if self.whole else Decimal(0)

    def legend(self) -> list[Row]:
        """Return the slices with their shares and totals, and what no slice can show."""
        every = [*self.panel.series, *self.negative]
        totals = self.values([s.total for s in every])
        return [
            Row(
                s.entity.label, ("" if s in self.negative else percent(self.share(s), whole=False), total),
                "" if s in self.negative else self.look.colour(s.entity),
                WORD_HATCH if s.entity.role == "word" else "",
            )
            for s, total in zip(every, totals, strict=True)
        ]  # fmt: skip

    def settle(self, axes: Axes, wide: float, high: float) -> None:
        """Do nothing: a ring has no ticks."""

    def paint(self, axes: Axes) -> None:
        """Draw the ring, clockwise from the top."""
        axes.set_axis_off()
        axes.set_aspect("equal")
        axes.set_xlim(-1.02, 1.02)
        axes.set_ylim(-1.02, 1.02)
        at = 90.0
        for s in self.panel.series:
            turn = float(self.share(s)) * 360
            axes.add_patch(
                Wedge(
                    (0, 0), 1, at - turn, at, width=1 - _HOLE, facecolor=self.look.colour(s.entity),
                    edgecolor=self.theme.ground, linewidth=1.2 if len(self.panel.series) > 1 else 0,
                    label=s.entity.label, hatch=WORD_HATCH if s.entity.role == "word" else None,
                )
            )  # fmt: skip
            at -= turn
        if not self.panel.series:
            axes.add_patch(Wedge((0, 0), 1, 0, 360, width=1 - _HOLE, facecolor=self.theme.rule, linewidth=0))
        total = added([*(s.total for s in self.panel.series), *(s.total for s in self.negative)])
        text = self.value(total or 0)
        size = next(s for s in (17, 14, 12, 10, 8) if s == 8 or width(text, s, bold=True) < _RING * _HOLE * 0.85)
        axes.text(0, 0, text, ha="center", va="center", color=self.theme.ink, **style(size, bold=True))

    def draw(self, stage: Stage, box: Box) -> Axes | None:
        """Draw the ring, the legend to its right, and what is in Other to the right of that."""
        axes = stage.axes(Box(box.left, box.top - _RING, box.left + _RING, box.top))
        self.paint(axes)
        rows, inside = self.legend(), self._inside
        left = box.left + _RING + _GUTTER
        room = _BESIDE if inside else _LONGEST
        stage.legend(left, box.top, rows, room)
        if inside is None:
            return None
        left += legend_width(rows, room) + _GUTTER
        stage.text(left, box.top - PITCH / 2, "In Other", SMALL, color=self.theme.soft)
        inside.room = 0.45 * (box.right - left)
        top = box.top - PITCH
        lower = Box(left, top - inside.height, box.right, top)
        axes = stage.axes(lower)
        inside.paint(axes)
        stage.fit(axes, lower, inside.settle)
        return None


def _few(panel: Panel, least: float, top: int) -> Panel:
    """Return a panel with shares below `least` in Other; where that would be most of what has a name, fewer of them."""
    whole = sum(s.size for s in panel.series)
    plain = sorted((s for s in panel.series if s.entity.role == "plain"), key=lambda s: -s.size)
    kept = sum(s.size >= whole * Decimal(str(least)) for s in plain)
    named = sum(s.size for s in plain)
    while kept < len(plain) and sum(s.size for s in plain[kept:]) * 2 > named:
        kept += 1
    small = plain[min(kept, top) :]
    return panel if len(small) < 2 else replace(panel, series=with_other(panel.series, small))
