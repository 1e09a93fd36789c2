"""What changed most. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class Mover:
    """A group of a dimension with its amounts; None where what was before is not known."""

    dimension: str
    group: str
    currency: str | None
    now: Decimal
    before: Decimal | None

    @property
    def change(self) -> Decimal | None:
        """How much more it is than before."""
        return None if self.before is None else self.now - self.before


def movers(dimension: str, rows: Iterable[Mapping[str, Any]], now: str, before: str, count: int) -> list[Mover]:
    """Return, per currency, the `count` groups whose amounts changed most, by size; without a before, the largest.

    `rows` has a row per group, `now` and `before` are its columns of amounts; a group that did not change is no mover.
    """
    found = [
        Mover(dimension, row[dimension], row["currency"], row[now], row.get(before))
        for row in rows
        if row[now] is not None and row[now] != (row.get(before) or 0)
    ]
    found.sort(key=lambda m: (-abs(m.now if m.change is None else m.change), m.group))
    out: list[Mover] = []
    for currency in sorted({m.currency for m in found}, key=str):
        out += [m for m in found if m.currency == currency][:count]
    return out
