SELECT "service_account", "currency", SUM("t0") AS "t0", SUM("t1") AS "t1", SUM("rest rows") AS "rest rows"
FROM (SELECT CASE WHEN f.part = 'rest' THEN '(unattributed)' WHEN f.part = 'whole' THEN '(not held)' WHEN f.service_account_id IS NULL THEN '(none)' ELSE f.service_account_id END AS "service_account", f.currency AS "currency", SUM(f.amount) AS "t0", CAST(NULL AS DECIMAL(38, 0)) AS "t1", COUNT(CASE WHEN f.part = 'rest' THEN 1 END) AS "rest rows"
FROM (SELECT t.*, CASE WHEN o.owner_kind = 'service_account' THEN o.owner_id END AS service_account_id
FROM (SELECT amount, currency, org, start_time, api_key_id, 'split' AS part
FROM internal.cost_splits AS s
WHERE split = 'api_key' AND ((start_time >= ? AND start_time < ?)) UNION ALL SELECT amount, currency, org, start_time, CAST(NULL AS VARCHAR) AS api_key_id, 'rest' AS part
FROM costs AS b
WHERE ((start_time >= ? AND start_time < ?)) UNION ALL SELECT -amount AS amount, currency, org, start_time, CAST(NULL AS VARCHAR) AS api_key_id, 'rest' AS part
FROM internal.cost_splits AS s
WHERE split = 'api_key' AND ((start_time >= ? AND start_time < ?)) UNION ALL SELECT amount, currency, org, start_time, CAST(NULL AS VARCHAR) AS api_key_id, 'whole' AS part
FROM costs AS b
WHERE NOT ((start_time >= ? AND start_time < ?))) AS t LEFT JOIN (
    SELECT org, id, NULLIF(owner_id, '') AS owner_id, owner_kind
   
FROM (
        SELECT org, id, owner_id, owner_kind,
            ROW_NUMBER() OVER (PARTITION BY org, id ORDER BY last_seen DESC, first_seen DESC) AS version
       
FROM internal.directory
WHERE kind = 'api_key'
    ) AS k
WHERE version = 1
) AS o ON o.org = t.org AND o.id = t.api_key_id) AS f
WHERE f.org = ? AND f.start_time >= ? AND f.start_time < ? GROUP BY 1, 2 UNION ALL SELECT CASE WHEN f.service_account_id IS NULL THEN '(none)' ELSE f.service_account_id END AS "service_account", CAST(NULL AS VARCHAR) AS "currency", CAST(NULL AS DECIMAL(38, 18)) AS "t0", SUM(CAST(f.num_model_requests AS DECIMAL(38, 0))) AS "t1", 0 AS "rest rows"
FROM (SELECT t.*, CASE WHEN o.owner_kind = 'service_account' THEN o.owner_id END AS service_account_id
FROM usage AS t LEFT JOIN (
    SELECT org, id, NULLIF(owner_id, '') AS owner_id, owner_kind
   
FROM (
        SELECT org, id, owner_id, owner_kind,
            ROW_NUMBER() OVER (PARTITION BY org, id ORDER BY last_seen DESC, first_seen DESC) AS version
       
FROM internal.directory
WHERE kind = 'api_key'
    ) AS k
WHERE version = 1
) AS o ON o.org = t.org AND o.id = t.api_key_id) AS f
WHERE f.org = ? AND f.start_time >= ? AND f.start_time < ? AND f.dataset IN (?, ?, ?, ?, ?, ?) GROUP BY 1, 2) AS parts GROUP BY "service_account", "currency" ORDER BY "service_account", "currency"
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
'default'
datetime.datetime(2026, 10, 1, 0, 0)
datetime.datetime(2026, 11, 1, 0, 0)
'completions'
'embeddings'
'moderations'
'images'
'audio_speeches'
'audio_transcriptions'
