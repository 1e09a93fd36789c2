"""The truth: totals added up from single events, one at a time.

It shares nothing with the code that builds buckets, so that neither can hide a mistake of the other.
"""

from __future__ import annotations

import decimal
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tallybook.emulator.served import DATASETS
from tallybook.model.errors import UnknownNameError

if TYPE_CHECKING:
    from tallybook.emulator.company import Company
    from tallybook.emulator.prices import Rate

GRAINS = {"hour": 3_600, "day": 86_400, "total": 0}
Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A range, as known at a moment (None: now), and how to cut it."""

    start: int
    end: int
    known_at: int | None
    by: Sequence[str]
    width: int
    """Seconds of the grain; 0 for the whole range."""

    def moment(self, second: int) -> int:
        """Return the start of the row in which a second belongs."""
        return max(self.start, second - second % self.width) if self.width else self.start


_EXACT = decimal.Context(prec=60, traps=[decimal.Inexact, decimal.InvalidOperation])


def ledger(
    company: Company,
    start: int,
    end: int,
    dataset: str | None,
    by: Sequence[str],
    grain: str,
    known_at: int | None = None,
) -> dict[str, Rows]:
    """Return rows of totals by dataset, for all of them that have the dimensions `by` if none is named.

    A row has `start_time` (of its hour or day; the start of the range for `total`), the dimensions of `by`
    and every measure. A level (`usage_bytes`) is the one last held within the hour, day or range, never a
    sum over time. Costs have `currency`, `amount` and, by `line_item`, `quantity` and `quantity_unit`,
    all exact.

    What is late or withdrawn is counted as it is known now, or at the moment `known_at`; `FOREVER` is the final truth.
    """
    if grain not in GRAINS:
        raise UnknownNameError("grain", grain, GRAINS)
    if dataset is not None and dataset not in DATASETS:
        raise UnknownNameError("dataset", dataset, DATASETS)
    for name in by if dataset else ():
        if name not in DATASETS[dataset or ""].dimensions:
            raise UnknownNameError("dimension", name, DATASETS[dataset or ""].dimensions)
    names = [dataset] if dataset else [n for n, row in DATASETS.items() if set(by) <= set(row.dimensions)]
    asked = _Asked(start, end, known_at, by, GRAINS[grain])
    return {name: _TOTALS.get(name, _flows)(company, name, asked) for name in names}


def _flows(company: Company, name: str, asked: _Asked) -> Rows:
    totals: dict[tuple[Any, ...], dict[str, Any]] = {}
    profiles = company.sources[name].profiles
    measures = DATASETS[name].measures
    for second, place, values in company.events(name, asked.start, asked.end, known_at=asked.known_at):
        moment = asked.moment(second)
        dims = profiles[place].dims
        key = (moment, *(dims.get(field) for field in asked.by))
        total = totals.get(key)
        if total is None:
            total = {"start_time": moment, **{field: dims.get(field) for field in asked.by}}
            total.update(dict.fromkeys(measures, 0))
            totals[key] = total
        # Some events have more values than measures: what they are billed by.
        for measure, value in zip(measures, values, strict=False):
            total[measure] += value
    return _ordered(totals, asked.by)


def _levels(company: Company, name: str, asked: _Asked) -> Rows:
    """Carry each store's newest sample forward, hour by hour: within an hour the level does not change."""
    profiles = company.sources[name].profiles
    held: dict[tuple[int, int], tuple[int, int]] = {}
    begin = asked.start - asked.start % 3_600
    for second, place, values in company.events(name, begin, asked.end, known_at=asked.known_at):
        moment = asked.moment(max(second, asked.start))
        if second >= held.get((moment, place), (-1, 0))[0]:
            held[moment, place] = (second, values[0])
    totals: dict[tuple[Any, ...], dict[str, Any]] = {}
    for (moment, place), (_, level) in held.items():
        dims = profiles[place].dims
        key = (moment, *(dims.get(field) for field in asked.by))
        empty = {"start_time": moment, **{field: dims.get(field) for field in asked.by}, "usage_bytes": 0}
        totals.setdefault(key, empty)["usage_bytes"] += level
    return _ordered(totals, asked.by)


def _costs(company: Company, _name: str, asked: _Asked) -> Rows:
    totals: dict[tuple[Any, ...], dict[str, Any]] = {}
    with decimal.localcontext(_EXACT):
        for name, source in company.sources.items():
            for second, place, values in company.events(
                name, asked.start, asked.end, known_at=asked.known_at, billed=True
            ):
                profile = source.profiles[place]
                for rate in profile.tariff:
                    counted = sum(values[position] for position in rate.measures)
                    if counted == 0:
                        continue
                    moment = asked.moment(second)
                    known = {"api_source": "unlabeled", **profile.dims, "line_item": rate.line_item}
                    shown = {field: known.get(field) for field in asked.by}
                    unit = rate.unit if "line_item" in asked.by else None
                    row = totals.setdefault(
                        (moment, *shown.values(), unit),
                        {
                            "start_time": moment,
                            **shown,
                            "currency": "usd",
                            "amount": Decimal(0),
                            "quantity": Decimal(0) if "line_item" in asked.by else None,
                            "quantity_unit": unit,
                        },
                    )
                    quantity = Decimal(counted) / rate.per
                    row["amount"] += quantity * _price(rate, second)
                    if "line_item" in asked.by:
                        row["quantity"] += quantity
    return _ordered(totals, asked.by)


def _price(rate: Rate, second: int) -> Decimal:
    """Return what a unit costs at a moment."""
    return next(price for since, price in reversed(rate.steps) if since <= second)


def _ordered(totals: dict[tuple[Any, ...], dict[str, Any]], by: Sequence[str]) -> Rows:
    fields = ("start_time", *by)
    return sorted(totals.values(), key=lambda row: [(row[field] is not None, str(row[field])) for field in fields])


_TOTALS = {"vector_stores": _levels, "costs": _costs}
