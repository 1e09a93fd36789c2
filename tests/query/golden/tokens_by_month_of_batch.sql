SELECT "time", "batch", "currency", SUM("input_tokens") AS "input_tokens", SUM("input_uncached_tokens") AS "input_uncached_tokens", SUM("input_uncached_tokens rows") AS "input_uncached_tokens rows"
FROM (SELECT date_trunc('month', f.start_time) AS "time", CASE WHEN f.dataset = 'embeddings' THEN '(not held)' WHEN f.dataset = 'moderations' THEN '(not held)' WHEN f.batch IS NULL THEN '(none)' ELSE CASE WHEN f.batch THEN 'true' ELSE 'false' END END AS "batch", CAST(NULL AS VARCHAR) AS "currency", CAST(CASE WHEN f.dataset IN (?, ?, ?) THEN f.input_tokens END AS DECIMAL(38, 0)) AS "input_tokens", CAST(CASE WHEN f.dataset IN (?) THEN f.input_uncached_tokens END AS DECIMAL(38, 0)) AS "input_uncached_tokens", CAST(CASE WHEN f.dataset IN (?) THEN 1 END AS DECIMAL(38, 0)) AS "input_uncached_tokens rows"
FROM usage AS f
WHERE f.org = ? AND f.start_time >= ? AND f.start_time < ? AND f.dataset IN (?, ?, ?) AND (CAST(f.batch AS VARCHAR) IN (?))) AS parts GROUP BY "time", "batch", "currency" ORDER BY "time", "batch", "currency"
'completions'
'embeddings'
'moderations'
'completions'
'completions'
'default'
datetime.datetime(2026, 10, 1, 0, 0)
datetime.datetime(2026, 11, 1, 0, 0)
'completions'
'embeddings'
'moderations'
'true'
