"""Rows of Python to an internal table of a DuckDB book."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from tallybook.model import arrow
from tallybook.model.records import Swap
from tallybook.model.windows import naive


def insert(cursor: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows to an internal table; a column that a row lacks is NULL."""
    if not rows:
        return
    schema = cursor.sql(f"FROM internal.{table} LIMIT 0").to_arrow_table().schema
    cursor.register("given", arrow.table(rows, schema))
    cursor.execute(f"INSERT INTO internal.{table} BY NAME FROM given")
    cursor.unregister("given")


def swap(cursor: duckdb.DuckDBPyConnection, what: Swap) -> None:
    """Put rows in the place of others."""
    conditions = [f"{column} IS NOT DISTINCT FROM ?" for column in what.where]
    params = list(what.where.values())
    if what.within is not None:
        conditions.append("start_time >= ? AND start_time < ?")
        params += [naive(what.within.start), naive(what.within.end)]
    cursor.execute(f"DELETE FROM internal.{what.table} WHERE {' AND '.join(conditions) or 'true'}", params)
    insert(cursor, what.table, what.rows)
