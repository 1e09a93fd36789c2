"""What can be compared with a control total, and when two sums are equal."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from tallybook.collect.control import Compared, Control, Difference, comparable, control_totals, differences, stretches
from tallybook.model.arrow import table
from tallybook.model.coverage import Run
from tallybook.model.datasets import DATASETS
from tallybook.model.records import Read
from tallybook.model.schema import parsed
from tallybook.model.windows import DAY, Span, Window, naive
from tallybook.store.totals import Sum

D0 = 20_500 * DAY
HOUR = 3_600
COSTS, IMAGES, STORES = DATASETS["costs"], DATASETS["images"], DATASETS["vector_stores"]


def run(start: int, end: int, read_at: int, width: str = "1d") -> Run:
    return Run(start, end, width, (), read_at)


@pytest.mark.parametrize(
    ("runs", "found"),
    [
        ([], "not held"),
        ([run(D0, D0 + DAY // 2, D0 + 9 * DAY, "1h")], "held in part"),
        ([run(D0, D0 + DAY, D0 + 4 * DAY - 1)], "not stable yet"),
        ([run(D0, D0 + DAY, D0 + 4 * DAY)], ""),
        ([run(D0, D0 + HOUR, D0 + 9 * DAY, "1h"), run(D0 + HOUR, D0 + DAY, D0 + 4 * DAY - 1, "1h")], "not stable yet"),
        ([run(D0 - 5 * DAY, D0 + DAY, D0 + 4 * DAY, "1h")], ""),
    ],
)
def test_a_day_is_comparable_where_all_of_it_is_held_and_stable(runs: list[Run], found: str) -> None:
    names, obstacle = comparable(IMAGES, D0, runs, 3 * DAY)
    assert (bool(names), obstacle) == (not found, found)


def test_a_level_is_comparable_only_where_the_day_is_one_bucket() -> None:
    assert comparable(STORES, D0, [run(D0, D0 + DAY, D0 + 9 * DAY)], DAY) == (("usage_bytes",), "")
    names, obstacle = comparable(STORES, D0, [run(D0, D0 + DAY, D0 + 9 * DAY, "1h")], DAY)
    assert (names, obstacle) == ((), "a level, which is compared where it is held by day")


def found(held: dict[Any, Sum], control: dict[Any, Sum]) -> list[tuple[Any, ...]]:
    return [(d.measure, d.currency, d.held, d.control) for d in differences(COSTS, ("amount",), held, control)]


def test_amounts_are_equal_within_what_each_row_may_have_lost_and_currencies_are_never_added() -> None:
    one, least = Decimal(1), Decimal("1e-18")
    assert found({"usd": Sum(one, 3)}, {"usd": Sum(one + 4 * least, 1)}) == []
    off = one + 5 * least
    assert found({"usd": Sum(one, 3)}, {"usd": Sum(off, 1)}) == [("amount", "usd", one, off)]
    assert found({"usd": Sum(one, 1)}, {"eur": Sum(one, 1)}) == [("amount", "eur", 0, one), ("amount", "usd", one, 0)]
    large = Decimal("99999999999999999999.999999999999999999")
    less = Decimal("99999999999999999999.999999999999999996")
    assert found({"usd": Sum(large, 1)}, {"usd": Sum(less, 1)}) == [("amount", "usd", large, less)]


def test_null_is_nothing_and_every_other_number_must_be_equal() -> None:
    assert differences(IMAGES, IMAGES.measures, {}, {"images": Sum(0, 1), "num_model_requests": Sum(0, 1)}) == ()
    (only,) = differences(IMAGES, IMAGES.measures, {"images": Sum(5, 1)}, {"images": Sum(6, 1)})
    assert only == Difference("images", None, 5, 6)
    assert str(only) == "images held 5, control total 6"
    money = Difference("amount", "usd", Decimal("1000.500000000000000000"), Decimal(100))
    assert str(money) == "amount usd held 1,000.5, control total 100"


def test_control_totals_are_exact_sums_of_what_was_read_and_a_day_without_rows_is_nothing() -> None:
    amounts = [Decimal("99999999999999.000000000000000001"), Decimal("0.000000000000000002"), None]
    rows = [
        {"start_time": naive(D0), "end_time": naive(D0 + DAY), "currency": c, "amount": a}
        for c, a in zip(["usd", "usd", "eur"], amounts, strict=True)
    ]
    read = Read("costs", Window(D0, D0 + 2 * DAY, "1d"), (), D0 + 9 * DAY, table(rows, parsed(COSTS)))
    assert control_totals(COSTS, [read]) == {
        D0: {"usd": Sum(Decimal("99999999999999.000000000000000003"), 2), "eur": Sum(0, 1)},
        D0 + DAY: {},
    }


def test_days_in_a_row_are_one_stretch_and_one_run() -> None:
    days = [Compared("images", D0 + n * DAY, "equal") for n in (0, 1, 3)] + [Compared("costs", D0, "differs")]
    assert stretches(days) == {
        "images": [Span(D0, D0 + 2 * DAY), Span(D0 + 3 * DAY, D0 + 4 * DAY)],
        "costs": [Span(D0, D0 + DAY)],
    }
    runs = Control([Compared("images", D0 + n * DAY, "equal" if n else "differs") for n in (0, 1, 2)]).runs()["images"]
    first = (dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(days=20_500)).date()
    assert [(r["start"], r["state"]) for r in runs] == [
        (str(first), "differs"),
        (str(first + dt.timedelta(days=1)), "equal"),
    ]
