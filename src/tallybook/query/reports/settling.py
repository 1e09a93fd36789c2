"""How long after its end a bucket still changes, as the book has seen it, and the look-back that this suggests."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tallybook.model.coverage import Run
from tallybook.model.datasets import DATASETS, DIMENSIONS, Dataset
from tallybook.model.windows import DAY, SECONDS, Span, merge, naive, unix
from tallybook.store.base import Store

HOURS = (0, 1, 3, 6, 12, 24, 48, 72, 168, 336)
"""Ages at which the curve is told; each stands for reads from then until the next one."""
EVIDENCE = 90 * DAY
"""How far back buckets are looked at, so that old habits of the API are forgotten."""
ENOUGH_DAYS = 14
"""So many days must have been read within a day of their end before they suggest anything."""
BOUNDS = {"usage": (1, 14), "costs": (2, 14)}
"""The fewest and the most days of look-back that are ever suggested."""

Row = tuple[tuple[Any, ...], Decimal, int, int]
"""A version of a row: its key, its number, and from when until when it was held, microseconds."""
_FOREVER = 1 << 62


@dataclass(frozen=True, slots=True)
class Point:
    """How much of the final value was there when buckets had this age."""

    hours: int
    buckets: int
    """How many buckets were read at this age, before the next one."""
    share: float | None
    """1 where every row was what it is now; None where nothing was read at this age, or all of it is nothing."""


@dataclass(frozen=True, slots=True)
class Settling:
    """The curve of one dataset."""

    dataset: str
    measure: str
    points: tuple[Point, ...]
    days: int
    """How many stable days were read within a day of their end: what the suggestion rests on."""
    latest_hours: float | None
    """The greatest age at which a change was seen; None where none was."""
    look_back_days: int | None
    """The look-back that this suggests, within bounds; None where the evidence is too thin."""

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return {
            "dataset": self.dataset,
            "measure": self.measure,
            "points": [{"hours": p.hours, "buckets": p.buckets, "share": p.share} for p in self.points],
            "days": self.days,
            "latest_hours": self.latest_hours,
            "look_back_days": self.look_back_days,
        }


def settling(store: Store, org: str, look_back: Mapping[str, int], now: int) -> list[Settling]:
    """Return the curve of every dataset that is held; `look_back` says which buckets are stable, in seconds.

    Raises `NotABookError` where there is no book.
    """
    since = now - EVIDENCE
    held = store.coverage(org, DATASETS)
    earlier = _earlier(store, org, since)
    out = []
    for name, runs in held.items():
        stable = [Span(r.start, r.stable_until(look_back[name])) for r in runs if r.end > since]
        width = max((SECONDS[r.width] for r in runs if r.end > since), default=0)
        recent = merge(Span(max(s.start, since), s.end) for s in stable)
        if recent:
            reads = [r for r in [*runs, *earlier.get(name, ())] if SECONDS[r.width] == width]
            out.append(_curve(store, org, DATASETS[name], recent, reads, width))
    return out


def _earlier(store: Store, org: str, since: int) -> dict[str, list[Run]]:
    text = (
        "SELECT dataset, start_time, end_time, width, read_at, recorded_at FROM internal.coverage_history "
        "WHERE org = ? AND end_time > ?"
    )
    out: dict[str, list[Run]] = {}
    for r in store.read(text, [org, naive(since)]).to_pylist():
        run = Run(unix(r["start_time"]), unix(r["end_time"]), r["width"], (), unix(r["read_at"]), _us(r["recorded_at"]))
        out.setdefault(r["dataset"], []).append(run)
    return out


def _us(moment: dt.datetime) -> int:
    return unix(moment) * 1_000_000 + moment.microsecond


def _curve(
    store: Store, org: str, dataset: Dataset, stable: Sequence[Span], reads: Sequence[Run], width: int
) -> Settling:
    final = _final(store, org, dataset, stable[0].start)
    changed, ages = _changed(store, org, dataset, stable)
    points = []
    for low, high in zip(HOURS, [*HOURS[1:], 1 << 30], strict=True):
        seen = _within(stable, _read_at_age(reads, low * 3_600, high * 3_600, width))
        starts = {s for span in seen for s in range(-(-span.start // width) * width, span.end, width)}
        whole = sum((abs(final.get(s, Decimal(0))) for s in starts), Decimal(0))
        off = sum((_distance(rows, s, reads, low * 3_600, high * 3_600, width)
                   for s, rows in changed.items() if s in starts), Decimal(0))  # fmt: skip
        points.append(Point(low, len(starts), max(0.0, 1 - float(off / whole)) if whole else None))
    young = _within(stable, _read_at_age(reads, 0, DAY, width))
    days = sum(s.end - s.start for s in young) // DAY
    latest = max(ages, default=None)
    return Settling(
        dataset.name,
        _measure(dataset),
        tuple(points),
        days,
        round(latest / 3_600, 2) if latest is not None else None,
        _suggested(dataset, latest or 0) if days >= ENOUGH_DAYS else None,
    )


def _suggested(dataset: Dataset, latest: float) -> int:
    least, most = BOUNDS["costs" if dataset.is_costs else "usage"]
    return max(least, min(most, int(-(-latest // DAY))))


def _measure(dataset: Dataset) -> str:
    return "amount" if dataset.is_costs else dataset.measures[0]


def _read_at_age(reads: Iterable[Run], low: int, high: int, width: int) -> list[Span]:
    """Return the buckets that were read when `low` to `high` seconds had passed since their end."""
    out = []
    for run in reads:
        # A bucket that ends at `e` had the age read_at - e.
        first, last = run.read_at - high + 1, run.read_at - low
        start = max(run.start, -(-first // width) * width - width)
        end = min(run.end // width * width, last // width * width)
        if start < end:
            out.append(Span(start, end))
    return merge(out)


def _within(spans: Iterable[Span], others: Iterable[Span]) -> list[Span]:
    """Return what lies in both."""
    both = [Span(max(a.start, b.start), min(a.end, b.end)) for a in spans for b in others if a.overlaps(b)]
    return merge(both)


def _distance(rows: Sequence[Row], start: int, reads: Sequence[Run], low: int, high: int, width: int) -> Decimal:
    """Return how far a bucket was from what it is now, row by row, when it was first read at this age."""
    end = start + width
    at = [r for r in reads if r.start <= start and r.end >= end and low <= r.read_at - end < high]
    first = min(at, key=lambda r: r.read_at).recorded_at
    then = {key: n for key, n, since, until in rows if since <= first < until}
    now = {key: n for key, n, _, until in rows if until == _FOREVER}
    return sum((abs(then.get(k, Decimal(0)) - now.get(k, Decimal(0))) for k in then.keys() | now.keys()), Decimal(0))


def _place(dataset: Dataset) -> tuple[str, str, tuple[str, ...]]:
    """Return the table, a condition for its rows, and what tells rows of one bucket apart."""
    if dataset.is_costs:
        return "costs", "org = ?", ("project_id", "line_item", "currency", "quantity_unit")
    return "usage", f"org = ? AND dataset = '{dataset.name}'", tuple(DIMENSIONS)


def _final(store: Store, org: str, dataset: Dataset, since: int) -> dict[int, Decimal]:
    table, where, _ = _place(dataset)
    text = f"SELECT start_time, SUM({_measure(dataset)})::VARCHAR AS n FROM {table} WHERE {where} AND start_time >= ? "
    rows = store.read(text + "GROUP BY start_time", [org, naive(since)]).to_pylist()
    return {unix(r["start_time"]): Decimal(r["n"] or 0) for r in rows}


def _changed(
    store: Store, org: str, dataset: Dataset, stable: Sequence[Span]
) -> tuple[dict[int, list[Row]], list[float]]:
    """Return all versions of the rows of buckets that were restated, and the ages at which changes were seen."""
    table, where, key = _place(dataset)
    history = f"internal.{table}_history"
    columns = f"start_time, end_time, {', '.join(key)}, {_measure(dataset)}::VARCHAR AS n, recorded_at"
    touched = f"SELECT start_time FROM {history} WHERE {where} AND start_time >= ? AND reason = 'restated'"
    text = (
        f"SELECT {columns}, NULL AS replaced_at, false AS absent, '' AS reason FROM {table} "
        f"WHERE {where} AND start_time IN ({touched}) UNION ALL "
        f"SELECT {columns}, replaced_at, absent, reason FROM {history} WHERE {where} AND start_time IN ({touched})"
    )
    rows: dict[int, list[Row]] = {}
    ages: list[float] = []
    params = [org, org, naive(stable[0].start)] * 2
    for r in store.read(text, params).to_pylist():
        start = unix(r["start_time"])
        if not any(span.start <= start < span.end for span in stable):
            continue
        until = _us(r["replaced_at"]) if r["replaced_at"] else _FOREVER
        if not r["absent"]:
            row = (tuple(r[c] for c in key), Decimal(r["n"] or 0), _us(r["recorded_at"]), until)
            rows.setdefault(start, []).append(row)
        if r["reason"] == "restated":
            ages.append(until / 1_000_000 - unix(r["end_time"]))
    return rows, ages
