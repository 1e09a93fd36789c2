"""Products, opened without any code of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from tallybook.query.reports import products
from tallybook.show.export.products import PRODUCTS

KINDS = [*PRODUCTS]
Rows = list[dict[str, Any]]


def opened(kind: str, target: Path) -> duckdb.DuckDBPyConnection:
    """Open a product with plain DuckDB: the tables of a bundle are views on its files."""
    if kind == "duckdb":
        return duckdb.connect(str(target), read_only=True)
    database = duckdb.connect()
    for table in products.FACTS:
        database.execute(f"CREATE VIEW {table} AS FROM '{target / table}/*.parquet'")
    return database


def table_of(kind: str, target: Path, text: str) -> pa.Table:
    with opened(kind, target) as database:
        return database.sql(text).to_arrow_table()


def asked(kind: str, target: Path, text: str) -> Rows:
    found: Rows = table_of(kind, target, text).to_pylist()
    return found
