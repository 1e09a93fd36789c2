"""Names for ids: who and what there is in an organization, list by list.

Without the scope `api.management.read` there are only ids. A list that is refused, such as one of an archived
project, costs only what it would have named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote

from tallybook.collect import entries
from tallybook.collect.answers import NotJsonError
from tallybook.collect.entries import Entry
from tallybook.collect.http import Http
from tallybook.collect.lists import Cursor, Item, by_item_id, by_last_id, by_next, follow
from tallybook.model.errors import (
    PermissionDeniedError,
    RateLimitError,
    RequestRefusedError,
    UnexpectedResponseError,
    UnreachableError,
)


@dataclass(frozen=True, slots=True)
class Listed:
    """One list of the API: where it is, how it is paged, and what its items become."""

    name: str
    path: str
    cursor: Cursor
    entries: Callable[[Sequence[Item], str], Iterable[Entry]]
    """From all items, and the id of what they belong to, to entries."""
    query: tuple[tuple[str, str], ...] = ()
    """The limit is left out where its maximum is not known."""
    per: Literal["organization", "project", "group"] = "organization"
    daily: bool = False
    """Changes seldom or names little: read once a day."""


_100 = ("limit", "100")
LISTS = (
    Listed("projects", "projects", by_last_id, entries.projects, (("include_archived", "true"), _100)),
    Listed("users", "users", by_last_id, entries.users, (_100,)),
    Listed("admin_api_keys", "admin_api_keys", by_item_id, entries.admin_keys, daily=True),
    Listed("groups", "groups", by_next, entries.groups, (("limit", "1000"),), daily=True),
    Listed(
        "api_keys",
        "projects/{}/api_keys",
        by_last_id,
        entries.api_keys,
        (("owner_project_access", "any"), _100),
        "project",
    ),
    Listed(
        "service_accounts",
        "projects/{}/service_accounts",
        by_last_id,
        entries.service_accounts,
        (_100,),
        "project",
        daily=True,
    ),
    Listed("rate_limits", "projects/{}/rate_limits", by_last_id, entries.rate_limits, (), "project", daily=True),
    Listed("group_users", "groups/{}/users", by_next, entries.members, (("limit", "1000"),), "group", daily=True),
)
"""Every list that is read. Those of the organization come first: the others follow from them."""


@dataclass(slots=True)
class Listing:
    """What a pass over the directory found."""

    entries: list[Entry] = field(default_factory=list)
    losses: dict[str, list[str]] = field(default_factory=dict)
    """Lists that could not be read -> why, once for each project or group."""
    whole: bool = False
    """Whether the slow lists were read, too."""

    def __str__(self) -> str:
        """Say `read`, or which names there are not, and why."""
        lists: dict[str, list[str]] = {}
        for name, why in self.losses.items():
            lists.setdefault(why[0].rstrip("."), []).append(f"{name} ({len(why)} times)" if len(why) > 1 else name)
        if not lists:
            return "read"
        if not self.entries:
            return f"only ids: {'; '.join(lists)}"
        return "in part: " + "; ".join(f"{', '.join(names)}: {why}" for why, names in lists.items())


_LACKS_SCOPE = "the key lacks the scope api.management.read"


def collect(http: Http, *, daily: bool = True, workers: int = 1) -> Listing:
    """Read the lists, `daily` the slow ones, too.

    Raises a `ProviderError` where the server cannot be asked at all; a slow list that cannot ends the pass, no more.
    """
    with ThreadPoolExecutor(workers, thread_name_prefix="tallybook") as pool:
        done = _Pass(http, pool, daily)
        done.read([listed for listed in LISTS if not listed.daily])
        if daily:
            try:
                done.read([listed for listed in LISTS if listed.daily])
            except (UnreachableError, RateLimitError, NotJsonError) as exc:
                done.out.losses["the rest"] = [str(exc)]
            else:
                done.out.whole = True
    return done.out


@dataclass(slots=True)
class _Pass:
    http: Http
    pool: ThreadPoolExecutor
    daily: bool
    out: Listing = field(default_factory=Listing)
    found: dict[str, Sequence[Item]] = field(default_factory=dict)
    """The items of the lists of the organization."""

    def read(self, lists: Sequence[Listed]) -> None:
        """Read lists, those of the organization first, a few at once."""
        for per in ("organization", "project", "group"):
            asked = [(li, str(of.get("id", "")), of) for li in lists if li.per == per for of in self._of(li)]
            under_way = [self.pool.submit(_items, self.http, listed, owner) for listed, owner, _ in asked]
            try:
                for (listed, owner, item), future in zip(asked, under_way, strict=True):
                    self._take(listed, owner, item, future.result())
            finally:
                for future in under_way:
                    future.cancel()

    def _of(self, listed: Listed) -> Sequence[Item]:
        """Return what a list is read of, once each: the organization, its projects, or its groups."""
        if listed.per == "organization":
            return ({},)
        if listed.per == "group":
            return self.found.get("groups", ())
        # The API refuses most lists of archived projects, so it is tried seldom, and only for what names usage.
        seldom = self.daily and listed.name == "api_keys"
        return [p for p in self.found.get("projects", ()) if seldom or not _archived(p)]

    def _take(self, listed: Listed, owner: str, item: Item, items: list[Item] | str) -> None:
        if isinstance(items, str):
            if not _archived(item):  # of an archived project, that is how it should be
                self.out.losses.setdefault(listed.name, []).append(items)
            return
        if listed.per == "organization":
            self.found[listed.name] = items
        self.out.entries += listed.entries(items, owner)


def _archived(project: Item) -> bool:
    return project.get("status") == "archived" or bool(project.get("archived_at"))


def _items(http: Http, listed: Listed, owner: str) -> list[Item] | str:
    """Return a list's items, or why it could not be read."""
    path = f"organization/{listed.path.format(quote(owner, safe=''))}"
    try:
        return follow(http, listed.name, path, listed.query, listed.cursor)
    except PermissionDeniedError as exc:
        return _LACKS_SCOPE if exc.lacks_scope else str(exc)
    except NotJsonError:  # not this list: something stands between
        raise
    except (RequestRefusedError, UnexpectedResponseError) as exc:
        return str(exc)
