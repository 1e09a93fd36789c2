"""Ranked bars, and the steps from one total to another: names at the left, numbers at the ends of the bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch

from tallybook.show.numbers import percent, signed
from tallybook.show.plots.bars import floats, rectangles
from tallybook.show.plots.data import Number, Panel, Series, added
from tallybook.show.plots.lettering import shortened, style, width
from tallybook.show.plots.mark import WORD_HATCH, Look, Mark, bare, name_axis
from tallybook.show.plots.stage import TEXT, Row

_PITCH = 20.0
_AIR = 6.0
_SMALL = 0.4
"""Steps that are less than this part of the totals are drawn larger."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar that lies, from one number to another, with its name and what it says at its end."""

    name: str
    low: Number | None
    high: Number | None
    says: str
    colour: str
    hatch: str = ""


class Lying(Mark):
    """Bars that lie below each other."""

    along = "whole"
    top = 20

    def __init__(self, panel: Panel, look: Look) -> None:
        super().__init__(panel, look)
        self.bars = self.bars_of()
        self.origin = self.origin_of()

    def bars_of(self) -> list[Bar]:
        """Return the bars, from the top."""
        raise NotImplementedError

    def origin_of(self) -> float:
        """Return where the axis begins."""
        return 0.0

    @property
    def height(self) -> float:
        """How high it is drawn, in points."""
        return len(self.bars) * _PITCH + 8

    def legend(self) -> list[Row]:
        """Return nothing: every bar has its name."""
        return []

    def paint(self, axes: Axes) -> None:
        """Draw what does not depend on the size."""
        bare(axes, self.theme)
        axes.xaxis.set_ticks([])
        low, high = (floats([getattr(bar, end) for bar in self.bars]) for end in ("low", "high"))
        for i, bar in enumerate(self.bars):
            at = np.array([float(i)])
            path = rectangles(at - 0.33, at + 0.33, low[i : i + 1], high[i : i + 1], upright=False)
            axes.add_patch(
                PathPatch(
                    path, facecolor=bar.colour, edgecolor=self.theme.soft, linewidth=0, hatch=bar.hatch or None,
                    label=bar.name,
                )
            )  # fmt: skip
        axes.axvline(self.origin, color=self.theme.soft, linewidth=0.8)
        axes.set_ylim(len(self.bars) - 0.5, -0.5)
        self._texts = [
            axes.annotate(
                bar.says, (0, i), xytext=(0, 0), textcoords="offset points", va="center", color=self.theme.ink,
                annotation_clip=False, **style(TEXT),
            )
            for i, bar in enumerate(self.bars)
        ]  # fmt: skip

    def settle(self, axes: Axes, wide: float, high: float) -> None:  # noqa: ARG002
        """Place the names, and the numbers at the ends of their bars, inside the axes."""
        names = [shortened(bar.name, self.room, TEXT) for bar in self.bars]
        name_axis(axes.yaxis, range(len(names)), names, self.theme, TEXT)
        texts = [width(bar.says, TEXT) + _AIR for bar in self.bars]
        pairs = [(float(bar.low or 0), float(bar.high or 0)) for bar in self.bars]
        ends = [(max(min(pair), self.origin or min(pair)), max(*pair, self.origin)) for pair in pairs]
        hangs = [bool(b < a and b < 0) for a, b in pairs]
        left, right = _limits(ends, texts, hangs, max(wide, 1), self.origin)
        axes.set_xlim(left, right)
        for text, (low, top), is_left in zip(self._texts, ends, hangs, strict=True):
            text.xy = (low if is_left else top, text.xy[1])
            text.set(ha="right" if is_left else "left", position=(-_AIR / 2 if is_left else _AIR / 2, 0))


def _limits(
    ends: Sequence[tuple[float, float]], texts: Sequence[float], hangs: Sequence[bool], wide: float, origin: float
) -> tuple[float, float]:
    """Return the limits of an axis `wide` points long on which bars and the texts at their ends have room."""
    left, right = min([origin, *(low for low, _ in ends)]), max([origin, *(high for _, high in ends)])
    span = (right - left) or 1.0
    low, high = left, right
    for _ in range(30):
        sizes = [t * span / wide for t in texts]
        low = min([left, *(a - t for (a, _), t, hung in zip(ends, sizes, hangs, strict=True) if hung)])
        high = max([right, *(b + t for (_, b), t, hung in zip(ends, sizes, hangs, strict=True) if not hung)])
        if (high - low) <= span * 1.0001:
            break
        span = high - low
    return low, high


class Rank(Lying):
    """Ranked bars."""

    def bars_of(self) -> list[Bar]:
        """Return one bar for each series, the largest first."""
        known = [s for s in self.panel.series if s.total is not None]
        series = self.panel.series if self.panel.adds_up else known  # a ratio to nothing is no number
        totals = [s.total for s in series]
        said = self.values(totals)
        return [
            Bar(
                s.entity.label, 0, total, _with_change(text, total, s.before), self.look.colour(s.entity),
                WORD_HATCH if s.entity.role == "word" else "",
            )
            for s, total, text in zip(series, totals, said, strict=True)
        ]  # fmt: skip


class Waterfall(Lying):
    """From the total of the range that was compared with to that of this one, or from nothing to the total."""

    top = 12

    def bars_of(self) -> list[Bar]:
        """Return the total before, one step for each series, and the total."""
        steps, before = self._steps()
        after = added(s.total for s in self.panel.series)
        said = self.values([before, *(step for _, step in steps), after])
        bars = [] if before is None else [Bar("Before", 0, before, said[0], self.theme.other)]
        at = Decimal(before or 0)
        for (series, step), text in zip(steps, said[1:-1], strict=True):
            to = at + Decimal(step or 0)
            says = f"+{text}" if before is not None and to > at else text
            bars.append(Bar(series.entity.label, at, to, says, self._colour(is_more=to >= at)))
            at = to
        return [*bars, Bar("Total" if before is None else "Now", 0, after, said[-1], self.theme.other)]

    def origin_of(self) -> float:
        """Return where the axis begins: not at 0 where the steps could not be seen beside the totals."""
        levels = [float(end or 0) for bar in self.bars[:-1] for end in (bar.low, bar.high)][1:]
        low, high = min(levels, default=0), max(levels, default=0)
        if not self.panel.is_compared or low <= 0 or high - low > _SMALL * high:
            return 0.0
        begin = Decimal(max(low - (high - low) * 0.3, 0))
        step = Decimal(high - low).adjusted() if high > low else begin.adjusted()
        return float(begin.quantize(Decimal(1).scaleb(step), ROUND_FLOOR))

    @property
    def remark(self) -> str:
        """What one has to know to read it."""
        return f"The axis begins at {self.values([self.origin])[0]}." if self.origin else ""

    def _steps(self) -> tuple[list[tuple[Series, Number | None]], Number | None]:
        """Return the series with how much each adds, and the total to which it does."""
        if not self.panel.is_compared:
            return [(s, s.total) for s in self.panel.series], None
        changes = [(s, _less(s.total, s.before)) for s in self.panel.series]
        ranked = sorted(changes, key=lambda change: -abs(Decimal(change[1] or 0)))
        return ranked, added(s.before for s in self.panel.series) or 0

    def _colour(self, *, is_more: bool) -> str:
        """Return the colour of a step; that more is bad is said only of money that was compared."""
        if self.panel.unit == "money" and self.panel.is_compared:
            return self.theme.more if is_more else self.theme.less
        return self.theme.hues[0] if is_more else self.theme.hues[1]


def _less(after: Number | None, before: Number | None) -> Number | None:
    return None if after is None and before is None else Decimal(after or 0) - Decimal(before or 0)


def _with_change(text: str, after: Number | None, before: Number | None) -> str:
    """Return a number with by how much it differs from the one before, where there was one."""
    if after is None or not before:
        return text
    return f"{text}   {signed(percent, (Decimal(after) - Decimal(before)) / abs(Decimal(before)))}"
