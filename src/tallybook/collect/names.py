"""When the directory is read, and what a pass over it changes in the book."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow.compute as pc

from tallybook.collect.entries import ID_COLUMNS, Entry, merge, stranger, told
from tallybook.model.records import Read
from tallybook.store.base import Store

EVERY = dt.timedelta(hours=1)
DAILY = dt.timedelta(days=1)

Ids = dict[str, set[str]]
"""Kind of directory entry to ids."""


def nobody() -> Ids:
    """Return what to count ids into: none of any kind."""
    return {kind: set() for kind in ID_COLUMNS.values()}


def meet(seen: Ids, read: Read) -> None:
    """Add the ids that the rows of a read name to those `seen`."""
    for column, kind in ID_COLUMNS.items():
        if column in read.rows.column_names:
            seen[kind].update(i for i in pc.unique(read.rows[column]).to_pylist() if i)


@dataclass(frozen=True, slots=True)
class Due:
    """A pass that is due, and what is held before it."""

    now: dt.datetime
    """Naive, UTC."""
    daily: bool
    """The slow lists, too."""
    strangers: Sequence[Entry]
    held: Sequence[Mapping[str, Any]]
    org: Mapping[str, Any]
    """The row of `orgs`."""


def due(
    orgs: Sequence[Mapping[str, Any]],
    held: Sequence[Mapping[str, Any]],
    seen: Ids,
    now: dt.datetime,
    *,
    only_if_due: bool,
    at_once: bool = False,
) -> Due | None:
    """Return the pass that is due: hourly, the slow lists daily, and all of them `at_once`.

    Unless `only_if_due`, an unknown id that has appeared makes it due, too.
    """
    org = orgs[0] if orgs else {"first_seen": now, "directory_at": None, "slow_lists_at": None}
    known = {(row["kind"], row["id"]) for row in held}
    strangers = [stranger(k, i) for k, ids in seen.items() for i in sorted(ids) if (k, i) not in known]
    if not at_once and not _is_due(org["directory_at"], now, EVERY) and (only_if_due or not strangers):
        return None
    return Due(now, at_once or _is_due(org["slow_lists_at"], now, DAILY), strangers, held, org)


def _is_due(last: dt.datetime | None, now: dt.datetime, every: dt.timedelta) -> bool:
    return last is None or not last <= now < last + every


def hear(heard: dict[tuple[str, ...], str], read: Read) -> None:
    """Add the names that the rows of a read tell in passing; the newest are read first, and stay."""
    for *who, text in read.told:
        heard.setdefault(tuple(who), text)


def entries(heard: Mapping[tuple[str, ...], str]) -> Iterator[Entry]:
    """Yield what rows told in passing."""
    for (kind, identity, what), text in heard.items():
        yield from told(kind, {"id": identity, what: text})


def write(store: Store, org: str, what: Due, found: Iterable[Entry], *, whole: bool) -> None:
    """Write what a pass found, `whole` with the slow lists, and that it was made."""
    changed = merge(org, what.held, found, what.now)
    made = {**what.org, "org": org, "directory_at": what.now}
    if whole:
        made["slow_lists_at"] = what.now
    with store.opened():
        store.put("directory", changed, key=("org", "kind", "id", "first_seen"))
        store.put("orgs", [made], key=("org",))
