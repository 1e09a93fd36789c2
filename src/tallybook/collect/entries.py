"""Items of the API's lists to entries of the directory, and entries to the versions that a book keeps. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from tallybook.collect.lists import Item

Entry = dict[str, Any]
"""A row of the book's `directory` table without org and the times when it was seen."""

HEARSAY = "unlisted"
"""The status of what no list names: an id met in usage, or an owner told in passing."""

_JSON = msgspec.json.Encoder(order="deterministic", decimal_format="number")

ID_COLUMNS = {"project_id": "project", "user_id": "user", "api_key_id": "api_key"}
"""Column of the facts to the kind of directory entry that it names."""


def entry(kind: str, item: Item, details: Iterable[str] = (), **columns: Any) -> Entry:
    """Return an entry of what an item says; of its other fields those called `details` are kept."""
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


def told(kind: str, item: Item) -> Iterator[Entry]:
    """Yield what an item says in passing about someone whom a list may name better."""
    named = {field: item[field] for field in ("id", "name", "email") if _text(item.get(field))}
    if "id" in named and len(named) > 1:
        yield entry(kind, {**named, "status": HEARSAY})


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _is_time(value: Any) -> bool:
    return type(value) is int and 0 <= value < 1 << 33


def projects(items: Sequence[Item], _owner: str) -> Iterator[Entry]:
    """Yield projects, archived ones too."""
    for item in items:
        yield entry("project", item, ("archived_at", "residency", "external_key_id"))


def users(items: Sequence[Item], _owner: str) -> Iterator[Entry]:
    """Yield the members of the organization; newer answers nest what older ones have at the top."""
    for item in items:
        whole = {**_object(item.get("user")), **{k: v for k, v in item.items() if v is not None}}
        yield entry("user", whole, ("role", "is_service_account", "is_scim_managed"), status=None)


def api_keys(items: Sequence[Item], project_id: str) -> Iterator[Entry]:
    """Yield the keys of a project and whom they belong to.

    When a key was last used is left out: it would make a new version every time.
    """
    for item in items:
        yield from _key("api_key", item, project_id, status=_text(item.get("owner_project_access")))


def admin_keys(items: Sequence[Item], _owner: str) -> Iterator[Entry]:
    """Yield the admin keys of the organization."""
    for item in items:
        yield from _key("admin_key", item, None, status=None)


def _key(kind: str, item: Item, project_id: str | None, *, status: str | None) -> Iterator[Entry]:
    owner = _object(item.get("owner"))
    owner_kind = _text(owner.get("type")) or "user"
    holder = _object(owner.get(owner_kind)) or owner
    columns = {"owner_kind": owner_kind, "owner_id": _text(holder.get("id")), "status": status}
    yield entry(kind, item, ("expires_at",), project_id=project_id, **columns)
    if owner_kind == "service_account" and _text(holder.get("id")):
        yield from service_accounts([holder], project_id)
    else:
        yield from told(owner_kind, holder)


def service_accounts(items: Sequence[Item], project_id: str | None) -> Iterator[Entry]:
    """Yield the service accounts of a project, the same whether they come from their list or from a key."""
    for item in items:
        yield entry("service_account", item, ("role",), project_id=project_id)


def groups(items: Sequence[Item], _owner: str) -> Iterator[Entry]:
    """Yield groups without their members."""
    for item in items:
        yield entry("group", item, ("group_type", "is_scim_managed"))


def members(items: Sequence[Item], group_id: str) -> Iterator[Entry]:
    """Yield who is in a group: one entry under the group's id, so that a change is a new version of the whole."""
    yield entry("group_members", {"id": group_id, "members": sorted(item["id"] for item in items)}, ("members",))
    for item in items:
        yield from told("user", item)


_LIMITS = (
    "max_requests_per_1_minute",
    "max_tokens_per_1_minute",
    "max_images_per_1_minute",
    "max_audio_megabytes_per_1_minute",
    "max_requests_per_1_day",
    "batch_1_day_max_input_tokens",
)


def rate_limits(items: Sequence[Item], project_id: str) -> Iterator[Entry]:
    """Yield what a project may use of each model; the ids say the model and repeat from project to project."""
    for item in items:
        whole = {**item, "id": f"{project_id}/{item['id']}"}
        yield entry("rate_limit", whole, ("model", *_LIMITS), project_id=project_id)


def stranger(kind: str, identity: str) -> Entry:
    """Return an entry for an id that was met in usage, in case no list names it."""
    return entry(kind, {"id": identity, "status": HEARSAY})


def merge(
    org: str, held: Iterable[Mapping[str, Any]], found: Iterable[Entry], now: dt.datetime
) -> list[dict[str, Any]]:
    """Return the rows of `directory` that change: seen again, replaced by a newer version, or new.

    `held` are current rows. Hearsay counts only where nothing else is known. `now` is naive UTC.
    """
    current = {(row["kind"], row["id"]): dict(row) for row in held if row["replaced_at"] is None}
    fresh: dict[tuple[str, str], Entry] = {}
    for e in sorted((e for e in found if e["id"]), key=lambda e: e["status"] == HEARSAY):
        key = (e["kind"], e["id"])
        known = fresh.get(key) or current.get(key)
        if e["status"] != HEARSAY or known is None:
            fresh[key] = e
        elif known["status"] == HEARSAY and any(e[c] and e[c] != known[c] for c in ("name", "email")):
            fresh[key] = e | {c: e[c] or known[c] for c in ("name", "email")}
    out = []
    for key, e in fresh.items():
        old = current.get(key)
        if old is not None and all(old[c] == e[c] for c in e):
            out.append(old | {"last_seen": now})
            continue
        if old is not None:
            out.append(old | {"replaced_at": now})
        out.append(e | {"org": org, "first_seen": now, "last_seen": now, "replaced_at": None})
    return out
