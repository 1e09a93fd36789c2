-- The user's own numbers: one row per metric, bucket and combination of its dimensions. A column for each dimension
-- that ids, models and teams give; what else a metric is told apart by is in tag_1 to tag_4, as business_metrics says.
DROP TABLE {internal}.business;
CREATE TABLE {internal}.business (
    metric TEXT NOT NULL,
    start_time TIMESTAMP NOT NULL,
    end_time TIMESTAMP NOT NULL,
    org TEXT,
    project_id TEXT,
    user_id TEXT,
    api_key_id TEXT,
    service_account_id TEXT,
    model TEXT,
    team TEXT,
    cost_center TEXT,
    tag_1 TEXT,
    tag_2 TEXT,
    tag_3 TEXT,
    tag_4 TEXT,
    currency TEXT,
    amount DECIMAL(38, 18) NOT NULL,
    amount_seconds DECIMAL(38, 18),
    recorded_at TIMESTAMP NOT NULL
);

-- What a metric is; dimensions is JSON, from the name of a dimension to its column in business.
CREATE TABLE {internal}.business_metrics (
    metric TEXT NOT NULL,
    kind TEXT NOT NULL,
    unit TEXT NOT NULL,
    currency TEXT,
    grain TEXT NOT NULL,
    dimensions TEXT NOT NULL,
    recorded_at TIMESTAMP NOT NULL
);

-- Where a metric is known: a bucket in it without rows is 0.
CREATE TABLE {internal}.business_coverage (
    metric TEXT NOT NULL,
    start_time TIMESTAMP NOT NULL,
    end_time TIMESTAMP NOT NULL,
    recorded_at TIMESTAMP NOT NULL
);
