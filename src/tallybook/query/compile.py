"""A question to one portable statement with bound values. Pure; identifiers come only from our own tables."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tallybook.model.datasets import DATASETS, HELD, MEASURES, SPLITS
from tallybook.model.windows import Span, naive
from tallybook.query.labels import identity_of
from tallybook.query.metrics import Metric, offers, stored
from tallybook.query.question import Query, of
from tallybook.query.splits import UNATTRIBUTED, Split, bill_by, owned
from tallybook.store.versions import source

NONE = "(none)"
"""Asked for, and the provider names nothing."""
NOT_HELD = "(not held)"
"""Not asked for, or refused: the whole amount, and the answer is incomplete."""


NotHeld = Mapping[tuple[str, str, str], Sequence[Span]]
"""By (organization, dataset, column), where a dataset is held without that dimension."""


def compile_query(query: Query, not_held: NotHeld, split: Split | None = None) -> tuple[str, list[Any]]:
    """Return the statement and its values: columns `time` (unless the grain is total), `by`, `currency`, metrics.

    Ids that names belong to come with their organization (see `Query.qualifies`). `split` says where the split of the
    bill that is needed is held. Costs and usage are stitched by UNION ALL, so that a missing dimension never splits or
    drops a row; money is only summed here. A measure that the provider may leave out has a column `<name> rows` beside
    it: how many rows could have it. With a split, `REST_ROWS` counts the summands of the rest.
    """
    params: list[Any] = []
    parts = []
    for table in dict.fromkeys(m.table for m in query.metrics):
        text, values = _part(query, table, not_held, split)
        parts.append(text)
        params += values
    keys = (["time"] if query.grain != "total" else []) + [d.name for d in query.by] + ["currency"]
    names = ", ".join(f'"{k}"' for k in keys)
    summed = [name for m in query.metrics for name in ([m.name, rows_of(m)] if may_be_unknown(m) else [m.name])]
    summed += [REST_ROWS] if split else []
    sums = ", ".join(f'SUM("{name}") AS "{name}"' for name in summed)
    text = f"SELECT {names}, {sums} FROM ({' UNION ALL '.join(parts)}) AS parts GROUP BY {names} ORDER BY {names}"
    return text, params


def may_be_unknown(known: Metric) -> bool:
    """Return whether a provider that says nothing of a measure may mean "unknown" rather than 0."""
    return known.table == "usage" and not MEASURES[known.column].first


def rows_of(known: Metric) -> str:
    """Return the name of the column that counts the rows that could have a measure."""
    return f"{known.name} rows"


def _part(query: Query, table: str, not_held: NotHeld, split: Split | None) -> tuple[str, list[Any]]:
    params: list[Any] = []
    columns: list[str] = []
    if query.grain != "total":
        columns.append(f"date_trunc('{query.grain}', f.start_time) AS \"time\"")
    for d in query.by:
        text, values = _by_split(d.column, table, query, split) or _group(d.column, table, query, not_held)
        columns.append(f'{text} AS "{d.name}"')
        params += values
    columns.append(f'{"f.currency" if table == "costs" else "CAST(NULL AS VARCHAR)"} AS "currency"')
    for m in query.metrics:
        text, values = _measure(m, table, query)
        columns.append(f'{text} AS "{m.name}"')
        params += values
        if may_be_unknown(m):
            columns.append(f'{text.replace(f"THEN f.{m.column} END", "THEN 1 END")} AS "{rows_of(m)}"')
            params += values
    if split:
        columns.append(f'{_REST if table == "costs" else "CAST(NULL AS INTEGER)"} AS "{REST_ROWS}"')
    conditions, values = _conditions(query, table, not_held, split)
    selected, condition = ", ".join(columns), " AND ".join(conditions)
    rows, edges = _rows(table, used(selected, condition), split if table == "costs" else None, query.as_of)
    return f"SELECT {selected} FROM {rows} AS f WHERE {condition}", params + edges + values


REST_ROWS = "rest rows"
_REST = "CASE WHEN f.part = 'rest' THEN 1 END"


def _rows(table: str, columns: Sequence[str], split: Split | None, as_of: dt.datetime | None) -> tuple[str, list[Any]]:
    """Return what follows FROM, without an alias, and its values."""
    derived = [c for c in columns if stored(c) != c]
    kept = sorted({*(stored(c) for c in columns), *(["org"] if derived else [])} - {"part"})
    text, params = bill_by(split, kept, as_of) if split else source(table, kept, as_of)
    return (owned(text, derived) if derived else text), params


def _by_split(column: str, table: str, query: Query, split: Split | None) -> tuple[str, list[Any]] | None:
    """Return the expression of a group of the bill that only a split tells apart; None for any other."""
    if split is None or table != "costs" or stored(column) != split.column:
        return None
    words = {"rest": UNATTRIBUTED, "whole": NOT_HELD}
    cases = " ".join(f"WHEN f.part = '{part}' THEN '{word}'" for part, word in words.items())
    return f"CASE {cases} WHEN f.{column} IS NULL THEN '{NONE}' ELSE {_value(column, query)} END", []


def _value(column: str, query: Query) -> str:
    """Return the expression of an id as text."""
    if column == "batch":
        return "CASE WHEN f.batch THEN 'true' ELSE 'false' END"
    return f"f.org || ':' || f.{column}" if query.qualifies(column) else f"f.{column}"


def is_word(text: str) -> bool:
    """Return whether a group is one of the words in brackets, and no id."""
    return text.startswith("(")


def used(*texts: str) -> list[str]:
    """Return the columns of facts that expressions name; they hold no word of the user."""
    return sorted({name for text in texts for name in re.findall(r"\bf\.(\w+)", text)})


def _group(column: str, table: str, query: Query, not_held: NotHeld) -> tuple[str, list[Any]]:
    """Return the expression of a group: the id, or a bracketed word where there is none."""
    if column == "org":
        return "f.org", []
    if column == "dataset":
        return ("f.dataset", []) if table == "usage" else ("'costs'", [])
    lacking, params = _lacking(column, table, query, not_held)
    if lacking == ["TRUE"]:
        return f"'{NOT_HELD}'", []
    cases = [f"WHEN {condition} THEN '{NOT_HELD}'" for condition in lacking]
    return " ".join(["CASE", *cases, f"WHEN f.{column} IS NULL THEN '{NONE}' ELSE {_value(column, query)} END"]), params


def _lacking(column: str, table: str, query: Query, not_held: NotHeld) -> tuple[list[str], list[Any]]:
    """Return the conditions under which rows say nothing of a dimension, so that NULL is not "none"."""
    names = [n for n in query.datasets if n not in SPLITS and _in(n, table)]
    if not any(offers(name, column) for name in names):
        return ["TRUE"], []
    conditions: list[str] = []
    params: list[Any] = []
    for name in names:
        which = [] if table == "costs" else [f"f.dataset = '{name}'"]
        if not offers(name, column):
            conditions.append(which[0])
        for org in query.orgs:
            whose = ["f.org = ?"] if len(query.orgs) > 1 else []
            for span in not_held.get((org, name, stored(column)), ()):
                conditions.append(" AND ".join([*whose, *which, "f.start_time >= ?", "f.start_time < ?"]))
                params += [*[org] * len(whose), naive(span.start), naive(span.end)]
    return conditions, params


def _measure(known: Metric, table: str, query: Query) -> tuple[str, list[Any]]:
    kind = "DECIMAL(38, 18)" if known.table == "costs" else "DECIMAL(38, 0)"
    if known.table != table:
        return f"CAST(NULL AS {kind})", []
    if table == "costs":
        return f"f.{known.column}", []
    datasets = of(known, query.where.get("dataset"))
    return f"CAST(CASE WHEN f.dataset IN ({_marks(datasets)}) THEN f.{known.column} END AS {kind})", list(datasets)


def _conditions(query: Query, table: str, not_held: NotHeld, split: Split | None) -> tuple[list[str], list[Any]]:
    of_orgs = "f.org = ?" if len(query.orgs) == 1 else f"f.org IN ({_marks(query.orgs)})"
    conditions = [of_orgs, "f.start_time >= ?", "f.start_time < ?"]
    params: list[Any] = [*query.orgs, naive(query.range.start), naive(query.range.end)]
    if table == "usage":
        datasets = [n for n in query.datasets if not HELD[n].is_costs]
        conditions.append(f"f.dataset IN ({_marks(datasets)})")
        params += datasets
    for column, values in query.where.items():
        if column == "dataset":
            continue
        if (expression := _by_split(column, table, query, split)) is not None:
            conditions.append(f"{expression[0]} IN ({_marks(values)})")
            params += values
            continue
        lacking, edges = _lacking(column, table, query, not_held)
        if lacking == ["TRUE"]:
            conditions.append("FALSE")
            continue
        text, more = _filter(column, values, query, lacking, edges)
        conditions.append(text)
        params += more
    return conditions, params


def _in(dataset: str, table: str) -> bool:
    return DATASETS[dataset].is_costs == (table == "costs")


def _marks(values: Sequence[Any]) -> str:
    return ", ".join("?" for _ in values)


def _filter(
    column: str, values: Sequence[str], query: Query, lacking: Sequence[str], edges: Sequence[Any]
) -> tuple[str, list[Any]]:
    """Return the condition for the rows wanted; "none" is only where the dimension was asked for."""
    alternatives: list[str] = []
    params: list[Any] = []
    named = [v for v in values if v != NONE]
    target = f"CAST(f.{column} AS VARCHAR)" if column == "batch" else f"f.{column}"
    if named and query.qualifies(column):
        for org in query.orgs:
            ids = [i for o, i in (identity_of(v, query.orgs) for v in named) if o == org]
            alternatives += [f"f.org = ? AND {target} IN ({_marks(ids)})"] if ids else []
            params += [org, *ids] if ids else []
        if not params:  # a word in brackets that is no id
            alternatives.append("1 = 0")
    elif named:
        alternatives.append(f"{target} IN ({_marks(named)})")
        params += named
    if NONE in values:
        known = [f"NOT ({condition})" for condition in lacking]
        alternatives.append(" AND ".join([f"f.{column} IS NULL", *known]))
        params += edges
    return f"({' OR '.join(alternatives)})", params
