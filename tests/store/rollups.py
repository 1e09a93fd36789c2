"""Roll-ups added up once more, in plain Python from the rows of `usage`."""

from __future__ import annotations

from typing import Any

from tallybook.model.datasets import DIMENSIONS, MEASURES
from tallybook.store.base import Store

SECONDS = {"1m": 60, "1h": 3_600, "1d": 86_400}
KEPT = {"usage_daily": DIMENSIONS, "usage_daily_narrow": ("project_id", "model")}
"""The dimensions of each roll-up."""


def rollups_are_right(store: Store) -> int:
    """Check that each roll-up is what `usage` adds up to; return how many rows they have."""
    usage = store.read("SELECT * FROM usage").to_pylist()
    count = 0
    for name, dimensions in KEPT.items():
        rows = store.read(f"SELECT * FROM internal.{name}").to_pylist()
        found = {_key(row, row["day"], dimensions): row for row in rows}
        assert len(found) == len(rows), "two rows of a roll-up are alike"
        expected = _added_up(usage, dimensions)
        assert found.keys() == expected.keys()
        for key, sums in expected.items():
            assert {column: found[key][column] for column in sums} == sums, key
        count += len(rows)
    return count


def _key(row: dict[str, Any], day: Any, dimensions: tuple[str, ...]) -> tuple[Any, ...]:
    return (row["org"], row["dataset"], day, *(row[d] for d in dimensions))


def _added_up(usage: list[dict[str, Any]], dimensions: tuple[str, ...]) -> dict[Any, dict[str, int | None]]:
    out: dict[Any, dict[str, int | None]] = {}
    for row in usage:
        midnight = row["start_time"].replace(hour=0, minute=0, second=0)
        sums = out.setdefault(_key(row, midnight, dimensions), {})
        for measure in MEASURES.values():
            value, column = row[measure.name], measure.name
            if measure.kind == "level":
                column += "_seconds"
                value = None if value is None else value * SECONDS[row["width"]]
            before = sums.setdefault(column, None)
            sums[column] = before if value is None else value + (before or 0)
    return out
