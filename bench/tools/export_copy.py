"""The rows by DuckDB's COPY."""

import duckdb
from exported import BOOK, FILE, ROWS, task

OPTIONS = {"csv": "HEADER", "jsonl": "FORMAT json", "parquet": "COMPRESSION zstd"}

with duckdb.connect(BOOK, read_only=True) as con:
    con.execute(f"COPY ({ROWS}) TO '{FILE}' ({OPTIONS[task['form']]})")
