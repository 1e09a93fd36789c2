"""The answer to a question: the statement's rows, labelled and complete in time, with their coverage."""

from __future__ import annotations

import datetime as dt
from collections import Counter
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
from tallybook.query.compile import REST_ROWS, compile_query, is_word, rows_of
from tallybook.query.coverage import Coverage, assess, combined, not_held
from tallybook.query.labels import Labels, identity_of, labels
from tallybook.query.metrics import Metric, offers
from tallybook.query.question import Query, of
from tallybook.query.splits import UNATTRIBUTED, Split, usable
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
    with store.opened():
        runs = {org: store.coverage(org, query.datasets, query.as_of) for org in query.orgs}
        split = _split(query, runs)
        _whole_buckets(query, runs)
        text, params = compile_query(query, _lacking(query, runs), split)
        rows = store.read(text, params).to_pylist()
        refusals = {org: store.rows("refusals", {"org": org}, query.as_of) for org in query.orgs}
        names = labels(store.rows("directory")) if any(d.kind for d in query.by) else {}
    parts = {o: assess(query.range, query.datasets, runs[o], refusals[o], look_back, now) for o in query.orgs}
    rows = _one_currency(query, _with_rest(query, rows))
    filled = _filled(query, rows, runs, now)
    rounding = frozenset(i for i, row in enumerate(filled) if _is_rounding(query, row))
    return Answer(query, _table(query, filled, names), combined(parts), rounding)


Held = Mapping[str, Mapping[str, Sequence[Run]]]
"""What is held, per organization and dataset."""


def _split(query: Query, runs: Mapping[str, dict[str, list[Run]]]) -> Split | None:
    """Return where the split that a question needs answers it; only what was written with the bill counts."""
    if query.split is None:
        return None
    name = query.split.name
    for held in runs.values():
        held[name] = together(held[name], held["costs"])
    return usable(query.split, query.columns, {org: held[name] for org, held in runs.items()})


def _lacking(query: Query, runs: Held) -> dict[tuple[str, str, str], list[Span]]:
    """Return, by organization, dataset and column, where a dataset is held without a dimension that it offers."""
    return {
        (org, name, column): [gap.span for gap in not_held(name, column, query.range, held[name])]
        for org, held in runs.items()
        for name, columns in query.datasets.items()
        for column in columns
        if offers(name, column)
    }


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


def _whole_buckets(query: Query, runs: Held) -> None:
    """Raise where an edge of the range cuts a bucket; the newest bucket, still open, may be cut at its end."""
    for org, name in product(runs, query.datasets):
        for run in runs[org][name]:
            for edge, is_end in ((query.range.start, False), (query.range.end, True)):
                if not edge % SECONDS[run.width] or not run.extent.start < edge < run.extent.end:
                    continue
                if is_end and edge >= run.end:
                    continue
                nearest = floor(edge, run.width) if is_end else ceil(edge, run.width)
                whose = f" of {org}" if len(runs) > 1 else ""
                raise UnanswerableError(
                    f"{name}{whose} is held by {run.width} around {iso(edge)}, so the range cannot "
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


def _filled(query: Query, rows: list[dict[str, Any]], runs: Held, now: int) -> list[dict[str, Any]]:
    """Give every group every bucket of time that has begun: 0 where it is held, NULL where it is not."""
    keys = [d.name for d in query.by] + ["currency"]
    groups = _groups(query, rows, keys)
    spans = [s for s in buckets(query.range, query.grain) if s.start < now]
    found = {(r.get("time"), *(r[k] for k in keys)): r for r in rows}
    held = {m.name: [_holders(m, query, runs, span) for span in spans] for m in query.metrics}
    split = len({m.table for m in query.metrics}) == 2 and len({g[-1] for g in groups} - {None}) > 1
    whose = {group: _whose(query, group) for group in groups}
    out = []
    for (i, span), group in product(enumerate(spans), groups):
        start = _start(query, span)
        row = found.get((start, *group), {})
        values: dict[str, Any] = {} if query.grain == "total" else {"time": start}
        values |= dict(zip(keys, group, strict=True))
        for m in query.metrics:
            belongs = not split or (m.table == "costs") == (group[-1] is not None)
            value = row.get(m.name)
            is_zero = whose[group] <= held[m.name][i] and belongs and not row.get(rows_of(m))
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
        return any(is_word(str(g)) for g in group), -abs(sizes[group]), tuple(map(str, group))

    return sorted(sizes, key=rank)


def _holders(known: Metric, query: Query, runs: Held, span: Span) -> frozenset[str]:
    """Return who holds at least a part of a bucket of every dataset that a metric is summed over."""
    whole = [Span(span.start, span.end)]
    datasets = of(known, query.where.get("dataset"))
    return frozenset(
        org for org, held in runs.items() if all(subtract(whole, [r.span for r in held[d]]) != whole for d in datasets)
    )


def _whose(query: Query, group: tuple[Any, ...]) -> frozenset[str]:
    """Return the organizations that a group is of: its own, where it names one, or all."""
    for d, value in zip(query.by, group, strict=False):
        if d.name == "org":
            return frozenset([value])
        if query.qualifies(d.column) and not is_word(value):
            return frozenset([identity_of(value, query.orgs)[0]])
    return frozenset(query.orgs)


def _table(query: Query, rows: list[dict[str, Any]], names: Labels) -> pa.Table:
    columns: dict[str, pa.Array] = {}
    if query.grain != "total":
        columns["time"] = column([r["time"] for r in rows], TIME)
    for d in query.by:
        values = [r[d.name] for r in rows]
        if not d.kind:
            columns[d.name] = column(values, pa.string())
            continue
        known = names.get(d.kind, {})
        ids = [None if is_word(v) else identity_of(v, query.orgs) for v in values]
        owners = Counter(i[1] for i in {*ids} if i)
        shown = [
            # Values are qualified where there are several organizations, which only matters for what they share.
            v if i is None or (i not in known and owners[i[1]] > 1) else known.get(i, i[1])
            for v, i in zip(values, ids, strict=True)
        ]
        columns[d.name] = column(shown, pa.string())
        columns[d.column] = column([i and i[1] for i in ids], pa.string())
    if any(m.table == "costs" for m in query.metrics):
        columns["currency"] = column([r["currency"] for r in rows], pa.string())
    for m in query.metrics:
        if m.table == "costs":
            columns[m.name] = column([r[m.name] for r in rows], MONEY)
        else:
            columns[m.name] = column([None if r[m.name] is None else int(r[m.name]) for r in rows], pa.int64())
    return pa.table(columns)
