"""What was restated: when it was seen, which rows, and by how much; open and regrouped buckets are none."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

from tallybook.book import Book
from tallybook.show.restated import restatements_text
from tests.books import book_at, hold
from tests.emulator.wire import NOW

DAYS = ("images", "2026-11-01", "2026-11-03")


def restated(tmp_path: Path) -> Book:
    book = book_at(tmp_path / "b.duckdb")
    first = [{"day": "2026-11-01", "model": m, "images": n} for m, n in (("a", 5), ("b", 7), ("c", 1))]
    hold(book, *DAYS, first)
    second = [{"day": "2026-11-01", "model": m, "images": n} for m, n in (("a", 9), ("c", 1), ("d", 2))]
    hold(book, *DAYS, second)
    return book


def test_changed_vanished_and_appeared_rows_are_counted_and_added_up(tmp_path: Path) -> None:
    (found,) = restated(tmp_path).restatements()
    assert (found.changed, found.vanished, found.appeared) == (1, 1, 1)
    assert found.as_dict() == {
        "seen_at": "2026-11-23T15:30:20Z",
        "dataset": "images",
        "day": "2026-11-01",
        "rows_changed": 1,
        "rows_vanished": 1,
        "rows_appeared": 1,
        "changes": [{"measure": "images", "currency": None, "before": 12, "after": 11, "change": -1}],
    }


def test_days_datasets_and_ranges_can_be_chosen(tmp_path: Path) -> None:
    book = restated(tmp_path)
    assert book.restatements(since="2026-11-02") == []
    assert book.restatements(period="2026-11", datasets="costs") == []
    assert len(book.restatements(until="2026-11-01", since="2026-11-01", datasets=["images"])) == 1


def test_money_is_told_apart_by_currency_and_exact(tmp_path: Path) -> None:
    book = book_at(tmp_path / "b.duckdb")
    for usd, eur in (("99999999999999999999.000000000000000001", "2"), ("0.000000000000000003", "1.5")):
        rows = [
            {"day": "2026-11-01", "line_item": "x", "currency": c, "amount": Decimal(a)}
            for c, a in (("usd", usd), ("eur", eur))
        ]
        hold(book, "costs", "2026-11-01", "2026-11-02", rows)
    (found,) = book.restatements()
    assert found.changed == 2
    assert {c.currency: f"{c.change:f}" for c in found.changes} == {
        "usd": "-99999999999999999998.999999999999999998",
        "eur": "-0.500000000000000000",
    }


def test_what_was_open_or_grouped_otherwise_is_no_restatement(tmp_path: Path) -> None:
    book = book_at(tmp_path / "b.duckdb")
    noon = dt.datetime(2026, 11, 2, 12, tzinfo=dt.UTC)
    hold(book, *DAYS, [{"day": "2026-11-02", "images": 5}], read_at=noon)
    hold(book, *DAYS, [{"day": "2026-11-02", "images": 6}])
    hold(book, *DAYS, [{"day": "2026-11-02", "images": 6, "model": "a"}], by=["model"], read_at=NOW)
    assert book.restatements() == []
    assert "nothing was restated" in restatements_text("x", [])


def test_the_text_fits_80_columns_and_shows_the_number_that_tells_most(tmp_path: Path) -> None:
    text = restatements_text("default", restated(tmp_path).restatements(), width=80)
    assert max(map(len, text.split("\n"))) <= 80
    words = text.split("\n")[-1].split()
    assert words == ["2026-11-23", "15:30", "images", "2026-11-01", "3", "images", "\N{MINUS SIGN}1"]
