SELECT "model", "currency", SUM("t0") AS "t0"
FROM (SELECT CASE WHEN f.dataset = 'completions' AND f.start_time >= ? AND f.start_time < ? THEN '(not held)' WHEN f.model IS NULL THEN '(none)' ELSE f.model END AS "model", CAST(NULL AS VARCHAR) AS "currency", SUM(CAST(f.num_model_requests AS DECIMAL(38, 0))) AS "t0"
FROM (SELECT dataset, model, num_model_requests, org, start_time
FROM usage
WHERE recorded_at <= ? UNION ALL SELECT dataset, model, num_model_requests, org, start_time
FROM internal.usage_history
WHERE recorded_at <= ? AND replaced_at > ? AND NOT absent) AS f
WHERE f.org = ? AND f.start_time >= ? AND f.start_time < ? AND f.dataset IN (?, ?, ?, ?, ?, ?) GROUP BY 1, 2) AS parts GROUP BY "model", "currency" ORDER BY "model", "currency"
datetime.datetime(2026, 10, 1, 0, 0)
datetime.datetime(2026, 10, 2, 0, 0)
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
