"""What is handed over of a book as a whole: its public tables with names beside ids, and what they rest on.

Everything is of one moment. Rows come month by month, so that no more than a few are in memory at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from tallybook.model.coverage import Run
from tallybook.model.datasets import HELD, Dataset
from tallybook.model.errors import UsageError
from tallybook.model.meanings import NAMED, PARTS
from tallybook.model.schema import COSTS_TABLE, SPLITS_TABLE, USAGE_TABLE
from tallybook.model.windows import DAY, Span, ceil, floor, merge, naive, unix
from tallybook.query.clocks.time import Range
from tallybook.query.clocks.zones import beginning, stepped
from tallybook.query.coverage import Coverage, assess, combined
from tallybook.store.base import Store, Stream

_LINE_ITEMS = (
    f"LEFT JOIN (SELECT line_item, {', '.join(f'max({p}) AS {p}' for p in PARTS)} FROM internal.line_items "
    "GROUP BY line_item) AS i ON i.line_item = t.line_item"
)


_ORDER = ("open", "provisional")


@dataclass(frozen=True, slots=True)
class Table:
    """A table that is handed over."""

    name: str
    about: str
    columns: str
    """As a statement selects them from `t`."""
    source: str
    dataset: str
    """What says of which dataset a row is."""
    time: str = "start_time"
    """When a row begins."""


def _facts(name: str, place: str, schema: pa.Schema, dataset: str, about: str) -> Table:
    columns, joins = [], []
    for column in schema.names:
        columns.append(f"t.{column}")
        if kind := NAMED.get(column):
            columns.append(f"coalesce({kind}_names.label, t.{column}) AS {kind}_name")
            joins.append(
                f"LEFT JOIN internal.names AS {kind}_names ON {kind}_names.kind = '{kind}' "
                f"AND {kind}_names.org = t.org AND {kind}_names.id = t.{column}"
            )
        if column == "line_item":
            columns += [f"i.{part}" for part in PARTS]
            joins.append(_LINE_ITEMS)
    return Table(name, about, ", ".join(columns), "\n".join([f"{place} AS t", *joins]), dataset)


FACTS: dict[str, Table] = {
    table.name: table
    for table in (
        _facts(
            "usage", "usage", USAGE_TABLE, "t.dataset",
            "One row per bucket and combination of dimensions. Add a measure up within one dataset; usage_bytes does "
            "not add up over time.",
        ),
        _facts(
            "costs", "costs", COSTS_TABLE, "'costs'",
            "The bill, before tax, credits and adjustments: one row per day, project and line item. Add amounts up "
            "within one currency.",
        ),
        _facts(
            "cost_splits", "internal.cost_splits", SPLITS_TABLE, "'costs_by_' || t.split",
            "The same dollars told apart by API key (split is api_key) or by user (split is user), as far as OpenAI "
            "tells. The bill alone defines totals: never add the two to each other or to it.",
        ),
    )
}  # fmt: skip
"""The tables of facts, with names, by name."""

DAILY = Table("usage_daily", "Usage by UTC day.", "t.*", "internal.usage_daily AS t", "t.dataset", time="day")
"""What views on usage are made of."""

_USED = "SELECT line_item FROM {} WHERE org IN ({{orgs}}) AND start_time >= ? AND start_time < ?"
SMALL: dict[str, str] = {
    "names": "SELECT org, kind, id, label FROM internal.names WHERE org IN ({orgs})",
    "line_items": f"SELECT line_item, {', '.join(PARTS)} FROM internal.line_items "
    f"WHERE line_item IN ({_USED.format('costs')}) OR line_item IN ({_USED.format('internal.cost_splits')})",
}
"""Statements of what else views are made of, by the name of the table."""


@dataclass(frozen=True, slots=True)
class Unstable:
    """A stretch of a dataset that is not stable."""

    org: str
    dataset: str
    span: Span
    status: str


@dataclass(frozen=True)
class Whole:
    """A book, or a range of it, as it is at one moment."""

    orgs: tuple[str, ...]
    range: Range
    coverage: Coverage
    """Of everything together."""
    each: Mapping[str, Mapping[str, Coverage]]
    """By organization and dataset."""
    unstable: Sequence[Unstable]
    stream: Stream

    def months(self) -> Iterator[Range]:
        """Yield the months of the range; the outer ones may be cut."""
        start = self.range.start
        while start < self.range.end:
            end = min(unix(stepped(beginning(naive(start), "month"), "month")), self.range.end)
            yield Range(start, end)
            start = end

    def rows(self, table: Table, span: Span) -> pa.RecordBatchReader:
        """Return the rows of a table that begin in a span, each with its status.

        They are read to their end, or closed, before anything else is asked for.
        """
        status, params = self._status(table, span)
        text = (
            f"SELECT {table.columns}, {status} AS status\nFROM {table.source}\n"
            f"WHERE t.org IN ({self._places}) AND t.{table.time} >= ? AND t.{table.time} < ?"
        )
        return self.stream(text, [*params, *self.orgs, naive(span.start), naive(span.end)])

    def small(self, name: str) -> pa.Table:
        """Return a table of `SMALL`."""
        text = SMALL[name].format(orgs=self._places)
        ranged = [*self.orgs, naive(self.range.start), naive(self.range.end)]
        return self.stream(text, ranged * 2 if "start_time" in text else self.orgs).read_all()

    @property
    def _places(self) -> str:
        return ", ".join("?" * len(self.orgs))

    def _status(self, table: Table, span: Span) -> tuple[str, list[Any]]:
        """Return what says whether a row is stable, with the values that it binds."""
        near = [u for u in self.unstable if u.span.overlaps(span)]
        cases, params = [], []
        for one in sorted(near, key=lambda u: _ORDER.index(u.status)):
            cases.append(
                f"WHEN t.org = ? AND {table.dataset} = ? AND t.{table.time} >= ? AND t.{table.time} < ? THEN ?"
            )
            start = floor(one.span.start, "1d") if table is DAILY else one.span.start
            params += [one.org, one.dataset, naive(start), naive(one.span.end), one.status]
        return (f"CASE {' '.join(cases)} ELSE 'stable' END", params) if cases else ("'stable'", [])


@contextmanager
def opened(
    store: Store,
    orgs: tuple[str, ...],
    span: Range | None,
    wanted: Iterable[str],
    look_back: Mapping[str, int],
    now: int,
) -> Iterator[Whole]:
    """Yield what is held of `orgs` in whole days of a range, or all of it; `wanted` are datasets that should be.

    Others wait for the book meanwhile. Raises `UsageError` for a range that is not of whole days, or without anything.
    """
    if span is not None and (span.start % DAY or span.end % DAY):
        raise UsageError(f"An export is of whole days, and {span} is not. Say it in days, such as --last 30d.")
    with store.streaming() as stream:
        runs = {org: _runs(stream, org) for org in orgs}
        span = span or _all(runs)
        chosen = {
            org: {n: held for n, held in of_org.items() if n in wanted or any(r.span.overlaps(span) for r in held)}
            for org, of_org in runs.items()
        }
        refusals = {org: stream(_REFUSALS, [org]).read_all().to_pylist() for org in orgs}

        def covered(org: str, *names: str) -> Coverage:
            return assess(span, {n: _needed(HELD[n]) for n in names}, chosen[org], refusals[org], look_back, now)

        yield Whole(
            orgs,
            span,
            combined({org: covered(org, *chosen[org]) for org in orgs}),
            {org: {name: covered(org, name) for name in chosen[org]} for org in orgs},
            [u for org in orgs for u in _unstable(org, chosen[org], look_back)],
            stream,
        )


def _needed(known: Dataset) -> tuple[str, ...]:
    """Return the dimensions without which a dataset is incomplete; a split may lack projects."""
    return (f"{known.split}_id", "line_item") if known.split else known.asked


_RUNS = "SELECT * FROM internal.coverage WHERE org = ? ORDER BY dataset, start_time"
_REFUSALS = "SELECT * FROM internal.refusals WHERE org = ?"


def _runs(stream: Stream, org: str) -> dict[str, list[Run]]:
    out: dict[str, list[Run]] = {name: [] for name in HELD}
    for row in stream(_RUNS, [org]).read_all().to_pylist():
        asked = tuple(row["dimensions"].split(",")) if row["dimensions"] else ()
        run = Run(unix(row["start_time"]), unix(row["end_time"]), row["width"], asked, unix(row["read_at"]))
        out[row["dataset"]].append(run)
    return out


def _all(runs: Mapping[str, Mapping[str, Sequence[Run]]]) -> Range:
    held = [run for of_org in runs.values() for of_dataset in of_org.values() for run in of_dataset]
    if not held:
        raise UsageError("There is nothing to export: nothing is held. `tallybook sync` fills the book.")
    return Range(floor(min(r.start for r in held), "1d"), ceil(max(r.end for r in held), "1d"))


def _unstable(org: str, held: Mapping[str, Sequence[Run]], look_back: Mapping[str, int]) -> Iterator[Unstable]:
    for name, runs in held.items():
        parts: dict[str, list[Span]] = {status: [] for status in _ORDER}
        for run in runs:
            ended = floor(run.end, run.width)
            parts["provisional"].append(Span(min(run.stable_until(look_back[name]), ended), ended))
            parts["open"].append(Span(max(ended, run.start), run.extent.end))
        for status, spans in parts.items():
            yield from (Unstable(org, name, span, status) for span in merge(spans))
