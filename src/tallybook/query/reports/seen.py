"""Everybody and every key that a book knows: when each was first and last active, and whether it is still there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tallybook.query.labels import labels
from tallybook.store.base import Store

KINDS = {"user": "user_id", "service_account": "user_id", "api_key": "api_key_id"}
"""What is told of, and the column of usage that has its ids; service accounts are users, too."""

_ACTIVE = " UNION ALL ".join(
    f"SELECT '{column}' AS of, {column} AS id, MIN(day) AS first_day, MAX(day) AS last_day FROM internal.usage_daily "
    f"WHERE org = ? AND {column} IS NOT NULL GROUP BY {column}"
    for column in dict.fromkeys(KINDS.values())
)


@dataclass(frozen=True, slots=True)
class Seen:
    """A user, a service account or a key. Times are naive UTC."""

    org: str
    kind: str
    id: str
    label: str
    """The newest name, which stays when the provider forgets it."""
    first_active: dt.datetime | None
    """The first day with usage; None where there is none."""
    last_active: dt.datetime | None
    is_listed: bool | None
    """Whether the newest directory has it; None where no list has ever named it."""
    listed_at: dt.datetime | None
    """When a list named it last."""


def seen(store: Store, org: str) -> list[Seen]:
    """Return all of an organization, the latest active first. Raises `NotABookError`."""
    rows = [row for row in store.rows("directory") if row["org"] == org]
    names = labels(rows)
    active = {(r["of"], r["id"]): r for r in store.read(_ACTIVE, [org] * _ACTIVE.count("?")).to_pylist()}
    newest = _newest(rows)
    found = [_seen(org, kind, identity, row, names, active, newest) for (kind, identity), row in _latest(rows).items()]
    listed = {(KINDS[s.kind], s.id) for s in found}
    kinds = {column: kind for kind, column in reversed(KINDS.items())}
    found += [
        Seen(org, kinds[column], identity, identity, row["first_day"], row["last_day"], None, None)
        for (column, identity), row in active.items()
        if (column, identity) not in listed
    ]
    return sorted(found, key=lambda s: (s.last_active is None, -_day(s.last_active), s.kind, s.label, s.id))


def _latest(rows: list[dict[str, Any]]) -> dict[tuple[str, str], Mapping[str, Any]]:
    out: dict[tuple[str, str], Mapping[str, Any]] = {}
    for row in rows:
        key = (row["kind"], row["id"])
        if row["kind"] in KINDS and (key not in out or out[key]["last_seen"] < row["last_seen"]):
            out[key] = row
    return out


def _newest(rows: list[dict[str, Any]]) -> dict[str, dt.datetime]:
    """Return when each kind was listed last."""
    out: dict[str, dt.datetime] = {}
    for row in rows:
        out[row["kind"]] = max(out.get(row["kind"], row["last_seen"]), row["last_seen"])
    return out


def _seen(
    org: str, kind: str, identity: str, row: Mapping[str, Any], names: Mapping[str, Mapping[tuple[str, str], str]],
    active: Mapping[tuple[str, str], Mapping[str, Any]], newest: Mapping[str, dt.datetime],
) -> Seen:  # fmt: skip
    days = active.get((KINDS[kind], identity), {"first_day": None, "last_day": None})
    label = names.get(kind, {}).get((org, identity), identity)
    is_listed = row["replaced_at"] is None and row["last_seen"] >= newest[kind]
    return Seen(org, kind, identity, label, days["first_day"], days["last_day"], is_listed, row["last_seen"])


def _day(moment: dt.datetime | dt.date | None) -> int:
    return 0 if moment is None else moment.toordinal()
