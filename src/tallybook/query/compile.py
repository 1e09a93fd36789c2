"""A question to one portable statement with bound values. Pure; identifiers come only from our own tables."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tallybook.model.datasets import DATASETS, HELD, MEASURES, SPLITS, Dataset
from tallybook.model.errors import UnanswerableError, UnknownNameError
from tallybook.model.windows import Span, naive
from tallybook.query.metrics import DIMENSIONS, METRICS, Dimension, Metric, dimension, metric, offers, stored
from tallybook.query.splits import UNATTRIBUTED, Split, bill_by, owned, split_of
from tallybook.query.time import GRAINS, Range
from tallybook.store.versions import source

NONE = "(none)"
"""Asked for, and the provider names nothing."""
NOT_HELD = "(not held)"
"""Not asked for, or refused: the whole amount, and the answer is incomplete."""


@dataclass(frozen=True, slots=True)
class Query:
    """A question in tallybook's vocabulary, checked."""

    org: str
    metrics: tuple[Metric, ...]
    by: tuple[Dimension, ...]
    grain: str
    range: Range
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Column to the ids wanted; several are alternatives."""
    as_of: dt.datetime | None = None
    """The moment, naive UTC, whose knowledge is asked for; None is all that the book knows."""

    @property
    def datasets(self) -> dict[str, tuple[str, ...]]:
        """The datasets involved, each with the columns that it is needed by."""
        chosen = self.where.get("dataset")
        columns = tuple(dict.fromkeys(map(stored, self.columns)))
        out = {name: columns for m in self.metrics for name in of(m, chosen)}
        if self.split:
            own = f"{self.split.split}_id"
            out |= {"costs": tuple(c for c in columns if c != own), self.split.name: columns}
        return out

    @property
    def columns(self) -> tuple[str, ...]:
        """The dimensions' columns that it groups or filters by."""
        needed = dict.fromkeys([d.column for d in self.by] + list(self.where))
        return tuple(c for c in needed if c not in ("org", "dataset"))

    @property
    def split(self) -> Dataset | None:
        """The split of the bill that money is told apart by; None where the bill itself answers."""
        return (
            split_of(self.columns)
            if any(of(m, self.where.get("dataset")) == ("costs",) for m in self.metrics)
            else None
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the question as JSON-ready values."""
        return {
            "metrics": [m.name for m in self.metrics],
            "by": [d.name for d in self.by],
            "grain": self.grain,
            "where": {column: list(values) for column, values in self.where.items()},
            "as_of": None if self.as_of is None else f"{self.as_of.isoformat()}Z",
        }


def of(known: Metric, chosen: Sequence[str] | None) -> tuple[str, ...]:
    """Return the datasets a metric is summed over, where `dataset` is restricted to `chosen` or not."""
    if chosen is None:
        return known.datasets
    have = [d for d in DATASETS.values() if d.is_costs == (known.table == "costs")]
    return tuple(d.name for d in have if d.name in chosen and (d.is_costs or known.column in d.measures))


def question(
    org: str,
    metrics: Iterable[str],
    by: Iterable[str],
    grain: str,
    span: Range,
    filters: Mapping[str, tuple[str, ...]],
    as_of: dt.datetime | None = None,
) -> Query:
    """Return a checked question; raises `QueryError` with the nearest names or what is possible instead.

    `filters` is column to values (see `where.checked`); `as_of` is naive UTC (see `time.known_at`).
    """
    asked = tuple(dict.fromkeys(metric(m) for m in metrics))
    if not asked:
        raise UnknownNameError("metric", "", METRICS)
    groups = tuple(dict.fromkeys(dimension(d) for d in by))
    if grain not in GRAINS:
        raise UnknownNameError("grain", grain, GRAINS)
    for name in filters.get("dataset", ()):
        if name not in DATASETS:
            raise UnknownNameError("dataset", name, DATASETS)
    for known in asked:
        datasets = of(known, filters.get("dataset"))
        if not datasets:
            raise UnanswerableError(f"{known.name} is not measured in {', '.join(filters['dataset'])}.")
        for column in [d.column for d in groups] + list(filters):
            if not any(offers(d, column) for d in datasets):
                names = [n for n, d in DIMENSIONS.items() if any(offers(held, d.column) for held in datasets)]
                why = " OpenAI bills by project and line item; a model is part of it." if known.name == "cost" else ""
                raise UnanswerableError(
                    f"{known.name} has no dimension {dimension(column).name}; it has {', '.join(names)}.{why}"
                )
    found = Query(org, asked, groups, grain, span, dict(filters), as_of)
    found.datasets  # noqa: B018 - raises where no split of the bill answers
    return found


def compile_query(
    query: Query, not_held: Mapping[tuple[str, str], Sequence[Span]], split: Split | None = None
) -> tuple[str, list[Any]]:
    """Return the statement and its values: columns `time` (unless the grain is total), `by`, `currency`, metrics.

    `not_held` lists, by (dataset, column), where a dataset is held without that dimension; `split` says where the split
    of the bill that is needed is held. Costs and usage are stitched by UNION ALL, so that a missing dimension never
    splits or drops a row; money is only summed here. A measure that the provider may leave out has a column
    `<name> rows` beside it: how many rows could have it. With a split, `REST_ROWS` counts the summands of the rest.
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


def _part(
    query: Query, table: str, not_held: Mapping[tuple[str, str], Sequence[Span]], split: Split | None
) -> tuple[str, list[Any]]:
    params: list[Any] = []
    columns: list[str] = []
    if query.grain != "total":
        columns.append(f"date_trunc('{query.grain}', f.start_time) AS \"time\"")
    for d in query.by:
        text, values = _by_split(d.column, table, split) or _group(d.column, table, query, not_held)
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


def _by_split(column: str, table: str, split: Split | None) -> tuple[str, list[Any]] | None:
    """Return the expression of a group of the bill that only a split tells apart; None for any other."""
    if split is None or table != "costs" or stored(column) != split.column:
        return None
    words = {"rest": UNATTRIBUTED, "whole": NOT_HELD}
    cases = " ".join(f"WHEN f.part = '{part}' THEN '{word}'" for part, word in words.items())
    return f"CASE {cases} WHEN f.{column} IS NULL THEN '{NONE}' ELSE f.{column} END", []


def used(*texts: str) -> list[str]:
    """Return the columns of facts that expressions name; they hold no word of the user."""
    return sorted({name for text in texts for name in re.findall(r"\bf\.(\w+)", text)})


def _group(
    column: str, table: str, query: Query, not_held: Mapping[tuple[str, str], Sequence[Span]]
) -> tuple[str, list[Any]]:
    """Return the expression of a group: the id, or a bracketed word where there is none."""
    if column == "org":
        return "f.org", []
    if column == "dataset":
        return ("f.dataset", []) if table == "usage" else ("'costs'", [])
    lacking, params = _lacking(column, table, query, not_held)
    if lacking == ["TRUE"]:
        return f"'{NOT_HELD}'", []
    value = f"CASE WHEN f.{column} THEN 'true' ELSE 'false' END" if column == "batch" else f"f.{column}"
    cases = [f"WHEN {condition} THEN '{NOT_HELD}'" for condition in lacking]
    return " ".join(["CASE", *cases, f"WHEN f.{column} IS NULL THEN '{NONE}' ELSE {value} END"]), params


def _lacking(
    column: str, table: str, query: Query, not_held: Mapping[tuple[str, str], Sequence[Span]]
) -> tuple[list[str], list[Any]]:
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
        for span in not_held.get((name, stored(column)), ()):
            conditions.append(" AND ".join([*which, "f.start_time >= ?", "f.start_time < ?"]))
            params += [naive(span.start), naive(span.end)]
    return conditions, params


def _measure(known: Metric, table: str, query: Query) -> tuple[str, list[Any]]:
    kind = "DECIMAL(38, 18)" if known.table == "costs" else "DECIMAL(38, 0)"
    if known.table != table:
        return f"CAST(NULL AS {kind})", []
    if table == "costs":
        return f"f.{known.column}", []
    datasets = of(known, query.where.get("dataset"))
    marks = ", ".join("?" for _ in datasets)
    return f"CAST(CASE WHEN f.dataset IN ({marks}) THEN f.{known.column} END AS {kind})", list(datasets)


def _conditions(
    query: Query, table: str, not_held: Mapping[tuple[str, str], Sequence[Span]], split: Split | None
) -> tuple[list[str], list[Any]]:
    conditions = ["f.org = ?", "f.start_time >= ?", "f.start_time < ?"]
    params: list[Any] = [query.org, naive(query.range.start), naive(query.range.end)]
    if table == "usage":
        datasets = [n for n in query.datasets if not HELD[n].is_costs]
        conditions.append(f"f.dataset IN ({', '.join('?' for _ in datasets)})")
        params += datasets
    for column, values in query.where.items():
        if column == "dataset":
            continue
        if (expression := _by_split(column, table, split)) is not None:
            conditions.append(f"{expression[0]} IN ({', '.join('?' for _ in values)})")
            params += values
            continue
        lacking, edges = ([], []) if column == "org" else _lacking(column, table, query, not_held)
        if lacking == ["TRUE"]:
            conditions.append("FALSE")
            continue
        text, more = _filter(column, values, lacking, edges)
        conditions.append(text)
        params += more
    return conditions, params


def _in(dataset: str, table: str) -> bool:
    return DATASETS[dataset].is_costs == (table == "costs")


def _filter(column: str, values: Sequence[str], lacking: Sequence[str], edges: Sequence[Any]) -> tuple[str, list[Any]]:
    """Return the condition for the rows wanted; "none" is only where the dimension was asked for."""
    alternatives: list[str] = []
    params: list[Any] = []
    named = [v for v in values if v != NONE]
    if named:
        marks = ", ".join("?" for _ in named)
        target = f"CAST(f.{column} AS VARCHAR)" if column == "batch" else f"f.{column}"
        alternatives.append(f"{target} IN ({marks})")
        params += named
    if NONE in values:
        known = [f"NOT ({condition})" for condition in lacking]
        alternatives.append(" AND ".join([f"f.{column} IS NULL", *known]))
        params += edges
    return f"({' OR '.join(alternatives)})", params
