"""A book of a year as large as asked for, made in SQL, and what data frames load of it, as Parquet.

The same numbers wherever it runs: everything follows from the hash of a row's number.
"""

import datetime as dt
import json
import sys

import duckdb

import tallybook
from tallybook.model.datasets import HELD
from tallybook.store.rolling import refill

task = json.loads(sys.argv[1])
START, END, READ = "TIMESTAMP '2025-10-01'", "TIMESTAMP '2026-10-01'", "TIMESTAMP '2026-10-01 05:00:00'"
DAYS = 365
UNIT = {"1h": "hour", "1m": "minute"}[task["width"]]
BUCKETS = DAYS * {"hour": 24, "minute": 1440}[UNIT]
EACH = task["rows"] // BUCKETS
PROJECTS, KEYS, USERS = 20, 220, 120
MODELS = [
    "gpt-5.6-sol", "gpt-5.6-mini", "gpt-5.6-nano", "gpt-6-astra", "text-embedding-3-large", "o5", "gpt-4.1-mini",
    "gpt-4o-mini", "text-embedding-3-small", "o4-mini", "gpt-4.1", "omni-moderation-latest",
]  # fmt: skip
DATASETS = {"text-embedding-3-large": "embeddings", "text-embedding-3-small": "embeddings",
            "omni-moderation-latest": "moderations"}  # fmt: skip
PARTS = 20

_DRAWN = """
    SELECT i // {each} AS bucket, hash(i) AS h,
        CAST(floor({keys} * pow((hash(i) % 10007) / 10007, 2)) AS INTEGER) AS key,
        CAST(floor(12 * pow((hash(i) >> 16) % 10007 / 10007, 1.5)) AS INTEGER) + 1 AS m
    FROM range({low}, {high}) AS r(i)
"""
_MODELLED = f"SELECT *, {MODELS}[m] AS model, m NOT IN (5, 9, 12) AS chats, h % 97 = 0 AS keyless FROM ({_DRAWN})"
_USAGE = f"""
INSERT INTO usage BY NAME
SELECT 'default' AS org,
    CASE WHEN chats THEN 'completions' WHEN m = 12 THEN 'moderations' ELSE 'embeddings' END AS dataset,
    {START} + bucket * INTERVAL 1 {UNIT} AS start_time, {START} + (bucket + 1) * INTERVAL 1 {UNIT} AS end_time,
    '{task["width"]}' AS width,
    'proj_' || key % {PROJECTS} AS project_id,
    CASE WHEN NOT keyless THEN 'user-' || hash(key) % {USERS} END AS user_id,
    CASE WHEN NOT keyless THEN 'key_' || key END AS api_key_id,
    model, key % 10 = 0 AS batch, CASE WHEN chats THEN 'default' END AS service_tier, 'responses' AS api_source,
    100 + (h >> 20) % 20000 AS input_tokens,
    CASE WHEN chats THEN (h >> 30) % 4000 END AS output_tokens,
    CASE WHEN chats AND h % 13 > 0 THEN (100 + (h >> 20) % 20000) * ((h >> 40) % 80) // 100 END AS input_cached_tokens,
    1 + (h >> 50) % 20 AS num_model_requests,
    CASE WHEN chats THEN (h >> 30) % 4000 END AS output_text_tokens,
    {READ} AS recorded_at
FROM ({_MODELLED})
"""
_COSTS = f"""
INSERT INTO costs BY NAME
SELECT 'default' AS org, {START} + day * INTERVAL 1 day AS start_time, {START} + (day + 1) * INTERVAL 1 day AS end_time,
    'proj_' || project AS project_id, {MODELS}[m] || ', ' || kind AS line_item,
    CAST(CAST(hash(day, project, m, kind) % 1000000007 AS DECIMAL(10, 0)) * 0.00000013 AS DECIMAL(38, 18)) AS amount,
    'usd' AS currency, {READ} AS recorded_at
FROM range({DAYS}) AS d(day), range({PROJECTS}) AS p(project), range(1, 13) AS n(m),
    (VALUES ('input'), ('cached input'), ('output')) AS k(kind)
"""
_COVERAGE = f"INSERT INTO internal.coverage VALUES ('default', ?, {START}, {END}, ?, ?, {READ}, {READ})"
_FRAME = (
    "dataset, start_time, user_id, api_key_id, model, input_tokens, output_tokens, input_cached_tokens, "
    "num_model_requests"
)


def named():
    """Return what the directory says."""
    known = [("project", "proj_", PROJECTS), ("user", "user-", USERS), ("api_key", "key_", KEYS)]
    seen = [dt.datetime.fromisoformat(text) for text in ("2025-10-01", "2026-10-01T05:00:00")]
    return [
        {"org": "default", "kind": kind, "id": f"{prefix}{n}", "name": f"The {kind} {n}",
         "first_seen": seen[0], "last_seen": seen[1]}
        for kind, prefix, count in known
        for n in range(count)
    ]  # fmt: skip


def fill(con):
    """Write facts, coverage and daily sums."""
    con.execute("SET memory_limit = '3GB'")
    con.execute("SET preserve_insertion_order = true")
    whole = BUCKETS * EACH
    for part in range(PARTS):
        low, high = (whole * p // PARTS for p in (part, part + 1))
        con.execute(_USAGE.format(each=EACH, keys=KEYS, low=low, high=high))
    con.execute(_COSTS)
    for dataset in HELD.values():
        width = "1d" if dataset.is_costs else task["width"]
        con.execute(_COVERAGE, [dataset.name, width, ",".join(sorted(dataset.asked))])
    con.execute("BEGIN")
    refill(con)
    con.execute(f"UPDATE internal.book SET version = version + 1, last_commit = {READ}")
    con.execute("COMMIT")
    con.execute("CHECKPOINT")


with tallybook.open("bench.duckdb") as book:
    book.store.migrate()
    book.store.put("directory", named())
with duckdb.connect("bench.duckdb") as con:
    fill(con)
    con.execute(f"COPY (SELECT {_FRAME} FROM usage ORDER BY start_time) TO 'usage.parquet'")
    con.execute("COPY (SELECT start_time, project_id, amount FROM costs) TO 'costs.parquet'")
    counted = "SELECT (SELECT count(*) FROM usage), (SELECT count(*) FROM internal.usage_daily)"
    rows, daily = con.execute(counted).fetchone()
with tallybook.open("bench.duckdb") as book:
    book.store.migrate()  # takes the texts of line items apart
print(json.dumps({"rows": rows, "daily": daily}))
