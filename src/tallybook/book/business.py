"""Business metrics put into a book, listed and removed."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from tallybook.book.frames import Frame, rows_of
from tallybook.model.errors import UsageError, suggest
from tallybook.model.records import Swap
from tallybook.model.settings import Settings
from tallybook.model.windows import Span, iso, merge, naive, subtract
from tallybook.query.own import business
from tallybook.query.own.assignments import all_rules, held_ids
from tallybook.query.own.business import Definition
from tallybook.query.own.business_rows import Bucketed, Columns, bucketed, fits, grain_of, moments, records
from tallybook.query.own.teams import values
from tallybook.store.base import Store

By = str | Sequence[str] | Mapping[str, str]
"""Dimensions, each with the column that holds it where that is called otherwise."""
_CURRENCY = re.compile(r"[a-z]{3}")


@dataclass(frozen=True, slots=True)
class Added:
    """What became of a frame."""

    definition: Definition
    rows: int
    """How many buckets were written, by all dimensions."""
    replaced: int
    """How many there were before, from the first bucket of the frame to its last."""
    span: Span
    """From the first bucket to the end of the last."""
    total: Decimal

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        about = {"rows": self.rows, "replaced": self.replaced, "total": f"{self.total:f}"}
        return self.definition.as_dict() | about | {"start": iso(self.span.start), "end": iso(self.span.end)}


@dataclass(frozen=True, slots=True)
class Kept:
    """A business metric of a book."""

    definition: Definition
    rows: int
    coverage: tuple[Span, ...]
    """Where it is known."""

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        spans = [{"start": iso(span.start), "end": iso(span.end)} for span in self.coverage]
        return self.definition.as_dict() | {"rows": self.rows, "coverage": spans}


@dataclass(frozen=True, slots=True)
class Given:
    """How a metric is described by who adds it; None leaves it as it is, or to the default."""

    kind: str | None = None
    unit: str | None = None
    currency: str | None = None
    grain: str | None = None


def add(
    store: Store,
    settings: Settings,
    now: dt.datetime,
    name: str,
    frame: Frame,
    time: str,
    by: By,
    amount: str | None,
    given: Given,
) -> Added:
    """Put a frame into a book; `now` is naive UTC. See `Book.add_metric`."""
    business.check_name(name)
    given_by = _columns(by)
    columns = Columns(time, amount or name, given_by)
    rows = rows_of(frame)
    hints = {} if amount else {name: "Name the column of the numbers with amount (--amount)."}
    rows.must_have([time, columns.amount, *given_by.values()], hints)
    found = list(records(rows.each, columns))
    if not found:
        raise UsageError(f"{rows.name or 'The frame'} has no rows.")
    times = moments(found, time)
    with store.opened():
        business.check_name(name, values(all_rules(store, settings)))
        old = business.definitions(store).get(name)
        grain = given.grain or (old.grain if old and fits(times, old.grain) else grain_of(times))
        new = _defined(name, replace(given, grain=grain), given_by, old)
        what = bucketed(new, found, times, columns, held_ids(store))
        replaced = business.count(store, name, what.span)
        store.swap(*_swaps(store, new, what, now))
    return Added(new, len(what.rows), replaced, what.span, what.total)


def _columns(by: By) -> dict[str, str]:
    if isinstance(by, str):
        by = (by,)
    named = dict(by) if isinstance(by, Mapping) else {name: name for name in by}
    aliases = {column: name for name, column in business.COLUMNS.items()}
    out = {aliases.get(name, name): column for name, column in named.items()}
    if len(out) < len(named):
        raise UsageError("by names a dimension twice.")
    return out


def _defined(name: str, given: Given, by: Mapping[str, str], old: Definition | None) -> Definition:
    """Return the definition that a frame is added under: that of the metric, which it must fit, or a new one."""
    columns: dict[str, str] = {}
    for dimension in by:
        known = old.columns.get(dimension) if old else None
        columns[dimension] = known or business.column_of(dimension, columns.values())
    kind = given.kind or (old.kind if old else "flow")
    currency = given.currency or (old.currency if old else None)
    unit = given.unit or ("money" if currency else old.unit if old else name)
    for what, value, allowed in (("kind", kind, business.KINDS), ("grain", given.grain, business.GRAINS)):
        if value not in allowed:
            raise UsageError(f"The {what} of a business metric is not {value!r}. {suggest(str(value), allowed)}")
    if currency is not None and not _CURRENCY.fullmatch(currency):
        raise UsageError(f"A currency has three small letters, such as usd, not {currency!r}.")
    if (unit == "money") != (currency is not None):
        raise UsageError("Money has a currency (currency, --currency), and nothing else has; the unit is then money.")
    if not business.NAME.fullmatch(unit):
        raise UsageError(f"A unit is a word of small letters, digits and underscores, not {unit!r}.")
    new = Definition(name, "level" if kind == "level" else "flow", unit, currency, str(given.grain), columns)
    if old is not None and new != old:
        raise UsageError(
            f"{name} is held as {old}; this would be {new}. Add it alike, or remove it first: tallybook metrics remove "
            f"{name}"
        )
    return new


def _swaps(store: Store, what: Definition, given: Bucketed, now: dt.datetime) -> list[Swap]:
    about = {"metric": what.name}
    shared = about | {"recorded_at": now}
    rows = tuple(row | shared | {"currency": what.currency} for row in given.rows)
    definition = {
        "kind": what.kind, "unit": what.unit, "currency": what.currency, "grain": what.grain,
        "dimensions": json.dumps(what.columns),
    }  # fmt: skip
    covered = merge([*subtract(business.coverage(store, what.name), [given.span]), *given.coverage])
    return [
        Swap("business", rows, about, given.span),
        Swap("business_metrics", (shared | definition,), about),
        Swap(
            "business_coverage",
            tuple(shared | {"start_time": naive(s.start), "end_time": naive(s.end)} for s in covered),
            about,
        ),
    ]


def kept(store: Store) -> list[Kept]:
    """Return the business metrics of a book. Never creates one."""
    found = business.definitions(store)
    return [Kept(d, business.count(store, d.name), tuple(business.coverage(store, d.name))) for d in found.values()]


def remove(store: Store, name: str) -> Kept:
    """Remove a business metric with all its numbers; raises `UnknownNameError`."""
    with store.opened():
        known = business.known(name, business.definitions(store))
        gone = next(k for k in kept(store) if k.definition == known)
        store.swap(*(Swap(t, (), {"metric": name}) for t in ("business", "business_metrics", "business_coverage")))
    return gone
