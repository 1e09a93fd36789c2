"""Roll-ups of a DuckDB book: those of the days that a commit has touched are made again in its transaction."""

from __future__ import annotations

import datetime as dt

import duckdb
import pyarrow as pa

from tallybook.model import arrow
from tallybook.store.rollups import ALWAYS, ROLLUPS, making

_DAYS = pa.schema([("org", pa.string()), ("dataset", pa.string()), ("day", pa.timestamp("us"))])
_TOUCHED = " UNION ".join(
    f"SELECT org, dataset, date_trunc('day', start_time)::TIMESTAMP FROM {place} WHERE org = ? AND {moment} = ?"
    for place, moment in (("usage", "recorded_at"), ("internal.usage_history", "replaced_at"))
)
_ONE_DAY = dt.timedelta(days=1)


def refresh(cursor: duckdb.DuckDBPyConnection, org: str, at: dt.datetime) -> None:
    """Make the days again in which the commit at `at`, the caller's transaction, has changed rows of `org`."""
    touched = [dict(zip(ALWAYS, row, strict=True)) for row in cursor.execute(_TOUCHED, [org, at] * 2).fetchall()]
    if not touched:
        return
    low, high = min(row["day"] for row in touched), max(row["day"] for row in touched) + _ONE_DAY
    cursor.register("touched_days", arrow.table(touched, _DAYS))
    same = " AND ".join(f"r.{c} = d.{c}" for c in ALWAYS)
    for rollup in ROLLUPS:
        cursor.execute(f"DELETE FROM {rollup.place} AS r USING touched_days AS d WHERE {same}")
        cursor.execute(f"INSERT INTO {rollup.place} BY NAME {making(rollup, 'touched_days')}", [low, high])
    cursor.unregister("touched_days")


def refill(cursor: duckdb.DuckDBPyConnection) -> None:
    """Make all days again, inside the caller's transaction: after what leaves no mark at single rows."""
    for rollup in ROLLUPS:
        cursor.execute(f"DELETE FROM {rollup.place}")
        cursor.execute(f"INSERT INTO {rollup.place} BY NAME {making(rollup)}")
