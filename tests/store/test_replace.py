"""A write keeps what is the same, moves what is not to history, and says why."""

from dataclasses import replace
from decimal import Decimal

import pyarrow as pa
import pytest

from tallybook.model import arrow
from tallybook.model.datasets import DATASETS
from tallybook.model.errors import DoesNotFitError
from tallybook.model.schema import TIME, parsed
from tallybook.model.windows import naive
from tests.store.book import ALL, D0, DAY, HOUR, NOON, StoreUnderTest, cost, read, usage

LATER = NOON + HOUR


def test_what_is_read_first_is_held_as_it_was_read(book: StoreUnderTest) -> None:
    changes = book.write(read("completions", D0, D0 + 2 * DAY, usage(D0, 5), usage(D0 + DAY, None)))
    assert (changes.inserted, changes.removed, changes.restated, changes.unchanged) == (2, 0, 0, 0)
    assert book.facts() == [(0, "1d", "proj_a", 5), (DAY, "1d", "proj_a", None)]
    assert book.held() == [(0, 2 * DAY, "1d", ALL, NOON - D0)]
    row = book.rows("usage")[0]
    assert (row["org"], row["dataset"], row["end_time"]) == ("acme", "completions", naive(D0 + DAY))
    assert row["output_tokens"] is None
    assert book.history() == []


def test_reading_the_same_again_writes_only_the_time_of_reading(book: StoreUnderTest) -> None:
    book.write(read("completions", D0, D0 + DAY, usage(D0, 5, user_id=None, batch=True, extra='{"a":1}')))
    before = book.rows("usage")
    book.clock.advance(HOUR)
    changes = book.write(read("completions", D0, D0 + DAY, usage(D0, 5, batch=True, extra='{"a":1}'), at=LATER))
    assert (changes.inserted, changes.removed, changes.unchanged) == (0, 0, 1)
    assert book.rows("usage") == before
    assert book.history() == []
    assert [run[-1] for run in book.held()] == [LATER - D0]


def test_a_changed_row_is_replaced_and_the_others_stay_as_they_are(book: StoreUnderTest) -> None:
    book.write(read("completions", D0, D0 + DAY, usage(D0, 5), usage(D0, 7, project_id="proj_b")))
    first = {r["project_id"]: r["recorded_at"] for r in book.rows("usage")}
    book.clock.advance(HOUR)
    changes = book.write(read("completions", D0, D0 + DAY, usage(D0, 6), usage(D0, 7, project_id="proj_b"), at=LATER))
    assert (changes.inserted, changes.removed, changes.restated, changes.unchanged) == (1, 1, 1, 1)
    second = {r["project_id"]: r["recorded_at"] for r in book.rows("usage")}
    assert second["proj_b"] == first["proj_b"]
    assert second["proj_a"] == naive(NOON + HOUR)
    moved = book.rows("usage_history", "input_tokens", "recorded_at", "replaced_at", "reason", "absent")
    assert moved == [(5, first["proj_a"], second["proj_a"], "restated", False)]


@pytest.mark.parametrize("column", ["input_cached_tokens", "extra"])
def test_a_number_that_becomes_known_is_a_change(book: StoreUnderTest, column: str) -> None:
    value = {"input_cached_tokens": 0, "extra": '{"new":1}'}[column]
    book.write(read("completions", D0, D0 + DAY, usage(D0)))
    changes = book.write(read("completions", D0, D0 + DAY, usage(D0, **{column: value}), at=LATER))
    assert (changes.inserted, changes.removed) == (1, 1)
    assert book.rows("usage", column) == [(value,)]


def test_a_row_that_vanishes_moves_to_history(book: StoreUnderTest) -> None:
    book.write(read("completions", D0, D0 + DAY, usage(D0, 5)))
    changes = book.write(read("completions", D0, D0 + DAY, at=LATER))
    assert (changes.inserted, changes.removed, changes.restated) == (0, 1, 1)
    assert book.facts() == []
    assert book.history() == [(0, 5, "restated", False)]


def test_a_row_that_appears_was_absent_since_the_first_read_of_its_bucket(book: StoreUnderTest) -> None:
    book.write(read("completions", D0, D0 + DAY))
    for hour in (1, 2):
        book.clock.advance(HOUR)
        rows = [usage(D0, 5)] if hour == 2 else []
        book.write(read("completions", D0, D0 + DAY, *rows, at=NOON + hour * HOUR))
    row = book.rows("usage_history")[0]
    assert (row["recorded_at"], row["replaced_at"]) == (naive(NOON), naive(NOON + 2 * HOUR))
    assert (row["absent"], row["reason"], row["input_tokens"], row["project_id"]) == (True, "restated", None, "proj_a")


def test_a_row_that_comes_back_was_absent_since_it_vanished(book: StoreUnderTest) -> None:
    for hour, rows in enumerate(([usage(D0, 5)], [], [usage(D0, 5)])):
        book.write(read("completions", D0, D0 + DAY, *rows, at=NOON + hour * HOUR))
        book.clock.advance(HOUR)
    spans = book.rows("usage_history", "recorded_at", "replaced_at", "absent")
    assert spans == [
        (naive(NOON), naive(NOON + HOUR), False),
        (naive(NOON + HOUR), naive(NOON + 2 * HOUR), True),
    ]


def test_a_row_that_appears_in_an_open_bucket_leaves_no_mark(book: StoreUnderTest) -> None:
    today = D0 + 2 * DAY
    book.write(read("completions", today, today + DAY))
    changes = book.write(read("completions", today, today + DAY, usage(today, 9), at=LATER))
    assert (changes.inserted, changes.restated) == (1, 0)
    assert book.history() == []


def test_the_reason_is_open_when_the_bucket_had_not_ended_when_it_was_read(book: StoreUnderTest) -> None:
    today = D0 + 2 * DAY
    book.write(read("completions", today, today + DAY, usage(today, 5)))
    assert book.held() == [(2 * DAY, NOON - D0, "1d", ALL, NOON - D0)]
    changes = book.write(read("completions", today, today + DAY, usage(today, 9), at=today + 2 * DAY))
    assert changes.restated == 0
    assert book.history() == [(2 * DAY, 5, "open", False)]
    assert book.held() == [(2 * DAY, 3 * DAY, "1d", ALL, 4 * DAY)]


def test_the_reason_is_regrouped_when_other_dimensions_were_asked_for(book: StoreUnderTest) -> None:
    book.write(read("completions", D0, D0 + DAY, usage(D0, 5), dimensions=["project_id"]))
    book.write(read("completions", D0, D0 + DAY, usage(D0, 5, model="gpt"), at=LATER))
    assert book.history() == [(0, 5, "regrouped", False)]


def test_finer_buckets_take_the_place_of_a_coarse_one(book: StoreUnderTest) -> None:
    book.write(read("completions", D0, D0 + DAY, usage(D0, 5)))
    rows = [usage(D0, 2), usage(D0 + HOUR, 3, num_model_requests=None)]
    changes = book.write(read("completions", D0, D0 + DAY, *rows, width="1h", at=LATER))
    assert book.facts() == [(0, "1h", "proj_a", 2), (HOUR, "1h", "proj_a", 3)]
    assert book.history() == [(0, 5, "rewidened", False)]
    assert changes.notes == []


def test_finer_buckets_of_another_total_are_noted(book: StoreUnderTest) -> None:
    book.write(read("completions", D0, D0 + DAY, usage(D0, 5)))
    book.write(read("completions", D0, D0 + DAY, usage(D0, 6), width="1h", at=LATER))
    noted = book.rows("notes", "dataset", "start_time", "end_time", "kind")
    assert noted == [("completions", naive(D0), naive(D0 + DAY), "rewidened")]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(("1d", 0, DAY), ("1h", 0, 12 * HOUR), id="part of a coarse bucket"),
        pytest.param(("1d", 0, DAY), ("1h", 12 * HOUR, DAY), id="the end of a coarse bucket"),
        pytest.param(("1h", 0, DAY), ("1d", 0, DAY), id="a coarser width"),
    ],
)
def test_a_read_that_would_break_the_first_rule_is_refused_whole(
    book: StoreUnderTest, first: tuple[str, int, int], second: tuple[str, int, int]
) -> None:
    one, two = (read("completions", D0 + s, D0 + e, usage(D0 + s), width=w) for w, s, e in (first, second))
    book.write(one)
    fitting = read("completions", D0 + DAY, D0 + 2 * DAY, usage(D0 + DAY))
    before = (book.facts(), book.held(), book.rows("fetches"))
    with pytest.raises(DoesNotFitError):
        book.write(fitting, two)
    assert (book.facts(), book.held(), book.rows("fetches")) == before


def test_an_open_coarse_bucket_gives_way_to_a_read_that_reaches_as_far(book: StoreUnderTest) -> None:
    today = D0 + 2 * DAY
    book.write(read("completions", today, today + DAY, usage(today, 5)))
    hours = [usage(today + h * HOUR) for h in range(13)]
    book.write(read("completions", today, today + 13 * HOUR, *hours, width="1h", at=NOON + 60))
    assert len(book.facts()) == 13
    assert book.held() == [(2 * DAY, NOON + 60 - D0, "1h", ALL, NOON + 60 - D0)]


def test_adjacent_windows_of_one_batch_are_judged_together(book: StoreUnderTest) -> None:
    book.write(read("completions", D0, D0 + DAY, usage(D0, 5)))
    late = usage(D0 + 13 * HOUR, 3, num_model_requests=0)
    first = read("completions", D0, D0 + 12 * HOUR, usage(D0, 2), width="1h", at=LATER)
    second = read("completions", D0 + 12 * HOUR, D0 + DAY, late, width="1h", at=LATER)
    changes = book.write(second, first)
    assert book.facts() == [(0, "1h", "proj_a", 2), (13 * HOUR, "1h", "proj_a", 3)]
    assert book.history() == [(0, 5, "rewidened", False)]
    assert changes.notes == []


def test_two_reads_of_one_moment_in_a_batch_are_refused(book: StoreUnderTest) -> None:
    with pytest.raises(DoesNotFitError):
        book.write(
            read("completions", D0, D0 + 2 * DAY, usage(D0)), read("completions", D0 + DAY, D0 + 3 * DAY, usage(D0))
        )
    assert book.facts() == []


def test_many_windows_datasets_and_widths_go_into_one_batch(book: StoreUnderTest) -> None:
    changes = book.write(
        read("completions", D0 + DAY, D0 + 2 * DAY, usage(D0 + DAY, 2)),
        read("completions", D0, D0 + DAY, usage(D0, 1), width="1h"),
        read("embeddings", D0, D0 + DAY, usage(D0, 3)),
        read("costs", D0, D0 + DAY, cost(D0, "4")),
    )
    assert changes.inserted == 4
    assert {row[0] for row in book.rows("usage", "dataset")} == {"completions", "embeddings"}
    assert book.rows("costs", "amount") == [(Decimal(4),)]
    assert [run[2] for run in book.held()] == ["1h", "1d"]


def test_organizations_do_not_meet(book: StoreUnderTest) -> None:
    book.write(read("completions", D0, D0 + DAY, usage(D0, 1)), read("costs", D0, D0 + DAY, cost(D0)))
    changes = book.write(read("completions", D0, D0 + DAY), read("costs", D0, D0 + DAY), org="other")
    assert changes.removed == 0
    assert len(book.rows("usage")) == len(book.rows("costs")) == 1


def test_money_keeps_its_eighteenth_decimal_and_its_currency(book: StoreUnderTest) -> None:
    small = "-0.000000000000000001"
    bill = read("costs", D0, D0 + DAY, cost(D0, small), cost(D0, "99999999999999999999", "eur"))
    book.write(bill)
    assert {r["currency"]: r["amount"] for r in book.rows("costs")} == {
        "usd": Decimal(small),
        "eur": Decimal(99999999999999999999),
    }
    changes = book.write(read("costs", D0, D0 + DAY, cost(D0, small), cost(D0, "5", "eur"), at=LATER))
    assert (changes.inserted, changes.removed, changes.unchanged) == (1, 1, 1)
    assert book.history("costs") == [(0, Decimal(99999999999999999999), "restated", False)]


def test_rows_of_the_bill_that_differ_in_nothing_it_is_asked_by_are_one(book: StoreUnderTest) -> None:
    twins = [cost(D0, "1", user_id="user_1"), cost(D0, "1", user_id="user_2", extra='{"a":1}')]
    book.write(read("costs", D0, D0 + DAY, *twins))
    assert book.rows("costs", "amount", "quantity", "extra") == [(Decimal(2), None, '{"a":1}')]
    assert book.write(read("costs", D0, D0 + DAY, *twins, at=LATER)).unchanged == 1


def test_a_bucket_that_had_not_begun_when_it_was_read_is_not_known(book: StoreUnderTest) -> None:
    book.write(read("completions", D0 + 2 * DAY, D0 + 3 * DAY, usage(D0 + 2 * DAY, 5)))
    early = D0 + DAY + HOUR
    book.write(read("completions", D0, D0 + 3 * DAY, usage(D0, 1), usage(D0 + 2 * DAY, 7), at=early))
    assert book.facts() == [(0, "1d", "proj_a", 1), (2 * DAY, "1d", "proj_a", 5)]
    assert [(start, end) for start, end, *_ in book.held()] == [(0, DAY + HOUR), (2 * DAY, NOON - D0)]


def test_the_time_of_a_commit_never_steps_back(book: StoreUnderTest) -> None:
    book.write(read("completions", D0, D0 + DAY, usage(D0, 1)))
    book.clock.advance(-DAY)
    book.write(read("completions", D0, D0 + DAY, usage(D0, 2), at=LATER))
    (old,) = book.rows("usage_history", "recorded_at", "replaced_at")
    assert old[0] == naive(NOON) < old[1] == book.rows("usage", "recorded_at")[0][0]


def test_a_batch_far_larger_than_a_block_loses_nothing(book: StoreUnderTest) -> None:
    many = 130_000
    schema = parsed(DATASETS["completions"])
    known = {
        "start_time": pa.nulls(many, pa.int64()).fill_null(D0 * 1_000_000).cast(TIME),
        "end_time": pa.nulls(many, pa.int64()).fill_null((D0 + DAY) * 1_000_000).cast(TIME),
        "user_id": arrow.column([f"user_{i}" for i in range(many)], pa.string()),
        "input_tokens": arrow.column(range(many), pa.int64()),
    }
    columns = [known[f.name] if f.name in known else pa.nulls(many, f.type) for f in schema]
    whole = replace(read("completions", D0, D0 + DAY), rows=pa.Table.from_arrays(columns, schema=schema))
    book.write(whole)
    changes = book.write(whole)
    assert (changes.inserted, changes.removed, changes.unchanged) == (0, 0, 130_000)
    assert book.store.totals("acme", "completions", D0, D0 + DAY)["input_tokens"] == sum(range(130_000))


def test_coverage_can_be_told_as_of_any_earlier_moment(book: StoreUnderTest) -> None:
    book.write(read("completions", D0, D0 + 2 * DAY))
    book.clock.advance(HOUR)
    book.write(read("completions", D0 + DAY, D0 + 3 * DAY, at=LATER))
    old = book.rows("coverage_history", "start_time", "end_time", "read_at", "recorded_at", "replaced_at")
    assert old == [(naive(D0 + DAY), naive(D0 + 2 * DAY), naive(NOON), naive(NOON), naive(LATER))]
    assert book.rows("coverage", "start_time", "end_time", "recorded_at") == [
        (naive(D0), naive(D0 + DAY), naive(NOON)),
        (naive(D0 + DAY), naive(LATER), naive(LATER)),
    ]
