"""Up to when buckets have ended and are read: what is later may still grow, and is compared with nothing."""

from __future__ import annotations

from collections.abc import Sequence

from tallybook.model.coverage import Run
from tallybook.model.windows import DAY, floor, naive, unix
from tallybook.query.question import Query
from tallybook.store.base import Store
from tallybook.store.versions import source


def closed_until(store: Store, query: Query) -> int | None:
    """Return up to when every dataset of a question is read to the end of its buckets, Unix seconds; None: nothing is.

    Billed cost counts up to the last billed day: the newest one that was read after its end and has a row of the bill
    in its organization, whatever the question is restricted to.
    """
    ends: list[int] = []
    with store.opened():
        for org in query.orgs:
            runs = store.coverage(org, query.datasets, query.as_of)
            for name, held in runs.items():
                if not held:
                    return None
                ends.append(_billed(store, query, org, held) if name == "costs" else _ended(held))
    return min(ends)


def _ended(held: Sequence[Run]) -> int:
    last = max(held, key=lambda r: r.end)
    return floor(min(last.end, last.read_at), last.width)


def _billed(store: Store, query: Query, org: str, held: Sequence[Run]) -> int:
    rows, bound = source("costs", ["org", "start_time"], query.as_of)
    which = "WHERE org = ? AND start_time < ? ORDER BY start_time DESC LIMIT 40"
    text = f"SELECT DISTINCT start_time FROM {rows} AS f {which}"
    days = store.read(text, [*bound, org, naive(max(r.end for r in held))])["start_time"].to_pylist()
    for start in map(unix, days):
        if any(r.start <= start < r.end and r.read_at >= start + DAY for r in held):
            return start + DAY
    return min(r.start for r in held)
