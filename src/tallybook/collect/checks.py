"""Whether all is well: settings, book, key, and the scopes that a sync needs, one cheap request each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tallybook.collect.answers import without_credentials
from tallybook.collect.client import client
from tallybook.collect.directory import LISTS
from tallybook.collect.http import Http, Query
from tallybook.collect.lists import follow
from tallybook.model import keys
from tallybook.model.clock import Clock
from tallybook.model.errors import (
    AuthenticationError,
    NotAnAdminKeyError,
    PermissionDeniedError,
    ProviderError,
    StoreError,
    UnreachableError,
    UsageError,
)
from tallybook.model.secret import AdminKey, Variables
from tallybook.model.settings import Org, Settings
from tallybook.model.windows import DAY, unix
from tallybook.store.base import Store

if TYPE_CHECKING:
    import httpx2


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    found: str
    advice: str = ""
    """What to change, where it is not well."""
    required: bool = True
    """Whether a sync fails without it."""
    org: str | None = None
    """The organization that this is about; None where it is about all."""


ASK_AN_OWNER = """\
Text to send to an owner of the OpenAI organization:

  Please create an admin key for our usage and cost reporting (tallybook), at
  https://platform.openai.com/settings/organization/admin-keys
  Restrict it to reading: usage (api.usage.read) and organization
  administration (api.management.read). It only ever sends GET requests to
  /v1/organization/usage, /costs, /projects, /users, /groups and
  /admin_api_keys. Let it expire as our policy says, and send it to me
  through our secret store, not by mail."""


_PATIENCE = 8.0
"""Seconds after which a server that does not answer is reported."""
_MOST_SECONDS = 120
"""By which two clocks may differ."""
_FEW_DAYS = 14
"""Within which an expiry is a warning."""


def doctor(
    settings: Settings,
    store: Store,
    clock: Clock,
    environ: Mapping[str, str] | None = None,
    transport: httpx2.BaseTransport | None = None,
) -> list[Check]:
    """Look at settings, store, key and scopes, in this order; without a usable key, say what to ask an owner for."""
    environ = Variables(environ)
    where = settings.path or "none found; defaults are used (`tallybook init` writes them)"
    found = [Check("settings", True, where), *_gateway(environ), _book(store)]
    for org in settings.org:
        found += [replace(check, org=org.name) for check in _org(settings, org, clock, environ, transport)]
    return found


def _org(
    settings: Settings, org: Org, clock: Clock, environ: Mapping[str, str], transport: httpx2.BaseTransport | None
) -> list[Check]:
    try:
        key = keys.admin_key(org, environ)
        http = client(settings, org, clock, key, transport, deadline=_PATIENCE)
    except UsageError as exc:
        return [Check("key", False, str(exc), ASK_AN_OWNER if isinstance(exc, NotAnAdminKeyError) else "")]
    kind = "an admin key" if key.looks_like_admin else "a key of unknown kind"
    found = [Check("key", True, f"{kind} from {keys.described(org)}"), *_egress(http)]
    with http:
        found += scopes(http, unix(clock.now()), names=settings.directory != "off")
        found += _clock(http)
        if any(check.name == "directory" and check.ok for check in found):
            found += _expiry(http, key, clock.now())
    return found


def _egress(http: Http) -> list[Check]:
    """Say which host sees the key, and through what."""
    return [
        Check("hosts", True, f"the key is sent to {http.base_url} only; no other host is contacted"),
        Check("proxy", True, http.proxy or "none"),
    ]


def _clock(http: Http) -> list[Check]:
    """Compare the clocks: a bucket is stable by when this machine says that it was read."""
    if http.clock_ahead is None:
        return []
    seconds = abs(http.clock_ahead)
    if seconds <= _MOST_SECONDS:
        return [Check("clock", True, "agrees with the server's")]
    way = "ahead of" if http.clock_ahead > 0 else "behind"
    found = f"this machine's clock is {seconds:,.0f} s {way} the server's"
    advice = "Set it (NTP): by it is judged whether a day was read late enough not to change any more."
    return [Check("clock", False, found, advice, required=False)]


def _expiry(http: Http, key: AdminKey, now: dt.datetime) -> list[Check]:
    """Say when the key expires, where the list of admin keys shows exactly one that it can be."""
    (listed,) = (listed for listed in LISTS if listed.name == "admin_api_keys")
    try:
        items = follow(http, listed.name, f"organization/{listed.path}", listed.query, listed.cursor)
    except ProviderError:
        return []
    own = [item for item in items if key.is_shown_as(str(item.get("redacted_value")))]
    if len(own) != 1:
        return []
    name, ends = own[0].get("name") or own[0]["id"], own[0].get("expires_at")
    if type(ends) is not int or not 0 < ends < 1 << 33:
        return [Check("expiry", True, f"{name!r} does not expire", required=False)]
    left = (dt.datetime.fromtimestamp(ends, dt.UTC) - now).days
    found = f"{name!r} expires on {dt.datetime.fromtimestamp(ends, dt.UTC):%Y-%m-%d}, in {left} days"
    advice = "Have an owner create another one before, else syncs fail from that day on."
    return [Check("expiry", left >= _FEW_DAYS, found, advice, required=False)]


def _gateway(environ: Mapping[str, str]) -> list[Check]:
    """Mention a base URL that model calls use and tallybook ignores: it often points at a gateway."""
    if not (url := environ.get("OPENAI_BASE_URL")):
        return []
    advice = "To read from another address set TALLYBOOK_BASE_URL, or base_url in [[org]]."
    return [
        Check(
            "gateway", True, f"OPENAI_BASE_URL={without_credentials(url)} is ignored: it is for model calls. {advice}"
        )
    ]


def _book(store: Store) -> Check:
    try:
        if not store.exists():
            return Check("book", True, f"{store.url} is not there yet; the first sync creates it")
        return Check("book", True, f"{store.url}, {store.sizes().total:,} bytes")
    except StoreError as exc:
        return Check("book", False, str(exc), "Mend that, or name another book with --book.")


def scopes(http: Http, now: int, *, names: bool = True) -> list[Check]:
    """Ask for one bucket of usage and of costs and, where `names` are wanted, for one project."""
    day = now // DAY * DAY
    bucket: Query = [("start_time", str(day - DAY)), ("end_time", str(day)), ("limit", "1")]
    probes: Sequence[tuple[str, str, Query, str, bool]] = (
        ("usage", "organization/usage/completions", bucket, "the scope api.usage.read", True),
        ("costs", "organization/costs", bucket, "the scope api.usage.read", True),
        (
            "directory",
            "organization/projects",
            [("limit", "1")],
            "the scope api.management.read; without it there are ids instead of names",
            False,
        ),
    )
    out: list[Check] = []
    for name, path, query, needs, required in probes:
        if name == "directory" and not names:
            out.append(Check(name, True, 'not asked for, as the settings say: directory = "off"'))
            continue
        try:
            http.get(path, query)
        except PermissionDeniedError as exc:
            out.append(Check(name, False, _missing(exc), f"Reading {name} needs {needs}.", required))
        except (AuthenticationError, UnreachableError) as exc:
            return [*out, Check("server", False, str(exc), "Nothing else was asked.")]
        except ProviderError as exc:
            advice = "Check base_url: it ends in /v1." if exc.status == 404 else ""
            out.append(Check(name, False, str(exc), advice, required))
        else:
            out.append(Check(name, True, "readable"))
    return out


def _missing(error: PermissionDeniedError) -> str:
    return f"the key may not read this (HTTP {error.status})"
