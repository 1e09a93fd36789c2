"""How long after its end a bucket is read again: as the settings say, or as the book itself suggests."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace

from tallybook.model.datasets import DATASETS, HELD
from tallybook.model.settings import Settings, Sync, seconds
from tallybook.model.windows import DAY
from tallybook.store.base import Store

AUTO = "auto"
_NEWEST = (
    "SELECT summary FROM internal.syncs WHERE ended_at IS NOT NULL AND summary LIKE '%\"measured_at\"%' "
    "ORDER BY began_at DESC LIMIT 1"
)


@dataclass(frozen=True, slots=True)
class LookBack:
    """Seconds, for usage and for costs with their splits."""

    usage: int
    costs: int
    measured_at: int | None = None
    """When it was measured, Unix seconds; None where the settings say it."""

    def by_dataset(self) -> dict[str, int]:
        """Return it for everything that a book holds."""
        return {d.name: self.costs if d.is_costs else self.usage for d in HELD.values()}


def look_back(store: Store, settings: Settings) -> LookBack:
    """Return what is in use: what the settings say, or the newest sync measured, or else the defaults."""
    options, defaults = settings.sync, Sync()
    texts = (options.look_back, options.costs_look_back)
    usual = (defaults.look_back, defaults.costs_look_back)
    usage, costs = (seconds(usual[i] if text == AUTO else text) for i, text in enumerate(texts))
    said = LookBack(usage, costs)
    if AUTO not in texts or not store.exists():
        return said
    found = store.read(_NEWEST).to_pylist()
    measured = json.loads(found[0]["summary"]).get("look_back") if found else None
    return _mixed(settings, said, LookBack(**measured)) if measured else said


def measured(store: Store, settings: Settings, orgs: Iterable[str], now: int) -> LookBack:
    """Return what a sync that begins `now` is to use; it is measured once a day where the settings say `auto`.

    The longest suggestion of any dataset counts; one whose evidence is too thin suggests what is in use.
    """
    used = look_back(store, settings)
    if AUTO not in (settings.sync.look_back, settings.sync.costs_look_back) or not store.exists():
        return used
    if used.measured_at is not None and used.measured_at <= now < used.measured_at + DAY:
        return used
    from tallybook.query.reports.settling import settling

    days: dict[bool, list[int]] = {False: [], True: []}
    for org in orgs:
        for found in settling(store, org, used.by_dataset(), now):
            if found.look_back_days is not None:
                days[DATASETS[found.dataset].is_costs].append(found.look_back_days)
    usage, costs = (max(days[is_costs], default=0) * DAY for is_costs in (False, True))
    return _mixed(settings, used, LookBack(usage or used.usage, costs or used.costs, now))


def _mixed(settings: Settings, said: LookBack, found: LookBack) -> LookBack:
    """Return what was found, where the settings leave it to the book, and else what they say."""
    if settings.sync.look_back != AUTO:
        found = replace(found, usage=said.usage)
    return found if settings.sync.costs_look_back == AUTO else replace(found, costs=said.costs)
