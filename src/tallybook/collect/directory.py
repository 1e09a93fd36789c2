"""Names for ids: projects, users and API keys, kept with the time when each version was seen.

A name that the provider stops listing is remembered. Without the scope `api.management.read` there are only ids.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import msgspec

from tallybook.collect.http import Http
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
    """Why there are no names, or not all, where the key may not read them."""


def collect(http: Http) -> Listing:
    """List projects (archived ones too), users, and the API keys of every project."""
    out = Listing()
    projects = _allowed(http, "organization/projects", [("include_archived", "true")], "projects", out)
    users = _allowed(http, "organization/users", [], "users", out)
    out.entries += [_project(p) for p in projects] + [_user(u) for u in users]
    for project in projects:
        out.entries += _keys(http, project, out)
    return out


def _allowed(http: Http, path: str, query: list[tuple[str, str]], name: str, out: Listing) -> list[Mapping[str, Any]]:
    """Follow a list; where the key may not read it, say so in `out` and go on with nothing."""
    try:
        return _list(http, path, query, name, out)
    except (PermissionDeniedError, RequestRefusedError) as exc:
        lacks = isinstance(exc, PermissionDeniedError) and exc.lacks_scope
        out.refused = out.refused or ("the key lacks the scope api.management.read" if lacks else str(exc))
        return []


def _keys(http: Http, project: Mapping[str, Any], out: Listing) -> list[Entry]:
    path = f"organization/projects/{quote(project['id'], safe='')}/api_keys"
    archived = project.get("status") == "archived" or project.get("archived_at")
    # The API refuses to list what belongs to an archived project: that is no loss of permission.
    aside = Listing(fetches=out.fetches) if archived else out
    keys = _allowed(http, path, [("owner_project_access", "any")], "api_keys", aside)
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
        out.fetches.append(reply.answer)
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
        "name": _text(item.get("name")),
        "email": _text(item.get("email")),
        "project_id": None,
        "owner_kind": None,
        "owner_id": None,
        "status": _text(item.get("status")),
        "created_at": dt.datetime.fromtimestamp(created, dt.UTC).replace(tzinfo=None) if _is_time(created) else None,
        "details": _JSON.encode(kept).decode() if kept else None,
    } | columns


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _is_time(value: Any) -> bool:
    return type(value) is int and 0 <= value < 1 << 33


def _project(item: Mapping[str, Any]) -> Entry:
    return _entry("project", item, ("archived_at", "residency", "external_key_id"))


def _user(item: Mapping[str, Any]) -> Entry:
    whole = {**_object(item.get("user")), **{k: v for k, v in item.items() if v is not None}}
    return _entry("user", whole, ("role", "is_service_account", "is_scim_managed"), status=None)


def _key(item: Mapping[str, Any], project_id: str) -> tuple[Entry, Entry]:
    """Return a key and its owner. When it was last used is left out: it would make a new version every time."""
    owner = _object(item.get("owner"))
    kind = _text(owner.get("type")) or "user"
    person = _object(owner.get(kind))
    owner_id = _text(person.get("id"))
    entry = _entry(
        "api_key",
        item,
        ("expires_at",),
        project_id=project_id,
        owner_kind=kind,
        owner_id=owner_id,
        status=_text(item.get("owner_project_access")),
    )
    holder = {**person, "id": owner_id or ""}
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
