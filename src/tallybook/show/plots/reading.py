"""From an answer to the panels of a picture. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from tallybook.model.errors import UsageError
from tallybook.model.windows import unix
from tallybook.query.answer import PREVIOUS
from tallybook.query.words import OTHER, is_word
from tallybook.show.plots.data import Entity, Number, Panel, Series, Slot, State, added, ordered

if TYPE_CHECKING:
    from tallybook.model.windows import Span
    from tallybook.query.dimensions import Dimension
    from tallybook.query.metrics import Metric
    from tallybook.query.question import Query
    from tallybook.show.result import Result

Along = Literal["axis", "whole"]
Row = Mapping[str, Any]

_STEPS = {"minute": 60, "hour": 3600, "day": 86_400, "week": 7 * 86_400}
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_PAIR = " · "
_SPAN = "\0span"
"""Under which a row has its span; no metric and no dimension has such a name."""
_INITIALS = {"api": "API", "id": "ID"}


def panels(result: Result, along: Along, *, together: bool) -> list[Panel]:
    """Return the panels of an answer.

    `along`: slots are times, or where there are none the values of the first dimension ("axis"); or there is one slot,
    the whole range. `together` puts metrics of one unit into one panel where nothing is grouped by.
    """
    query = asked(result)
    rows = _rows(result, query, along)
    groups: dict[Hashable, list[Metric]] = {}
    is_alone = not together or len(query.by) > _axes(query, along)
    for m in query.metrics:
        groups.setdefault(m.name if is_alone else (m.unit, m.kind), []).append(m)
    return [
        _panel(result, query, metrics, currency, _of(rows, currency), along)
        for metrics in groups.values()
        for currency in _currencies(rows, metrics)
    ]


def asked(result: Result) -> Query:
    """Return the question; raises `UsageError` where there was none."""
    if result.query is None:
        raise UsageError("What was fetched without a book has no metric to draw: ask a book, or use to_pandas().")
    return result.query


def adds_up(metric: Metric) -> bool:
    """Return whether the parts of a bucket add up to it: not what is distinct, a ratio, or the most at any time."""
    return metric.kind in ("flow", "level") and metric.terms[0].fold != "max"


def spoken(name: str) -> str:
    """Return the name of a metric or a dimension as words."""
    words = [_INITIALS.get(word, word) for word in name.removeprefix("num_").split("_")]
    text = " ".join(words)
    return text[:1].upper() + text[1:]


def _rows(result: Result, query: Query, along: Along) -> Sequence[Row]:
    """Return the rows that are drawn; what rounding alone leaves is no difference, and not drawn."""
    if along == "whole" and query.grain != "total":
        found: Sequence[Row] = result.overall.to_pylist()
        return found
    rows = result.rows()
    for row, span in zip(rows, result.spans, strict=False):
        row[_SPAN] = span
    return [row for i, row in enumerate(rows) if i not in result.rounding]


def _axes(query: Query, along: Along) -> int:
    """Return how many dimensions are along the axis."""
    return 1 if along == "axis" and query.grain == "total" and query.by else 0


def _of(rows: Sequence[Row], currency: str | None) -> Sequence[Row]:
    return rows if currency is None else [r for r in rows if r["currency"] == currency]


def _currencies(rows: Sequence[Row], metrics: Sequence[Metric]) -> list[str | None]:
    """Return the currencies that metrics are in, which are never added, the one with the most first."""
    if not metrics[0].unit.startswith("money"):
        return [None]
    sizes: dict[str, Decimal] = {}
    for row in rows:
        if row["currency"] is not None:
            sizes[row["currency"]] = sizes.get(row["currency"], Decimal(0)) + abs(row[metrics[0].name] or 0)
    return [*sorted(sizes, key=lambda c: (-sizes[c], c))] or [None]


def _panel(
    result: Result, query: Query, metrics: Sequence[Metric], currency: str | None, rows: Sequence[Row], along: Along
) -> Panel:
    axis, stack = query.by[: _axes(query, along)], query.by[_axes(query, along) :]
    if axis:
        placed = [Slot(entity) for entity in _entities(rows, axis)]
    elif query.grain != "total" and along == "axis":
        placed = _times(result, query, rows, metrics)
    else:
        placed = [Slot()] * len(rows)
    slots = tuple(dict.fromkeys(placed))
    at = {slot: i for i, slot in enumerate(slots)}
    where = [at[slot] for slot in placed]
    series: list[Series] = []
    for m in metrics:
        is_whole = len(stack) in (0, len(query.by))
        totals = [_totals(result, m, name, stack, currency) if is_whole else {} for name in (m.name, m.name + PREVIOUS)]
        series += _series(rows, m, _whose(rows, m, stack), where, len(slots), totals)
    order, axis_order = (of[0].order if len(of) == 1 else () for of in (stack, axis))
    found = Panel(
        tuple(m.name for m in metrics), metrics[0].unit, currency, adds_up(metrics[0]), query.grain, slots,
        ordered(series), stack[0].name if len(stack) == 1 else None, axis[0].name if axis else None,
        is_ordered=bool(order), is_axis_ordered=bool(axis_order),
        total=_total(result, metrics, currency),
    )  # fmt: skip
    return _in_order(found, order, axis_order)


def _in_order(panel: Panel, order: Sequence[str], axis_order: Sequence[str]) -> Panel:
    """Return a panel with series and slots in the order of their dimensions."""

    def place(label: str, known: Sequence[str]) -> int:
        return known.index(label) if label in known else len(known)

    series = sorted(panel.series, key=lambda s: place(s.entity.label, order)) if order else panel.series
    if not axis_order:
        return replace(panel, series=tuple(series))
    at = sorted(range(len(panel.slots)), key=lambda i: place(_label(panel.slots[i]), axis_order))
    moved = [
        replace(s, values=tuple(s.values[i] for i in at), previous=tuple(s.previous[i] for i in at if s.previous))
        for s in series
    ]
    return replace(panel, series=tuple(moved), slots=tuple(panel.slots[i] for i in at))


def _label(slot: Slot) -> str:
    return slot.entity.label if slot.entity else ""


def _entities(rows: Iterable[Row], of: Sequence[Dimension]) -> list[Entity]:
    """Return whose each row is."""
    columns = [(d.name, d.column) for d in of]
    seen: dict[tuple[Any, ...], Entity] = {}
    out = []
    for row in rows:
        key = tuple((row[name], row.get(column)) for name, column in columns)
        if key not in seen:
            seen[key] = _entity([str(label) for label, _ in key], [str(i or label) for label, i in key])
        out.append(seen[key])
    return out


def _entity(labels: Sequence[str], keys: Sequence[str]) -> Entity:
    if all(label == OTHER for label in labels):
        return Entity(OTHER, OTHER, "other")
    return Entity(_PAIR.join(keys), _PAIR.join(labels), "word" if len(labels) == 1 and is_word(labels[0]) else "plain")


def _whose(rows: Sequence[Row], metric: Metric, of: Sequence[Dimension]) -> list[Entity]:
    """Return whose each row is; where nothing is grouped by, it is the metric's own."""
    return _entities(rows, of) if of else [Entity(metric.name, spoken(metric.name))] * len(rows)


def _totals(
    result: Result, metric: Metric, name: str, of: Sequence[Dimension], currency: str | None
) -> dict[Entity, Number]:
    """Return a column over the whole range, of each entity or of all together."""
    rows = _of((result.overall if of else result.whole).to_pylist(), currency)
    return {e: row[name] for e, row in zip(_whose(rows, metric, of), rows, strict=True) if row.get(name) is not None}


def _total(result: Result, metrics: Sequence[Metric], currency: str | None) -> Number | None:
    """Return what a panel of one metric amounts to."""
    if len(metrics) > 1:
        return None
    return next(iter(_totals(result, metrics[0], metrics[0].name, (), currency).values()), None)


def _series(
    rows: Sequence[Row], metric: Metric, whose: Sequence[Entity], where: Sequence[int], count: int,
    totals: Sequence[Mapping[Entity, Number]],
) -> list[Series]:  # fmt: skip
    """Return the series of a metric; `where` is the slot of each row, of `count`."""
    name, before = metric.name, metric.name + PREVIOUS
    is_compared = bool(rows) and before in rows[0]
    found: dict[Entity, list[list[Number | None]]] = {}
    earlier: dict[Entity, list[list[Number | None]]] = {}
    for row, entity, slot in zip(rows, whose, where, strict=True):
        if entity not in found:
            found[entity], earlier[entity] = [[] for _ in range(count)], [[] for _ in range(count)]
        found[entity][slot].append(row[name])
        if is_compared:
            earlier[entity][slot].append(row[before])
    out = []
    for entity, cells in found.items():
        values, then = tuple(map(added, cells)), tuple(map(added, earlier[entity])) if is_compared else ()
        sums = (added(v) if metric.kind == "flow" or count == 1 else None for v in (values, then))
        total, was = (known.get(entity, own) for known, own in zip(totals, sums, strict=True))
        out.append(Series(entity, values, then, total, was))
    return out


def _times(result: Result, query: Query, rows: Sequence[Row], metrics: Sequence[Metric]) -> list[Slot]:
    """Return the slot of each row, with what coverage says of it."""
    unknown = {row["time"] for row in rows if any(row[m.name] is None for m in metrics)}
    seen: dict[dt.datetime, Slot] = {}
    for row in rows:
        start: dt.datetime = row["time"]
        if start not in seen:
            state = _state(result, row.get(_SPAN), is_unknown=start in unknown)
            seen[start] = Slot(None, start, _following(start, query.grain), state)
    return [seen[row["time"]] for row in rows]


def _state(result: Result, span: Span | None, *, is_unknown: bool) -> State:
    """Return whether a stretch of time may still change, or is missing."""
    if span is None:
        return "stable"
    if is_unknown and any(span.overlaps(gap.span) for gap in result.coverage.missing):
        return "missing"
    since = result.coverage.provisional_from
    return "provisional" if since is not None and span.end > unix(since) else "stable"


def _following(start: dt.datetime, grain: str) -> dt.datetime:
    """Return when the next bucket begins."""
    if grain in _STEPS:
        return start + dt.timedelta(seconds=_STEPS[grain])
    months = start.year * 12 + start.month - 1 + _MONTHS[grain]
    return start.replace(year=months // 12, month=months % 12 + 1)
