"""tallybook itself: `Book.sync`, at the width of the others. The key may not read names.

`plain`: what the others do and no more. `defaults`: with all that tallybook keeps beside it.
"""

import datetime as dt
import json
import sys
from pathlib import Path

import tallybook
from tallybook.model.clock import SystemClock

task = json.loads(sys.argv[1])
SETTINGS = f'[[org]]\nbase_url = "{task["url"]}"\n[sync]\nhistory_width = "1d"\n'
VARIANTS = {"plain": "cost_splits = []\n", "defaults": ""}


class PinnedClock(SystemClock):
    """The clock of the emulator, which stands still."""

    def now(self):
        """Return the one moment."""
        return dt.datetime.fromisoformat(task["now"])


def moment(seconds):
    """Return Unix seconds as a moment."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC) if seconds else None


def newest():
    """Return when the newest row was written."""
    both = "SELECT recorded_at FROM usage UNION ALL SELECT recorded_at FROM costs"
    return book.store.read(f"SELECT max(recorded_at) AS at FROM ({both})").to_pylist()[0]["at"]


def sums(table, columns):
    """Return the sums of each bucket, how many rows there are, and how many are new since `before`."""
    totals = ", ".join(f"sum({name})::VARCHAR AS {name}" for name in columns)
    days = book.store.read(f"SELECT epoch(start_time)::BIGINT AS start, {totals} FROM {table} GROUP BY start_time")
    new = "count(*) FILTER (recorded_at > coalesce(?, '-infinity'::TIMESTAMP))"
    [counts] = book.store.read(f"SELECT count(*) AS rows, {new} AS written FROM {table}", [before]).to_pylist()
    return [[row.pop("start"), row] for row in days.to_pylist()], counts


Path("tallybook.toml").write_text(SETTINGS + VARIANTS[task["variant"]])
book = tallybook.open("bench.duckdb", config="tallybook.toml", clock=PinnedClock())
before = newest() if book.store.exists() else None
summary = book.sync(since=moment(task["start"]), until=moment(task["end"]), datasets=["completions", "costs"])
usage, counted = sums("usage", task["measures"])
costs, billed = sums("costs", ["amount"])
print(
    json.dumps(
        {
            "days": usage + costs,
            "rows": counted["rows"] + billed["rows"],
            "written": counted["written"] + billed["written"],
            "missing": [[r.span.start, r.span.end] for r in summary.refusals if r.dimension is None],
        }
    )
)
sys.exit(0 if summary.ok else 1)
