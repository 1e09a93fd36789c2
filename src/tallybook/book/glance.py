"""A book at a glance: a few questions that everybody has, asked together."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from tallybook.book.asking import ask
from tallybook.model.settings import Settings
from tallybook.query.answer import PREVIOUS
from tallybook.query.reports.inventory import freshness
from tallybook.query.reports.movers import movers
from tallybook.show.glance import Glance
from tallybook.show.result import Result
from tallybook.store.base import Store

_MOVERS = 3
"""How many of a dimension are named, of all currencies together."""
_UNSAID: dict[str, Any] = {
    **dict.fromkeys(("period", "since", "until", "last", "where", "top", "compare", "org", "as_of")),
    "by": (), "grain": "total", "tz": "UTC",
}  # fmt: skip


def glance(store: Store, settings: Settings, look_back: Mapping[str, int], now: dt.datetime) -> Glance:
    """Return what `Book.glance` says."""

    def asked(*metrics: str, **said: Any) -> Result:
        return ask(store, settings, look_back, now, metrics, **(_UNSAID | said))

    with store.opened(still=True):
        period = "this-month"
        cost = asked("cost", by="project", period=period, compare="previous")
        if cost.comparison is None:  # the month is too young for its first day to be billed
            period = "last-month"
            cost = asked("cost", by="project", period=period, compare="previous")
        models = asked("cost", by="model", period=period, compare="previous")
        count = max(1, _MOVERS // max(1, cost.whole.num_rows))
        moved = [
            mover
            for by, result in (("project", cost), ("model", models))
            for mover in movers(by, result.rows(), "cost", f"cost{PREVIOUS}", count)
        ]
        usage = asked("requests", "tokens", grain="day", last="7d")
        return Glance(period, cost, tuple(moved), usage, tuple(freshness(store, org) for org in settings.orgs), now)
