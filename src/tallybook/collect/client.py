"""The HTTP client that the settings describe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tallybook.collect.http import Http
from tallybook.model import keys
from tallybook.model.clock import Clock
from tallybook.model.secret import AdminKey
from tallybook.model.settings import Org, Settings, seconds

if TYPE_CHECKING:
    import httpx2


def client(
    settings: Settings,
    org: Org,
    clock: Clock,
    key: AdminKey | None = None,
    transport: httpx2.BaseTransport | None = None,
    *,
    deadline: float | None = None,
) -> Http:
    """Return a client for `org` as `settings` have it; raises `SettingsError` where there is no usable key."""
    options = settings.sync
    return Http(
        org.base_url,
        key or keys.admin_key(org),
        clock,
        timeout=seconds(options.timeout),
        deadline=seconds(options.deadline) if deadline is None else deadline,
        connections=options.concurrency,
        allow_hosts=settings.allow_hosts,
        transport=transport,
    )
