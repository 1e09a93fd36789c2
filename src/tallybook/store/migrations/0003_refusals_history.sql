-- What stood at an earlier moment can be told of refusals as of everything else that an answer rests on.
ALTER TABLE {internal}.refusals ADD COLUMN recorded_at TIMESTAMP;
UPDATE {internal}.refusals SET recorded_at = learned_at;

-- Earlier versions of refusals. A row stood from recorded_at to replaced_at.
CREATE TABLE {internal}.refusals_history (
    org TEXT NOT NULL,
    dataset TEXT NOT NULL,
    start_time TIMESTAMP NOT NULL,
    end_time TIMESTAMP NOT NULL,
    width TEXT,
    dimension TEXT,
    reason TEXT NOT NULL,
    tries INTEGER NOT NULL,
    learned_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP,
    recorded_at TIMESTAMP,
    replaced_at TIMESTAMP NOT NULL
);

-- Only what is restated leaves a mark of its absence; that a row is new in an open bucket is told by the row itself.
DELETE FROM {internal}.usage_history WHERE absent AND reason <> 'restated';
DELETE FROM {internal}.costs_history WHERE absent AND reason <> 'restated';
