"""What changed most."""

from decimal import Decimal
from typing import Any

from tallybook.query.reports.movers import movers


def row(group: str, now: str | None, before: str | None, currency: str = "usd") -> dict[str, Any]:
    amounts = {"now": now and Decimal(now), "before": before and Decimal(before)}
    return {"project": group, "currency": currency, **amounts}


def named(rows: list[dict[str, Any]], count: int = 2) -> list[tuple[str, str | None]]:
    return [(m.group, str(m.change) if m.change is not None else None)
            for m in movers("project", rows, "now", "before", count)]  # fmt: skip


def test_the_largest_changes_lead_whichever_way_they_go() -> None:
    rows = [row("A", "100", "99"), row("B", "1", "9"), row("C", "7", "2"), row("D", "5", "5"), row("E", None, "50")]
    assert named(rows, 9) == [("B", "-8"), ("C", "5"), ("A", "1")]
    assert named(rows) == [("B", "-8"), ("C", "5")]


def test_currencies_are_ranked_apart() -> None:
    rows = [row("A", "100", "1"), row("B", "90", "1"), row("C", "80", "1"), row("D", "2", "1", "eur")]
    assert named(rows, 1) == [("D", "1"), ("A", "99")]


def test_without_a_before_the_largest_lead_and_no_change_is_told() -> None:
    rows = [row("A", "1", None), row("B", "3", None), row("C", "0", None)]
    assert named(rows, 9) == [("B", None), ("A", None)]
