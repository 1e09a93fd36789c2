-- Tokens that show others the dashboard: their SHA-256, and what they show. filters and orgs are JSON.
CREATE TABLE {internal}.tokens (
    name TEXT NOT NULL,
    hash TEXT NOT NULL,
    filters TEXT NOT NULL,
    orgs TEXT NOT NULL,
    people BOOLEAN NOT NULL,
    feed TEXT,
    created_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP
);
CREATE TABLE {internal}.token_uses (
    hash TEXT NOT NULL,
    used_at TIMESTAMP NOT NULL
);
