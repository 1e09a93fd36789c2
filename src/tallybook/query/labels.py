"""Names for ids. Pure.

Ids are grouped by, names are labels. An id is that of its organization: the same in two is two. A label is judged
unique over all ids of its kind in the book, so that it never changes with a filter.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from tallybook.model.errors import UnknownNameError
from tallybook.model.windows import naive

Identity = tuple[str, str]
"""An organization and an id in it."""
Labels = Mapping[str, Mapping[Identity, str]]
"""Per kind of directory entry, what names each of its ids."""


def labels(rows: Iterable[Mapping[str, Any]], until: int | None = None) -> dict[str, dict[Identity, str]]:
    """Return, per kind of directory entry, each id with its label, made unique.

    That is the newest name, or the newest known before `until` (Unix seconds); the earliest reaches back to the
    beginning.
    """
    end = None if until is None else naive(until)
    best: dict[str, dict[Identity, tuple[Any, str]]] = {}
    for row in rows:
        name, identity = row["name"] or row["email"], (row["org"], row["id"])
        is_early = end is None or row["first_seen"] < end
        # The later the better, up to the end; beyond it, the earlier the better.
        rank = (is_early, row["last_seen"] if is_early else _AGES_AGO - (row["first_seen"] - _AGES_AGO))
        for kind in kinds(row) if name else ():
            of_kind = best.setdefault(kind, {})
            if identity not in of_kind or of_kind[identity][0] < rank:
                of_kind[identity] = (rank, str(name))
    return {kind: _unique({i: name for i, (_, name) in of_kind.items()}) for kind, of_kind in best.items()}


_AGES_AGO = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - as the book has time


def kinds(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the kinds that an entry of the directory is: who may own a key is a `key_owner`, too."""
    return (row["kind"], "key_owner") if row["kind"] in ("user", "service_account") else (row["kind"],)


def qualified(identity: Identity) -> str:
    """Return an id as it is written where several organizations are asked; names of organizations have no colon."""
    return ":".join(identity)


def identity_of(text: str, orgs: Collection[str]) -> Identity:
    """Return what an id of an answer over `orgs` names: it is qualified where there are several."""
    if len(orgs) == 1:
        return next(iter(orgs)), text
    org, _, identity = text.partition(":")
    return org, identity


def _unique(names: Mapping[Identity, str]) -> dict[Identity, str]:
    """Give equal names the last 6 characters of their ids, or more until they differ."""
    holders: dict[str, list[Identity]] = {}
    for identity, name in names.items():
        holders.setdefault(name, []).append(identity)
    out: dict[Identity, str] = {}
    for name, those in holders.items():
        out.update(zip(those, _ended(name, those), strict=True))
    # A name may itself look like one with an ending; then the whole id tells them apart.
    while twice := [label for label, n in Counter(out.values()).items() if n > 1]:
        out.update({i: f"{label} ({qualified(i)})" for i, label in out.items() if label in twice})
    return out


def _ended(name: str, those: Iterable[Identity]) -> list[str]:
    """Return one label for each of those who share a name; organizations are told where the same id is in several."""
    ids = [i for _, i in those]
    if len(ids) == 1:
        return [name]
    if len(set(ids)) < len(ids):
        return [f"{name} ({qualified(identity)})" for identity in those]
    longest = max(map(len, ids))
    length = next(n for n in range(6, longest + 7) if n >= longest or len({i[-n:] for i in ids}) == len(ids))
    return [f"{name} ({i[-length:]})" for i in ids]


def resolve(
    kind: str, wanted: Iterable[str], known: Labels, listed: Collection[Identity], orgs: Iterable[str]
) -> tuple[tuple[Identity, ...], list[str]]:
    """Return the ids in `orgs` that `wanted` names, by id or label, and remarks on what was not plain.

    A name that several ids share selects them all. What is neither a name nor among the ids `listed` raises
    `UnknownNameError`: its total of nothing would look like an answer. Without any names, ids are taken as they are.
    """
    orgs = tuple(orgs)
    names = {i: label for i, label in known.get(kind, {}).items() if i[0] in orgs}
    by_label: dict[str, list[Identity]] = {}
    for identity, label in names.items():
        for text in {label, bare(identity, label)}:
            by_label.setdefault(text, []).append(identity)
    out: dict[Identity, None] = {}
    remarks = []
    for value in wanted:
        ids = [(org, value) for org in orgs]
        found = [i for i in ids if i in names] or by_label.get(value, [])
        is_id = bool({*ids} & {*names, *listed})
        out.update(dict.fromkeys(ids if is_id else found or ids))
        if len(found) > 1:
            each = ", ".join(sorted(names[i] for i in found))
            remarks.append(f"{len(found)} {kind}s are called {value!r}; all are in: {each}.")
        if not found and names and not is_id and not value.startswith("("):
            raise UnknownNameError(kind, value, by_label)
    return tuple(out), remarks


def bare(identity: Identity, label: str) -> str:
    """Return a label without the end of the id that made it unique."""
    name, separator, suffix = label.removesuffix(")").rpartition(" (")
    known = qualified(identity)
    return name if separator and label.endswith(")") and suffix and known.endswith(suffix) else label
