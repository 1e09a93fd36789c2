"""Roll-ups of a book: those of the days that a commit has touched are made again in its transaction."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa

from tallybook.model import arrow
from tallybook.store.rollups import ALWAYS, ROLLUPS, columns, making
from tallybook.store.session import Session

_DAYS = pa.schema([("org", pa.string()), ("dataset", pa.string()), ("day", pa.timestamp("us"))])
_TOUCHED = " UNION ".join(
    f"SELECT org, dataset, CAST(date_trunc('day', start_time) AS TIMESTAMP) FROM {place} WHERE org = ? AND {moment} = ?"
    for place, moment in (("usage", "recorded_at"), ("internal.usage_history", "replaced_at"))
)
_ONE_DAY = dt.timedelta(days=1)


def refresh(session: Session, org: str, at: dt.datetime) -> None:
    """Make the days again in which the commit at `at`, the caller's transaction, has changed rows of `org`."""
    touched = [dict(zip(ALWAYS, row, strict=True)) for row in session.execute(_TOUCHED, [org, at] * 2).fetchall()]
    if not touched:
        return
    low, high = min(row["day"] for row in touched), max(row["day"] for row in touched) + _ONE_DAY
    session.register("touched_days", arrow.table(touched, _DAYS))
    same = " AND ".join(f"r.{c} = d.{c}" for c in ALWAYS)
    for rollup in ROLLUPS:
        session.execute(f"DELETE FROM {rollup.place} AS r USING touched_days AS d WHERE {same}")
        session.execute(f"INSERT INTO {rollup.place} ({columns(rollup)}) {making(rollup, 'touched_days')}", [low, high])
    session.unregister("touched_days")


def refill(session: Session) -> None:
    """Make all days again, inside the caller's transaction: after what leaves no mark at single rows."""
    for rollup in ROLLUPS:
        session.execute(f"DELETE FROM {rollup.place}")
        session.execute(f"INSERT INTO {rollup.place} ({columns(rollup)}) {making(rollup)}")
