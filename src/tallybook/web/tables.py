"""Rows for reading: sorted, searched, and cut to what a page shows. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa

from tallybook.model.arrow import column
from tallybook.model.errors import UnknownNameError
from tallybook.query.answer import PREVIOUS
from tallybook.show.export.cells import text
from tallybook.show.result import Result
from tallybook.web.naming import title
from tallybook.web.shapes import Column, Table, Value


def table_of(result: Result, *, limit: int, sort: str = "", search: str = "") -> Table:
    """Return an answer's rows, ordered and searched; raises `UnknownNameError` for a column that it has not."""
    query = result.query
    assert query is not None  # noqa: S101 - an answer has its question
    units = {m.name: m.unit for m in query.metrics}
    units |= {f"{name}{PREVIOUS}": unit for name, unit in units.items()}
    hidden = {d.column for d in query.by if d.kind} | ({"currency"} if _is_one_currency(result) else set())
    names = [n for n in result.table.column_names if n in units or n not in hidden]
    columns = [Column(n, _title(n), units.get(n), n in {d.name for d in query.by}) for n in names]
    found = _searched(result.table, search)
    order = _ordered(found, sort, names, newest_first=query.is_timed)
    shown = _taken(found, order[:limit]) if order is not None else found.slice(0, limit)
    texts = [_plain(shown[name], is_day=query.grain not in ("minute", "hour")) for name in names]
    return Table(columns, [list(row) for row in zip(*texts, strict=True)], found.num_rows)


def _title(name: str) -> str:
    return f"{title(name.removesuffix(PREVIOUS))} before" if name.endswith(PREVIOUS) else title(name)


def _is_one_currency(result: Result) -> bool:
    query = result.query
    assert query is not None  # noqa: S101 - the caller has seen to it
    is_asked = any(d.name == "currency" for d in query.by)
    return not is_asked and "currency" in result.table.column_names and result.whole.num_rows <= 1


def _searched(table: pa.Table, search: str) -> pa.Table:
    """Return the rows in which a text occurs, in any case."""
    if not search:
        return table
    wanted = search.casefold()
    texts = [table[f.name].to_pylist() for f in table.schema if pa.types.is_string(f.type)]
    hits = [i for i, row in enumerate(zip(*texts, strict=True)) if any(wanted in (t or "").casefold() for t in row)]
    return _taken(table, hits)


def _taken(table: pa.Table, places: Sequence[int]) -> pa.Table:
    return table.take(column(places, pa.int64()))


def _ordered(table: pa.Table, sort: str, names: Sequence[str], *, newest_first: bool) -> list[int] | None:
    """Return the order of the rows; None is theirs: the largest first. Unknown numbers are last either way."""
    if not sort and newest_first:
        sort = "-time"
    if not sort:
        return None
    name, is_down = sort.removeprefix("-"), sort.startswith("-")
    if name not in names:
        raise UnknownNameError("column", name, names)
    values = table[name].to_pylist()
    known = [i for i, v in enumerate(values) if v is not None]
    known.sort(key=lambda i: _folded(values[i]), reverse=is_down)
    return [*known, *(i for i, v in enumerate(values) if v is None)]


def _folded(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def _plain(values: pa.ChunkedArray, *, is_day: bool) -> list[Value]:
    found: list[Any] = values.to_pylist()
    if pa.types.is_decimal(values.type):
        return [v for chunk in values.chunks for v in text(chunk).to_pylist()]
    if pa.types.is_timestamp(values.type):
        return [None if v is None else f"{v:%Y-%m-%d}" if is_day else f"{v:%Y-%m-%dT%H:%M}" for v in found]
    return [str(v) if isinstance(v, Decimal) or (isinstance(v, int) and abs(v) > 2**53) else v for v in found]
