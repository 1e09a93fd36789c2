"""The sheet of a workbook that says what its rows rest on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tallybook.model.version import __version__
from tallybook.show.export.content import Content
from tallybook.show.export.xlsx_formats import Formats

if TYPE_CHECKING:
    from xlsxwriter.workbook import Workbook

PLACES = 10
"""Decimal places of amounts."""
LIMITS = (
    f"A cell holds 15 digits and 32,767 characters: amounts are rounded to {PLACES} decimal places, longer numbers and "
    "texts are cut. csv, json, jsonl and parquet are exact."
)
_MOST_GAPS = 100_000


def coverage_sheet(book: Workbook, formats: Formats, content: Content) -> None:
    """Add the sheet `Coverage`."""
    sheet = book.add_worksheet("Coverage")
    sheet.set_column(0, 0, 18)
    sheet.set_column(1, 1, 100)
    for i, (name, text) in enumerate(_said(content)):
        # Quoted, as labels and remarks are words of others.
        sheet.write_string(i, 0, name, formats("head"))
        sheet.write_string(i, 1, text, formats("wrapped", is_quoted=True))


def _said(content: Content) -> Iterator[tuple[str, str]]:
    coverage = content.about["coverage"]
    yield "Complete", "yes" if coverage["complete"] else "NO"
    yield "As of", coverage["as_of"] or "nothing read yet"
    yield "Provisional from", coverage["provisional_from"] or "–"
    for i, line in enumerate(content.lines):
        yield "" if i else "Rows", line
    for name, value in (content.about["query"] or {}).items():
        yield f"Asked: {name}", _text(value)
    yield "Numbers", LIMITS
    for i, gap in enumerate(coverage["missing"][:_MOST_GAPS]):
        whose = f"{gap['org']}: " if "org" in gap else ""
        yield "" if i else "Missing", f"{whose}{gap['dataset']} {gap['start']} to {gap['end']}: {gap['reason']}"
    yield "Made by", f"tallybook {__version__}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
