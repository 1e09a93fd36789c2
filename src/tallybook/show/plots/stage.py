"""The sheet that a picture is drawn on: title, boxes, legend and foot, placed in points so that nothing overlaps."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.transforms import Affine2D
from PIL import Image

from tallybook.show.plots.lettering import shortened, style, width, wrapped
from tallybook.show.plots.palette import Theme

WIDE = 720.0
"""The width of a picture in points: ten inches."""
PAD = 16.0
TITLE, TEXT, SMALL = 13.0, 9.0, 8.0
"""Sizes of letters in points."""
PITCH = 16.0
"""From one row of a legend to the next."""
_SWATCH, _GAP = 9.0, 7.0
_LONGEST = 190.0
_SHARP, _CSS = 144, 96
"""Dots per inch that a notebook is given, and in which it counts."""


class Plot(Figure):
    """A matplotlib figure that a notebook shows when it is the last value of a cell, whatever its backend."""

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        wide, high = self.get_size_inches() * _CSS
        return png(self, _SHARP), {"width": round(wide), "height": round(high)}


def png(figure: Figure, dpi: float) -> bytes:
    """Return a figure as PNG in 256 colours: enough for what it has, at a third of the size."""
    out, small = io.BytesIO(), io.BytesIO()
    figure.savefig(out, format="png", dpi=dpi, facecolor=figure.get_facecolor())
    with Image.open(out) as picture:
        picture.convert("RGB").quantize(256).save(small, "PNG", optimize=True)
    return small.getvalue()


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in points, from the lower left."""

    left: float
    bottom: float
    right: float
    top: float

    @property
    def width(self) -> float:
        """From left to right."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """From bottom to top."""
        return self.top - self.bottom


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a legend: a colour, a name, and what it amounts to."""

    label: str
    cells: tuple[str, ...] = ()
    colour: str = ""
    hatch: str = ""
    line: Literal["", "-", ":"] = ""
    """A style of line instead of a patch."""


class Stage:
    """A figure to be filled from the top."""

    def __init__(self, theme: Theme, height: float) -> None:
        self.theme = theme
        self.figure = Plot(figsize=(WIDE / 72, height / 72), dpi=100, facecolor=theme.ground)
        self.points = Affine2D().scale(1 / 72) + self.figure.dpi_scale_trans
        self.width, self.height = WIDE, height

    def text(self, x: float, y: float, text: str, size: float = TEXT, *, bold: bool = False, **how: Any) -> None:
        """Write a text at a point; `how` has its colour and alignment."""
        how = {"color": self.theme.ink, "va": "center", **how}
        self.figure.text(x, y, text, transform=self.points, **style(size, bold=bold), **how)

    def axes(self, box: Box) -> Axes:
        """Return axes in a box."""
        axes = self.figure.add_axes(self._share(box))
        axes.set_facecolor(self.theme.ground)
        return axes

    def fit(self, axes: Axes, box: Box, settle: Callable[[Axes, float, float], None]) -> None:
        """Make axes as large as their box allows with all that stands around them; `settle` gives them their ticks."""
        inner = box
        renderer: Any = FigureCanvasAgg(self.figure).get_renderer()  # type: ignore[no-untyped-call]
        for _ in range(3):
            axes.set_position(self._share(inner))
            settle(axes, inner.width, inner.height)
            found = axes.get_tightbbox(renderer)
            assert found is not None  # noqa: S101 - axes that are visible have an extent
            extent = found.transformed(self.points.inverted())
            inner = Box(
                inner.left + box.left - extent.x0,
                inner.bottom + box.bottom - extent.y0,
                inner.right + box.right - extent.x1,
                inner.top + box.top - extent.y1,
            )
        axes.set_position(self._share(inner))
        settle(axes, inner.width, inner.height)

    def align(self, several: Sequence[tuple[Axes, Callable[[Axes, float, float], None]]]) -> None:
        """Let axes below each other begin and end at the same places, so that the same time is above the same time."""
        boxes = [axes.get_position() for axes, _ in several]
        left, right = max((b.x0 for b in boxes), default=0), min((b.x1 for b in boxes), default=0)
        for (axes, settle), was in zip(several, boxes, strict=True):
            axes.set_position((left, was.y0, right - left, was.height))
            settle(axes, (right - left) * self.width, was.height * self.height)

    def _share(self, box: Box) -> tuple[float, float, float, float]:
        return box.left / self.width, box.bottom / self.height, box.width / self.width, box.height / self.height

    def legend(self, left: float, top: float, rows: Sequence[Row], room: float = _LONGEST) -> None:
        """Write a legend below and to the right of a point."""
        names, cells = _columns(rows, room)
        y = top - PITCH / 2
        for row in rows:
            if row.colour:
                self._swatch(left, y, row)
            self.text(left + _SWATCH + _GAP, y, shortened(row.label, names, TEXT), gid="legend")
            right = left + _SWATCH + _GAP + names
            for cell, wide in zip(row.cells, cells, strict=False):
                right += 2 * _GAP + wide
                self.text(right, y, cell, ha="right", gid="legend", color=self.theme.soft)
            y -= PITCH

    def _swatch(self, left: float, y: float, row: Row) -> None:
        if row.line:
            ends = [left, left + _SWATCH], [y, y]
            line = Line2D(*ends, color=row.colour, linestyle=row.line, linewidth=1.6, transform=self.points)
            line.set_gid("legend")
            self.figure.add_artist(line)
            return
        self.figure.add_artist(
            Rectangle(
                (left, y - _SWATCH / 2), _SWATCH, _SWATCH, transform=self.points, facecolor=row.colour, gid="legend",
                hatch=row.hatch or None, edgecolor=self.theme.soft if row.hatch else row.colour, linewidth=0,
            )
        )  # fmt: skip


def legend_width(rows: Sequence[Row], room: float = _LONGEST) -> float:
    """Return how wide a legend is."""
    if not rows:
        return 0
    names, cells = _columns(rows, room)
    return _SWATCH + _GAP + names + sum(2 * _GAP + wide for wide in cells)


def _columns(rows: Sequence[Row], room: float) -> tuple[float, list[float]]:
    """Return the widths of the names and of each column beside them."""
    names = max((width(shortened(row.label, room, TEXT), TEXT) for row in rows), default=0)
    deep = max((len(row.cells) for row in rows), default=0)
    return names, [max(width(row.cells[i], TEXT) for row in rows if len(row.cells) > i) for i in range(deep)]


def lines(text: str, size: float) -> list[str]:
    """Return a text in lines as wide as the picture."""
    return wrapped(text, WIDE - 2 * PAD, size)
