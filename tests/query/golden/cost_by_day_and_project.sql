SELECT "time", "project", "currency", SUM("t0") AS "t0"
FROM (SELECT date_trunc('day', f.start_time) AS "time", CASE WHEN f.project_id IS NULL THEN '(none)' ELSE f.project_id END AS "project", f.currency AS "currency", SUM(f.amount) AS "t0"
FROM costs AS f
WHERE f.org = ? AND f.start_time >= ? AND f.start_time < ? GROUP BY 1, 2, 3) AS parts GROUP BY "time", "project", "currency" ORDER BY "time", "project", "currency"
'default'
datetime.datetime(2026, 10, 1, 0, 0)
datetime.datetime(2026, 11, 1, 0, 0)
