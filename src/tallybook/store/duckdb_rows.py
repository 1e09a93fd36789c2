"""Rows of Python to an internal table of a DuckDB book."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from tallybook.model import arrow


def insert(cursor: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows to an internal table; a column that a row lacks is NULL."""
    if not rows:
        return
    schema = cursor.sql(f"FROM internal.{table} LIMIT 0").to_arrow_table().schema
    cursor.register("given", arrow.table(rows, schema))
    cursor.execute(f"INSERT INTO internal.{table} BY NAME FROM given")
    cursor.unregister("given")
