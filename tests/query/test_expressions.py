"""Metrics made of metrics: sums divided by sums, of the same datasets, exactly."""

from decimal import Decimal
from fractions import Fraction

import pytest

from tallybook import QueryError, UsageError
from tallybook.book import Book

SPAN = {"since": "2026-11-01", "until": "2026-11-22"}


def test_an_expression_divides_sums_of_every_group_and_of_everything(book: Book) -> None:
    result = book.query("cost", "requests", "cost / requests", "mine=requests*1000/cost", by="project", **SPAN)
    for row in [*result.overall.to_pylist(), *result.whole.to_pylist()]:
        if row["requests"]:
            exact = Fraction(row["cost"]) / row["requests"]
            assert abs(Fraction(row["cost / requests"]) - exact) <= Fraction(1, 2 * 10**18)
            assert row["mine"] == pytest.approx(float(1000 / exact))
    assert isinstance(result.rows()[0]["cost / requests"], Decimal)
    assert result.table.column_names == [
        "project",
        "project_id",
        "currency",
        "cost",
        "requests",
        "cost / requests",
        "mine",
    ]


def test_what_is_divided_is_of_the_same_datasets_and_what_is_added_is_not(book: Book) -> None:
    (row,) = book.query(
        "share=output_tokens/input_tokens", "both=output_tokens + input_tokens", "tokens", **SPAN
    ).rows()
    chat = {"dataset": "completions"}
    (of_chat,) = book.query("output_tokens", "input_tokens", where=chat, **SPAN).rows()
    assert row["share"] == of_chat["output_tokens"] / of_chat["input_tokens"]
    assert row["both"] == row["tokens"] > of_chat["output_tokens"] + of_chat["input_tokens"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cost / cots", "Unknown metric"),
        ("cost + requests", "money and requests cannot be added"),
        ("cost /", "at its end"),
        ("1 + 1", "names no metric"),
        ("__import__('os')", "has no meaning here"),
    ],
)
def test_an_expression_that_makes_no_sense_says_where(book: Book, text: str, message: str) -> None:
    with pytest.raises((UsageError, QueryError), match=message):
        book.query(text)


def test_a_group_without_a_divisor_is_not_known(book: Book) -> None:
    rows = book.query("cost / images", by="model", **SPAN).rows()
    assert any(row["cost / images"] is None for row in rows)
    assert any(row["cost / images"] for row in rows)
