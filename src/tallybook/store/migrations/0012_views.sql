-- One row per id that has a name: the newest one. Equal names are told apart by the ends of their ids.
CREATE VIEW {internal}.names AS
SELECT
    org,
    kind,
    id,
    CASE
        WHEN count(*) OVER (PARTITION BY kind, name) = 1 THEN name
        WHEN count(*) OVER (PARTITION BY kind, name, id) > 1 THEN name || ' (' || org || ':' || id || ')'
        WHEN count(*) OVER (PARTITION BY kind, name, right(id, 6)) > 1 THEN name || ' (' || id || ')'
        ELSE name || ' (' || right(id, 6) || ')'
    END AS label
FROM (
    SELECT
        org,
        kind,
        id,
        coalesce(nullif(name, ''), email) AS name,
        row_number() OVER (PARTITION BY org, kind, id ORDER BY last_seen DESC, first_seen DESC, name, email) AS age
    FROM {internal}.directory
    WHERE coalesce(nullif(name, ''), nullif(email, '')) IS NOT NULL
) AS named
WHERE age = 1;

-- Usage by UTC day with names. Add up measures within one dataset; usage_bytes_seconds is the level x seconds.
CREATE VIEW {public}.v_usage_daily AS
SELECT
    d.org,
    d.dataset,
    d.day,
    d.project_id,
    coalesce(project_names.label, d.project_id) AS project_name,
    d.user_id,
    coalesce(user_names.label, d.user_id) AS user_name,
    d.api_key_id,
    coalesce(api_key_names.label, d.api_key_id) AS api_key_name,
    d.model,
    d.batch,
    d.service_tier,
    d.api_source,
    d.size,
    d.source,
    d.context_level,
    d.vector_store_id,
    CAST(d.input_tokens AS BIGINT) AS input_tokens,
    CAST(d.output_tokens AS BIGINT) AS output_tokens,
    CAST(d.num_model_requests AS BIGINT) AS num_model_requests,
    CAST(d.input_cached_tokens AS BIGINT) AS input_cached_tokens,
    CAST(d.input_cache_write_tokens AS BIGINT) AS input_cache_write_tokens,
    CAST(d.input_cache_write_30m_tokens AS BIGINT) AS input_cache_write_30m_tokens,
    CAST(d.input_cache_write_12h_tokens AS BIGINT) AS input_cache_write_12h_tokens,
    CAST(d.input_uncached_tokens AS BIGINT) AS input_uncached_tokens,
    CAST(d.input_text_tokens AS BIGINT) AS input_text_tokens,
    CAST(d.input_cached_text_tokens AS BIGINT) AS input_cached_text_tokens,
    CAST(d.input_audio_tokens AS BIGINT) AS input_audio_tokens,
    CAST(d.input_cached_audio_tokens AS BIGINT) AS input_cached_audio_tokens,
    CAST(d.input_image_tokens AS BIGINT) AS input_image_tokens,
    CAST(d.input_cached_image_tokens AS BIGINT) AS input_cached_image_tokens,
    CAST(d.output_text_tokens AS BIGINT) AS output_text_tokens,
    CAST(d.output_audio_tokens AS BIGINT) AS output_audio_tokens,
    CAST(d.output_image_tokens AS BIGINT) AS output_image_tokens,
    CAST(d.images AS BIGINT) AS images,
    CAST(d.characters AS BIGINT) AS characters,
    CAST(d.seconds AS BIGINT) AS seconds,
    CAST(d.num_sessions AS BIGINT) AS num_sessions,
    CAST(d.num_requests AS BIGINT) AS num_requests,
    d.usage_bytes_seconds
FROM {internal}.usage_daily AS d
LEFT JOIN {internal}.names AS project_names
    ON project_names.kind = 'project' AND project_names.org = d.org AND project_names.id = d.project_id
LEFT JOIN {internal}.names AS user_names
    ON user_names.kind = 'user' AND user_names.org = d.org AND user_names.id = d.user_id
LEFT JOIN {internal}.names AS api_key_names
    ON api_key_names.kind = 'api_key' AND api_key_names.org = d.org AND api_key_names.id = d.api_key_id;

-- Tokens in a long table, by kinds that exclude each other: their sum is input_tokens + output_tokens. The words are
-- those of the bill. What the API does not tell apart has no modality; where it counted a part twice, that is negative.
CREATE VIEW {public}.v_tokens AS
SELECT
    t.org,
    t.dataset,
    t.day,
    t.project_id,
    coalesce(project_names.label, t.project_id) AS project_name,
    t.user_id,
    coalesce(user_names.label, t.user_id) AS user_name,
    t.api_key_id,
    coalesce(api_key_names.label, t.api_key_id) AS api_key_name,
    t.model,
    t.batch,
    t.service_tier,
    t.api_source,
    t.token_kind,
    t.modality,
    CAST(t.tokens AS BIGINT) AS tokens
FROM (
    SELECT
        d.*,
        k.token_kind,
        k.modality,
        CASE k.part
            WHEN 1 THEN d.input_text_tokens
            WHEN 2 THEN d.input_audio_tokens
            WHEN 3 THEN d.input_image_tokens
            WHEN 4 THEN coalesce(d.input_tokens, 0)
                - coalesce(d.input_text_tokens, 0)
                - coalesce(d.input_audio_tokens, 0)
                - coalesce(d.input_image_tokens, 0)
                - coalesce(d.input_cached_tokens, 0)
                - coalesce(d.input_cache_write_tokens, 0)
            WHEN 5 THEN d.input_cached_text_tokens
            WHEN 6 THEN d.input_cached_audio_tokens
            WHEN 7 THEN d.input_cached_image_tokens
            WHEN 8 THEN coalesce(d.input_cached_tokens, 0)
                - coalesce(d.input_cached_text_tokens, 0)
                - coalesce(d.input_cached_audio_tokens, 0)
                - coalesce(d.input_cached_image_tokens, 0)
            WHEN 9 THEN d.input_cache_write_tokens
            WHEN 10 THEN d.output_text_tokens
            WHEN 11 THEN d.output_audio_tokens
            WHEN 12 THEN d.output_image_tokens
            WHEN 13 THEN coalesce(d.output_tokens, 0)
                - coalesce(d.output_text_tokens, 0)
                - coalesce(d.output_audio_tokens, 0)
                - coalesce(d.output_image_tokens, 0)
        END AS tokens
    FROM {internal}.usage_daily AS d
    CROSS JOIN (
        VALUES
            (1, 'input', 'text'),
            (2, 'input', 'audio'),
            (3, 'input', 'image'),
            (4, 'input', CAST(NULL AS VARCHAR)),
            (5, 'cached input', 'text'),
            (6, 'cached input', 'audio'),
            (7, 'cached input', 'image'),
            (8, 'cached input', CAST(NULL AS VARCHAR)),
            (9, 'cache writes', CAST(NULL AS VARCHAR)),
            (10, 'output', 'text'),
            (11, 'output', 'audio'),
            (12, 'output', 'image'),
            (13, 'output', CAST(NULL AS VARCHAR))
    ) AS k(part, token_kind, modality)
) AS t
LEFT JOIN {internal}.names AS project_names
    ON project_names.kind = 'project' AND project_names.org = t.org AND project_names.id = t.project_id
LEFT JOIN {internal}.names AS user_names
    ON user_names.kind = 'user' AND user_names.org = t.org AND user_names.id = t.user_id
LEFT JOIN {internal}.names AS api_key_names
    ON api_key_names.kind = 'api_key' AND api_key_names.org = t.org AND api_key_names.id = t.api_key_id
WHERE t.tokens <> 0;

-- The bill by UTC day with names, and with what each line item says.
CREATE VIEW {public}.v_costs_daily AS
SELECT
    c.org,
    CAST(date_trunc('day', c.start_time) AS TIMESTAMP) AS day,
    c.project_id,
    coalesce(project_names.label, c.project_id) AS project_name,
    c.line_item,
    i.product,
    i.model,
    i.modality,
    i.token_kind,
    i.tier,
    i.qualifier,
    c.amount,
    c.currency,
    c.quantity,
    c.quantity_unit
FROM {public}.costs AS c
LEFT JOIN {internal}.names AS project_names
    ON project_names.kind = 'project' AND project_names.org = c.org AND project_names.id = c.project_id
LEFT JOIN (
    SELECT
        line_item,
        max(product) AS product,
        max(model) AS model,
        max(modality) AS modality,
        max(token_kind) AS token_kind,
        max(tier) AS tier,
        max(qualifier) AS qualifier
    FROM {internal}.line_items
    GROUP BY line_item
) AS i ON i.line_item = c.line_item;

-- The bill by UTC month.
CREATE VIEW {public}.v_bill_monthly AS
SELECT
    org,
    CAST(date_trunc('month', day) AS TIMESTAMP) AS month,
    project_id,
    project_name,
    line_item,
    product,
    model,
    modality,
    token_kind,
    tier,
    qualifier,
    SUM(amount) AS amount,
    currency,
    SUM(quantity) AS quantity,
    quantity_unit
FROM {public}.v_costs_daily
GROUP BY
    org,
    CAST(date_trunc('month', day) AS TIMESTAMP),
    project_id,
    project_name,
    line_item,
    product,
    model,
    modality,
    token_kind,
    tier,
    qualifier,
    currency,
    quantity_unit;
