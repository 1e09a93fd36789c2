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
VARIANTS = {"plain": 'cost_splits = []\ncontrol_totals = false\n[pages]\nkeep = "none"\n', "defaults": ""}


class PinnedClock(SystemClock):
    """The clock of the emulator, which stands still."""

    def now(self):
        """Return the one moment."""
        return dt.datetime.fromisoformat(task["now"])


def opened():
    """Return the book in the working directory."""
    Path("tallybook.toml").write_text(SETTINGS + VARIANTS[task["variant"]])
    return tallybook.open("bench.duckdb", config="tallybook.toml", clock=PinnedClock())


def sync(book):
    """Bring the book up to date; ends the process where that failed in part."""
    since, until = (dt.datetime.fromtimestamp(s, dt.UTC) if s else None for s in (task["start"], task["end"]))
    summary = book.sync(since=since, until=until, datasets=["completions", "costs"])
    if not summary.ok:
        sys.exit(1)
    return summary


def newest(book):
    """Return when the newest row was written."""
    both = "SELECT recorded_at FROM usage UNION ALL SELECT recorded_at FROM costs"
    return book.store.read(f"SELECT max(recorded_at) AS at FROM ({both})").to_pylist()[0]["at"]


def sums(book, table, columns, before):
    """Return the sums of each bucket, how many rows there are, and how many are newer than `before`."""
    totals = ", ".join(f"sum({name})::VARCHAR AS {name}" for name in columns)
    days = book.store.read(f"SELECT epoch(start_time)::BIGINT AS start, {totals} FROM {table} GROUP BY start_time")
    new = "count(*) FILTER (recorded_at > coalesce(?, '-infinity'::TIMESTAMP))"
    [counts] = book.store.read(f"SELECT count(*) AS rows, {new} AS written FROM {table}", [before]).to_pylist()
    return [[row.pop("start"), row] for row in days.to_pylist()], counts


def main():
    """Sync once, and say what is held."""
    book = opened()
    before = newest(book) if book.store.exists() else None
    summary = sync(book)
    usage, counted = sums(book, "usage", task["measures"], before)
    costs, billed = sums(book, "costs", ["amount"], before)
    said = {name: counted[name] + billed[name] for name in ("rows", "written")}
    missing = [[r.span.start, r.span.end] for r in summary.refusals if r.dimension is None]
    print(json.dumps({"days": usage + costs, "missing": missing, **said}))


if __name__ == "__main__":
    main()
