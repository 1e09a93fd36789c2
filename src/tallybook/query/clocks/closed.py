"""Up to when buckets have ended and are read: what is later may still grow, and is compared with nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from tallybook.model.coverage import Run
from tallybook.model.windows import DAY, unix
from tallybook.query.clocks.compare import Comparison, closed_through, compared
from tallybook.query.clocks.zones import at, beginning, local
from tallybook.query.question import Query
from tallybook.store.base import Store
from tallybook.store.versions import source


def comparison(store: Store, query: Query, kind: str) -> Comparison:
    """Return what a question's range is compared with (see `compare.compared`), as far as all of it is read."""
    billed: list[int] = []
    held = [store.coverage(org, query.datasets, query.as_of) for org in query.orgs]
    if "costs" in query.datasets:
        found = [billed_through(store, o, h["costs"], query.as_of) for o, h in zip(query.orgs, held, strict=True)]
        billed = [end for end in found if end is not None]
    through = closed_through(runs for each in held for runs in each.values())
    if through is not None and query.grain not in ("minute", "hour"):
        midnight = at(beginning(local(through, query.tz), "day"), query.tz)
        through = midnight if midnight > query.range.start else through
    return compared(query.range, kind, query.grain, through=through, billed_through=min(billed, default=None))


def billed_through(store: Store, org: str, held: Sequence[Run], as_of: dt.datetime | None = None) -> int | None:
    """Return the end of the last billed day: the newest one that was read after its end and has a row of the bill in
    the organization, whatever the question is restricted to; None where nothing is held.
    """
    if not held:
        return None
    rows, bound = source("costs", ["org", "start_time"], as_of)
    text = f"SELECT DISTINCT start_time FROM {rows} AS f WHERE org = ? ORDER BY start_time DESC LIMIT 40"
    for start in map(unix, store.read(text, [*bound, org])["start_time"].to_pylist()):
        if any(r.start <= start < r.end and r.read_at >= start + DAY for r in held):
            return start + DAY
    return min(r.start for r in held)
