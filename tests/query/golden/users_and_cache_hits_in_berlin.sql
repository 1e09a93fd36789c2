SELECT "time", "project", "weekday", "currency", GROUPING("time") AS "no time", GROUPING("project") AS "no group", COUNT(DISTINCT "t0 by") AS "t0", SUM("t1") AS "t1", SUM("t2") AS "t2"
FROM (SELECT f."time", f."project", CASE WHEN f.start_time + CASE WHEN f.start_time < ? THEN INTERVAL '7200' SECOND ELSE INTERVAL '3600' SECOND END < date_trunc('week', f.start_time + CASE WHEN f.start_time < ? THEN INTERVAL '7200' SECOND ELSE INTERVAL '3600' SECOND END) + INTERVAL '1' DAY THEN 'Monday' WHEN f.start_time + CASE WHEN f.start_time < ? THEN INTERVAL '7200' SECOND ELSE INTERVAL '3600' SECOND END < date_trunc('week', f.start_time + CASE WHEN f.start_time < ? THEN INTERVAL '7200' SECOND ELSE INTERVAL '3600' SECOND END) + INTERVAL '2' DAY THEN 'Tuesday' WHEN f.start_time + CASE WHEN f.start_time < ? THEN INTERVAL '7200' SECOND ELSE INTERVAL '3600' SECOND END < date_trunc('week', f.start_time + CASE WHEN f.start_time < ? THEN INTERVAL '7200' SECOND ELSE INTERVAL '3600' SECOND END) + INTERVAL '3' DAY THEN 'Wednesday' WHEN f.start_time + CASE WHEN f.start_time < ? THEN INTERVAL '7200' SECOND ELSE INTERVAL '3600' SECOND END < date_trunc('week', f.start_time + CASE WHEN f.start_time < ? THEN INTERVAL '7200' SECOND ELSE INTERVAL '3600' SECOND END) + INTERVAL '4' DAY THEN 'Thursday' WHEN f.start_time + CASE WHEN f.start_time < ? THEN INTERVAL '7200' SECOND ELSE INTERVAL '3600' SECOND END < date_trunc('week', f.start_time + CASE WHEN f.start_time < ? THEN INTERVAL '7200' SECOND ELSE INTERVAL '3600' SECOND END) + INTERVAL '5' DAY THEN 'Friday' WHEN f.start_time + CASE WHEN f.start_time < ? THEN INTERVAL '7200' SECOND ELSE INTERVAL '3600' SECOND END < date_trunc('week', f.start_time + CASE WHEN f.start_time < ? THEN INTERVAL '7200' SECOND ELSE INTERVAL '3600' SECOND END) + INTERVAL '6' DAY THEN 'Saturday' ELSE 'Sunday' END AS "weekday", f."currency", f."t0 by", f."t1", f."t2"
FROM (SELECT date_trunc('month', f.start_time + INTERVAL '3600' SECOND) AS "time", CASE WHEN f.project_id IS NULL THEN '(none)' ELSE f.project_id END AS "project", CAST(NULL AS VARCHAR) AS "currency", f.user_id AS "t0 by", f.start_time AS "start_time", SUM(CASE WHEN f.dataset IN (?) THEN CAST(f.input_cached_tokens AS DECIMAL(38, 0)) END) AS "t1", SUM(CASE WHEN f.dataset IN (?) THEN CAST(f.input_tokens AS DECIMAL(38, 0)) END) AS "t2"
FROM usage AS f
WHERE f.org = ? AND f.start_time >= ? AND f.start_time < ? AND f.dataset IN (?, ?, ?, ?, ?, ?, ?, ?) AND ((CASE WHEN f.dataset = 'completions' AND f.start_time >= ? AND f.start_time < ? THEN '(not held)' WHEN f.dataset = 'file_search_calls' THEN '(not held)' WHEN f.model IS NULL THEN '(none)' ELSE f.model END LIKE ? ESCAPE '!' AND CASE WHEN f.dataset = 'completions' AND f.start_time >= ? AND f.start_time < ? THEN '(not held)' WHEN f.dataset = 'file_search_calls' THEN '(not held)' WHEN f.model IS NULL THEN '(none)' ELSE f.model END NOT LIKE '(%')) AND NOT ((CASE WHEN f.dataset = 'completions' AND f.start_time >= ? AND f.start_time < ? THEN '(not held)' WHEN f.dataset = 'file_search_calls' THEN '(not held)' WHEN f.model IS NULL THEN '(none)' ELSE f.model END LIKE ? ESCAPE '!' AND CASE WHEN f.dataset = 'completions' AND f.start_time >= ? AND f.start_time < ? THEN '(not held)' WHEN f.dataset = 'file_search_calls' THEN '(not held)' WHEN f.model IS NULL THEN '(none)' ELSE f.model END NOT LIKE '(%')) GROUP BY 1, 2, 3, 4, 5) AS f) AS parts GROUP BY GROUPING SETS (("time", "project", "weekday", "currency"), ("project", "weekday", "currency"), ("currency"))
datetime.datetime(2026, 10, 25, 1, 0)
datetime.datetime(2026, 10, 25, 1, 0)
datetime.datetime(2026, 10, 25, 1, 0)
datetime.datetime(2026, 10, 25, 1, 0)
datetime.datetime(2026, 10, 25, 1, 0)
datetime.datetime(2026, 10, 25, 1, 0)
datetime.datetime(2026, 10, 25, 1, 0)
datetime.datetime(2026, 10, 25, 1, 0)
datetime.datetime(2026, 10, 25, 1, 0)
datetime.datetime(2026, 10, 25, 1, 0)
datetime.datetime(2026, 10, 25, 1, 0)
datetime.datetime(2026, 10, 25, 1, 0)
'completions'
'completions'
'default'
datetime.datetime(2026, 10, 1, 0, 0)
datetime.datetime(2026, 11, 1, 0, 0)
'completions'
'embeddings'
'moderations'
'images'
'audio_speeches'
'audio_transcriptions'
'file_search_calls'
'web_search_calls'
datetime.datetime(2026, 10, 1, 0, 0)
datetime.datetime(2026, 10, 2, 0, 0)
'gpt-%'
datetime.datetime(2026, 10, 1, 0, 0)
datetime.datetime(2026, 10, 2, 0, 0)
datetime.datetime(2026, 10, 1, 0, 0)
datetime.datetime(2026, 10, 2, 0, 0)
'gpt-4%'
datetime.datetime(2026, 10, 1, 0, 0)
datetime.datetime(2026, 10, 2, 0, 0)
