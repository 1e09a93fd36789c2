SELECT "currency", SUM("cost") AS "cost"
FROM (SELECT f.currency AS "currency", f.amount AS "cost"
FROM costs AS f
WHERE f.org = ? AND f.start_time >= ? AND f.start_time < ?) AS parts GROUP BY "currency" ORDER BY "currency"
'default'
datetime.datetime(2026, 10, 1, 0, 0)
datetime.datetime(2026, 11, 1, 0, 0)
