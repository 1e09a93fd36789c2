"""The questions asked of tallybook."""

import datetime as dt

from questions import measured

import tallybook
from tallybook.model.clock import SystemClock

ASKED = {
    "models": (["tokens", "cache_hit_rate"], {
        "by": "model", "grain": "day", "since": "2026-07-03", "until": "2026-09-30", "top": 8, "compare": "previous",
    }),
    "projects": (["cost"], {"by": "project", "grain": "month", "since": "2025-10-01", "until": "2026-09-30"}),
    "users": (["active_users"], {"grain": "week", "since": "2025-10-06", "until": "2026-09-27"}),
    "hours": (["requests"], {"by": ["weekday", "hour"], "since": "2026-09-03", "until": "2026-09-30"}),
    "keys": (["tokens"], {"by": "api_key", "top": 10, "since": "2026-09-01", "until": "2026-09-30"}),
}  # fmt: skip


class PinnedClock(SystemClock):
    """A clock that stands still at the end of the book."""

    def now(self):
        """Return the one moment."""
        return dt.datetime(2026, 10, 1, 6, tzinfo=dt.UTC)


def rows(_name, result):
    """Return an answer's rows as the others have them: ids, not names."""
    table = result.table
    for known in result.query.by:
        if known.column != known.name:
            ids, labels = table[known.column].to_pylist(), table[known.name].to_pylist()
            columns = [[i or label for i, label in zip(ids, labels, strict=True)]]
            table = table.set_column(table.column_names.index(known.name), known.name, columns)
            table = table.drop_columns([known.column])
    unneeded = [name for name in table.column_names if name == "currency"]
    return [list(row.values()) for row in table.drop_columns(unneeded).to_pylist()]


with tallybook.open("bench.duckdb", clock=PinnedClock()) as book:
    measured({n: lambda m=m, how=how: book.query(*m, **how) for n, (m, how) in ASKED.items()}, rows)
