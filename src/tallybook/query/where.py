"""What a question is restricted to: dimensions and values as people write them, to columns and ids. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tallybook.model.datasets import FILTERS, Dataset
from tallybook.model.errors import UnknownNameError, UsageError
from tallybook.query.dimensions import DIMENSIONS, Dimension, dimension
from tallybook.query.filters import Filter, is_pattern, matcher
from tallybook.query.labels import Identity, kinds, labels, qualified, resolve
from tallybook.query.words import NONE, is_word

Where = Mapping[str, str | bool | Sequence[str]]


def checked(where: Where | None, more: Iterable[Dimension] = ()) -> dict[str, Filter]:
    """Return column to filter; `more` are dimensions of the user's own.

    Raises `UnknownNameError` or `UsageError`, so that nothing is dropped in silence.
    """
    out: dict[str, Filter] = {}
    for name, value in (where or {}).items():
        known = dimension(name, more)
        if known.column in out:
            raise UsageError(f"where names {known.name} twice. Give its values together, as one list.")
        given = values(name, value)
        unwanted = tuple(v[1:] for v in given if v.startswith("!"))
        out[known.column] = Filter(known, tuple(v for v in given if not v.startswith("!")), unwanted)
        allowed = {"true", "false", NONE} if known.column == "batch" else {*known.order}
        if allowed and (strange := {v for v in out[known.column].values if not is_pattern(v)} - allowed):
            said = "true or false" if known.column == "batch" else f"{known.order[0]} to {known.order[-1]}"
            raise UsageError(f"where {known.name} is {said}, not {min(strange)!r}.")
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


def has_names(columns: Iterable[str]) -> bool:
    """Return whether any of these columns has ids that the directory names."""
    return any(d.kind for d in DIMENSIONS.values() if d.column in set(columns))


def ids(
    where: Mapping[str, Filter], directory: Iterable[Mapping[str, Any]], orgs: Sequence[str]
) -> tuple[dict[str, Filter], tuple[str, ...]]:
    """Return the same with names replaced by the ids in `orgs` that bear them, and remarks on what was not plain.

    A pattern also takes every id whose name is of its form. Where there are several organizations, ids are qualified
    by theirs.
    """
    rows = list(directory)
    known = labels(rows)
    out, remarks = dict(where), []
    for column, given in where.items():
        kind = given.dimension.kind
        if kind:
            listed = {(row["org"], row["id"]) for row in rows if kind in kinds(row)}
            both = []
            for values in (given.wanted, given.unwanted):
                plain = [v for v in values if not is_pattern(v)]
                found, said = resolve(kind, plain, known, listed, orgs)
                alike, patterns = _alike([v for v in values if is_pattern(v)], known.get(kind, {}), orgs)
                texts = [_written(i, listed, orgs) for i in (*found, *alike)]
                both.append(tuple(dict.fromkeys([*texts, *patterns])))
                remarks += said
            out[column] = replace(given, wanted=both[0], unwanted=both[1])
    return out, tuple(remarks)


def _written(identity: Identity, listed: set[Identity], orgs: Sequence[str]) -> str:
    """Return an id as the statement has it; a word in brackets belongs to no organization."""
    plain = len(orgs) == 1 or (is_word(identity[1]) and identity not in listed)
    return identity[1] if plain else qualified(identity)


def _alike(
    patterns: Sequence[str], names: Mapping[Identity, str], orgs: Sequence[str]
) -> tuple[list[Identity], list[str]]:
    """Return the ids in `orgs` whose names are of the form of a pattern, and the patterns as ids are written."""
    found = [i for i, name in names.items() if i[0] in orgs and any(matcher(p).fullmatch(name) for p in patterns)]
    return found, [p if len(orgs) == 1 else f"{org}:{p}" for p in patterns for org in orgs]


def orgs(
    named: Sequence[str], restricted: Filter | None, settings: Sequence[str], held: Callable[[], Iterable[str]]
) -> tuple[str, ...]:
    """Return the organizations to ask: those `named`, else those that `where` is restricted to, else the settings'.

    Raises `UnknownNameError` for one that is neither in the settings nor `held` in the book, or where none is left.
    """
    if named and restricted:
        raise UsageError("Say the organization in one way: org and where org were both given.")
    wanted = tuple(dict.fromkeys(restricted.values if restricted else named))
    plain = [name for name in wanted if not is_pattern(name)]
    known = [*settings] if set(plain) <= set(settings) else [*dict.fromkeys([*settings, *sorted(held())])]
    for name in plain:
        if name not in known:
            raise UnknownNameError("organization", name, known)
    if restricted and (restricted.unwanted or len(plain) < len(wanted)):
        wanted = tuple(name for name in known if restricted.takes(name))
        if not wanted:
            raise UnknownNameError("organization", ", ".join(restricted.as_list()), known)
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
