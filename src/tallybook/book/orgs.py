"""The organizations of a book: those of the settings, and those of which something is held."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tallybook.model import keys
from tallybook.model.settings import Settings
from tallybook.store.base import Store


@dataclass(frozen=True, slots=True)
class Organization:
    """An organization as the settings and the book know it. Times are naive UTC."""

    name: str
    key: str | None
    """Where its key comes from; None where the settings do not name it."""
    projects: int
    """How many projects are held."""
    first_seen: dt.datetime | None
    """When it was first read; None where nothing is held."""
    last_sync: dt.datetime | None
    """When its newest sync ended."""

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        seen, last = ((f"{t:%Y-%m-%dT%H:%M:%SZ}" if t else None) for t in (self.first_seen, self.last_sync))
        return {
            "name": self.name,
            "key": self.key,
            "projects": self.projects,
            "first_seen": seen,
            "last_sync": last,
        }


def organizations(settings: Settings, store: Store) -> list[Organization]:
    """Return the organizations of the settings, in their order, then what else the book holds."""
    known = {org.name: keys.named(org) for org in settings.org}
    if not store.exists():
        return [Organization(name, key, 0, None, None) for name, key in known.items()]
    with store.opened():
        held, projects = store.orgs(), store.projects()
        syncs = store.rows("syncs")
    first = _of(syncs, "began_at", min)
    last = _of(syncs, "ended_at", max)
    return [
        Organization(name, known.get(name), len(projects.get(name, ())), first.get(name), last.get(name))
        for name in [*known, *sorted(held - known.keys())]
    ]


def _of(
    syncs: list[dict[str, Any]], column: str, choose: Callable[[dt.datetime, dt.datetime], dt.datetime]
) -> dict[str, dt.datetime]:
    out: dict[str, dt.datetime] = {}
    for row in syncs:
        if (moment := row[column]) is not None:
            out[row["org"]] = choose(out.get(row["org"], moment), moment)
    return out
