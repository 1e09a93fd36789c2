"""The largest groups told apart, the rest together: what adds up adds up, what does not is counted anew."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tallybook.book import Book
from tests.books import hold

DAYS = {"since": "2026-11-01", "until": "2026-11-02"}
SHAPES: dict[str, tuple[int | None, ...]] = {"a": (5, 1), "b": (3, 3), "c": (6, None), "d": (1, 1)}
"""Output tokens of each model on two days; `a`, `b` and `c` are equal over both."""


def filled(book: Book) -> Book:
    rows = [
        {"day": f"2026-11-0{day}", "model": model, "user_id": user, "output_tokens": n, "num_model_requests": many}
        for model, tokens in SHAPES.items()
        for day, n in enumerate(tokens, 1)
        if n is not None
        for user, many in (({"a": "u1", "b": "u2", "c": "u2", "d": "u3"}[model], {"c": 1, "d": 9}.get(model, 2)),)
    ]
    hold(book, "completions", "2026-11-01", "2026-11-03", [*rows, {"day": "2026-11-01", "output_tokens": 50}])
    return book


def told(book: Book, *metrics: str, by: str = "model", **words: Any) -> dict[str, Any]:
    rows = book.query(*metrics, by=by, **{**DAYS, **words}).rows()
    return {row[by]: row[metrics[0]] for row in rows}


def test_equals_rank_by_id_and_words_in_brackets_neither_rank_nor_fold(empty: Book) -> None:
    book = filled(empty)
    assert list(told(book, "output_tokens").items()) == [("a", 6), ("b", 6), ("c", 6), ("d", 2), ("(none)", 50)]
    assert list(told(book, "output_tokens", top=2).items()) == [("a", 6), ("b", 6), ("Other", 8), ("(none)", 50)]
    assert list(told(book, "output_tokens", top=4)) == list(told(book, "output_tokens"))


def test_the_largest_are_those_of_the_whole_range_in_every_slot_and_all_adds_up(empty: Book) -> None:
    book = filled(empty)
    rows = book.query("output_tokens", by="model", grain="day", top=1, **DAYS).rows()
    assert [(r["model"], r["output_tokens"]) for r in rows] == [
        ("a", 5), ("Other", 10), ("(none)", 50), ("a", 1), ("Other", 4), ("(none)", 0),
    ]  # fmt: skip


def test_others_are_counted_anew_and_divided_as_a_whole(empty: Book) -> None:
    book = filled(empty)
    where = {"model": "!(none)", "dataset": "completions"}
    assert told(book, "active_users", top=1, where=where) == {"a": 1, "Other": 2}
    share = "output_tokens / num_model_requests"
    assert told(book, share, top=2, where=where) == {"d": 2 / 18, "a": 6 / 4, "Other": 12 / 5}


def test_a_level_of_others_is_the_most_of_them_together(empty: Book) -> None:
    rows = [
        {"day": f"2026-11-0{day}", "project_id": project, "usage_bytes": n}
        for project, sizes in {"p": (9, 1), "q": (1, 5), "r": (4, 3)}.items()
        for day, n in enumerate(sizes, 1)
    ]
    hold(empty, "vector_stores", "2026-11-01", "2026-11-03", rows)
    assert told(empty, "storage_bytes_max", by="project", top=1) == {"p": 9, "Other": 8}
    assert told(empty, "storage_bytes_last", by="project", top=1) == {"q": 5, "Other": 4}
    assert told(empty, "storage_bytes", by="project", top=1) == {"p": 5.0, "Other": 6.5}
    result = empty.query("storage_bytes_max", "storage_bytes_last", by="project", grain="day", top=1, **DAYS)
    assert result.whole.to_pylist() == [{"storage_bytes_max": 14, "storage_bytes_last": 9}]
    assert [tuple(r.values())[2:] for r in result.overall.to_pylist()] == [(9, 1), (8, 8)]


def bill(book: Book) -> Book:
    amounts = [("usd", "a", "5"), ("usd", "b", "-7"), ("usd", "c", "1"), ("eur", "a", "2"), ("eur", "d", "3")]
    rows = [
        {"day": "2026-11-01", "project_id": p, "line_item": "x", "currency": c, "amount": Decimal(n)}
        for c, p, n in amounts
    ]
    hold(book, "costs", "2026-11-01", "2026-11-03", rows)
    return book


@pytest.mark.parametrize("by", [["project"], ["project", "currency"], ["currency", "project"]])
def test_currencies_are_never_added_nor_compared_in_size(empty: Book, by: list[str]) -> None:
    rows = bill(empty).query("cost", by=by, top=1, **DAYS).rows()
    found = {(row["project"], row["currency"]): row["cost"] for row in rows}
    # The largest of dollars, by its size, and that of euros are told apart in both.
    assert found == {("b", "usd"): -7, ("Other", "usd"): 6, ("d", "eur"): 3, ("Other", "eur"): 2}


def test_by_currency_alone_nothing_is_other(empty: Book) -> None:
    assert told(bill(empty), "cost", by="currency", top=1) == {"eur": 5, "usd": -1}


def test_who_has_only_costs_has_no_place_among_the_most_active(empty: Book) -> None:
    rows = [{"day": "2026-11-01", "project_id": p, "user_id": f"u{n}"} for n, p in enumerate(("y", "z", "z"))]
    hold(bill(empty), "completions", "2026-11-01", "2026-11-03", rows)
    found = empty.query("active_users", "cost", by="project", top=1, where={"dataset": "co*"}, **DAYS).rows()
    assert {row["project"] for row in found} == {"z", "Other"}
