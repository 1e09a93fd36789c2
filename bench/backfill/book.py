"""tallybook itself: `Book.sync`, in one phase at the width of the others. The key may not read names."""

import datetime as dt
import json
import sys
from pathlib import Path

import tallybook
from tallybook.model.clock import SystemClock

task = json.loads(sys.argv[1])


class PinnedClock(SystemClock):
    """The clock of the emulator, which stands still."""

    def now(self):
        """Return the one moment."""
        return dt.datetime.fromisoformat(task["now"])


def day(moment):
    """Return Unix seconds as a moment."""
    return dt.datetime.fromtimestamp(moment, dt.UTC)


Path("tallybook.toml").write_text(f'[[org]]\nbase_url = "{task["url"]}"\n[sync]\nhistory_width = "1d"\n')
book = tallybook.open("bench.duckdb", config="tallybook.toml", clock=PinnedClock())
summary = book.sync(since=day(task["start"]), until=day(task["end"]), datasets=["completions", "costs"])
assert summary.ok, summary
names = task["measures"]
columns = ", ".join(f"sum({name})::VARCHAR AS {name}" for name in names)
[sums] = book.store.read(f"SELECT count(*) AS rows, {columns} FROM usage").to_pylist()
[bill] = book.store.read("SELECT count(*) AS rows, sum(amount)::VARCHAR AS amount FROM costs").to_pylist()
rows = sums.pop("rows") + bill.pop("rows")
print(json.dumps({"sums": sums | bill, "rows": rows}))
