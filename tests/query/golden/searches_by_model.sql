SELECT "model", "currency", SUM("num_requests") AS "num_requests", SUM("num_requests rows") AS "num_requests rows"
FROM (SELECT CASE WHEN f.model IS NULL THEN '(none)' ELSE f.model END AS "model", CAST(NULL AS VARCHAR) AS "currency", CAST(CASE WHEN f.dataset IN (?) THEN f.num_requests END AS DECIMAL(38, 0)) AS "num_requests", CAST(CASE WHEN f.dataset IN (?) THEN 1 END AS DECIMAL(38, 0)) AS "num_requests rows"
FROM usage AS f
WHERE f.org = ? AND f.start_time >= ? AND f.start_time < ? AND f.dataset IN (?)) AS parts GROUP BY "model", "currency" ORDER BY "model", "currency"
'web_search_calls'
'web_search_calls'
'default'
datetime.datetime(2026, 10, 1, 0, 0)
datetime.datetime(2026, 11, 1, 0, 0)
'web_search_calls'
