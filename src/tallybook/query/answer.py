"""The answer to a question: the statement's rows, labelled and complete in time, with their coverage."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from typing import Any

import pyarrow as pa

from tallybook.model.arrow import column
from tallybook.model.coverage import Run, together
from tallybook.model.errors import UnanswerableError
from tallybook.model.schema import MONEY, TIME
from tallybook.model.windows import SECONDS, Span, ceil, floor, iso, naive, subtract
from tallybook.query.compile import REST_ROWS, Query, compile_query, of, rows_of
from tallybook.query.coverage import Coverage, assess, not_held
from tallybook.query.labels import labels
from tallybook.query.metrics import Metric, offers
from tallybook.query.splits import UNATTRIBUTED, usable
from tallybook.query.time import buckets
from tallybook.store.base import Store


@dataclass(frozen=True, slots=True)
class Answer:
    """A question, its rows and what they rest on.

    `table` has `time` (the start of each day or month; not for the grain `total`), per dimension a label and, where
    it differs, the id as `<dimension>_id`, `currency` where there is money, and the metrics: money as
    decimal(38, 18), counts as int64. A number is NULL where its bucket is not held at all, or where the provider
    says nothing of a newer measure.
    """

    query: Query
    table: pa.Table
    coverage: Coverage
    rounding: frozenset[int] = frozenset()
    """The rows of `table`, by number, that hold no more than what rounding leaves between the bill and its split."""


def answer(store: Store, query: Query, look_back: Mapping[str, int], now: int) -> Answer:
    """Ask the store one statement. Raises `UnanswerableError` where the range cuts a bucket that is held whole."""
    runs = store.coverage(query.org, query.datasets, query.as_of)
    split = None
    if query.split:
        runs[query.split.name] = together(runs[query.split.name], runs["costs"])
        split = usable(query.split, query.columns, runs[query.split.name])
    _whole_buckets(query, runs)
    asked = {name: [c for c in columns if offers(name, c)] for name, columns in query.datasets.items()}
    lacking = {
        (name, column): [gap.span for gap in not_held(name, column, query.range, runs[name])]
        for name, columns in asked.items()
        for column in columns
    }
    text, params = compile_query(query, lacking, split)
    rows = store.read(text, params).to_pylist()
    refusals = store.rows("refusals", {"org": query.org}, query.as_of)
    coverage = assess(query.range, query.datasets, runs, refusals, look_back, now)
    rows = _one_currency(query, _with_rest(query, rows))
    names = labels(store.rows("directory", {"org": query.org})) if any(d.kind for d in query.by) else {}
    filled = _filled(query, rows, runs, now)
    rounding = frozenset(i for i, row in enumerate(filled) if _is_rounding(query, row))
    return Answer(query, _table(query, filled, names), coverage, rounding)


def _with_rest(query: Query, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out what a split leaves of the bill wherever that is nothing at all."""
    keys = [*(d.name for d in query.by), "currency"]
    rest = [r for r in rows if _is_rest(query, r)]
    real = {tuple(r[k] for k in keys) for r in rest if any(r[m.name] for m in query.metrics)}
    return [r for r in rows if not _is_rest(query, r) or tuple(r[k] for k in keys) in real]


def _is_rest(query: Query, row: Mapping[str, Any]) -> bool:
    return any(row[d.name] == UNATTRIBUTED for d in query.by)


def _is_rounding(query: Query, row: Mapping[str, Any]) -> bool:
    """Return whether a row holds no more than half-even rounding of its summands to 18 places can leave."""
    if not _is_rest(query, row):
        return False
    most = Decimal((row[REST_ROWS] or 0) + 1).scaleb(-18)
    return all(abs(row[m.name] or 0) <= most for m in query.metrics)


def _whole_buckets(query: Query, runs: Mapping[str, Sequence[Run]]) -> None:
    """Raise where an edge of the range cuts a bucket; the newest bucket, still open, may be cut at its end."""
    for name, held in runs.items():
        for run in held:
            for edge, is_end in ((query.range.start, False), (query.range.end, True)):
                if not edge % SECONDS[run.width] or not run.extent.start < edge < run.extent.end:
                    continue
                if is_end and edge >= run.end:
                    continue
                nearest = floor(edge, run.width) if is_end else ceil(edge, run.width)
                raise UnanswerableError(
                    f"{name} is held by {run.width} around {iso(edge)}, so the range cannot "
                    f"{'end' if is_end else 'begin'} there. The nearest that can be answered "
                    f"{'ends before' if is_end else 'begins with'} {iso(nearest)}; whole days always can."
                )


def _one_currency(query: Query, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put counts beside the money of the same group, where all money is of one currency."""
    if {m.table for m in query.metrics} != {"usage", "costs"}:
        return rows
    currencies = {r["currency"] for r in rows if r["currency"] is not None}
    if len(currencies) != 1:
        return rows
    only = currencies.pop()
    groups = {"time", *(d.name for d in query.by)}
    numbers = [name for name in rows[0] if name not in groups | {"currency"}]
    merged: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        key = tuple(row[k] for k in row if k in groups)
        into = merged.setdefault(key, row | {"currency": only})
        for name in numbers:
            into[name] = into[name] if into[name] is not None else row[name]
    return list(merged.values())


def _filled(
    query: Query, rows: list[dict[str, Any]], runs: Mapping[str, Sequence[Run]], now: int
) -> list[dict[str, Any]]:
    """Give every group every bucket of time that has begun: 0 where it is held, NULL where it is not."""
    keys = [d.name for d in query.by] + ["currency"]
    groups = _groups(query, rows, keys)
    spans = [s for s in buckets(query.range, query.grain) if s.start < now]
    found = {(r.get("time"), *(r[k] for k in keys)): r for r in rows}
    held = {m.name: [_is_held(m, query, runs, span) for span in spans] for m in query.metrics}
    split = len({m.table for m in query.metrics}) == 2 and len({g[-1] for g in groups} - {None}) > 1
    out = []
    for (i, span), group in product(enumerate(spans), groups):
        start = _start(query, span)
        row = found.get((start, *group), {})
        values: dict[str, Any] = {} if query.grain == "total" else {"time": start}
        values |= dict(zip(keys, group, strict=True))
        for m in query.metrics:
            belongs = not split or (m.table == "costs") == (group[-1] is not None)
            value = row.get(m.name)
            is_zero = held[m.name][i] and belongs and not row.get(rows_of(m))
            values[m.name] = value if value is not None else Decimal(0) if is_zero else None
        values[REST_ROWS] = row.get(REST_ROWS)
        out.append(values)
    return out


def _start(query: Query, span: Span) -> dt.datetime | None:
    if query.grain == "total":
        return None
    day = naive(span.start).replace(hour=0, minute=0, second=0)
    return day.replace(day=1) if query.grain == "month" else day


def _groups(query: Query, rows: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> list[tuple[Any, ...]]:
    """Return every group, the largest of the first metric over the whole range first, bracketed words last."""
    sizes: dict[tuple[Any, ...], Decimal] = {}
    for row in rows:
        group = tuple(row[k] for k in keys)
        sizes[group] = sizes.get(group, Decimal(0)) + (row[query.metrics[0].name] or 0)
    if not query.by and not sizes:
        return [(None,)]

    def rank(group: tuple[Any, ...]) -> tuple[bool, Decimal, tuple[str, ...]]:
        return any(str(g).startswith("(") for g in group), -abs(sizes[group]), tuple(map(str, group))

    return sorted(sizes, key=rank)


def _is_held(known: Metric, query: Query, runs: Mapping[str, Sequence[Run]], span: Span) -> bool:
    """Return whether at least a part of a bucket is held of every dataset that a metric is summed over."""
    whole = [Span(span.start, span.end)]
    datasets = of(known, query.where.get("dataset"))
    return all(subtract(whole, [r.span for r in runs[d]]) != whole for d in datasets)


def _table(query: Query, rows: list[dict[str, Any]], names: Mapping[str, Mapping[str, str]]) -> pa.Table:
    columns: dict[str, pa.Array] = {}
    if query.grain != "total":
        columns["time"] = column([r["time"] for r in rows], TIME)
    for d in query.by:
        ids = [r[d.name] for r in rows]
        known = names.get(d.kind or "", {})
        columns[d.name] = column([known.get(i, i) for i in ids], pa.string())
        if d.kind:
            columns[d.column] = column([None if i and i.startswith("(") else i for i in ids], pa.string())
    if any(m.table == "costs" for m in query.metrics):
        columns["currency"] = column([r["currency"] for r in rows], pa.string())
    for m in query.metrics:
        if m.table == "costs":
            columns[m.name] = column([r[m.name] for r in rows], MONEY)
        else:
            columns[m.name] = column([None if r[m.name] is None else int(r[m.name]) for r in rows], pa.int64())
    return pa.table(columns)
