-- The user's own notes on the axis of time. A note on a moment begins and ends there, one on a day with that day.
CREATE TABLE {internal}.own_notes (
    id TEXT NOT NULL,
    start_time TIMESTAMP NOT NULL,
    end_time TIMESTAMP NOT NULL,
    text TEXT NOT NULL,
    recorded_at TIMESTAMP NOT NULL
);
