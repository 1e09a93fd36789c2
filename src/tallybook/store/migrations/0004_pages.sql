-- Raw bucket objects, one row per distinct content of a bucket. A current one has no replaced_at; reason says why
-- another content took its place: as in history, `equal` where no row of facts changed, `unused` where none was
-- written. A large body is compressed by itself (zstd), the others by the table.
DROP TABLE {internal}.pages;
CREATE TABLE {internal}.pages (
    page BIGINT NOT NULL,
    org TEXT NOT NULL,
    dataset TEXT NOT NULL,
    width TEXT NOT NULL,
    start_time TIMESTAMP NOT NULL,
    hash BYTEA NOT NULL,
    body BYTEA {zstd} NOT NULL,
    recorded_at TIMESTAMP NOT NULL,
    replaced_at TIMESTAMP,
    reason TEXT
);

-- The envelope is the body without its buckets, kept of answers that rows were made of, with the version of
-- tallybook that did so; pages lists their buckets in order, such as 17-84,90.
ALTER TABLE {internal}.fetches RENAME TO old_fetches;
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
    envelope TEXT,
    parsed_by TEXT,
    pages TEXT {zstd},
    recorded_at TIMESTAMP NOT NULL
);
INSERT INTO {internal}.fetches
SELECT org, sync_id, dataset, path, query, began_at, seconds, attempts, status, bytes, sha256, request_id, NULL, NULL,
    NULL, recorded_at
FROM {internal}.old_fetches;
DROP TABLE {internal}.old_fetches;

-- Numbers of pages are given once, also to those that are gone.
ALTER TABLE {internal}.book ADD COLUMN last_page BIGINT DEFAULT 0;
