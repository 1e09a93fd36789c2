"""Rows of any shape as text: a table for people, JSON and CSV for programs. Every number is exact."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import math
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa

from tallybook.model.arrow import column
from tallybook.show.export.cells import headers, is_number, neutral
from tallybook.show.numbers import UNKNOWN
from tallybook.show.result import decimal_text
from tallybook.show.tables import Column, fits, plain, table_text, terminal_width

MOST = 1_000
"""More rows than that are no table for people."""


def rows_text(table: pa.Table, *, width: int | None = None) -> str:
    """Return a table, or one paragraph per row where the columns have no room beside each other."""
    width = width or terminal_width()
    shown = table.slice(0, MOST)
    if not table.num_rows:
        return f"No rows. Columns: {', '.join(map(plain, table.column_names))}"
    columns = [_shown(shown.schema.field(i), shown.column(i).to_pylist()) for i in range(shown.num_columns)]
    out = table_text(columns, width) if width is None or fits(columns, width) else _paragraphs(columns, width)
    more = table.num_rows - shown.num_rows
    return f"{out}\n\n… {more:,} more rows; LIMIT chooses, --format csv gives all." if more else out


def rows_json(table: pa.Table) -> str:
    """Return `{"rows": [...]}`; money is text, so that no digit is lost."""
    rows = [{name: _plain(value) for name, value in row.items()} for row in table.to_pylist()]
    return json.dumps({"rows": rows}, ensure_ascii=False, indent=2)


def rows_csv(table: pa.Table) -> str:
    """Return CSV with a header; NULL is an empty cell, and nothing is there that a spreadsheet would run."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(headers(table.schema))
    for batch in table.to_batches():
        writer.writerows(zip(*map(_csv_cells, batch.columns), strict=True))
    return out.getvalue()


def _csv_cells(values: pa.Array) -> list[str]:
    texts = [_text(value) for value in values.to_pylist()]
    return texts if is_number(values.type) else neutral(column(texts, pa.string())).to_pylist()


def _shown(field: pa.Field, values: Sequence[Any]) -> Column:
    if pa.types.is_decimal(field.type):
        return Column(field.name, _aligned(values), is_number=True)
    if pa.types.is_integer(field.type):
        return Column(field.name, [UNKNOWN if v is None else f"{v:,}" for v in values], is_number=True)
    if pa.types.is_floating(field.type):
        return Column(field.name, [UNKNOWN if v is None else f"{v:,.10g}" for v in values], is_number=True)
    if pa.types.is_timestamp(field.type):
        return Column(field.name, _moments(values))
    cells = [UNKNOWN if v is None else _text(v) for v in values]
    return Column(field.name, cells, is_label=pa.types.is_string(field.type) or pa.types.is_nested(field.type))


def _aligned(values: Iterable[Decimal | None]) -> list[str]:
    """Return amounts with as many places as the longest of them needs."""
    texts = [None if v is None else decimal_text(v) for v in values]
    places = max((len(t.partition(".")[2]) for t in texts if t), default=0)
    return [UNKNOWN if t is None else f"{Decimal(t):,.{places}f}" for t in texts]


def _moments(values: Sequence[dt.datetime | None]) -> list[str]:
    """Return times as days where all of them are midnights."""
    days = all(v is None or v.time() == dt.time() for v in values)
    return [UNKNOWN if v is None else str(v.date() if days else v) for v in values]


def _paragraphs(columns: Sequence[Column], width: int) -> str:
    names = [plain(c.name) for c in columns]
    margin = max(map(len, names))
    out = []
    for n, cells in enumerate(zip(*(c.cells for c in columns), strict=True), start=1):
        lines = [f"row {n:,}"]
        for name, cell in zip(names, map(plain, cells), strict=True):
            line = f"  {name:<{margin}}  {cell}"
            lines.append(line if len(line) <= width else line[: width - 1] + "…")
        out.append("\n".join(lines))
    return "\n\n".join(out)


def _plain(value: Any) -> Any:
    """Return a value as JSON has it."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return _text(value)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, dt.datetime):
        return value.isoformat() + ("" if value.tzinfo else "Z")
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict | list | tuple):
        return json.dumps(_plain(value), ensure_ascii=False)
    return str(value)
