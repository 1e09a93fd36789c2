"""Columns of text laid out for a terminal. Pure but for the width of the terminal.

Numbers, dates and headers are never cut: labels give way first, then the table grows wider than asked for.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from rich.cells import cell_len, set_cell_size

SHORTEST = 8
"""Labels are never shortened below this width."""
_LEGIBLE = 18
_GAP = 2
_UNLIMITED = 80


@dataclass(frozen=True, slots=True)
class Column:
    """A header with its cells, top to bottom."""

    name: str
    cells: Sequence[str]
    is_label: bool = False
    """Whether cells may be shortened."""
    is_number: bool = False
    """Whether cells stand to the right."""
    foot: Sequence[str] = field(default=())
    """Lines below the cells."""


def terminal_width() -> int | None:
    """Return how many columns output has; None where nobody looks at it, such as in a pipe, and nothing is cut."""
    said = os.environ.get("COLUMNS", "")
    if said.isdigit() and int(said) > 0:
        return int(said)
    return shutil.get_terminal_size().columns if is_terminal() else None


def is_terminal() -> bool:
    """Return whether somebody looks at the output, so that it may be drawn."""
    return sys.stdout.isatty()


def plain(text: str) -> str:
    """Return text in one line, without what could steer a terminal."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def width_of(columns: Sequence[Column]) -> int:
    """Return the width of a table that cuts nothing."""
    return 1 + sum(map(_natural, columns)) + _GAP * (len(columns) - 1)


def fits(columns: Sequence[Column], width: int) -> bool:
    """Return whether a table can be had in `width` columns with labels that can still be read."""
    least = [
        _folded(c)[0] if c.is_number else min(_natural(c), _LEGIBLE) if c.is_label else _natural(c) for c in columns
    ]
    return 1 + sum(least) + _GAP * (len(columns) - 1) <= width


def spare(columns: Sequence[Column], width: int | None) -> int:
    """Return how wide one more column can be beside columns that are cut nowhere; unlimited where nobody looks."""
    return _UNLIMITED if width is None else width - width_of(columns) - _GAP


def feet_of(columns: Sequence[Column]) -> list[tuple[str, ...]]:
    """Return the lines below the cells, each with a text for every column."""
    return list(zip_longest(*(c.foot for c in columns), fillvalue=""))


def table_text(columns: Sequence[Column], width: int | None) -> str:
    """Return the table in at most `width` columns where that can be; None leaves it as wide as it is."""
    headers = [[c.name] for c in columns]
    widths = [_natural(c) for c in columns]
    if width is not None and width_of(columns) > width:
        for i, column in enumerate(columns):
            if column.is_number:
                widths[i], headers[i] = _folded(column)
        _shorten(columns, widths, width - 1 - _GAP * (len(columns) - 1))
    deep = max(len(lines) for lines in headers)
    top = [[""] * (deep - len(lines)) + lines for lines in headers]
    lines = [_line(columns, widths, [t[i] for t in top]) for i in range(deep)]
    lines.append(" " + "─" * (sum(widths) + _GAP * (len(columns) - 1)))
    lines += [_line(columns, widths, cells) for cells in zip(*(c.cells for c in columns), strict=True)]
    if feet := [_line(columns, widths, cells) for cells in feet_of(columns)]:
        lines += ["", *feet]
    return "\n".join(line.rstrip() for line in lines)


def _natural(column: Column) -> int:
    return max(cell_len(plain(text)) for text in (column.name, *column.cells, *column.foot))


def _folded(column: Column) -> tuple[int, list[str]]:
    """Return the width of a column of numbers with its header in lines that end with an underscore."""
    parts = [part + "_" for part in column.name.split("_")]
    parts[-1] = parts[-1][:-1]
    width = max(map(cell_len, [*column.cells, *column.foot, *parts]), default=0)
    lines = [""]
    for part in parts:
        if lines[-1] and cell_len(lines[-1] + part) > width:
            lines.append("")
        lines[-1] += part
    return width, lines


def _shorten(columns: Sequence[Column], widths: list[int], room: int) -> None:
    """Take columns of labels back, the widest first, until all fit or none can give more."""
    while sum(widths) > room:
        able = [i for i, c in enumerate(columns) if c.is_label and widths[i] > max(SHORTEST, cell_len(c.name))]
        if not able:
            return
        widths[max(able, key=lambda i: widths[i])] -= 1


def _line(columns: Sequence[Column], widths: Sequence[int], cells: Sequence[str]) -> str:
    out = []
    for column, width, cell in zip(columns, widths, cells, strict=True):
        text = plain(cell)
        if cell_len(text) > width:
            text = set_cell_size(text, width - 1) + "…"
        fill = " " * (width - cell_len(text))
        out.append(fill + text if column.is_number else text + fill)
    return " " + (" " * _GAP).join(out)
