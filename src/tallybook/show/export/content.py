"""What an export writes: rows, batch by batch, and what they rest on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tallybook.model.arrow import column
from tallybook.query.answer import PREVIOUS

if TYPE_CHECKING:
    from tallybook.show.result import Result

BATCH = 65_536
"""The most rows that are worked on at a time."""

_WHOLE_DAYS = ("day", "week", "month", "quarter", "year")


@dataclass(frozen=True, slots=True)
class Content:
    """Rows to be written once, and what they rest on."""

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]
    about: Mapping[str, Any]
    """JSON-ready: what was asked, the range, coverage and notes."""
    lines: tuple[str, ...]
    """The same for people, in a few sentences."""
    is_complete: bool = True
    days: frozenset[str] = frozenset()
    """Columns of time that hold whole days."""
    is_utc: bool = True
    """Whether columns of time are UTC; else they are what clocks of the zone asked for show."""
    units: Mapping[str, str] = field(default_factory=dict)
    """Column to the unit of its numbers: `money`, `share`, `tokens`, …"""


def of_result(result: Result) -> Content:
    """Return an answer, or fetched data, with a `status` for each of its rows."""
    table = result.table
    query = result.query
    schema = table.schema.append(pa.field("status", pa.string()))
    units = {m.name: m.unit for m in query.metrics} if query else {"amount": "money"}
    is_money = any(unit.startswith("money") for unit in units.values())
    billed = "Cost is billed, before tax, credits and adjustments." if is_money else ""
    said = (f"{result.basis}.", billed, f"Data {result.coverage}.", *result.notes)
    return Content(
        schema,
        _with_status(table, result.status, schema),
        result.about(),
        tuple(line for line in said if line),
        result.coverage.complete,
        days=frozenset({"time"} if query and query.grain in _WHOLE_DAYS else ()),
        is_utc=query is None or query.tz == "UTC",
        units=units | {f"{name}{PREVIOUS}": unit for name, unit in units.items()},
    )


def _with_status(table: pa.Table, status: tuple[str, ...], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    rest = iter(status)
    for batch in table.to_batches(max_chunksize=BATCH):
        own = column([*islice(rest, batch.num_rows)], pa.string())
        yield pa.RecordBatch.from_arrays([*batch.columns, own], schema=schema)
