-- The whole layout of a book. Time is naive UTC; money is DECIMAL(38, 18); ids are text.
-- {public} and {internal} are schema names, which differ between stores.

-- The usage of every dataset: one row per bucket and combination of dimensions.
CREATE TABLE {public}.usage (
    org TEXT NOT NULL,
    dataset TEXT NOT NULL,
    start_time TIMESTAMP NOT NULL,
    end_time TIMESTAMP NOT NULL,
    width TEXT NOT NULL,
    project_id TEXT,
    user_id TEXT,
    api_key_id TEXT,
    model TEXT,
    batch BOOLEAN,
    service_tier TEXT,
    api_source TEXT,
    size TEXT,
    source TEXT,
    context_level TEXT,
    vector_store_id TEXT,
    input_tokens BIGINT,
    output_tokens BIGINT,
    num_model_requests BIGINT,
    input_cached_tokens BIGINT,
    input_cache_write_tokens BIGINT,
    input_cache_write_30m_tokens BIGINT,
    input_cache_write_12h_tokens BIGINT,
    input_uncached_tokens BIGINT,
    input_text_tokens BIGINT,
    input_cached_text_tokens BIGINT,
    input_audio_tokens BIGINT,
    input_cached_audio_tokens BIGINT,
    input_image_tokens BIGINT,
    input_cached_image_tokens BIGINT,
    output_text_tokens BIGINT,
    output_audio_tokens BIGINT,
    output_image_tokens BIGINT,
    images BIGINT,
    characters BIGINT,
    seconds BIGINT,
    usage_bytes BIGINT,
    num_sessions BIGINT,
    num_requests BIGINT,
    extra TEXT,
    recorded_at TIMESTAMP NOT NULL
);

-- The bill: billed before tax, credits and adjustments, grouped by project and line item.
CREATE TABLE {public}.costs (
    org TEXT NOT NULL,
    start_time TIMESTAMP NOT NULL,
    end_time TIMESTAMP NOT NULL,
    project_id TEXT,
    line_item TEXT,
    amount DECIMAL(38, 18),
    currency TEXT,
    quantity DECIMAL(38, 18),
    quantity_unit TEXT,
    extra TEXT,
    recorded_at TIMESTAMP NOT NULL
);

-- The same dollars by API key or by user; the bill alone defines totals.
CREATE TABLE {internal}.cost_splits (
    org TEXT NOT NULL,
    split TEXT NOT NULL,
    start_time TIMESTAMP NOT NULL,
    end_time TIMESTAMP NOT NULL,
    project_id TEXT,
    line_item TEXT,
    api_key_id TEXT,
    user_id TEXT,
    amount DECIMAL(38, 18),
    currency TEXT,
    quantity DECIMAL(38, 18),
    quantity_unit TEXT,
    extra TEXT,
    recorded_at TIMESTAMP NOT NULL
);

-- Earlier versions of facts. A row held from recorded_at to replaced_at; absent rows say that nothing was there.
CREATE TABLE {internal}.usage_history (
    org TEXT NOT NULL,
    dataset TEXT NOT NULL,
    start_time TIMESTAMP NOT NULL,
    end_time TIMESTAMP NOT NULL,
    width TEXT NOT NULL,
    project_id TEXT,
    user_id TEXT,
    api_key_id TEXT,
    model TEXT,
    batch BOOLEAN,
    service_tier TEXT,
    api_source TEXT,
    size TEXT,
    source TEXT,
    context_level TEXT,
    vector_store_id TEXT,
    input_tokens BIGINT,
    output_tokens BIGINT,
    num_model_requests BIGINT,
    input_cached_tokens BIGINT,
    input_cache_write_tokens BIGINT,
    input_cache_write_30m_tokens BIGINT,
    input_cache_write_12h_tokens BIGINT,
    input_uncached_tokens BIGINT,
    input_text_tokens BIGINT,
    input_cached_text_tokens BIGINT,
    input_audio_tokens BIGINT,
    input_cached_audio_tokens BIGINT,
    input_image_tokens BIGINT,
    input_cached_image_tokens BIGINT,
    output_text_tokens BIGINT,
    output_audio_tokens BIGINT,
    output_image_tokens BIGINT,
    images BIGINT,
    characters BIGINT,
    seconds BIGINT,
    usage_bytes BIGINT,
    num_sessions BIGINT,
    num_requests BIGINT,
    extra TEXT,
    recorded_at TIMESTAMP NOT NULL,
    replaced_at TIMESTAMP NOT NULL,
    reason TEXT NOT NULL,
    absent BOOLEAN NOT NULL
);
CREATE TABLE {internal}.costs_history (
    org TEXT NOT NULL,
    start_time TIMESTAMP NOT NULL,
    end_time TIMESTAMP NOT NULL,
    project_id TEXT,
    line_item TEXT,
    amount DECIMAL(38, 18),
    currency TEXT,
    quantity DECIMAL(38, 18),
    quantity_unit TEXT,
    extra TEXT,
    recorded_at TIMESTAMP NOT NULL,
    replaced_at TIMESTAMP NOT NULL,
    reason TEXT NOT NULL,
    absent BOOLEAN NOT NULL
);
CREATE TABLE {internal}.cost_splits_history (
    org TEXT NOT NULL,
    split TEXT NOT NULL,
    start_time TIMESTAMP NOT NULL,
    end_time TIMESTAMP NOT NULL,
    project_id TEXT,
    line_item TEXT,
    api_key_id TEXT,
    user_id TEXT,
    amount DECIMAL(38, 18),
    currency TEXT,
    quantity DECIMAL(38, 18),
    quantity_unit TEXT,
    extra TEXT,
    recorded_at TIMESTAMP NOT NULL,
    replaced_at TIMESTAMP NOT NULL,
    reason TEXT NOT NULL,
    absent BOOLEAN NOT NULL
);

-- What is held: runs of buckets read alike. end_time inside a bucket means that it was open when it was read.
CREATE TABLE {internal}.coverage (
    org TEXT NOT NULL,
    dataset TEXT NOT NULL,
    start_time TIMESTAMP NOT NULL,
    end_time TIMESTAMP NOT NULL,
    width TEXT NOT NULL,
    dimensions TEXT NOT NULL,
    read_at TIMESTAMP NOT NULL,
    recorded_at TIMESTAMP NOT NULL
);
CREATE TABLE {internal}.coverage_history (
    org TEXT NOT NULL,
    dataset TEXT NOT NULL,
    start_time TIMESTAMP NOT NULL,
    end_time TIMESTAMP NOT NULL,
    width TEXT NOT NULL,
    dimensions TEXT NOT NULL,
    read_at TIMESTAMP NOT NULL,
    recorded_at TIMESTAMP NOT NULL,
    replaced_at TIMESTAMP NOT NULL
);

-- What the API will not give, until expires_at (never to be asked again where that is NULL).
CREATE TABLE {internal}.refusals (
    org TEXT NOT NULL,
    dataset TEXT NOT NULL,
    start_time TIMESTAMP NOT NULL,
    end_time TIMESTAMP NOT NULL,
    width TEXT,
    dimension TEXT,
    reason TEXT NOT NULL,
    tries INTEGER NOT NULL,
    learned_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP
);

-- Every request that was answered.
CREATE TABLE {internal}.fetches (
    org TEXT NOT NULL,
    sync_id TEXT NOT NULL,
    dataset TEXT NOT NULL,
    path TEXT NOT NULL,
    query TEXT NOT NULL,
    began_at TIMESTAMP NOT NULL,
    seconds DOUBLE PRECISION NOT NULL,
    attempts INTEGER NOT NULL,
    status INTEGER NOT NULL,
    bytes BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    request_id TEXT,
    pages TEXT,
    recorded_at TIMESTAMP NOT NULL
);

-- Raw bucket objects by hash; fetches.pages lists the hashes in order.
CREATE TABLE {internal}.pages (
    hash TEXT NOT NULL PRIMARY KEY,
    body BYTEA NOT NULL,
    recorded_at TIMESTAMP NOT NULL
);

-- What the text of a line item means.
CREATE TABLE {internal}.line_items (
    line_item TEXT NOT NULL,
    parser_version INTEGER NOT NULL,
    product TEXT,
    model TEXT,
    modality TEXT,
    token_kind TEXT,
    tier TEXT,
    qualifier TEXT
);

-- Daily sums of usage, by all dimensions and by project and model; a level is kept as level x seconds.
CREATE TABLE {internal}.usage_daily (
    org TEXT NOT NULL,
    dataset TEXT NOT NULL,
    day TIMESTAMP NOT NULL,
    project_id TEXT,
    user_id TEXT,
    api_key_id TEXT,
    model TEXT,
    batch BOOLEAN,
    service_tier TEXT,
    api_source TEXT,
    size TEXT,
    source TEXT,
    context_level TEXT,
    vector_store_id TEXT,
    input_tokens BIGINT,
    output_tokens BIGINT,
    num_model_requests BIGINT,
    input_cached_tokens BIGINT,
    input_cache_write_tokens BIGINT,
    input_cache_write_30m_tokens BIGINT,
    input_cache_write_12h_tokens BIGINT,
    input_uncached_tokens BIGINT,
    input_text_tokens BIGINT,
    input_cached_text_tokens BIGINT,
    input_audio_tokens BIGINT,
    input_cached_audio_tokens BIGINT,
    input_image_tokens BIGINT,
    input_cached_image_tokens BIGINT,
    output_text_tokens BIGINT,
    output_audio_tokens BIGINT,
    output_image_tokens BIGINT,
    images BIGINT,
    characters BIGINT,
    seconds BIGINT,
    num_sessions BIGINT,
    num_requests BIGINT,
    usage_bytes_seconds DECIMAL(38, 0)
);
CREATE TABLE {internal}.usage_daily_narrow (
    org TEXT NOT NULL,
    dataset TEXT NOT NULL,
    day TIMESTAMP NOT NULL,
    project_id TEXT,
    model TEXT,
    input_tokens BIGINT,
    output_tokens BIGINT,
    num_model_requests BIGINT,
    input_cached_tokens BIGINT,
    input_cache_write_tokens BIGINT,
    input_cache_write_30m_tokens BIGINT,
    input_cache_write_12h_tokens BIGINT,
    input_uncached_tokens BIGINT,
    input_text_tokens BIGINT,
    input_cached_text_tokens BIGINT,
    input_audio_tokens BIGINT,
    input_cached_audio_tokens BIGINT,
    input_image_tokens BIGINT,
    input_cached_image_tokens BIGINT,
    output_text_tokens BIGINT,
    output_audio_tokens BIGINT,
    output_image_tokens BIGINT,
    images BIGINT,
    characters BIGINT,
    seconds BIGINT,
    num_sessions BIGINT,
    num_requests BIGINT,
    usage_bytes_seconds DECIMAL(38, 0)
);

-- Names of projects, users, keys and the like, in all their versions; the current one has no replaced_at.
CREATE TABLE {internal}.directory (
    org TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT,
    email TEXT,
    project_id TEXT,
    owner_kind TEXT,
    owner_id TEXT,
    status TEXT,
    created_at TIMESTAMP,
    details TEXT,
    first_seen TIMESTAMP NOT NULL,
    last_seen TIMESTAMP NOT NULL,
    replaced_at TIMESTAMP
);

CREATE TABLE {internal}.teams (
    kind TEXT NOT NULL,
    pattern TEXT NOT NULL,
    team TEXT NOT NULL,
    cost_center TEXT,
    tags TEXT,
    valid_from TIMESTAMP,
    valid_to TIMESTAMP
);

-- The user's own numbers.
CREATE TABLE {internal}.business (
    metric TEXT NOT NULL,
    start_time TIMESTAMP NOT NULL,
    end_time TIMESTAMP NOT NULL,
    dimensions TEXT NOT NULL,
    amount DECIMAL(38, 18) NOT NULL,
    recorded_at TIMESTAMP NOT NULL
);

-- Remarks: about the quality of data, and the user's own.
CREATE TABLE {internal}.notes (
    org TEXT NOT NULL,
    dataset TEXT,
    start_time TIMESTAMP NOT NULL,
    end_time TIMESTAMP NOT NULL,
    kind TEXT NOT NULL,
    text TEXT NOT NULL,
    recorded_at TIMESTAMP NOT NULL
);

CREATE TABLE {internal}.syncs (
    org TEXT NOT NULL,
    sync_id TEXT NOT NULL,
    began_at TIMESTAMP NOT NULL,
    ended_at TIMESTAMP,
    summary TEXT
);

CREATE TABLE {internal}.orgs (
    org TEXT NOT NULL PRIMARY KEY,
    first_seen TIMESTAMP NOT NULL,
    directory_at TIMESTAMP
);

-- One row: the book itself. version grows with every write; last_commit never steps back.
CREATE TABLE {internal}.book (
    book_id TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    last_commit TIMESTAMP NOT NULL,
    version BIGINT NOT NULL
);
