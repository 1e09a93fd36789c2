WITH parts AS (SELECT *
FROM (SELECT date_trunc('week', f.start_time) AS "time", CASE WHEN f.model IS NULL THEN '(none)' ELSE f.model END AS "model", f.currency AS "currency", SUM(f.amount) AS "t0"
FROM (SELECT t.*, CASE WHEN of_model.given IS NULL THEN t.line_item ELSE NULLIF(of_model.said, '') END AS model
FROM costs AS t LEFT JOIN (VALUES (?, ?), (?, ?)) AS of_model(given, said) ON of_model.given = t.line_item) AS f
WHERE f.org = ? AND f.start_time >= ? AND f.start_time < ? GROUP BY 1, 2, 3) AS parts), places AS (SELECT "model", MIN(place) AS place
FROM (SELECT "model", ROW_NUMBER() OVER (PARTITION BY currency ORDER BY ABS(SUM("t0")) DESC, "model") AS place
FROM (SELECT *
FROM parts
WHERE NOT "model" LIKE '(%') AS plain GROUP BY "model", "currency" HAVING SUM("t0") IS NOT NULL) AS ranked GROUP BY "model") SELECT "time", "model", "currency", SUM("t0") AS "t0"
FROM (SELECT CASE WHEN p."model" LIKE '(%' OR places.place <= ? THEN p."model" ELSE 'Other' END AS "model", p."time", p."currency", p."t0"
FROM parts AS p LEFT JOIN places ON places."model" = p."model") AS topped GROUP BY "time", "model", "currency" ORDER BY "time", "model", "currency"
'gpt-5, input'
'gpt-5'
'storage'
''
'default'
datetime.datetime(2026, 10, 1, 0, 0)
datetime.datetime(2026, 11, 1, 0, 0)
3
