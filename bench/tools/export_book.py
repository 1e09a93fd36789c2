"""A book with a bill of about so many rows, made in SQL, and the same rows for data frames, with money as floats."""

import datetime as dt

import duckdb
from exported import BOOK, DAYS, FRAME, ROWS, task

import tallybook

PROJECTS = 100
ITEMS = -(-task["rows"] // (DAYS * PROJECTS))
START, READ = "TIMESTAMP '2025-10-01'", "TIMESTAMP '2026-10-01 05:00:00'"
COSTS = f"""
INSERT INTO costs BY NAME
SELECT 'default' AS org, {START} + day * INTERVAL 1 day AS start_time, {START} + (day + 1) * INTERVAL 1 day AS end_time,
    'proj_' || project AS project_id, 'model-' || item || ', input' AS line_item,
    CAST(CAST(hash(day, project, item) % 1000000007 AS DECIMAL(10, 0)) * 0.0000000013 AS DECIMAL(38, 18)) AS amount,
    CAST(hash(day, project, item) % 100003 AS DECIMAL(38, 18)) AS quantity, 'usd' AS currency, {READ} AS recorded_at
FROM range({DAYS}) AS d(day), range({PROJECTS}) AS p(project), range({ITEMS}) AS i(item)
"""
SEEN = dt.datetime(2026, 10, 1)  # noqa: DTZ001

with tallybook.open(BOOK) as book:
    book.store.migrate()
    named = [{"org": "default", "kind": "project", "id": f"proj_{n}", "name": f"Project, the {n}th"}
             for n in range(PROJECTS)]  # fmt: skip
    book.store.put("directory", [row | {"first_seen": SEEN, "last_seen": SEEN} for row in named])
with duckdb.connect(BOOK) as con:
    con.execute(COSTS)
    con.execute("CHECKPOINT")
    con.execute(f"COPY (SELECT * REPLACE (CAST(cost AS DOUBLE) AS cost) FROM ({ROWS})) TO '{FRAME}'")
