"""A DuckDB file with tables, names and views, which any tool that reads DuckDB can open."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from tallybook.model.arrow import table as rows_of
from tallybook.model.meanings import meaning
from tallybook.model.schema import TIME
from tallybook.model.windows import naive
from tallybook.query.reports.products import DAILY, FACTS, SMALL, Table, Whole
from tallybook.show.export.described import OTHERS, coverage_of, in_words
from tallybook.show.export.files import new_files, refuse_existing
from tallybook.store.duckdb_snapshot import Snapshot

_MISSING = pa.schema(
    [("org", pa.string()), ("dataset", pa.string()), ("start_time", TIME), ("end_time", TIME), ("reason", pa.string())]
)
_ABOUT = pa.schema([("name", pa.string()), ("value", pa.string())])


def refuse(path: Path, *, force: bool) -> None:
    """Raise `UsageError` where there is something already."""
    refuse_existing(path, force=force)


def write(path: Path, whole: Whole, *, force: bool) -> None:
    """Write the file."""
    with new_files(path, force=force) as files, Snapshot(files.place(path), meaning) as snapshot:
        for table in (*FACTS.values(), DAILY):
            snapshot.fill(table.name, table.about, _parts(table, whole))
        small = {name: whole.small(name) for name in SMALL}
        small |= {"missing": rows_of(_missing(whole), _MISSING), "about": rows_of(_about(whole), _ABOUT)}
        for name, rows in small.items():
            snapshot.fill(name, OTHERS[name], [rows])
        snapshot.create_views()


def _parts(table: Table, whole: Whole) -> Iterator[pa.RecordBatchReader]:
    for month in whole.months():
        with whole.rows(table, month) as reader:
            yield reader


def _missing(whole: Whole) -> list[dict[str, Any]]:
    return [
        {
            "org": org,
            "dataset": gap.dataset,
            "start_time": naive(gap.span.start),
            "end_time": naive(gap.span.end),
            "reason": gap.reason,
        }
        for org, of_org in whole.each.items()
        for one in of_org.values()
        for gap in one.missing
    ]


def _about(whole: Whole) -> list[dict[str, Any]]:
    said = coverage_of(whole) | {"in_words": in_words(whole)}
    return [{"name": n, "value": v if isinstance(v, str) else json.dumps(v)} for n, v in said.items()]
