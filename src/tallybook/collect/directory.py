"""Names for ids: projects, users and API keys, kept with the time when each version was seen.

A name that the provider stops listing is remembered. Without the scope `api.management.read` there are only ids.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tallybook.collect.http import Http
from tallybook.collect.openai import record
from tallybook.model.errors import PermissionDeniedError, RequestRefusedError, UnexpectedResponseError
from tallybook.model.records import Fetch

Entry = dict[str, Any]
"""A row of the book's `directory` table without org and the times when it was seen."""

_PAGE = ("limit", "100")
_MOST_PAGES = 10_000
_JSON = msgspec.json.Encoder(order="deterministic", decimal_format="number")

ID_COLUMNS = {"project_id": "project", "user_id": "user", "api_key_id": "api_key"}
"""Column of the facts to the kind of directory entry that it names."""


@dataclass(slots=True)
class Listing:
    """What a pass over the directory found."""

    entries: list[Entry] = field(default_factory=list)
    fetches: list[Fetch] = field(default_factory=list)
    refused: str | None = None
    """Why there are no names, where the key may not read them."""


def collect(http: Http) -> Listing:
    """List projects (archived ones too), users, and the API keys of every project."""
    out = Listing()
    try:
        projects = _list(http, "organization/projects", [("include_archived", "true")], "projects", out)
        users = _list(http, "organization/users", [], "users", out)
        out.entries += [_project(p) for p in projects] + [_user(u) for u in users]
        for project in projects:
            out.entries += _keys(http, project, out)
    except (PermissionDeniedError, RequestRefusedError) as exc:
        out.refused = str(exc)
    return out


def _keys(http: Http, project: Mapping[str, Any], out: Listing) -> list[Entry]:
    path = f"organization/projects/{project['id']}/api_keys"
    try:
        keys = _list(http, path, [("owner_project_access", "any")], "api_keys", out)
    except RequestRefusedError:
        if project.get("status") == "archived" or project.get("archived_at"):
            return []  # the API refuses to list what belongs to an archived project
        raise
    entries = []
    for key in keys:
        entry, owner = _key(key, str(project["id"]))
        entries.append(entry)
        if owner["kind"] == "service_account":
            entries.append(owner)
    return entries


def _list(http: Http, path: str, query: list[tuple[str, str]], name: str, out: Listing) -> list[Mapping[str, Any]]:
    """Follow a list that is paged by `after` = the last id."""
    items: list[Mapping[str, Any]] = []
    after: str | None = None
    seen: set[str] = set()
    for _ in range(_MOST_PAGES):
        pairs = [*query, _PAGE, ("after", after)] if after else [*query, _PAGE]
        reply = http.get(path, pairs)
        out.fetches.append(record(name, reply))
        page = reply.data.get("data")
        if not isinstance(page, list) or not all(isinstance(i, dict) and isinstance(i.get("id"), str) for i in page):
            raise UnexpectedResponseError(f"The list of {name} is not a list of objects with ids.", dataset=name)
        items += page
        if not reply.data.get("has_more") or not page:
            return items
        after = str(reply.data.get("last_id") or page[-1]["id"])
        if after in seen:
            break
        seen.add(after)
    raise UnexpectedResponseError(f"The list of {name} has pages without end.", dataset=name)


def _entry(kind: str, item: Mapping[str, Any], details: Iterable[str], **columns: Any) -> Entry:
    kept = {name: item[name] for name in details if item.get(name) is not None}
    created = item.get("created_at", item.get("added_at"))
    return {
        "kind": kind,
        "id": item["id"],
        "name": item.get("name"),
        "email": item.get("email"),
        "project_id": None,
        "owner_kind": None,
        "owner_id": None,
        "status": item.get("status"),
        "created_at": dt.datetime.fromtimestamp(created, dt.UTC).replace(tzinfo=None) if _is_time(created) else None,
        "details": _JSON.encode(kept).decode() if kept else None,
    } | columns


def _is_time(value: Any) -> bool:
    return type(value) is int and 0 <= value < 1 << 33


def _project(item: Mapping[str, Any]) -> Entry:
    return _entry("project", item, ("archived_at", "residency", "external_key_id"))


def _user(item: Mapping[str, Any]) -> Entry:
    inner = item.get("user")
    nested: dict[str, Any] = inner if isinstance(inner, dict) else {}
    whole = {**nested, **{k: v for k, v in item.items() if v is not None}}
    return _entry("user", whole, ("role", "is_service_account", "is_scim_managed"), status=None)


def _key(item: Mapping[str, Any], project_id: str) -> tuple[Entry, Entry]:
    """Return a key and its owner. When it was last used is left out: it would make a new version every time."""
    owner = item.get("owner") or {}
    kind = str(owner.get("type") or "user")
    person = owner.get(kind) or {}
    owner_id = person.get("id")
    entry = _entry(
        "api_key",
        item,
        ("expires_at",),
        project_id=project_id,
        owner_kind=kind,
        owner_id=owner_id,
        status=item.get("owner_project_access"),
    )
    holder = {"id": owner_id or "", **person}
    return entry, _entry(kind, holder, ("role",), project_id=project_id)


def merge(
    org: str,
    held: Iterable[Mapping[str, Any]],
    found: Iterable[Entry],
    unlisted: Mapping[str, set[str]],
    now: dt.datetime,
) -> list[dict[str, Any]]:
    """Return the rows of `directory` that change: seen again, replaced by a newer version, or new. Pure.

    `held` are current rows; `unlisted` are ids met in facts, by kind, that no list names. `now` is naive UTC.
    """
    current = {(row["kind"], row["id"]): dict(row) for row in held if row["replaced_at"] is None}
    fresh = {(e["kind"], e["id"]): e for e in found if e["id"]}
    for kind, ids in unlisted.items():
        for identity in ids:
            if (kind, identity) not in fresh and (kind, identity) not in current:
                fresh[kind, identity] = _entry(kind, {"id": identity, "status": "unlisted"}, ())
    out = []
    for key, entry in fresh.items():
        old = current.get(key)
        if old is not None and all(old[c] == entry[c] for c in entry):
            out.append(old | {"last_seen": now})
            continue
        if old is not None:
            out.append(old | {"replaced_at": now})
        out.append(entry | {"org": org, "first_seen": now, "last_seen": now, "replaced_at": None})
    return out
