"""What stood at a moment is one source for a statement, whatever the table."""

import datetime as dt

import pytest

from tallybook.store.versions import VERSIONED, source
from tests.store.book import StoreUnderTest

THEN = dt.datetime(2026, 11, 5, 1, 2, 3, 4)  # noqa: DTZ001


@pytest.mark.parametrize("table", ["usage", "costs", "cost_splits", *VERSIONED])
def test_what_stands_now_is_the_table_and_what_stood_then_is_it_and_its_history(
    book: StoreUnderTest, table: str
) -> None:
    now, nothing = source(table, ["org"], None)
    then, values = source(table, VERSIONED.get(table, ["org", "start_time"]), THEN)
    assert nothing == []
    assert values == [THEN] * then.count("?")
    assert f"FROM {now} WHERE recorded_at <= ? UNION ALL" in then
    assert f"FROM internal.{table}_history WHERE recorded_at <= ? AND replaced_at > ?" in then
    assert ("NOT absent" in then) is (table not in VERSIONED)
    for text, params in ((now, nothing), (then, values)):
        assert book.store.read(f"SELECT org FROM {text} AS f", params).num_rows == 0


@pytest.mark.parametrize("table", VERSIONED)
def test_all_columns_have_versions(book: StoreUnderTest, table: str) -> None:
    found = book.store.read(f"SELECT * FROM internal.{table} LIMIT 0").schema.names
    assert tuple(found) == VERSIONED[table]
    history = book.store.read(f"SELECT * FROM internal.{table}_history LIMIT 0").schema.names
    assert history == [*found, "replaced_at"]
