"""An answer as a table for a terminal: times, groups, numbers, what they are compared with, totals at the foot."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from tallybook.query.answer import PREVIOUS
from tallybook.query.metrics import Metric
from tallybook.show.numbers import UNKNOWN, count, money, percent, places, relative, significant
from tallybook.show.result import Result
from tallybook.show.tables import Column, table_text


def result_table(result: Result, width: int | None = None) -> str:
    """Return an answer as a table with totals at the foot."""
    assert result.query is not None  # noqa: S101 - only answers are shown as tables
    every, query = result.rows(), result.query
    # What rounding leaves is no difference between the bill and its split; the totals have it all the same.
    rows = [row for i, row in enumerate(every) if i not in result.rounding] or every
    columns = []
    if query.is_timed:
        columns.append(Column(query.grain, [slot_text(r["time"], query.grain) for r in rows]))
    columns += [Column(d.name, [str(r[d.name]) for r in rows], is_label=True) for d in query.by]
    whole = result.whole.to_pylist()
    for m in query.metrics:
        shown = texts(m, rows, m.name)
        columns.append(Column(m.name, shown(rows, m.name), is_number=True, foot=_foot(shown, whole, m.name, rows)))
        if result.comparison:
            then = m.name + PREVIOUS
            columns.append(Column(_BEFORE[query.compare or ""], shown(rows, then), is_number=True,
                                  foot=_foot(shown, whole, then, rows)))  # fmt: skip
            change = [_change(r[m.name], r[then], m) for r in rows]
            foot = [_change(w[m.name], w[then], m) for w in whole] if len(rows) > 1 else []
            columns.append(Column("change", change, is_number=True, foot=foot))
    if len(rows) > 1 and not columns[0].is_number:
        columns[0] = replace(columns[0], foot=["total"])
    text = table_text(columns, width)
    many = any(m.is_money for m in query.metrics) and len({r["currency"] for r in rows} - {None}) > 1
    return f"{text}\n\nCurrencies are never added." if many else text


_BEFORE = {"previous": "before", "year": "year ago"}
Shown = Callable[[Sequence[Mapping[str, Any]], str], list[str]]


def texts(known: Metric, rows: Sequence[Mapping[str, Any]], name: str) -> Shown:
    """Return what writes a metric's numbers, all with as many places as the smallest of `rows` needs."""
    if known.unit == "share":
        return lambda those, column: [percent(r[column]) for r in those]
    if known.is_money:
        exact = places(r[name] for r in rows)
        return lambda those, column: [money(r[column], r["currency"], exact) for r in those]
    if known.kind == "ratio":
        return lambda those, column: [_ratio(r[column]) for r in those]
    return lambda those, column: [count(None if r[column] is None else round(r[column])) for r in those]


def _ratio(value: float | None) -> str:
    return UNKNOWN if value is None else significant(Decimal(repr(value)), 4)


def _foot(shown: Shown, whole: Sequence[Mapping[str, Any]], name: str, rows: Sequence[Any]) -> list[str]:
    return (shown(whole, name) or [UNKNOWN]) if len(rows) > 1 else []


def _change(now: Any, before: Any, known: Metric) -> str:
    """Return how much more it is than before; of shares in percentage points."""
    if known.unit != "share":
        return relative(now, before)
    return UNKNOWN if None in (now, before) else f"{100 * (now - before):+.1f} pp".replace("-", "−")


_SLOTS = {"minute": "%Y-%m-%d %H:%M", "hour": "%Y-%m-%d %H:%M", "month": "%Y-%m", "year": "%Y"}


def slot_text(moment: dt.datetime, grain: str) -> str:
    """Return the start of a slot as briefly as tells it from its neighbours."""
    if grain == "quarter":
        return f"{moment.year}-Q{(moment.month + 2) // 3}"
    return moment.strftime(_SLOTS.get(grain, "%Y-%m-%d"))
