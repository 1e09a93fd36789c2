"""Pictures of answers, drawn by matplotlib without any of its global state. This module loads nothing heavy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tallybook.model.errors import MissingExtraError, UnknownNameError, UsageError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tallybook.show.result import Result

KINDS = {
    "stack": "stacked bars, over time or over the first dimension",
    "bars": "bars side by side",
    "area": "stacked bars without gaps, for many buckets",
    "line": "a line for each series",
    "rank": "ranked bars of totals",
    "donut": "shares of the total; the small ones in Other, with what is in it beside",
    "heat": "cells: hours by days of the week, or two dimensions",
    "waterfall": "the steps from the range compared with to this one, or from nothing to the total",
}
"""Every kind of picture, each a mark in `drawing.MARKS`."""

THEMES = ("light", "dark")
FORMS = ("png", "svg", "pdf")
"""What a picture can be saved as."""
_DPI = 144


def plot(result: Result, kind: str | None, theme: str, **how: Any) -> Figure:
    """Return a figure of an answer; see `Result.plot`."""
    if kind is not None and kind not in KINDS:
        raise UnknownNameError("kind of picture", kind, KINDS)
    if theme not in THEMES:
        raise UnknownNameError("theme", theme, THEMES)
    if how["top"] is not None and how["top"] < 1:
        raise UsageError(f"top is how many series to draw, at least 1; it was given {how['top']}.")
    draw: Any
    try:
        from tallybook.show.plots.drawing import draw
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in ("matplotlib", "numpy"):
            raise
        raise MissingExtraError("A plot", "plots") from missing
    figure: Figure = draw(result, kind, theme, **how)
    return figure


def save(figure: Figure, path: Path, *, force: bool) -> None:
    """Save a figure under a name that ends with one of `FORMS`: whole or not at all, and over nothing unless `force`.

    No date is in it. Raises `UsageError`, `ExportError`.
    """
    from tallybook.show.export.files import new_files

    form = path.suffix[1:].lower()
    undated = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
    with new_files(path, force=force) as written, written.put(path) as out:
        figure.savefig(out, format=form, dpi=_DPI, facecolor=figure.get_facecolor(), metadata=undated[form])
