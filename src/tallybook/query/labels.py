"""Names for ids. Pure.

Ids are grouped by, names are labels. A label is judged unique over all ids of its kind in the book, so that it
never changes with a filter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def labels(rows: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """Return, per kind of directory entry, each id with its label: the newest name known, made unique."""
    newest: dict[str, dict[str, tuple[Any, str]]] = {}
    for row in rows:
        name = row["name"] or row["email"]
        if not name:
            continue
        of_kind = newest.setdefault(row["kind"], {})
        if row["id"] not in of_kind or of_kind[row["id"]][0] < row["last_seen"]:
            of_kind[row["id"]] = (row["last_seen"], str(name))
    return {kind: _unique({i: name for i, (_, name) in of_kind.items()}) for kind, of_kind in newest.items()}


def _unique(names: Mapping[str, str]) -> dict[str, str]:
    """Give equal names the last 6 characters of their ids, or more until they differ."""
    holders: dict[str, list[str]] = {}
    for identity, name in names.items():
        holders.setdefault(name, []).append(identity)
    out: dict[str, str] = {}
    for name, ids in holders.items():
        if len(ids) == 1:
            out[ids[0]] = name
            continue
        longest = max(map(len, ids))
        length = next(n for n in range(6, longest + 7) if n >= longest or len({i[-n:] for i in ids}) == len(ids))
        out.update({i: f"{name} ({i[-length:]})" for i in ids})
    return out


def resolve(kind: str | None, wanted: Iterable[str], known: Mapping[str, Mapping[str, str]]) -> tuple[str, ...]:
    """Return the ids that `wanted` names, by id or label; a name that several ids share selects them all.

    What is neither is taken to be an id.
    """
    by_label: dict[str, list[str]] = {}
    names = known.get(kind or "", {})
    for identity, label in names.items():
        by_label.setdefault(label, []).append(identity)
        bare = label.removesuffix(f" ({label.rpartition(' (')[2]}") if label.endswith(")") else label
        if bare != label and identity.endswith(label[len(bare) + 2 : -1]):
            by_label.setdefault(bare, []).append(identity)
    out: dict[str, None] = {}
    for value in wanted:
        out.update(dict.fromkeys([value] if value in names else by_label.get(value, [value])))
    return tuple(out)
