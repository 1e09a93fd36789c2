"""Another writer of the same book: what it may not do is refused, what it may do disturbs nobody."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from tallybook.collect import sync
from tallybook.collect.http import Http
from tallybook.model.clock import Clock
from tallybook.model.datasets import DATASETS, SPLITS
from tallybook.model.errors import ProviderError, StoreLockedError
from tallybook.model.secret import AdminKey
from tallybook.store.base import Batch, Changes
from tallybook.store.sql_store import SqlStore
from tests.clock import FakeClock
from tests.store.checks import Checks
from tests.store.oracle import Oracle
from tests.store.world import BASE, BEGIN, DAY, DIMENSIONS, Key, Minutes, World

ORG = "rival"


class Rival:
    """Syncs the same numbers as an organization of its own, with projects of its own, through a store of its own."""

    def __init__(self, another: Callable[[Clock], SqlStore], clock: FakeClock) -> None:
        self.another, self.clock = another, clock
        self.oracle = Oracle()
        self.checks = Checks(ORG)
        self.known: Mapping[str, Minutes] = {}

    def sync(self, world: World, known: Mapping[str, Minutes]) -> None:
        """Read two days, whatever comes of it; what `world` has answered to others is not touched."""
        world = _elsewhere(world)
        self.known = {name: world.known(name) for name in known}
        datasets, splits = (tuple(d for d in DIMENSIONS if d in known) for known in (DATASETS, SPLITS))
        policy = sync.Policy(datasets, since=BEGIN + DAY, concurrency=1, splits=splits)
        http = Http(BASE, AdminKey("sk-admin-y", "a test"), self.clock, transport=world.transport())
        try:
            with http:
                sync.run(self._store(), http, ORG, policy, self.clock)
        except ProviderError:
            pass  # no dataset is known

    def must_wait_for(self, org: str) -> None:
        """While `org` is synced, nobody else syncs it."""
        store = self.another(FakeClock(self.clock.now()))
        with pytest.raises(StoreLockedError, match=f"Another sync of '{org}'"), store.syncing(org):
            pass

    def check(self) -> None:
        """Compare what the book holds of it with the oracle."""
        self.checks.check(self.another(self.clock), self.oracle)

    def _store(self) -> SqlStore:
        """Return a store that tells the oracle what it writes."""
        store = self.another(self.clock)
        real = store.replace

        def replaces(batch: Batch) -> Changes:
            changes = real(batch)
            self.oracle.apply(batch.reads, self.known)
            return changes

        store.replace = replaces  # type: ignore[method-assign]
        return store


def _elsewhere(world: World) -> World:
    """Return the same world in which all projects have other ids, and whose answers are counted apart."""

    def renamed(key: Key) -> Key:
        return (key[0] and f"{key[0]}_of_{ORG}", *key[1:])

    projects = tuple(f"{project}_of_{ORG}" for project in world.projects)

    minutes = {
        name: {minute: {renamed(key): numbers for key, numbers in rows.items()} for minute, rows in found.items()}
        for name, found in world.minutes.items()
    }
    return replace(world, minutes=minutes, projects=projects, answered=[])
