SELECT "time", "batch", "currency", SUM("t0") AS "t0", SUM("t1") AS "t1", SUM("t1 rows") AS "t1 rows"
FROM (SELECT date_trunc('month', f.start_time) AS "time", CASE WHEN f.dataset = 'embeddings' THEN '(not held)' WHEN f.dataset = 'moderations' THEN '(not held)' WHEN f.batch IS NULL THEN '(none)' ELSE CASE WHEN f.batch THEN 'true' ELSE 'false' END END AS "batch", CAST(NULL AS VARCHAR) AS "currency", SUM(CAST(f.input_tokens AS DECIMAL(38, 0))) AS "t0", SUM(CASE WHEN f.dataset IN (?) THEN CAST(f.input_uncached_tokens AS DECIMAL(38, 0)) END) AS "t1", SUM(CASE WHEN f.dataset IN (?) THEN 1 END) AS "t1 rows"
FROM usage AS f
WHERE f.org = ? AND f.start_time >= ? AND f.start_time < ? AND f.dataset IN (?, ?, ?) AND (CASE WHEN f.dataset = 'embeddings' THEN '(not held)' WHEN f.dataset = 'moderations' THEN '(not held)' WHEN f.batch IS NULL THEN '(none)' ELSE CASE WHEN f.batch THEN 'true' ELSE 'false' END END IN (?)) GROUP BY 1, 2, 3) AS parts GROUP BY "time", "batch", "currency" ORDER BY "time", "batch", "currency"
'completions'
'completions'
'default'
datetime.datetime(2026, 10, 1, 0, 0)
datetime.datetime(2026, 11, 1, 0, 0)
'completions'
'embeddings'
'moderations'
'true'
