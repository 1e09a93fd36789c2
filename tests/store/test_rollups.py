"""Daily sums of usage stand beside it, right after every write, and only what is touched is made again."""

from pathlib import Path
from typing import Any

import duckdb
import pytest

from tallybook.model.datasets import DIMENSIONS
from tallybook.model.windows import naive
from tallybook.store import duckdb as duckdb_store
from tallybook.store import duckdb_file, rolling
from tallybook.store.base import Amendment, Edit
from tallybook.store.duckdb import DuckDBStore
from tallybook.store.migrations import migrations
from tallybook.store.rollups import ROLLUPS, SUMS, Rollup, smallest
from tests.store.book import D0, DAY, HOUR, NOON, StoreUnderTest, cost, read, usage
from tests.store.rollups import KEPT, rollups_are_right

LATER = NOON + HOUR
PEOPLE = ("user_ada", "user_bo", None)


def people(at: int, tokens: int | None = 1, **more: Any) -> list[dict[str, Any]]:
    return [usage(at, tokens, user_id=user, model="gpt-5", **more) for user in PEOPLE]


def hours(at: int, tokens: int = 1) -> list[dict[str, Any]]:
    return [row for hour in (0, 7, 23) for row in people(at + hour * HOUR, tokens)]


def sums(book: StoreUnderTest, table: str = "usage_daily_narrow", column: str = "input_tokens") -> list[Any]:
    return book.rows(table, "day", column)


def row_ids(book: StoreUnderTest, rollup: Rollup) -> dict[Any, set[int]]:
    """Return where the rows of each day lie; what is written again lies elsewhere."""
    out: dict[Any, set[int]] = {}
    for row in book.store.read(f"SELECT day, rowid AS place FROM {rollup.place}").to_pylist():
        out.setdefault(row["day"], set()).add(row["place"])
    return out


def test_hours_add_up_to_days_and_a_sum_is_unknown_only_where_every_number_is(book: StoreUnderTest) -> None:
    known = {"input_cached_tokens": 4}
    rows = [*hours(D0, 2), *people(D0 + HOUR, None), *people(D0 + 2 * HOUR, 3, **known)]
    book.write(read("completions", D0, D0 + DAY, *rows, width="1h"), read("completions", D0 + DAY, D0 + 2 * DAY))
    assert rollups_are_right(book.store) == 3 + 1
    (row,) = book.rows("usage_daily_narrow")
    assert (row["input_tokens"], row["input_cached_tokens"], row["output_tokens"]) == (3 * (3 * 2 + 3), 12, None)


def test_a_level_is_kept_times_the_seconds_of_its_bucket(book: StoreUnderTest) -> None:
    stored = [{"at": D0 + hour * HOUR, "project_id": "proj_a", "usage_bytes": 2**62} for hour in range(3)]
    whole = [{"at": D0 + DAY, "project_id": "proj_a", "usage_bytes": 5}]
    book.write(
        read("vector_stores", D0, D0 + DAY, *stored, width="1h"),
        read("vector_stores", D0 + DAY, D0 + 2 * DAY, *whole),
    )
    assert rollups_are_right(book.store) == 4
    assert {value for _, value in sums(book, column="usage_bytes_seconds")} == {3 * 3_600 * 2**62, 5 * DAY}


def test_a_sum_may_be_larger_than_every_number(book: StoreUnderTest) -> None:
    book.write(read("completions", D0, D0 + DAY, *people(D0, 2**63 - 1)))
    assert [value for _, value in sums(book)] == [3 * (2**63 - 1)]


def test_what_changes_vanishes_appears_or_is_told_more_finely_is_added_up_again(book: StoreUnderTest) -> None:
    two = (D0, D0 + 2 * DAY)
    book.write(read("completions", *two, *people(D0, 2), *people(D0 + DAY, 3)), org="beta")
    for rows, width in (
        ((*people(D0, 2), *people(D0 + DAY, 3)), "1d"),
        ((*people(D0, 5)[1:], *people(D0 + DAY, 3)), "1d"),
        ((*people(D0, 5), usage(D0, 1, model="gpt-6")), "1d"),
        ((*hours(D0), *hours(D0 + DAY)), "1h"),
        (hours(D0), "1h"),
        ((), "1h"),
    ):
        book.write(read("completions", *two, *rows, width=width, at=LATER), read("costs", *two, cost(D0)))
        rollups_are_right(book.store)
        book.clock.advance(HOUR)
    assert {row["org"] for row in book.rows("usage_daily")} == {"beta"}


def test_only_days_that_changed_are_made_again(book: StoreUnderTest) -> None:
    days = range(D0, D0 + 3 * DAY, DAY)
    book.write(read("completions", D0, D0 + 3 * DAY, *(row for day in days for row in people(day, 2)), at=D0 + 3 * DAY))
    before = {rollup: row_ids(book, rollup) for rollup in ROLLUPS}
    changed = [row for day in days for row in people(day, 3 if day == D0 + DAY else 2)]
    book.clock.advance(2 * DAY)
    book.write(read("completions", D0, D0 + 3 * DAY, *changed, at=D0 + 4 * DAY))
    for rollup in ROLLUPS:
        after = row_ids(book, rollup)
        assert [day for day in after if after[day] != before[rollup][day]] == [naive(D0 + DAY)]


def test_where_nothing_changed_no_roll_up_is_touched(book: StoreUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = read("completions", D0, D0 + DAY, *people(D0))
    book.write(whole)
    monkeypatch.setattr(rolling, "making", lambda *_: pytest.fail("a roll-up was made again"))
    book.write(whole, read("costs", D0, D0 + DAY, cost(D0)))
    assert rollups_are_right(book.store) == 3 + 1


def test_ids_that_become_one_are_one_in_the_roll_ups(book: StoreUnderTest) -> None:
    book.write(read("completions", D0, D0 + DAY, *hours(D0), width="1h"))
    book.store.amend(Amendment((Edit("*.user_id", lambda _: "user_x"),)))
    assert rollups_are_right(book.store) == 2 + 1
    assert {row["user_id"] for row in book.rows("usage_daily")} == {"user_x", None}
    book.store.amend(Amendment((Edit("*.user_id", lambda _: None),)))
    assert rollups_are_right(book.store) == 1 + 1


def test_another_name_for_an_organization_is_in_the_roll_ups(book: StoreUnderTest) -> None:
    book.write(read("completions", D0, D0 + DAY, *people(D0)))
    book.store.rename("acme", "beta")
    assert rollups_are_right(book.store) == 3 + 1


def test_the_days_of_a_book_that_had_no_roll_ups_are_added_up_when_it_is_brought_up_to_date(
    fast_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = fast_path / "book.duckdb"
    with monkeypatch.context() as patch:
        for module in (duckdb_store, duckdb_file):
            patch.setattr(module, "migrations", lambda: [m for m in migrations() if m[0] < 10])
        DuckDBStore(path).migrate()
    with duckdb.connect(str(path)) as con:
        con.execute(
            "INSERT INTO usage BY NAME SELECT 'acme' AS org, 'completions' AS dataset, '1h' AS width, 3 AS seconds, "
            "TIMESTAMP '2026-03-01 22:00:00' + INTERVAL 1 HOUR * range AS start_time, start_time AS end_time, "
            "start_time AS recorded_at FROM range(4)"
        )
    store = DuckDBStore(path)
    store.migrate()
    assert rollups_are_right(store) == 2 * 2


def test_a_roll_up_has_the_columns_that_it_is_said_to_have(book: StoreUnderTest) -> None:
    assert {r.name: r.dimensions for r in ROLLUPS} == KEPT
    for rollup in ROLLUPS:
        names = book.store.read(f"SELECT * FROM {rollup.place} LIMIT 0").schema.names
        assert names == ["org", "dataset", "day", *rollup.dimensions, *(n for n in names if n in SUMS.values())]
        assert set(SUMS.values()) <= set(names)


def test_the_smallest_roll_up_that_tells_enough_apart_is_chosen() -> None:
    daily, narrow = ROLLUPS
    assert smallest(()) == smallest(["model", "org", "dataset"]) == smallest(["project_id", "model"]) == narrow
    assert smallest(["user_id", "model"]) == smallest(DIMENSIONS) == daily
    assert smallest(["extra"]) is None
