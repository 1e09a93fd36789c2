"""The aggregates of a statement: what each term adds up in one part of it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tallybook.model.windows import SECONDS, Span, naive
from tallybook.query.dimensions import dimension
from tallybook.query.metrics import Term
from tallybook.query.statement.pieces import Scope, Text, group, marks

COUNT, MONEY = "DECIMAL(38, 0)", "DECIMAL(38, 18)"
Lasts = Mapping[str, Sequence[int]]
"""Per organization, the starts of the last buckets held of each slot, in order; the last one is the range's."""
Shared = Mapping[str, Sequence[Span]]
"""Per organization, the only spans in which a term counts."""


def rows_of(known: Term) -> str:
    """Return the name of the column that counts the rows that could have a term."""
    return f"{known.name} rows"


def in_the_end(known: Term) -> str:
    """Return the name of the column of what a level was in the last bucket of the range."""
    return f"{known.name} in the end"


def summed(known: Term) -> list[str]:
    """Return the columns of the statement that add up, for a term."""
    if known.fold == "last":
        return [known.name, in_the_end(known)]
    if known.fold == "count":
        return []
    return [known.name, rows_of(known)] if known.may_be_unknown else [known.name]


def values(
    known: Term, scope: Scope, lasts: Lasts, shared: Shared | None, *, rolled: bool
) -> tuple[list[str], list[Any]]:
    """Return the selected columns of a term, and what they bind."""
    kind = COUNT if known.table == "usage" else MONEY
    names = summed(known)
    if known.source != scope.source:
        return [f'CAST(NULL AS {kind}) AS "{name}"' for name in names], []
    condition, params = _condition(known, scope, shared)
    number = _number(known, rolled=rolled)
    texts: list[str] = []
    bound: list[Any] = []
    for name, (extra, more) in zip(names, _extras(known, lasts), strict=False):
        value = number if name != rows_of(known) else "1"
        both = " AND ".join(c for c in (condition, extra) if c)
        texts.append(f'SUM({f"CASE WHEN {both} THEN {value} END" if both else value}) AS "{name}"')
        bound += [*params, *more]
    return texts, bound


def _number(known: Term, *, rolled: bool) -> str:
    """Return what is added up: a level x seconds for its mean; of several columns those that say nothing count 0."""
    column = f"f.{known.columns[0]}"
    if known.table == "business" and known.fold == "mean":
        return f"{column}_seconds"
    if known.table != "usage":
        return column
    if known.fold == "mean":
        return f"{column}_seconds" if rolled else f"CAST({column} AS {COUNT}) * {_LENGTH}"
    if len(known.columns) == 1:
        return f"CAST({column} AS {COUNT})"
    return " + ".join(f"COALESCE(CAST(f.{c} AS {COUNT}), 0)" for c in known.columns)


_LENGTH = "CASE f.width " + " ".join(f"WHEN '{width}' THEN {length}" for width, length in SECONDS.items()) + " END"


def _extras(known: Term, lasts: Lasts) -> list[Text]:
    """Return the further condition of each column of a term."""
    if known.fold == "last":
        return [_ending(lasts), _ending({org: starts[-1:] for org, starts in lasts.items()})]
    return [("", []), ("", [])]


def _ending(lasts: Lasts) -> Text:
    texts = [f"f.org = ? AND f.start_time IN ({marks(starts)})" for starts in lasts.values() if starts]
    params = [v for org, starts in lasts.items() if starts for v in (org, *map(naive, starts))]
    return f"({' OR '.join(texts) or '1 = 0'})", params


def _condition(known: Term, scope: Scope, shared: Shared | None) -> Text:
    texts: list[str] = []
    params: list[Any] = []
    if set(known.datasets) < set(scope.datasets):
        texts.append(f"f.dataset IN ({marks(known.datasets)})")
        params += known.datasets
    if known.only:
        text, bound = group(dimension(known.only[0]), scope)
        texts.append(f"{text} IN ({marks(known.only[1])})")
        params += [*bound, *known.only[1]]
    if shared is not None:
        # Numbers of the user's own may be of no organization: they count where those of all are known.
        whose = ("" if known.table == "business" else org for org in shared)
        spans = dict.fromkeys((org, span) for org, those in zip(whose, shared.values(), strict=True) for span in those)
        each = " OR ".join(
            f"{'f.org = ? AND ' if org else ''}f.start_time >= ? AND f.start_time < ?" for org, _ in spans
        )
        texts.append(f"({each or '1 = 0'})")
        params += [v for org, span in spans for v in (*([org] if org else []), naive(span.start), naive(span.end))]
    return " AND ".join(texts), params


def _identity(known: Term, scope: Scope) -> Text:
    """Return what is counted: ids that belong to an organization are told apart by it."""
    condition, params = _condition(known, scope, None)
    (column,) = known.columns
    d = dimension(column)
    value = f"f.org || ':' || f.{column}" if scope.query.qualifies(d) else f"f.{column}"
    return (f"CASE WHEN {condition} THEN {value} END" if condition else value), params


def _bucket(known: Term, scope: Scope) -> Text:
    condition, params = _condition(known, scope, None)
    return (f"CASE WHEN {condition} THEN f.start_time END" if condition else "f.start_time"), params


GROUPED: Mapping[str, Callable[[Term, Scope], Text]] = {"count": _identity, "max": _bucket}
"""Folds that need a column to group by: what is counted, or the bucket over which levels are added up."""
_TYPES = {"count": "VARCHAR", "max": "TIMESTAMP"}


def grouped(known: Term, scope: Scope) -> Text:
    """Return the column that a part is also grouped by for a term of `GROUPED`."""
    if known.source != scope.source:
        return f"CAST(NULL AS {_TYPES[known.fold]})", []
    return GROUPED[known.fold](known, scope)


def by_of(known: Term) -> str:
    """Return the name of that column."""
    return f"{known.name} by"
