"""An answer as a table of a notebook: the numbers of the terminal's table, and what they rest on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from html import escape

from tallybook.show.answers import result_columns
from tallybook.show.result import Fetched, Result
from tallybook.show.tables import Column, feet_of
from tallybook.show.text import fetched_columns

_SHOWN = 60
"""Rows of a table; the rest is counted."""


def result_html(result: Result) -> str:
    """Return the first rows, the totals, the range, remarks, and the coverage, which stands out where it has gaps."""
    first = replace(result, table=result.table.slice(0, _SHOWN))
    columns = fetched_columns(first, _SHOWN) if isinstance(first, Fetched) else result_columns(first)
    hidden = len(result) - _SHOWN
    more = [f"… {hidden:,} more rows"] if hidden > 0 else []
    state = escape(f"Data {result.coverage}.")
    below = [*map(escape, [*more, f"{result.basis}.", *result.notes])]
    said = "<br>".join([*below, state if result.coverage.complete else f"<strong>{state}</strong>"])
    return f"{_table(columns)}<p>{said}</p>"


def _table(columns: Sequence[Column]) -> str:
    head = _row(columns, [c.name for c in columns], "th")
    body = (_row(columns, cells) for cells in zip(*(c.cells for c in columns), strict=True))
    feet = (_row(columns, cells, "th") for cells in feet_of(columns))
    return f"<table><thead>{head}</thead><tbody>{''.join(body)}</tbody><tfoot>{''.join(feet)}</tfoot></table>"


def _row(columns: Sequence[Column], cells: Iterable[str], tag: str = "td") -> str:
    sides = ("right" if c.is_number else "left" for c in columns)
    row = (f'<{tag} style="text-align: {side}">{escape(cell)}</{tag}>' for side, cell in zip(sides, cells, strict=True))
    return f"<tr>{''.join(row)}</tr>"
