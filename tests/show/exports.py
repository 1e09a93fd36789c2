"""Rows to be exported, and files read back without any code of ours."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from tallybook.show.export.content import Content
from tallybook.show.export.forms import FORMS

ABOUT = {
    "query": None,
    "range": {"text": "1 Nov 2026, 1 day, UTC"},
    "coverage": {"complete": True, "as_of": "2026-11-23T00:00:00Z", "provisional_from": None, "missing": []},
    "notes": [],
}


def content(table: pa.Table, rows: int = 3, **how: Any) -> Content:
    """Return rows to be written, in batches of at most so many."""
    return Content(table.schema, iter(table.to_batches(max_chunksize=rows)), ABOUT, ("Data complete.",), **how)


def printed(table: pa.Table, form: str, **how: Any) -> str:
    out = io.BytesIO()
    FORMS[form].write(out, content(table, **how))
    return out.getvalue().decode()


def csv_rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def one_column(values: Sequence[Any], kind: pa.DataType) -> pa.Table:
    return pa.table({"value": pa.array(values, kind)})
