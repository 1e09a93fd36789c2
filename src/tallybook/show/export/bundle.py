"""A folder of Parquet files, one per table and month, that says itself what it is."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from textwrap import fill
from typing import Any

import pyarrow as pa

from tallybook.model.windows import naive
from tallybook.query.reports.products import FACTS, Table, Whole
from tallybook.show.export import parquet_form
from tallybook.show.export.content import Content
from tallybook.show.export.described import coverage_of, in_words, tables_of
from tallybook.show.export.files import new_folder, refuse_folder, safely

_README, _SCHEMA, _COVERAGE = "README.md", "schema.json", "coverage.json"


def refuse(path: Path, *, force: bool) -> None:
    """Raise `UsageError` where there is something else."""
    refuse_folder(path, force=force, is_ours=_is_ours)


def _is_ours(path: Path) -> bool:
    return all((path / name).is_file() for name in (_README, _SCHEMA, _COVERAGE))


def write(path: Path, whole: Whole, *, force: bool) -> None:
    """Write the folder."""
    about = coverage_of(whole)
    schemas: dict[str, pa.Schema] = {}
    rows: dict[str, int] = {}
    with new_folder(path, force=force, is_ours=_is_ours) as folder:
        for table in FACTS.values():
            (folder / table.name).mkdir()
            schemas[table.name] = _write_table(folder, table, whole, about, rows)
        _put(folder / _SCHEMA, _json(tables_of(schemas)))
        _put(folder / _COVERAGE, _json(about | {"files": [{"file": f, "rows": n} for f, n in rows.items()]}))
        _put(folder / _README, _readme(whole, rows))


def _write_table(folder: Path, table: Table, whole: Whole, about: Mapping[str, Any], rows: dict[str, int]) -> pa.Schema:
    """Write a table's files, one for each month that has rows, or else an empty one; return its columns."""
    months = [*whole.months()]
    for month in months:
        file = f"{table.name}/{naive(month.start):%Y-%m}.parquet"
        with whole.rows(table, month) as reader:
            schema = reader.schema
            batches = (batch for batch in reader if batch.num_rows)
            first = next(batches, None)
            if first is not None or (month is months[-1] and not any((folder / table.name).iterdir())):
                counted = _Counted([first] if first else [], batches)
                with safely(folder / file) as out:
                    parquet_form.write(out, Content(schema, iter(counted), about, ()))
                rows[file] = counted.rows
    return schema


class _Counted:
    """Batches, whose rows are counted as they go by."""

    def __init__(self, *batches: Iterable[pa.RecordBatch]) -> None:
        self._batches = chain(*batches)
        self.rows = 0

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        for batch in self._batches:
            self.rows += batch.num_rows
            yield batch


def _put(path: Path, text: str) -> None:
    with safely(path) as out:
        out.write(text.encode())


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def _readme(whole: Whole, rows: Mapping[str, int]) -> str:
    said = f"{in_words(whole)} Times are UTC, ranges half-open; a file has the buckets that begin in its month."
    tables = [
        f"- `{name}/`, {sum(n for file, n in rows.items() if file.startswith(f'{name}/')):,} rows. {table.about}"
        for name, table in FACTS.items()
    ]
    lines = [fill(said, 100), "", *(fill(text, 100, subsequent_indent="  ") for text in tables), _HOW]
    return f"# Usage and costs of {', '.join(whole.orgs)}\n\n" + "\n".join(lines)


_HOW = """
Names (`project_name`, …) stand beside ids; group by the id where a name alone is not enough. Every row has
its `status`: `stable`, `provisional` (OpenAI may still change it) or `open` (its bucket had not ended).
`coverage.json` says what is held and what is missing, `schema.json` what each column means.

```sql
SELECT project_name, currency, sum(amount) FROM 'costs/*.parquet' GROUP BY ALL
```
```python
pandas.read_parquet("usage").groupby(["dataset", "model"])["input_tokens"].sum()
```
"""
