-- When the lists of the directory that change seldom were read.
ALTER TABLE {internal}.orgs ADD COLUMN slow_lists_at TIMESTAMP;

-- What the book holds of people (full, names, ids, off); a stricter setting than that removes the rest first.
ALTER TABLE {internal}.book ADD COLUMN directory TEXT;

-- Whether what was removed may still lie in free blocks, so that the whole has to be written anew.
ALTER TABLE {internal}.book ADD COLUMN rewrite_due BOOLEAN;

-- Known to this book alone, so that a hash of an id is of no use beside another.
ALTER TABLE {internal}.book ADD COLUMN salt TEXT;

-- People who were forgotten: the salted hash of their id, and what stands in its place everywhere.
CREATE TABLE {internal}.forgotten (
    id_hash TEXT NOT NULL,
    pseudonym TEXT NOT NULL,
    forgotten_at TIMESTAMP NOT NULL
);
