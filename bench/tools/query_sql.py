"""The questions as SQL typed by hand, over the public tables or over the daily sums that tallybook keeps."""

import duckdb
from questions import measured, task

DAILY = "(SELECT *, day AS start_time FROM internal.usage_daily)"
NARROW = "(SELECT *, day AS start_time FROM internal.usage_daily_narrow)"
PLACES = {"facts": ("usage", "usage"), "daily": (NARROW, DAILY)}
NARROWEST, WHOLE = PLACES[task["variant"]]
TEXTS = "dataset IN ('completions', 'embeddings', 'moderations')"
MODELS = f"""
WITH parts AS (
    SELECT start_time < '2026-07-03' AS before,
        CAST(start_time AS DATE) + CASE WHEN start_time < '2026-07-03' THEN 91 ELSE 0 END AS day, model,
        SUM(input_tokens + COALESCE(output_tokens, 0)) AS tokens,
        SUM(input_cached_tokens) FILTER (dataset = 'completions') AS cached,
        SUM(input_tokens) FILTER (dataset = 'completions') AS input
    FROM {NARROWEST} AS u
    WHERE {TEXTS} AND (start_time >= '2026-07-03' AND start_time < '2026-10-01'
        OR start_time >= '2026-04-03' AND start_time < '2026-07-02')
    GROUP BY ALL
), top AS (SELECT model FROM parts WHERE NOT before GROUP BY model ORDER BY SUM(tokens) DESC LIMIT 8)
SELECT day, CASE WHEN model IN (SELECT model FROM top) THEN model ELSE 'Other' END AS shown,
    SUM(tokens) FILTER (NOT before), SUM(tokens) FILTER (before),
    SUM(cached) FILTER (NOT before) / SUM(input) FILTER (NOT before),
    SUM(cached) FILTER (before) / SUM(input) FILTER (before)
FROM parts GROUP BY ALL ORDER BY ALL
"""
PROJECTS = """
SELECT date_trunc('month', start_time) AS month, project_id, SUM(amount) FROM costs
WHERE start_time >= '2025-10-01' AND start_time < '2026-10-01' GROUP BY ALL ORDER BY ALL
"""
USERS = f"""
SELECT date_trunc('week', start_time) AS week, COUNT(DISTINCT user_id) FROM {WHOLE} AS u
WHERE start_time >= '2025-10-06' AND start_time < '2026-09-28' GROUP BY ALL ORDER BY ALL
"""
HOURS = """
SELECT dayname(start_time) AS weekday, strftime(start_time, '%H') AS hour, SUM(num_model_requests) FROM usage
WHERE start_time >= '2026-09-03' AND start_time < '2026-10-01' GROUP BY ALL ORDER BY ALL
"""
KEYS = f"""
WITH parts AS (
    SELECT api_key_id, SUM(input_tokens + COALESCE(output_tokens, 0)) AS tokens FROM {WHOLE} AS u
    WHERE {TEXTS} AND start_time >= '2026-09-01' AND start_time < '2026-10-01' GROUP BY ALL
), top AS (SELECT api_key_id FROM parts WHERE api_key_id IS NOT NULL ORDER BY tokens DESC, api_key_id LIMIT 10)
SELECT CASE WHEN api_key_id IS NULL THEN '(none)' WHEN api_key_id IN (SELECT api_key_id FROM top) THEN api_key_id
    ELSE 'Other' END AS shown, SUM(tokens)
FROM parts GROUP BY ALL ORDER BY ALL
"""
ALL = {"models": MODELS, "projects": PROJECTS, "users": USERS, "hours": HOURS, "keys": KEYS}

with duckdb.connect("bench.duckdb", read_only=True) as con:
    measured(
        {name: lambda text=text: con.sql(text).to_arrow_table() for name, text in ALL.items()},
        lambda _, table: zip(*table.to_pydict().values(), strict=True),
    )
