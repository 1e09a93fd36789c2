WITH parts AS (SELECT *
FROM (SELECT date_trunc('day', f.start_time) AS "time", CASE WHEN f.project_id IS NULL THEN '(none)' ELSE f.project_id END AS "project", CAST(NULL AS VARCHAR) AS "currency", f.start_time AS "t0 by", SUM(CAST(f.usage_bytes AS DECIMAL(38, 0))) AS "t0", SUM(CAST(f.usage_bytes AS DECIMAL(38, 0)) * CASE f.width WHEN '1m' THEN 60 WHEN '1h' THEN 3600 WHEN '1d' THEN 86400 END) AS "t1"
FROM usage AS f
WHERE f.org = ? AND f.start_time >= ? AND f.start_time < ? AND f.dataset IN (?) GROUP BY 1, 2, 3, 4) AS parts), places AS (SELECT "project", MIN(place) AS place
FROM (SELECT "project", ROW_NUMBER() OVER (PARTITION BY currency ORDER BY ABS(MAX("t0")) DESC, "project") AS place
FROM (SELECT "project", "currency", SUM("t0") AS "t0"
FROM (SELECT *
FROM parts
WHERE NOT "project" LIKE '(%') AS plain GROUP BY "project", "currency", "t0 by") AS buckets GROUP BY "project", "currency" HAVING MAX("t0") IS NOT NULL) AS ranked GROUP BY "project") SELECT "time", "project", "currency", GROUPING("time") AS "no time", "no group", MAX("t0") AS "t0", SUM("t1") AS "t1"
FROM (SELECT "project", "time", "currency", "t0 by", GROUPING("project") AS "no group", SUM("t0") AS "t0", SUM("t1") AS "t1"
FROM (SELECT CASE WHEN p."project" LIKE '(%' OR places.place <= ? THEN p."project" ELSE 'Other' END AS "project", p."time", p."currency", p."t0 by", p."t0", p."t1"
FROM parts AS p LEFT JOIN places ON places."project" = p."project") AS topped GROUP BY GROUPING SETS (("project", "time", "currency", "t0 by"), ("time", "currency", "t0 by"))) AS added GROUP BY GROUPING SETS (("time", "project", "currency", "no group"), ("project", "currency", "no group"))
'default'
datetime.datetime(2026, 10, 1, 0, 0)
datetime.datetime(2026, 11, 1, 0, 0)
'vector_stores'
1
