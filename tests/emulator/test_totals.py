"""What is served adds up to the ledger, whatever the width, grouping or filter."""

from collections import defaultdict
from decimal import Decimal
from typing import Any

import pytest

from tallybook.emulator.served import DATASETS
from tests.emulator.wire import DAY, MIDNIGHT, Org

USAGE = [name for name, row in DATASETS.items() if name != "costs"]
FLOWS = [name for name in USAGE if not DATASETS[name].level]
SINCE = MIDNIGHT - 3 * DAY
UNTIL = MIDNIGHT + DAY
LIMITS = {"1d": 31, "1h": 168, "1m": 1_440}


def served_totals(org: Org, name: str, by: tuple[str, ...], since: int, **params: Any) -> dict[Any, dict[str, Any]]:
    totals: dict[Any, dict[str, Any]] = defaultdict(lambda: defaultdict(int))
    for bucket in org.walk(DATASETS[name].path, start_time=since, end_time=UNTIL, **{"group_by[]": by}, **params):
        for row in bucket["results"]:
            for measure in DATASETS[name].measures:
                totals[tuple(row[field] for field in by)][measure] += row[measure]
    return totals


@pytest.mark.parametrize("width", ["1d", "1h", "1m"])
@pytest.mark.parametrize("name", FLOWS)
def test_flows_of_every_width_equal_the_ledger_by_every_dimension(org: Org, name: str, width: str) -> None:
    row = DATASETS[name]
    since = SINCE if width != "1m" else MIDNIGHT - DAY
    truth = org.company.ledger(since, UNTIL, name, row.dimensions)[name]
    expected = {tuple(r[field] for field in row.dimensions): {m: r[m] for m in row.measures} for r in truth}
    got = served_totals(org, name, row.dimensions, since, bucket_width=width, limit=LIMITS[width])
    assert expected == got
    assert expected


@pytest.mark.parametrize("name", FLOWS)
def test_ungrouped_totals_equal_the_ledger_over_http(org: Org, name: str) -> None:
    truth = org.control("/_ledger", start=SINCE, end=UNTIL, dataset=name)["datasets"][name]
    got = served_totals(org, name, (), SINCE, limit=31)
    assert truth == [{"start_time": SINCE, **got[()]}]


@pytest.mark.parametrize(("width", "grain"), [("1d", "day"), ("1h", "hour")])
def test_a_level_is_the_one_last_held_in_the_bucket(org: Org, width: str, grain: str) -> None:
    truth = org.company.ledger(SINCE, UNTIL, "vector_stores", ["project_id"], grain)["vector_stores"]
    buckets = org.walk(
        "/usage/vector_stores",
        start_time=SINCE,
        end_time=UNTIL,
        bucket_width=width,
        limit=LIMITS[width],
        group_by="project_id",
    )
    got = {(b["start_time"], r["project_id"]): r["usage_bytes"] for b in buckets for r in b["results"]}
    assert {(r["start_time"], r["project_id"]): r["usage_bytes"] for r in truth} == got
    assert len(got) >= 4


def test_a_level_is_in_every_minute(org: Org) -> None:
    minutes = list(org.walk("/usage/vector_stores", start_time=MIDNIGHT, bucket_width="1m", limit=1_440))
    hours = list(org.walk("/usage/vector_stores", start_time=MIDNIGHT, bucket_width="1h"))
    assert len(minutes) == 15 * 60 + 31
    assert [b["results"] for b in minutes[::60]] == [b["results"] for b in hours]


GROUPINGS = [
    (),
    ("line_item",),
    ("project_id",),
    ("project_id", "line_item"),
    ("api_key_id", "line_item"),
    ("user_id",),
    ("user_id", "line_item", "api_source"),
    ("api_source",),
]


@pytest.mark.parametrize("by", GROUPINGS, ids="+".join)
def test_costs_of_any_grouping_equal_the_ledger_to_the_last_digit(org: Org, by: tuple[str, ...]) -> None:
    since = MIDNIGHT - 20 * DAY
    truth = org.control("/_ledger", start=since, end=UNTIL, dataset="costs", by=",".join(by), grain="day")
    expected = {
        (r["start_time"], *(r[field] for field in by), r["quantity_unit"]): (
            Decimal(r["amount"]),
            r["quantity"] and Decimal(r["quantity"]),
        )
        for r in truth["datasets"]["costs"]
    }
    got = {
        (b["start_time"], *(r[field] for field in by), r["quantity_unit"]): (r["amount"]["value"], r["quantity"])
        for b in org.walk("/costs", start_time=since, end_time=UNTIL, limit=180, group_by=by)
        for r in b["results"]
    }
    assert expected == got
    assert len({amount for amount, _ in got.values()}) > 10


@pytest.mark.parametrize("date", ["repriced", "discounted"])
def test_the_bill_changes_its_prices_on_the_day_that_the_ledger_does(org: Org, date: str) -> None:
    day = getattr(org.company.timeline, date)
    since, until = day - 2 * DAY, day + 2 * DAY
    truth = org.company.ledger(since, until, "costs", ["line_item"], "day")["costs"]
    buckets = list(org.walk("/costs", start_time=since, end_time=until, group_by="line_item"))
    got = {(b["start_time"], r["line_item"]): r["amount"]["value"] for b in buckets for r in b["results"]}
    assert got == {(row["start_time"], row["line_item"]): row["amount"] for row in truth}
    price = {b["start_time"]: r["amount"]["value"] / r["quantity"] for b in buckets for r in b["results"]
             if r["line_item"] == "gpt-5.4-2026-03-05, input"}  # fmt: skip
    assert price[since] == price[day - DAY] > price[day] == price[day + DAY]


def test_the_sum_of_costs_is_the_same_over_any_grouping(org: Org) -> None:
    sums = {
        sum(
            r["amount"]["value"]
            for b in org.walk("/costs", start_time=MIDNIGHT - 40 * DAY, end_time=UNTIL, limit=30, group_by=by)
            for r in b["results"]
        )
        for by in GROUPINGS
    }
    assert len(sums) == 1


FILTERS = [
    ("completions", "models", "model", "gpt-5.4-2026-03-05"),
    ("completions", "batch", "batch", True),
    ("images", "sizes", "size", "512x512"),
    ("web_search_calls", "context_levels", "context_level", "high"),
]


@pytest.mark.parametrize(("name", "parameter", "dimension", "value"), FILTERS)
def test_a_filter_restricts_and_leaves_the_dimension_null(
    org: Org, name: str, parameter: str, dimension: str, value: Any
) -> None:
    since = MIDNIGHT - 20 * DAY
    truth = org.company.ledger(since, UNTIL, name, [dimension])[name]
    expected = next(r for r in truth if r[dimension] == value)
    got = served_totals(org, name, (dimension,), since, limit=31, **{parameter: str(value).replace("True", "true")})
    assert got == {(value,): {m: expected[m] for m in DATASETS[name].measures}}
    ungrouped = served_totals(org, name, (), since, limit=31, **{parameter: str(value).replace("True", "true")})
    assert ungrouped[()] == got[value,]
    for bucket in org.walk(DATASETS[name].path, start_time=since, limit=31, **{parameter: str(value).lower()}):
        assert all(row[dimension] is None for row in bucket["results"])


def test_a_line_item_with_a_comma_is_one_filter_value(org: Org) -> None:
    item = "gpt-5.4-2026-03-05, cached input"
    rows = [
        row
        for bucket in org.walk("/costs", start_time=MIDNIGHT - 9 * DAY, group_by="line_item", **{"line_items[]": item})
        for row in bucket["results"]
    ]
    assert {row["line_item"] for row in rows} == {item}


def test_the_parts_of_tokens_add_up_in_every_row(org: Org) -> None:
    since = MIDNIGHT - 20 * DAY
    rows = [
        row
        for name in ("completions", "decisions")
        for bucket in org.walk(DATASETS[name].path, start_time=since, bucket_width="1h", limit=168, group_by="model")
        for row in bucket["results"]
    ]
    for r in rows:
        assert r["input_tokens"] == (
            r["input_cached_tokens"] + r["input_cache_write_tokens"] + r["input_uncached_tokens"]
        )
        assert r["input_uncached_tokens"] == (
            r["input_text_tokens"] + r["input_audio_tokens"] + r["input_image_tokens"]
        )
        assert r["input_cached_tokens"] == (
            r["input_cached_text_tokens"] + r["input_cached_audio_tokens"] + r["input_cached_image_tokens"]
        )
        assert r["input_cache_write_tokens"] == r["input_cache_write_30m_tokens"] + r["input_cache_write_12h_tokens"]
        assert r["output_tokens"] == r["output_text_tokens"] + r["output_audio_tokens"] + r["output_image_tokens"]
    for field in (
        "input_cached_audio_tokens",
        "input_image_tokens",
        "output_image_tokens",
        "input_cache_write_12h_tokens",
    ):
        assert sum(r[field] for r in rows) > 0
