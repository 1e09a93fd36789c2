"""What a question is restricted to: dimensions and values as people write them, to columns and ids. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from tallybook.model.datasets import FILTERS, Dataset
from tallybook.model.errors import UnknownNameError, UsageError
from tallybook.query.compile import NONE, is_word
from tallybook.query.labels import kinds, labels, qualified, resolve
from tallybook.query.metrics import DIMENSIONS, dimension

Where = Mapping[str, str | bool | Sequence[str]]


def checked(where: Where | None) -> dict[str, tuple[str, ...]]:
    """Return column to values; raises `UnknownNameError` or `UsageError`, so that nothing is dropped in silence."""
    out: dict[str, tuple[str, ...]] = {}
    for name, value in (where or {}).items():
        column = dimension(name).column
        if column in out:
            raise UsageError(f"where names {dimension(name).name} twice. Give its values together, as one list.")
        out[column] = values(name, value)
        if column == "batch" and (strange := set(out[column]) - {"true", "false", NONE}):
            raise UsageError(f"where batch is true or false, not {min(strange)!r}.")
    return out


def values(name: str, value: str | bool | Sequence[str]) -> tuple[str, ...]:
    """Return the alternatives as text; raises `UsageError` where there are none, or what is no text."""
    if isinstance(value, bool):
        return ("true" if value else "false",)
    found = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, Iterable) else ()
    if not found or not all(isinstance(v, str) and _is_unicode(v) for v in found):
        raise UsageError(f"where {name} takes a text, or a list of at least one; it was given {value!a}.")
    return found


def _is_unicode(text: str) -> bool:
    """Return whether text can be sent anywhere: half a surrogate pair and NUL cannot."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def matching(where: Mapping[str, Sequence[str]]) -> Callable[[Mapping[str, Any]], bool]:
    """Return whether a row, by the names of its columns, has one of the values of every column."""

    def matches(row: Mapping[str, Any]) -> bool:
        return all(_text(row.get(column)) in wanted for column, wanted in where.items())

    return matches


def _text(value: Any) -> str:
    return NONE if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def has_names(where: Iterable[str]) -> bool:
    """Return whether any of these columns has ids that the directory names."""
    return any(d.kind for d in DIMENSIONS.values() if d.column in set(where))


def ids(
    where: Mapping[str, tuple[str, ...]], directory: Iterable[Mapping[str, Any]], orgs: Sequence[str]
) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """Return the same with names replaced by the ids in `orgs` that bear them, and remarks on what was not plain.

    Where there are several organizations, ids are qualified by theirs.
    """
    rows = list(directory)
    known = labels(rows)
    out, remarks = dict(where), []
    for column, kind in ((c, dimension(c).kind) for c in where):
        if kind:
            listed = {(row["org"], row["id"]) for row in rows if kind in kinds(row)}
            found, said = resolve(kind, where[column], known, listed, orgs)
            texts = (i[1] if len(orgs) == 1 or (is_word(i[1]) and i not in listed) else qualified(i) for i in found)
            out[column] = tuple(dict.fromkeys(texts))
            remarks += said
    return out, tuple(remarks)


def orgs(
    named: Sequence[str], restricted: Sequence[str], settings: Sequence[str], held: Callable[[], Iterable[str]]
) -> tuple[str, ...]:
    """Return the organizations to ask: those `named`, else those that `where` is restricted to, else the settings'.

    Raises `UnknownNameError` for one that is neither in the settings nor `held` in the book.
    """
    if named and restricted:
        raise UsageError("Say the organization in one way: org and where org were both given.")
    wanted = tuple(dict.fromkeys(named or restricted))
    if set(wanted) - set(settings):
        known = {*settings, *held()}
        for name in wanted:
            if name not in known:
                raise UnknownNameError("organization", name, known)
    return wanted or tuple(settings)


def filters(known: Dataset, where: Where, named: Mapping[str, Any]) -> dict[str, Sequence[str] | bool]:
    """Return a dataset's filters, given by dimension and by OpenAI's names; None is no filter, as OpenAI has it.

    Raises `UnknownNameError` for what the dataset cannot be filtered by, `UsageError` for values of no use.
    """
    by_name = {FILTERS[d]: d for d in known.filters}
    given: list[tuple[str, Any]] = [(choose(known, n, known.filters, "filter"), v) for n, v in where.items()]
    for name, value in named.items():
        if name not in by_name:
            raise UnknownNameError(f"filter of {known.name}", name, by_name)
        given.append((by_name[name], value))
    out: dict[str, Sequence[str] | bool] = {}
    for column, value in given:
        if value is None:
            continue
        if column in out:
            raise UsageError(f"The filter {FILTERS[column]} is given twice. Give its values together, as one list.")
        if column == "batch" and not isinstance(value, bool):
            raise UsageError(f"batch is True or False, not {value!a}.")
        out[column] = value if column == "batch" else values(column, value)
    return out


def choose(known: Dataset, name: str, allowed: Sequence[str], what: str) -> str:
    """Return the column that a short name or OpenAI's means, if it is one of `allowed`; else `UnknownNameError`."""
    column = DIMENSIONS[name].column if name in DIMENSIONS else name
    if column not in allowed:
        raise UnknownNameError(f"{what} of {known.name}", name, allowed)
    return column
