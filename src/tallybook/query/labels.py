"""Names for ids. Pure.

Ids are grouped by, names are labels. A label is judged unique over all ids of its kind in the book, so that it
never changes with a filter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping
from typing import Any

from tallybook.model.errors import UnknownNameError


def labels(rows: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """Return, per kind of directory entry, each id with its label: the newest name known, made unique."""
    newest: dict[str, dict[str, tuple[Any, str]]] = {}
    for row in rows:
        name = row["name"] or row["email"]
        for kind in kinds(row) if name else ():
            of_kind = newest.setdefault(kind, {})
            if row["id"] not in of_kind or of_kind[row["id"]][0] < row["last_seen"]:
                of_kind[row["id"]] = (row["last_seen"], str(name))
    return {kind: _unique({i: name for i, (_, name) in of_kind.items()}) for kind, of_kind in newest.items()}


def kinds(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the kinds that an entry of the directory is: who may own a key is a `key_owner`, too."""
    return (row["kind"], "key_owner") if row["kind"] in ("user", "service_account") else (row["kind"],)


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
    # A name may itself look like one with an ending; then the whole id tells them apart.
    while twice := [label for label, n in Counter(out.values()).items() if n > 1]:
        out.update({i: f"{label} ({i})" for i, label in out.items() if label in twice})
    return out


def resolve(
    kind: str | None, wanted: Iterable[str], known: Mapping[str, Mapping[str, str]], listed: Container[str] = ()
) -> tuple[tuple[str, ...], list[str]]:
    """Return the ids that `wanted` names, by id or label, and remarks on what was not plain.

    A name that several ids share selects them all. What is neither a name nor among the ids `listed` raises
    `UnknownNameError`: its total of nothing would look like an answer. Without any names, ids are taken as they are.
    """
    names = known.get(kind or "", {})
    by_label: dict[str, list[str]] = {}
    for identity, label in names.items():
        for text in {label, _bare(identity, label)}:
            by_label.setdefault(text, []).append(identity)
    out: dict[str, None] = {}
    remarks = []
    for value in wanted:
        found = [value] if value in names else by_label.get(value)
        out.update(dict.fromkeys(found or [value]))
        if found and len(found) > 1:
            each = ", ".join(sorted(names[i] for i in found))
            remarks.append(f"{len(found)} {kind}s are called {value!r}; all are in: {each}.")
        if not found and names and value not in listed and not value.startswith("("):
            raise UnknownNameError(str(kind), value, by_label)
    return tuple(out), remarks


def _bare(identity: str, label: str) -> str:
    """Return a label without the end of the id that made it unique."""
    name, separator, suffix = label.removesuffix(")").rpartition(" (")
    return name if separator and label.endswith(")") and suffix and identity.endswith(suffix) else label
