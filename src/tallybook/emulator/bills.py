"""Buckets of costs: sums per profile and day, billed once, in whole 10^-18 dollars."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from tallybook.emulator.buckets import Row, order, passes
from tallybook.emulator.company import DAY, Company
from tallybook.emulator.draws import Measures
from tallybook.emulator.prices import ATTO
from tallybook.emulator.queries import Question

Key = tuple[Any, ...]
Charge = tuple[Key, tuple[int, ...], int, int]
"""The row it belongs to, positions of its measures, 10^-18 dollars a unit, base units in a unit."""


def costs(company: Company, question: Question, edges: Sequence[int]) -> Iterator[list[Row]]:
    """Yield the rows of each day that starts at one of `edges`."""
    days: dict[int, dict[Key, list[int]]] = {edge: {} for edge in edges}
    begin, end = edges[0], min(question.end, edges[-1] + DAY)
    for name in company.sources:
        charges = _charges(company, name, question)
        sums: dict[int, dict[int, list[Measures]]] = {}
        for second, profile, measures in company.events(name, begin, end):
            if charges[profile]:
                sums.setdefault(second - second % DAY, {}).setdefault(profile, []).append(measures)
        for day, profiles in sums.items():
            _bill(days[day], profiles, charges)
    for edge in edges:
        rows = days[edge]
        yield [_row(question, key, *rows[key]) for key in sorted(rows, key=order)]


def _charges(company: Company, name: str, question: Question) -> list[list[Charge]]:
    wanted = dict(question.filters).get("line_item")
    table: list[list[Charge]] = []
    for profile in company.sources[name].profiles:
        charges: list[Charge] = []
        for rate in profile.tariff if passes(profile, question) else ():
            if wanted is None or rate.line_item in wanted:
                dims = {"api_source": "unlabeled", **profile.dims, "line_item": rate.line_item}
                key = tuple(
                    dims.get(field) if field in question.group_by else None for field in question.served.dimensions
                )
                # Quantities of different line items are never added.
                unit = (rate.unit, rate.per) if "line_item" in question.group_by else (None, 1)
                charges.append(((*key, *unit), rate.measures, rate.atto, rate.per))
        table.append(charges)
    return table


def _bill(rows: dict[Key, list[int]], profiles: dict[int, list[Measures]], charges: list[list[Charge]]) -> None:
    for profile, many in profiles.items():
        totals = [sum(column) for column in zip(*many, strict=True)]
        for key, positions, atto, per in charges[profile]:
            quantity = sum([totals[position] for position in positions])
            if quantity:
                row = rows.setdefault(key, [0, 0])
                row[0] += quantity * atto // per
                row[1] += quantity


def _row(question: Question, key: Key, atto: int, quantity: int) -> Row:
    *dims, unit, per = key
    return {
        "object": question.served.literal,
        "amount": {"value": atto, "currency": "usd"},
        **dict(zip(question.served.dimensions, dims, strict=True)),
        "quantity": Decimal(quantity) / per if "line_item" in question.group_by else None,
        "quantity_unit": unit,
    }


def money_text(atto: int) -> str:
    """Return 10^-18 dollars as a plain decimal number with every digit."""
    whole, rest = divmod(abs(atto), ATTO)
    digits = f"{rest:018d}".rstrip("0") or "0"
    return f"{'-' if atto < 0 else ''}{whole}.{digits}"
