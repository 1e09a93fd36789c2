SELECT "project", "dataset", "currency", SUM("t0") AS "t0", SUM("t1") AS "t1"
FROM (SELECT CASE WHEN f.project_id IS NULL THEN '(none)' ELSE f.project_id END AS "project", 'costs' AS "dataset", f.currency AS "currency", SUM(f.amount) AS "t0", CAST(NULL AS DECIMAL(38, 0)) AS "t1"
FROM costs AS f
WHERE f.org = ? AND f.start_time >= ? AND f.start_time < ? AND (CASE WHEN f.project_id IS NULL THEN '(none)' ELSE f.project_id END IN (?, ?)) GROUP BY 1, 2, 3 UNION ALL SELECT CASE WHEN f.project_id IS NULL THEN '(none)' ELSE f.project_id END AS "project", f.dataset AS "dataset", CAST(NULL AS VARCHAR) AS "currency", CAST(NULL AS DECIMAL(38, 18)) AS "t0", SUM(CAST(f.num_model_requests AS DECIMAL(38, 0))) AS "t1"
FROM usage AS f
WHERE f.org = ? AND f.start_time >= ? AND f.start_time < ? AND f.dataset IN (?, ?, ?, ?, ?, ?) AND (CASE WHEN f.project_id IS NULL THEN '(none)' ELSE f.project_id END IN (?, ?)) GROUP BY 1, 2, 3) AS parts GROUP BY "project", "dataset", "currency" ORDER BY "project", "dataset", "currency"
'default'
datetime.datetime(2026, 10, 1, 0, 0)
datetime.datetime(2026, 11, 1, 0, 0)
'a'
'(none)'
'default'
datetime.datetime(2026, 10, 1, 0, 0)
datetime.datetime(2026, 11, 1, 0, 0)
'completions'
'embeddings'
'moderations'
'images'
'audio_speeches'
'audio_transcriptions'
'a'
'(none)'
