"""Business metrics in questions: beside the provider's numbers, divided by them, known only where they were given."""

import datetime as dt
from decimal import Decimal

import pytest

from tallybook.book import Book
from tallybook.model.errors import UnanswerableError, UnknownNameError
from tests.books import hold

DAYS = {"since": "2026-11-02", "until": "2026-11-05"}
BILL = [
    {"day": f"2026-11-{d:02}", "project_id": p, "line_item": "a", "amount": Decimal(a)}
    for d, p, a in [(2, "p", 10), (2, "q", 5), (3, "p", 20), (4, "p", 40), (5, "q", 80)]
]
ORDERS = [
    {"time": f"2026-11-{d:02}", "orders": n, "project": p}
    for d, p, n in [(2, "p", 4), (3, "p", 2), (3, "q", 1), (4, "p", 8)]
]


@pytest.fixture
def book(empty: Book) -> Book:
    hold(empty, "costs", "2026-11-01", "2026-11-07", BILL)
    empty.add_metric("orders", ORDERS, time="time", by={"project": "project"}, kind="flow")
    return empty


def test_a_business_metric_is_asked_like_any_other(book: Book) -> None:
    rows = book.query("orders", by="project", grain="day", since="2026-11-02", until="2026-11-04").rows()
    found = {(r["time"].day, r["project"]): r["orders"] for r in rows}
    assert found == {(2, "p"): 4, (3, "p"): 2, (4, "p"): 8, (2, "q"): 0, (3, "q"): 1, (4, "q"): 0}
    (total,) = book.query("orders", **DAYS).rows()
    assert total == {"orders": Decimal(15)}


def test_a_ratio_uses_only_what_both_sides_know_and_says_what_it_dropped(book: Book) -> None:
    result = book.query("cost / orders", "cost", by="project", **DAYS)
    found = {r["project"]: (r["cost / orders"], r["cost"]) for r in result.rows()}
    assert found["p"] == (Decimal(5), Decimal(70))
    assert found["q"] == (Decimal(5), Decimal(85))  # 80 of them on a day without orders
    assert result.notes == ("cost / orders leaves out 2026-11-05, where only one side of it is known.",)
    assert result.coverage.complete
    (whole,) = result.whole.to_pylist()
    assert whole["cost / orders"] == Decimal(75) / 15


def test_numbers_of_no_organization_count_where_the_others_are_known(book: Book) -> None:
    book.add_metric("visits", [{"time": "2026-11-03", "visits": 8}, {"time": "2026-11-04", "visits": 2}], time="time")
    result = book.query("cost / visits", **DAYS)
    assert result.rows()[0]["cost / visits"] == Decimal(60) / 10
    assert result.notes[0].startswith("cost / visits leaves out 2026-11-02 (and 1 more),")
    hold(book, "costs", "2026-11-01", "2026-11-04", [{**BILL[2], "amount": Decimal(4)}], org="other")
    result = book.query("cost / visits", **DAYS, org=["default", "other"])
    assert result.rows()[0]["cost / visits"] == Decimal(24) / 8, "the fourth is not known of all"


def test_what_is_not_known_of_a_business_metric_is_missing(book: Book) -> None:
    result = book.query("orders", grain="day", **DAYS)
    assert [r["orders"] for r in result.rows()] == [4, 3, 8, None]
    assert [str(gap) for gap in result.coverage.missing] == [
        "orders 2026-11-05: not known; add it with `tallybook metrics add`"
    ]


def test_a_bucket_of_a_business_metric_is_never_cut(book: Book) -> None:
    book.add_metric("seats", [{"time": "2026-10", "seats": 7}, {"time": "2026-11", "seats": 9}], time="time")
    assert [r["seats"] for r in book.query("seats", grain="month", since="2026-10-01", until="2026-11-30").rows()] == [
        7,
        9,
    ]
    with pytest.raises(UnanswerableError, match="seats is known by month"):
        book.query("seats", **DAYS)


def test_a_bucket_of_several_days_has_no_day_of_the_week(book: Book) -> None:
    book.add_metric("visits", [{"week": "2026-W45", "visits": 70}], time="week")
    week = {"since": "2026-11-02", "until": "2026-11-08"}
    for words in ({"by": "weekday"}, {"where": {"weekday": "Monday"}}, {"by": "weekday", "grain": "week"}):
        with pytest.raises(UnanswerableError, match=r"visits is known by week \(UTC\), which has no weekday in UTC\."):
            book.query("visits", **week, **words)  # type: ignore[arg-type]
    with pytest.raises(UnanswerableError, match="Ask without weekday, or in UTC"):
        book.query("orders", by="weekday", since="2026-10-31", until="2026-11-08", tz="Asia/Tokyo")
    assert book.query("visits", grain="week", **week).rows()[0]["visits"] == 70


def test_money_of_ones_own_has_its_currency_and_adds_to_no_other(book: Book) -> None:
    book.add_metric("revenue", [{"time": "2026-11-02", "revenue": 100}], time="time", currency="usd")
    day = {"since": "2026-11-02", "until": "2026-11-02"}
    assert book.query("revenue", **day).rows() == [{"currency": "usd", "revenue": Decimal(100)}]
    (row,) = book.query("margin=revenue - cost", "cost / revenue", **day).rows()
    assert (row["margin"], row["cost / revenue"]) == (Decimal(85), 0.15)


def test_a_level_of_ones_own_is_a_mean_over_time(book: Book) -> None:
    levels = [{"time": "2026-11-02", "seats": 10}, {"time": "2026-11-03", "seats": 30}]
    book.add_metric("seats", levels, time="time", kind="level")
    (row,) = book.query("seats", since="2026-11-02", until="2026-11-03").rows()
    assert row["seats"] == 20.0


def test_a_business_metric_has_only_the_dimensions_that_it_was_given_with(book: Book) -> None:
    with pytest.raises(UnanswerableError, match="orders has no dimension model; it has project"):
        book.query("orders", by="model", **DAYS)
    only = book.query("orders", where={"project": "q"}, since="2026-11-02", until="2026-11-04").rows()
    assert only == [{"orders": Decimal(1)}]
    with pytest.raises(UnknownNameError, match="Did you mean `orders`"):
        book.query("order", **DAYS)


def test_a_business_metric_stands_beside_weekdays_and_the_range_before(book: Book) -> None:
    rows = book.query("orders", by="weekday", since="2026-11-02", until="2026-11-04").rows()
    assert {r["weekday"]: r["orders"] for r in rows} == {"Monday": 4, "Tuesday": 3, "Wednesday": 8}
    result = book.query("cost", "cost / orders", grain="day", since="2026-11-03", until="2026-11-04")
    first, second = result.rows()
    assert (first["time"], round(first["cost / orders"], 6)) == (dt.datetime(2026, 11, 3), Decimal("6.666667"))  # noqa: DTZ001
    assert second["cost / orders"] == 5


def test_a_range_before_that_is_not_held_is_not_shown_and_the_reason_is(book: Book) -> None:
    result = book.query("cost", since="2026-11-03", until="2026-11-04", compare="previous")
    assert result.rows()[0]["cost_previous"] is None
    (note,) = result.notes
    assert note.startswith("What it is compared with is not all held, so it is not shown: costs 2026-10-27")
