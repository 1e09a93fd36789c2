SELECT "project", "dataset", "currency", SUM("cost") AS "cost", SUM("num_model_requests") AS "num_model_requests"
FROM (SELECT CASE WHEN f.project_id IS NULL THEN '(none)' ELSE f.project_id END AS "project", 'costs' AS "dataset", f.currency AS "currency", f.amount AS "cost", CAST(NULL AS DECIMAL(38, 0)) AS "num_model_requests"
FROM (SELECT amount, currency, org, project_id, start_time
FROM costs
WHERE recorded_at <= ? UNION ALL SELECT amount, currency, org, project_id, start_time
FROM internal.costs_history
WHERE recorded_at <= ? AND replaced_at > ? AND NOT absent) AS f
WHERE f.org = ? AND f.start_time >= ? AND f.start_time < ? AND (f.project_id IN (?) OR f.project_id IS NULL) UNION ALL SELECT CASE WHEN f.project_id IS NULL THEN '(none)' ELSE f.project_id END AS "project", f.dataset AS "dataset", CAST(NULL AS VARCHAR) AS "currency", CAST(NULL AS DECIMAL(38, 18)) AS "cost", CAST(CASE WHEN f.dataset IN (?, ?, ?, ?, ?, ?) THEN f.num_model_requests END AS DECIMAL(38, 0)) AS "num_model_requests"
FROM (SELECT dataset, num_model_requests, org, project_id, start_time
FROM usage
WHERE recorded_at <= ? UNION ALL SELECT dataset, num_model_requests, org, project_id, start_time
FROM internal.usage_history
WHERE recorded_at <= ? AND replaced_at > ? AND NOT absent) AS f
WHERE f.org = ? AND f.start_time >= ? AND f.start_time < ? AND f.dataset IN (?, ?, ?, ?, ?, ?) AND (f.project_id IN (?) OR f.project_id IS NULL)) AS parts GROUP BY "project", "dataset", "currency" ORDER BY "project", "dataset", "currency"
datetime.datetime(2026, 10, 20, 23, 59, 59, 999999)
datetime.datetime(2026, 10, 20, 23, 59, 59, 999999)
datetime.datetime(2026, 10, 20, 23, 59, 59, 999999)
'default'
datetime.datetime(2026, 10, 1, 0, 0)
datetime.datetime(2026, 11, 1, 0, 0)
'a'
'completions'
'embeddings'
'moderations'
'images'
'audio_speeches'
'audio_transcriptions'
datetime.datetime(2026, 10, 20, 23, 59, 59, 999999)
datetime.datetime(2026, 10, 20, 23, 59, 59, 999999)
datetime.datetime(2026, 10, 20, 23, 59, 59, 999999)
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
