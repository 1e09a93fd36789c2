SELECT "time", "user", "currency", SUM("t0") AS "t0", SUM("rest rows") AS "rest rows"
FROM (SELECT date_trunc('day', f.start_time) AS "time", CASE WHEN f.part = 'rest' THEN '(unattributed)' WHEN f.part = 'whole' THEN '(not held)' WHEN f.user_id IS NULL THEN '(none)' ELSE f.user_id END AS "user", f.currency AS "currency", SUM(f.amount) AS "t0", COUNT(CASE WHEN f.part = 'rest' THEN 1 END) AS "rest rows"
FROM (SELECT amount, currency, org, project_id, start_time, user_id, 'split' AS part
FROM internal.cost_splits AS s
WHERE split = 'user' AND ((start_time >= ? AND start_time < ?)) UNION ALL SELECT amount, currency, org, project_id, start_time, CAST(NULL AS VARCHAR) AS user_id, 'rest' AS part
FROM costs AS b
WHERE ((start_time >= ? AND start_time < ?)) UNION ALL SELECT -amount AS amount, currency, org, project_id, start_time, CAST(NULL AS VARCHAR) AS user_id, 'rest' AS part
FROM internal.cost_splits AS s
WHERE split = 'user' AND ((start_time >= ? AND start_time < ?)) UNION ALL SELECT amount, currency, org, project_id, start_time, CAST(NULL AS VARCHAR) AS user_id, 'whole' AS part
FROM costs AS b
WHERE NOT ((start_time >= ? AND start_time < ?))) AS f
WHERE f.org = ? AND f.start_time >= ? AND f.start_time < ? AND (CASE WHEN f.project_id IS NULL THEN '(none)' ELSE f.project_id END IN (?)) GROUP BY 1, 2, 3) AS parts GROUP BY "time", "user", "currency" ORDER BY "time", "user", "currency"
datetime.datetime(2026, 10, 1, 0, 0)
datetime.datetime(2026, 10, 10, 0, 0)
datetime.datetime(2026, 10, 1, 0, 0)
datetime.datetime(2026, 10, 10, 0, 0)
datetime.datetime(2026, 10, 1, 0, 0)
datetime.datetime(2026, 10, 10, 0, 0)
datetime.datetime(2026, 10, 1, 0, 0)
datetime.datetime(2026, 10, 10, 0, 0)
'default'
datetime.datetime(2026, 10, 1, 0, 0)
datetime.datetime(2026, 11, 1, 0, 0)
'a'
