SELECT "org", "model", "currency", SUM("t0") AS "t0"
FROM (SELECT f.org AS "org", CASE WHEN f.org = ? AND f.dataset = 'completions' AND f.start_time >= ? AND f.start_time < ? THEN '(not held)' WHEN f.model IS NULL THEN '(none)' ELSE f.model END AS "model", CAST(NULL AS VARCHAR) AS "currency", SUM(CAST(f.num_model_requests AS DECIMAL(38, 0))) AS "t0"
FROM usage AS f
WHERE f.org IN (?, ?) AND f.start_time >= ? AND f.start_time < ? AND f.dataset IN (?, ?) GROUP BY 1, 2, 3) AS parts GROUP BY "org", "model", "currency" ORDER BY "org", "model", "currency"
'acme'
datetime.datetime(2026, 10, 1, 0, 0)
datetime.datetime(2026, 10, 2, 0, 0)
'acme'
'beta'
datetime.datetime(2026, 10, 1, 0, 0)
datetime.datetime(2026, 11, 1, 0, 0)
'completions'
'images'
