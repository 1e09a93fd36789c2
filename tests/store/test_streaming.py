"""Statements read batch by batch, all of one moment."""

import datetime as dt

import pytest

from tallybook.model.errors import NotABookError, StoreError
from tests.store.book import StoreUnderTest

DIGITS = "(VALUES (0), (1), (2), (3), (4), (5), (6), (7))"
MANY = "SELECT a.x FROM " + " CROSS JOIN ".join(f"{DIGITS} AS {name}(x)" for name in "abcdef") + " WHERE a.x >= ?"
ORGS = "SELECT count(*) AS n FROM internal.orgs"


def test_rows_come_in_batches_that_never_are_many(book: StoreUnderTest) -> None:
    with book.store.streaming() as stream:
        sizes = [batch.num_rows for batch in stream(MANY, [0])]
    assert sum(sizes) == 8**6
    assert max(sizes) <= 65_536


def test_what_is_written_meanwhile_is_not_seen(book: StoreUnderTest) -> None:
    with book.store.streaming() as stream:
        assert stream(ORGS, []).read_all().to_pylist() == [{"n": 0}]
        book.store.put("orgs", [{"org": "acme", "first_seen": dt.datetime(2026, 11, 1)}])  # noqa: DTZ001
        assert stream(ORGS, []).read_all().to_pylist() == [{"n": 0}]
    with book.store.streaming() as stream:
        assert stream(ORGS, []).read_all().to_pylist() == [{"n": 1}]


def test_what_is_read_in_part_keeps_nobody_out_afterwards(book: StoreUnderTest) -> None:
    with book.store.streaming() as stream:
        assert stream(MANY, [0]).read_next_batch().num_rows > 0
    book.store.maintain()


def test_nothing_is_streamed_from_where_there_is_no_book(nothing: StoreUnderTest) -> None:
    with pytest.raises(NotABookError), nothing.store.streaming():
        pass


def test_a_statement_that_fails_is_an_error_of_ours(book: StoreUnderTest) -> None:
    with pytest.raises(StoreError), book.store.streaming() as stream:
        stream("SELECT nothing FROM nowhere", [])
