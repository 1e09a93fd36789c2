"""A question to one portable statement with bound values. Pure; identifiers come only from our own tables."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tallybook.model.windows import Span
from tallybook.query.metrics import Table
from tallybook.query.own.business import TABLE
from tallybook.query.question import Query
from tallybook.query.statement.derive import Derivations, derived
from tallybook.query.statement.outer import REST_ROWS, outer
from tallybook.query.statement.pieces import NotHeld, Scope, Shifts, Text, conditions, group, slot
from tallybook.query.statement.splits import Split, bill_by
from tallybook.query.statement.terms import GROUPED, Lasts, Shared, by_of, grouped, summed
from tallybook.query.statement.terms import values as of_term
from tallybook.store.versions import source

_REST = "COUNT(CASE WHEN f.part = 'rest' THEN 1 END)"


@dataclass(frozen=True, slots=True)
class Side:
    """One of the ranges that are asked for, and how its moments become those of the zone."""

    span: Span
    shifts: Shifts = ((None, 0),)
    """For the grain: until when (Unix seconds, None for ever) how many seconds are added to UTC."""
    local: Shifts = ((None, 0),)
    """The same for days of the week and hours."""
    lasts: Lasts = field(default_factory=dict)
    """Per organization, the starts of the last buckets held of each slot, in order; the last one is the range's."""


@dataclass(frozen=True, slots=True)
class Basis:
    """What a statement rests on besides the question."""

    sides: tuple[Side, ...]
    not_held: NotHeld = field(default_factory=dict)
    split: Split | None = None
    derivations: Derivations = field(default_factory=dict)
    usage: str = "usage"
    """The table that usage is read from: facts, or a roll-up that answers the same."""
    shared: Mapping[str, Shared] = field(default_factory=dict)
    """By name of term and organization, the only spans in which it counts."""


def compile_query(query: Query, basis: Basis) -> tuple[str, list[Any]]:
    """Return the statement and its values.

    Columns: `side` (where two are compared), `time` (unless the grain is total), `by`, `currency`, then each term of
    the question by its name; see `outer` for rows that stand for more than one group. Ids that have names come with
    their organization (see `Query.qualifies`). Costs and usage are stitched by UNION ALL, so that a missing dimension
    never splits or drops a row; money is only summed here. A term that the provider may leave out has a column
    `<name> rows` beside it: how many rows could have it. With a split, `REST_ROWS` counts the summands of the rest.
    """
    parts: list[str] = []
    params: list[Any] = []
    for i, side in enumerate(basis.sides):
        for source_of in dict.fromkeys((t.table, t.source) for t in query.terms):
            text, values = _part(query, basis, i, side, *source_of)
            parts.append(text)
            params += values
    return outer(query, " UNION ALL ".join(parts), params, sides=len(basis.sides), has_rest=basis.split is not None)


def _part(query: Query, basis: Basis, i: int, side: Side, table: Table, which: str) -> Text:
    """Return what one table gives to one side, grouped as finely as the rest of the statement needs it."""
    scope = Scope(query, table, basis.not_held, basis.split, side.local, which)
    is_money = any(t.is_money for t in query.terms if t.source == which)
    groups: dict[str, Text] = {"side": (str(i), [])} if len(basis.sides) > 1 else {}
    if query.is_timed:
        groups["time"] = slot(query.grain, side.shifts)
    groups |= {d.name: group(d, scope) for d in query.by}
    groups["currency"] = ("f.currency" if is_money else "CAST(NULL AS VARCHAR)", [])
    groups |= {by_of(t): grouped(t, scope) for t in query.terms if t.fold in GROUPED}
    names = [*groups, *(n for t in query.terms for n in summed(t)), *([REST_ROWS] if basis.split else [])]
    told = {d.name: groups.pop(d.name) for d in query.by if d.grain and table in d.tables}
    if told:
        groups["start_time"] = ("f.start_time", [])
    selected = [f'{text} AS "{name}"' for name, (text, _) in groups.items()]
    params = [v for _, values in groups.values() for v in values]
    rolled = table == "usage" and basis.usage != "usage"
    for term in query.terms:
        texts, values = of_term(term, scope, side.lasts, basis.shared.get(term.name), rolled=rolled)
        selected += texts
        params += values
    if basis.split:
        selected.append(f'{_REST if table == "costs" else "0"} AS "{REST_ROWS}"')
    where, values = conditions(scope, side.span)
    rows, bound = _rows(query, basis, table, used(*selected, *where))
    marked = ", ".join(str(n) for n in range(1, len(groups) + 1))
    text = f"SELECT {', '.join(selected)} FROM {rows} AS f WHERE {' AND '.join(where)} GROUP BY {marked}"
    return _told((text, [*params, *bound, *values]), told, names)


def _told(part: Text, told: Mapping[str, Text], names: Sequence[str]) -> Text:
    """Return a part that is grouped by the start of a bucket as one grouped by what the clock shows then: to make that
    for every row takes longer than all else.
    """
    if not told:
        return part
    shown = [f'{told[n][0]} AS "{n}"' if n in told else f'f."{n}"' for n in names]
    return f"SELECT {', '.join(shown)} FROM ({part[0]}) AS f", [*(v for _, own in told.values() for v in own), *part[1]]


def used(*texts: str) -> list[str]:
    """Return the columns of facts that expressions name; they hold no word of the user."""
    return sorted({name for text in texts for name in re.findall(r"\bf\.(\w+)", text)})


def _rows(query: Query, basis: Basis, table: Table, columns: Sequence[str]) -> Text:
    """Return what follows FROM, without an alias, and its values."""
    if table == "business":
        return TABLE, []
    own = {c: d for c in columns if (d := basis.derivations.get((table, c)))}
    kept = sorted({c for c in columns if c not in own} | {k for d in own.values() for k in d.keys})
    if table == "costs" and basis.split:
        text, params = bill_by(basis.split, [c for c in kept if c != "part"], query.as_of)
    elif table == "usage" and basis.usage != "usage":
        names = ", ".join("day AS start_time" if c == "start_time" else c for c in kept)
        text, params = f"(SELECT {names} FROM {basis.usage})", []
    else:
        text, params = source(table, kept, query.as_of)
    if not own:
        return text, params
    text, more = derived(text, own.values())
    return text, [*params, *more]
