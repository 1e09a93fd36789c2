"""The pieces of a statement: groups, terms and conditions over one table of facts `f`. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tallybook.model.datasets import HELD, SPLITS
from tallybook.model.windows import Span, naive
from tallybook.query.dimensions import HOURS, WEEKDAYS, Dimension, needed, offers
from tallybook.query.filters import Filter, condition, is_pattern
from tallybook.query.metrics import Table
from tallybook.query.question import Query
from tallybook.query.statement.splits import Split
from tallybook.query.words import NONE, NOT_HELD, UNATTRIBUTED

NotHeld = Mapping[tuple[str, str, str], Sequence[Span]]
"""By (organization, dataset, column), where a dataset is held without that dimension."""
Shifts = Sequence[tuple[int | None, int]]
"""Until when (Unix seconds, None for ever) how many seconds are added to UTC."""
Text = tuple[str, list[Any]]
"""A piece of SQL and the values that it binds."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What the pieces of one part of a statement have in common."""

    query: Query
    table: Table
    not_held: NotHeld
    split: Split | None
    local: Shifts
    source: str = ""
    """What the part reads (see `Term.source`)."""

    @property
    def own(self) -> dict[str, str]:
        """Of a business metric, dimension to column."""
        return dict(next(t.own for t in self.query.terms if t.source == self.source))

    @property
    def datasets(self) -> list[str]:
        """The datasets of the table."""
        if self.table == "business":
            return [self.source.removeprefix("business ")]
        names = [n for n in self.query.datasets if n not in SPLITS]
        return [n for n in names if HELD[n].is_costs == (self.table == "costs")]


def marks(values: Sequence[Any]) -> str:
    """Return as many placeholders as there are values."""
    return ", ".join("?" for _ in values)


def shifted(shifts: Shifts) -> Text:
    """Return the start of a bucket as the clocks of a zone have it."""
    *changes, (_, last) = shifts
    if not changes:
        return (f"f.start_time + INTERVAL '{last}' SECOND" if last else "f.start_time"), []
    cases = " ".join(f"WHEN f.start_time < ? THEN INTERVAL '{seconds}' SECOND" for _, seconds in changes)
    values = [naive(until) for until, _ in changes if until is not None]
    return f"f.start_time + CASE {cases} ELSE INTERVAL '{last}' SECOND END", values


def slot(grain: str, shifts: Shifts) -> Text:
    """Return the slot of time that a bucket is in."""
    text, values = shifted(shifts)
    return f"date_trunc('{grain}', {text})", values


def _weekday(scope: Scope) -> Text:
    text, values = shifted(scope.local)
    days = [
        f"WHEN {text} < date_trunc('week', {text}) + INTERVAL '{n}' DAY THEN '{d}'" for n, d in enumerate(WEEKDAYS, 1)
    ]
    return f"CASE {' '.join(days[:-1])} ELSE '{WEEKDAYS[-1]}' END", values * 2 * (len(days) - 1)


def _hour(scope: Scope) -> Text:
    text, values = shifted(scope.local)
    return f"LPAD(CAST(EXTRACT(HOUR FROM {text}) AS VARCHAR), {len(HOURS[0])}, '0')", values


_PLAIN: dict[str, Callable[[Scope], Text]] = {
    "org": lambda scope: (f"COALESCE(f.org, '{NONE}')" if scope.table == "business" else "f.org", []),
    "dataset": lambda scope: ("f.dataset" if scope.table == "usage" else f"'{scope.table}'", []),
    "currency": lambda _: (f"COALESCE(f.currency, '{NONE}')", []),
    "weekday": _weekday,
    "hour": _hour,
}
"""Dimensions that every row of a table has."""


def group(known: Dimension, scope: Scope) -> Text:
    """Return the expression of a group: the value or id, or a bracketed word where there is none."""
    if known.tables:
        return _PLAIN[known.column](scope) if scope.table in known.tables else (f"'{NOT_HELD}'", [])
    if scope.table == "business":
        return _of_business(known, scope)
    cases, params = _unknown(known, scope)
    if cases == ["TRUE"]:
        return f"'{NOT_HELD}'", []
    value = _value(known, scope.query)
    cases = [*cases, f"WHEN f.{known.column} IS NULL THEN '{known.blank}'"]
    return f"CASE {' '.join(cases)} ELSE {value} END", params


def _of_business(known: Dimension, scope: Scope) -> Text:
    """Return the same of a business metric, which is told apart by columns of its own."""
    column = scope.own.get(known.name)
    if column is None:
        return f"'{NOT_HELD}'", []
    value = f"COALESCE(f.org || ':' || f.{column}, f.{column})" if scope.query.qualifies(known) else f"f.{column}"
    return f"COALESCE({value}, '{known.blank}')", []


def _value(known: Dimension, query: Query) -> str:
    """Return the expression of a value as text."""
    if known.column == "batch":
        return "CASE WHEN f.batch THEN 'true' ELSE 'false' END"
    return f"f.org || ':' || f.{known.column}" if query.qualifies(known) else f"f.{known.column}"


def _unknown(known: Dimension, scope: Scope) -> tuple[list[str], list[Any]]:
    """Return the cases in which rows say nothing of a dimension, so that NULL is not "none"; `TRUE` for always."""
    names = scope.datasets
    if not any(offers(name, known) for name in names):
        return ["TRUE"], []
    if scope.split and scope.table == "costs" and scope.split.column in needed(known, "costs"):
        words = {"rest": UNATTRIBUTED, "whole": NOT_HELD}
        return [f"WHEN f.part = '{part}' THEN '{word}'" for part, word in words.items()], []
    conditions: list[str] = []
    params: list[Any] = []
    for name in names:
        which = [] if scope.table == "costs" else [f"f.dataset = '{name}'"]
        if not offers(name, known):
            conditions.append(which[0])
        for org in scope.query.orgs:
            whose = ["f.org = ?"] if len(scope.query.orgs) > 1 else []
            for column in needed(known, name):
                for span in scope.not_held.get((org, name, column), ()):
                    conditions.append(" AND ".join([*whose, *which, "f.start_time >= ?", "f.start_time < ?"]))
                    params += [*[org] * len(whose), naive(span.start), naive(span.end)]
    return [f"WHEN {c} THEN '{NOT_HELD}'" for c in conditions], params


def conditions(scope: Scope, span: Span) -> tuple[list[str], list[Any]]:
    """Return the conditions for the rows that are asked for."""
    orgs = scope.query.orgs
    texts = ["f.org = ?" if len(orgs) == 1 else f"f.org IN ({marks(orgs)})", "f.start_time >= ?", "f.start_time < ?"]
    params: list[Any] = [*orgs, naive(span.start), naive(span.end)]
    if scope.table == "business":
        texts[0] = f"(f.org IS NULL OR {texts[0]})"
        texts.append("f.metric = ?")
        params += scope.datasets
    if scope.table == "usage":
        texts.append(f"f.dataset IN ({marks(scope.datasets)})")
        params += scope.datasets
    for known in scope.query.filters:
        text, values = _filter(known, scope)
        texts.append(text)
        params += values
    return texts, params


def _filter(known: Filter, scope: Scope) -> Text:
    d = known.dimension
    expression, values = group(d, scope)
    if expression == f"'{NOT_HELD}'" and known.wanted and NOT_HELD not in known.wanted:
        return "1 = 0", []
    is_plain = (
        d.column in _COLUMNS and scope.table != "business" and not scope.query.qualifies(d) and scope.split is None
    )
    if is_plain and known.wanted and not any(v == NONE or is_pattern(v) for v in known.values) and not known.unwanted:
        # What is held without a dimension has no value there: the column alone says it, and can be skipped through.
        return f"f.{d.column} IN ({marks(known.wanted)})", list(known.wanted)
    parts: list[str] = []
    params: list[Any] = []
    for negation, those in (("", known.wanted), ("NOT ", known.unwanted)):
        if those:
            text, bound = condition(expression, values, those)
            parts.append(negation + text)
            params += bound
    return " AND ".join(parts), params


_COLUMNS = frozenset(
    ("project_id", "user_id", "api_key_id", "model", "service_tier", "api_source", "size", "source", "context_level",
     "vector_store_id", "line_item")
)  # fmt: skip
