-- When the days of a dataset were last compared with control totals, and how many were equal.
CREATE TABLE {internal}.controls (
    org TEXT NOT NULL,
    dataset TEXT NOT NULL,
    checked_at TIMESTAMP NOT NULL,
    equal INTEGER NOT NULL,
    healed INTEGER NOT NULL,
    differing INTEGER NOT NULL,
    not_comparable INTEGER NOT NULL
);
