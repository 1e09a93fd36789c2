"""What an answer shows where there is nothing to show: blanks, zeros, dashes, currencies, cut buckets."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from tallybook import QueryError
from tallybook.book import Book
from tallybook.model.datasets import HELD
from tests.books import hold, synced
from tests.emulator.wire import organization

NOVEMBER = {"period": "2026-11"}
SPARSE = [
    {"day": "2026-11-02", "project_id": "p", "model": "m", "input_tokens": 5, "num_model_requests": 1},
    {"day": "2026-11-04", "project_id": None, "model": "m", "input_tokens": 7, "num_model_requests": 2},
]


def cells(book: Book, *words: str, **more: object) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in book.query(*words, **{**NOVEMBER, **more}).rows()]  # type: ignore[arg-type]


def on(number: int) -> dt.datetime:
    return dt.datetime(2026, 11, number)  # noqa: DTZ001


def test_an_empty_bucket_is_zero_where_it_is_held_and_nothing_where_it_is_not(empty: Book) -> None:
    hold(empty, "embeddings", "2026-11-02", "2026-11-05", SPARSE)
    where = {"dataset": "embeddings"}
    days = cells(empty, "input_tokens", grain="day", since="2026-11-01", until="2026-11-06", period=None, where=where)
    assert days == [(on(1), None), (on(2), 5), (on(3), 0), (on(4), 7), (on(5), None), (on(6), None)]


def test_buckets_that_have_not_begun_are_not_there(empty: Book) -> None:
    hold(empty, "embeddings", "2026-11-01", "2026-11-24")
    days = cells(empty, "input_tokens", grain="day", where={"dataset": "embeddings"})
    assert days == [(on(n), 0) for n in range(1, 24)]


def test_every_group_has_every_bucket_and_the_largest_comes_first(empty: Book) -> None:
    hold(empty, "embeddings", "2026-11-02", "2026-11-05", [*SPARSE, {**SPARSE[0], "project_id": "q"}, SPARSE[0]])
    rows = cells(empty, "input_tokens", by="project", grain="day", since="2026-11-02", until="2026-11-04", period=None)
    assert [(row[0], row[1]) for row in rows] == [(on(d), g) for d in (2, 3, 4) for g in ("p", "q", "(none)")]


def test_a_dimension_that_was_not_asked_for_is_not_held_and_the_answer_incomplete(empty: Book) -> None:
    hold(empty, "embeddings", "2026-11-01", "2026-11-03", SPARSE[:1])
    hold(empty, "embeddings", "2026-11-03", "2026-11-05", [{**SPARSE[1], "project_id": None}], by=["model"])
    result = empty.query(
        "input_tokens", by="project", since="2026-11-01", until="2026-11-04", where={"dataset": "embeddings"}
    )
    assert [(row["project"], row["input_tokens"]) for row in result.rows()] == [("p", 5), ("(not held)", 7)]
    assert [str(gap) for gap in result.coverage.missing] == [
        "embeddings 2026-11-03 to 2026-11-04: not held by project_id"
    ]
    by_model = empty.query("input_tokens", by="model", since="2026-11-01", until="2026-11-04")
    assert [row["input_tokens"] for row in by_model.rows()] == [12]


def test_where_none_takes_only_what_was_asked_for(empty: Book) -> None:
    hold(empty, "embeddings", "2026-11-01", "2026-11-03", [{**SPARSE[0], "project_id": None}])
    hold(empty, "embeddings", "2026-11-03", "2026-11-05", [SPARSE[1]], by=["model"])
    where = {"project": "(none)", "dataset": "embeddings"}
    result = empty.query("input_tokens", since="2026-11-01", until="2026-11-04", where=where)
    assert [row["input_tokens"] for row in result.rows()] == [5]
    assert not result.coverage.complete


def test_a_dimension_that_a_dataset_never_has_is_not_held_beside_those_that_have_it(empty: Book) -> None:
    hold(empty, "file_search_calls", "2026-11-01", "2026-11-02", [{"day": "2026-11-01", "num_requests": 3}])
    web = {"day": "2026-11-01", "model": "m", "num_requests": 4}
    hold(empty, "web_search_calls", "2026-11-01", "2026-11-02", [web])
    result = empty.query("num_requests", by="model", since="2026-11-01", until="2026-11-01")
    assert [(row["model"], row["num_requests"]) for row in result.rows()] == [("m", 4), ("(not held)", 3)]
    assert str(result.coverage.first_gap()) == "file_search_calls 2026-11-01: never given by model"


def test_what_the_provider_says_nothing_of_is_unknown_and_not_zero(empty: Book) -> None:
    hold(empty, "completions", "2026-11-01", "2026-11-03", [{**SPARSE[0], "batch": False}])
    span = {"since": "2026-11-01", "until": "2026-11-02", "grain": "day", "period": None}
    assert cells(empty, "input_uncached_tokens", **span) == [(on(1), 0), (on(2), None)]
    assert cells(empty, "input_cached_tokens", **span) == [(on(1), 0), (on(2), 0)]


COSTS = [
    {"day": "2026-11-01", "project_id": "p", "line_item": "x", "amount": Decimal("1.000000000000000001")},
    {"day": "2026-11-01", "project_id": "p", "line_item": "x", "amount": Decimal(2), "currency": "eur"},
    {"day": "2026-11-02", "project_id": "p", "line_item": "y", "amount": Decimal("-0.5")},
]


def test_currencies_are_never_added(empty: Book) -> None:
    hold(empty, "costs", "2026-11-01", "2026-11-03", COSTS)
    rows = cells(empty, "cost", by="project")
    assert rows == [("p", "p", "eur", 2), ("p", "p", "usd", Decimal("0.500000000000000001"))]
    assert cells(empty, "cost") == [("eur", 2), ("usd", Decimal("0.500000000000000001"))]


def test_counts_stand_beside_money_of_one_currency_and_apart_from_several(empty: Book) -> None:
    hold(empty, "embeddings", "2026-11-01", "2026-11-03", SPARSE[:1])
    hold(empty, "costs", "2026-11-01", "2026-11-03", [COSTS[0]])
    words = ("cost", "input_tokens")
    assert cells(empty, *words, by="project") == [("p", "p", "usd", Decimal("1.000000000000000001"), 5)]
    hold(empty, "costs", "2026-11-01", "2026-11-03", COSTS)
    euros, dollars = ("eur", Decimal(2), None), ("usd", Decimal("0.500000000000000001"), None)
    assert cells(empty, *words) == [euros, dollars, (None, None, 5)]


def test_nothing_billed_is_zero_without_a_currency(empty: Book) -> None:
    hold(empty, "costs", "2026-11-01", "2026-11-03")
    result = empty.query("cost", since="2026-11-01", until="2026-11-02")
    assert result.rows() == [{"currency": None, "cost": 0}]
    assert result.coverage.complete


@pytest.mark.parametrize(
    ("since", "until", "text"),
    [
        (
            "2026-11-02T05:00Z",
            "2026-11-03",
            "cannot begin there.* begins with 2026-11-03",
        ),
        (
            "2026-11-01",
            "2026-11-03T05:00Z",
            "cannot end there.* ends before 2026-11-03",
        ),
    ],
)
def test_a_range_that_cuts_a_bucket_names_the_first_day_that_can_be_answered(
    empty: Book, since: str, until: str, text: str
) -> None:
    hold(empty, "costs", "2026-11-01", "2026-11-05", COSTS)
    with pytest.raises(QueryError, match=text):
        empty.query("cost", since=since, until=until)


def test_hours_can_be_cut_where_hours_are_held(empty: Book) -> None:
    hold(empty, "embeddings", "2026-11-02", "2026-11-05", SPARSE, width="1h")
    result = empty.query(
        "input_tokens", since="2026-11-02T00:00Z", until="2026-11-02T05:00Z", where={"dataset": "embeddings"}
    )
    assert result.rows() == [{"input_tokens": 5}]


def test_the_day_under_way_may_be_cut_where_nothing_is_known_yet(empty: Book) -> None:
    hold(empty, "costs", "2026-11-22", "2026-11-24", [{**COSTS[0], "day": "2026-11-23"}])
    assert len(cells(empty, "cost", period=None, since="2026-11-22", until="2026-11-23T20:00Z")) == 1
    with pytest.raises(QueryError, match="ends before 2026-11-23"):
        empty.query("cost", since="2026-11-22", until="2026-11-23T03:00Z")


def test_a_refused_grouping_is_not_held_with_the_reason_and_an_unknown_dataset_is_missing(tmp_path: Path) -> None:
    with organization("no-api-source", "no-decisions", days=12) as org:
        book = synced(org, tmp_path / "b.duckdb", datasets=["completions", "decisions"], since="2026-11-15")
        result = book.query("requests", by="api_source", where={"dataset": "completions"}, since="2026-11-15")
        assert [row["api_source"] for row in result.rows()] == ["(not held)"]
        assert {gap.reason for gap in result.coverage.missing} == {"grouping by api_source is refused"}
        held = book.query("requests", by="model", where={"dataset": "completions"}, since="2026-11-15")
        assert held.coverage.complete
        total = sum(row["requests"] for row in held.rows())
        assert total == result.rows()[0]["requests"] > 0
        decisions = book.query("requests", where={"dataset": "decisions"}, since="2026-11-15")
        assert decisions.rows() == [{"requests": None}]
        assert "does not know this dataset" in decisions.coverage.first_gap()


def test_a_book_of_costs_alone_says_that_usage_was_never_read(empty: Book) -> None:
    hold(empty, "costs", "2026-11-01", "2026-11-03", COSTS)
    result = empty.query("images", since="2026-11-01", until="2026-11-02")
    assert result.rows() == [{"images": None}]
    assert str(result.coverage) == "INCOMPLETE: images 2026-11-01 to 2026-11-02: not read; nothing read yet"
    assert {held.dataset for held in empty.status().datasets} == set(HELD)
