"""What OpenAI has said differently of buckets that had ended: when, how many rows, and by how much."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Context, Decimal
from typing import Any

from tallybook.model.datasets import HELD, MEASURES
from tallybook.model.windows import Span, naive
from tallybook.query.coverage import utc_text
from tallybook.store.base import Store

MONEY = Context(prec=50)
"""Wide enough for the difference of any two amounts."""


@dataclass(frozen=True, slots=True)
class Change:
    """One number of the rows that changed, added up before and after."""

    measure: str
    currency: str | None
    before: int | Decimal
    after: int | Decimal
    change: int | Decimal

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-ready values; money as text."""
        numbers = {"before": self.before, "after": self.after, "change": self.change}
        texts = {k: f"{n:f}" if isinstance(n, Decimal) else n for k, n in numbers.items()}
        return {"measure": self.measure, "currency": self.currency, **texts}


@dataclass(slots=True)
class Restatement:
    """A day of a dataset that one commit found changed. Times are naive UTC."""

    seen_at: dt.datetime
    """When the new version was committed."""
    dataset: str
    day: dt.datetime
    changed: int = 0
    """Rows with other numbers than before."""
    vanished: int = 0
    appeared: int = 0
    changes: list[Change] = field(default_factory=list)
    """Every measure that the rows have; costs per currency."""

    @property
    def telling(self) -> Change | None:
        """The first number, in OpenAI's order, that is another than before."""
        return next((c for c in self.changes if c.change), self.changes[0] if self.changes else None)

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return {
            "seen_at": utc_text(self.seen_at),
            "dataset": self.dataset,
            "day": f"{self.day:%Y-%m-%d}",
            "rows_changed": self.changed,
            "rows_vanished": self.vanished,
            "rows_appeared": self.appeared,
            "changes": [c.as_dict() for c in self.changes],
        }


@dataclass(frozen=True, slots=True)
class _Source:
    """A table of facts, as restatements are found in it."""

    table: str
    dataset: str
    """The SQL that names the dataset of a row."""
    width: str
    numbers: tuple[str, ...]
    currency: str = "currency"

    @property
    def history(self) -> str:
        return f"internal.{self.table.rpartition('.')[2]}_history"


_SOURCES = (
    _Source("costs", "'costs'", "'1d'", ("amount",)),
    _Source("internal.cost_splits", "'costs_by_' || split", "'1d'", ("amount",)),
    _Source("usage", "dataset", "width", tuple(MEASURES), "NULL"),
)


def restatements(store: Store, org: str, span: Span | None = None, datasets: Collection[str] = ()) -> list[Restatement]:
    """Return what was restated, the newest first; `span` bounds the days, `datasets` names which (default: all).

    Raises `NotABookError` where there is no book.
    """
    bounds = [naive(span.start), naive(span.end)] if span else []
    found: dict[tuple[Any, ...], Restatement] = {}
    for source in _SOURCES:
        params = [org, *bounds] * 3
        for row in store.read(_statement(source, bounded=bool(span)), params).to_pylist():
            if not datasets or row["dataset"] in datasets:
                key = (row["seen_at"], row["dataset"], row["day"])
                _add(found.setdefault(key, Restatement(*key)), row)
    order = {name: i for i, name in enumerate(HELD)}
    return sorted(found.values(), key=lambda r: (-r.seen_at.timestamp(), order[r.dataset], r.day))


def _statement(source: _Source, *, bounded: bool) -> str:
    """Return the statement that adds up, per commit, dataset, day and currency, the rows before and after.

    All rows of a bucket are replaced for one reason, so what is new in a restated bucket is what that commit wrote.
    """
    within = "org = ?" + (" AND start_time >= ? AND start_time < ?" if bounded else "")
    of_row = f"{source.dataset} AS dataset, start_time, {source.width} AS width, {source.currency} AS currency"
    columns = f"{of_row}, {', '.join(source.numbers)}"
    kind = "BIGINT" if source.table == "usage" else "DECIMAL(38, 18)"
    exact = "::HUGEINT::VARCHAR" if source.table == "usage" else ""
    sums = ", ".join(
        f"SUM(CASE WHEN {side} = 1 THEN {n} ELSE CAST(NULL AS {kind}) END){exact} AS {n}_{name}"
        for n in source.numbers
        for side, name in (("was", "before"), ("fresh", "after"))
    )
    return f"""WITH restated AS (
    SELECT {columns}, replaced_at, absent FROM {source.history} WHERE {within} AND reason = 'restated'
),
touched AS (SELECT DISTINCT dataset, start_time, width, replaced_at FROM restated),
versions AS (
    SELECT {columns}, recorded_at FROM {source.table} WHERE {within}
    UNION ALL
    SELECT {columns}, recorded_at FROM {source.history} WHERE {within} AND NOT absent
),
sides AS (
    SELECT dataset, start_time, replaced_at AS seen_at, currency, {", ".join(source.numbers)},
        CASE WHEN absent THEN 0 ELSE 1 END AS was, CASE WHEN absent THEN 1 ELSE 0 END AS appeared, 0 AS fresh
    FROM restated
    UNION ALL
    SELECT v.dataset, v.start_time, t.replaced_at, v.currency, {", ".join(f"v.{n}" for n in source.numbers)}, 0, 0, 1
    FROM versions AS v JOIN touched AS t ON v.dataset = t.dataset AND v.start_time = t.start_time
        AND v.width = t.width AND v.recorded_at = t.replaced_at
)
SELECT seen_at, dataset, date_trunc('day', start_time)::TIMESTAMP AS day, currency,
    SUM(was)::BIGINT AS was, SUM(appeared)::BIGINT AS appeared, SUM(fresh)::BIGINT AS fresh, {sums}
FROM sides GROUP BY seen_at, dataset, day, currency ORDER BY seen_at, dataset, day, currency"""


def _add(into: Restatement, row: Mapping[str, Any]) -> None:
    """Count a currency's rows, or all rows of a day, in. New rows that did not appear are changed ones."""
    changed = row["fresh"] - row["appeared"]
    into.changed += changed
    into.vanished += row["was"] - changed
    into.appeared += row["appeared"]
    into.changes += _changes(into.dataset, row)


def _changes(dataset: str, row: Mapping[str, Any]) -> Iterable[Change]:
    known = HELD[dataset]
    if known.is_costs:
        before, after = row["amount_before"] or Decimal(0), row["amount_after"] or Decimal(0)
        yield Change("amount", row["currency"], before, after, MONEY.subtract(after, before))
        return
    for name in known.measures:
        if row[f"{name}_before"] is not None or row[f"{name}_after"] is not None:
            was, now = int(row[f"{name}_before"] or 0), int(row[f"{name}_after"] or 0)
            yield Change(name, None, was, now, now - was)
