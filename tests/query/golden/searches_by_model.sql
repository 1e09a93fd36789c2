SELECT "model", "currency", SUM("t0") AS "t0", SUM("t0 rows") AS "t0 rows"
FROM (SELECT CASE WHEN f.model IS NULL THEN '(none)' ELSE f.model END AS "model", CAST(NULL AS VARCHAR) AS "currency", SUM(CAST(f.num_requests AS DECIMAL(38, 0))) AS "t0", SUM(1) AS "t0 rows"
FROM usage AS f
WHERE f.org = ? AND f.start_time >= ? AND f.start_time < ? AND f.dataset IN (?) GROUP BY 1, 2) AS parts GROUP BY "model", "currency" ORDER BY "model", "currency"
'default'
datetime.datetime(2026, 10, 1, 0, 0)
datetime.datetime(2026, 11, 1, 0, 0)
'web_search_calls'
