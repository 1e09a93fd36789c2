"""What is done for all organizations of the settings, one after another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tallybook.collect.client import client
from tallybook.collect.summary import Policy, Progress, Summary, Watch, added
from tallybook.collect.sync import begun, run
from tallybook.model.clock import Clock
from tallybook.model.errors import TallybookError, UsageError
from tallybook.model.secret import AdminKey
from tallybook.model.settings import Org, Settings
from tallybook.store.base import Store

if TYPE_CHECKING:
    import httpx2


def sync_each(
    store: Store,
    settings: Settings,
    orgs: Sequence[Org],
    policy: Policy,
    clock: Clock,
    *,
    key: AdminKey | None,
    watch: Watch | None,
    transport: httpx2.BaseTransport | None,
    work: Callable[..., Summary] = run,
) -> Summary:
    """Sync `orgs`, or do other `work` on them; what one of several raises is in its summary and stops no other."""
    if key is not None and len(orgs) > 1:
        raise UsageError(f"A key is of one organization. Name it: orgs={orgs[0].name!r}")
    done = []
    for org in orgs:
        summary = begun(org.name, clock)
        try:
            with client(settings, org, clock, key, transport) as http:
                work(store, http, org.name, policy, clock, _naming(watch, org.name, orgs), summary)
        except TallybookError as exc:
            if len(orgs) == 1:
                raise
            summary.fail(exc)
            summary.ended_at = clock.now()
        done.append(summary)
    return added(done)


def _naming(watch: Watch | None, name: str, orgs: Sequence[Org]) -> Watch | None:
    """Return who is told of progress, told of which organization, too, where there are several."""
    if watch is None or len(orgs) == 1:
        return watch

    def tell(state: Progress) -> None:
        state.org = name
        watch(state)

    return tell
