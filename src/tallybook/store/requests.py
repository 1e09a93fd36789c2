"""Which requests a book lists: all of the last week, and of older ones those that its proof rests on."""

from __future__ import annotations

import datetime as dt

from tallybook.store.session import Session

WEEK = dt.timedelta(days=7)


def thin(session: Session, org: str, at: dt.datetime) -> None:
    """Once a day, forget requests of `org` that were recorded more than a week before `at` and prove nothing.

    Those stay that first gave a raw bucket which is kept, and those that were the last to ask for the whole of their
    window, so that of every bucket the newest read is known.
    """
    text = "SELECT max(recorded_at) FROM internal.fetches WHERE org = ?"
    ((last,),) = session.execute(text, [org]).fetchall()
    if last is None or last.date() == at.date():
        return
    session.execute(f"CREATE TEMP TABLE proving AS {_PROVING}", [org, org, at - WEEK, org])
    # Deleting a part would only mark it; what is deleted whole takes no space any more.
    session.execute("DELETE FROM internal.fetches")
    session.execute("INSERT INTO internal.fetches SELECT * FROM proving")
    session.execute("DROP TABLE proving")


_VARYING = "(^|&)(start_time|end_time|limit|page)=[^&]*"
"""What of a query says which part of the data is asked for, and not how."""

_PROVING = rf"""
WITH asked AS (
    SELECT rowid AS id, dataset, recorded_at, regexp_replace(query, '{_VARYING}', '', 'g') AS words,
        CAST(NULLIF(regexp_extract(query, 'start_time=(\d+)', 1), '') AS BIGINT) AS start,
        CAST(NULLIF(regexp_extract(query, 'end_time=(\d+)', 1), '') AS BIGINT) AS stop
    FROM internal.fetches WHERE org = ? AND envelope IS NOT NULL
),
windows AS (SELECT dataset, words, start, stop, max(recorded_at) AS newest FROM asked
    GROUP BY dataset, words, start, stop),
again AS (
    SELECT DISTINCT a.id FROM asked AS a JOIN windows AS w ON w.dataset = a.dataset AND w.words = a.words
        AND w.start <= a.start AND w.stop >= a.stop AND w.newest > a.recorded_at
),
first AS (
    SELECT a.id FROM asked AS a
    WHERE EXISTS (
        SELECT 1 FROM internal.pages AS p WHERE p.org = ? AND p.dataset = a.dataset AND p.recorded_at = a.recorded_at
    )
)
SELECT f.* FROM internal.fetches AS f
LEFT JOIN asked AS a ON a.id = f.rowid LEFT JOIN again AS g ON g.id = f.rowid LEFT JOIN first AS n ON n.id = f.rowid
WHERE f.recorded_at >= ? OR f.org <> ? OR (a.id IS NOT NULL AND (g.id IS NULL OR n.id IS NOT NULL))
ORDER BY f.rowid"""
