SELECT "currency", SUM("t0") AS "t0"
FROM (SELECT f.currency AS "currency", SUM(f.amount) AS "t0"
FROM costs AS f
WHERE f.org = ? AND f.start_time >= ? AND f.start_time < ? GROUP BY 1) AS parts GROUP BY "currency" ORDER BY "currency"
'default'
datetime.datetime(2026, 10, 1, 0, 0)
datetime.datetime(2026, 11, 1, 0, 0)
