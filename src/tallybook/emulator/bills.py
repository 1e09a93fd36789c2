"""Buckets of costs: sums per profile and day, billed once, in whole 10^-18 dollars."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from decimal import Decimal
from operator import itemgetter
from typing import Any

from tallybook.emulator.buckets import Row, order, passes
from tallybook.emulator.company import Company
from tallybook.emulator.draws import Measures
from tallybook.emulator.habits import Profile
from tallybook.emulator.prices import ATTO, Rate
from tallybook.emulator.queries import Question
from tallybook.emulator.timeline import DAY

Key = tuple[Any, ...]
Charge = tuple[int, tuple[int, ...], tuple[int, ...], int]
"""Group, positions of the measures, 10^-18 dollars a unit from each date of the price list on, base units in a unit."""
Charges = dict[str, list[list[Charge]]]
"""By stream and profile."""


def costs(company: Company, question: Question, edges: Sequence[int]) -> Iterator[list[Row]]:
    """Yield the rows of each day that starts at one of `edges`."""
    charges, keys, dates = _charges(company, question)
    templates = [_template(question, key) for key in keys]
    # One day at a time, so that a page of half a year needs no more memory than its rows.
    for edge in edges:
        rows: dict[int, list[int]] = {}
        for name in company.sources:
            many: dict[int, list[Measures]] = {}
            for _, profile, measures in company.events(name, edge, min(question.end, edge + DAY), billed=True):
                if profile in many:
                    many[profile].append(measures)
                else:
                    many[profile] = [measures]
            _bill(rows, many, charges[name], bisect_right(dates, edge) - 1)
        yield [_row(templates[group], rows[group], keys[group]) for group in sorted(rows)]


def _charges(company: Company, question: Question) -> tuple[Charges, list[Key], list[int]]:
    """Return what every profile is charged, the keys of the groups in their order, and when prices change."""
    gap = company.split_gap if question.group_by & {"api_key_id", "user_id"} else 0
    rates = {
        name: [
            [(_key(profile, rate, question), rate) for rate in _asked(profile, question)]
            if not gap or place % gap
            else []
            for place, profile in enumerate(source.profiles)
        ]
        for name, source in company.sources.items()
    }
    keys = sorted({key for table in rates.values() for row in table for key, _ in row}, key=order)
    place = {key: number for number, key in enumerate(keys)}
    found = {id(rate): rate for table in rates.values() for row in table for _, rate in row}
    dates = sorted({since for rate in found.values() for since, _ in rate.steps})
    prices = {number: _prices(rate, dates) for number, rate in found.items()}
    charges = {
        name: [[(place[key], rate.measures, prices[id(rate)], rate.per) for key, rate in row] for row in table]
        for name, table in rates.items()
    }
    return charges, keys, dates


def _prices(rate: Rate, dates: Sequence[int]) -> tuple[int, ...]:
    steps = [since for since, _ in rate.steps]
    prices = [int(price * ATTO) for _, price in rate.steps]
    return tuple(prices[bisect_right(steps, date) - 1] for date in dates)


def _asked(profile: Profile, question: Question) -> Sequence[Rate]:
    wanted = dict(question.filters).get("line_item")
    rates = profile.tariff if passes(profile, question) else ()
    return [rate for rate in rates if wanted is None or rate.line_item in wanted]


def _key(profile: Profile, rate: Rate, question: Question) -> Key:
    dims = {"api_source": "unlabeled", **profile.dims, "line_item": rate.line_item}
    asked, names = question.group_by, question.served.dimensions
    # Quantities of different line items are never added.
    unit = (rate.unit, rate.per) if "line_item" in asked else (None, 1)
    return (*(dims.get(name) if name in asked else None for name in names), *unit)


def _bill(rows: dict[int, list[int]], sums: dict[int, list[Measures]], charges: list[list[Charge]], at: int) -> None:
    for profile, many in sums.items():
        if not charges[profile]:
            continue
        totals = many[0] if len(many) == 1 else [sum(column) for column in zip(*many, strict=True)]
        for group, positions, prices, per in charges[profile]:
            quantity = totals[positions[0]] if len(positions) == 1 else sum(itemgetter(*positions)(totals))
            if quantity:
                amount = quantity * prices[at] // per
                if group in rows:
                    row = rows[group]
                    row[0] += amount
                    row[1] += quantity
                else:
                    rows[group] = [amount, quantity]


def _template(question: Question, key: Key) -> Row:
    *dims, unit, _ = key
    return {
        "object": question.served.literal,
        "amount": None,
        **dict(zip(question.served.dimensions, dims, strict=True)),
        "quantity": None,
        "quantity_unit": unit,
    }


def _row(template: Row, sums: list[int], key: Key) -> Row:
    atto, quantity = sums
    row = {**template, "amount": {"value": atto, "currency": "usd"}}
    if template["line_item"] is not None:
        per: int = key[-1]
        row["quantity"] = quantity if per == 1 else Decimal(quantity) / per
    return row


def money_text(atto: int) -> str:
    """Return 10^-18 dollars as a plain decimal number with every digit."""
    whole, rest = divmod(abs(atto), ATTO)
    digits = f"{rest:018d}".rstrip("0") or "0"
    return f"{'-' if atto < 0 else ''}{whole}.{digits}"
