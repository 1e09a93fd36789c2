"""What has happened at the company: growth, a launch, a migration, incidents, prices; and the bill that shows it."""

import datetime as dt
from collections import Counter, defaultdict
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallybook.emulator import Company
from tallybook.emulator.company import FREE_TOKENS
from tallybook.emulator.products import NEW_MODEL, OLD_MODEL
from tallybook.emulator.timeline import DAY, timeline
from tests.clock import FakeClock
from tests.emulator.wire import MIDNIGHT, NOW

YEAR = (MIDNIGHT - 365 * DAY, MIDNIGHT)


@pytest.fixture(scope="module")
def company() -> Company:
    return Company(days=400, requests_per_day=100, clock=FakeClock(NOW))


@pytest.fixture(scope="module")
def bill(company: Company) -> list[dict[str, Any]]:
    """Every day of the last year by project and line item."""
    return company.ledger(*YEAR, "costs", ["project_id", "line_item"], "day")["costs"]


def daily(company: Company, dataset: str, by: str, measure: str, span: tuple[int, int] = YEAR) -> dict[Any, Any]:
    """Return (day, group) to the total."""
    rows = company.ledger(*span, dataset, [by], "day")[dataset]
    return {(row["start_time"], row[by]): row[measure] for row in rows}


def midnights(start: int, end: int) -> range:
    return range(start // DAY * DAY, end, DAY)


@settings(max_examples=200)
@given(st.integers(0, 6 * 365 * 24))
def test_every_history_of_120_days_has_the_launch_the_migration_and_both_incidents(hours: int) -> None:
    now = dt.datetime(2025, 1, 1, tzinfo=dt.UTC) + dt.timedelta(hours=hours)
    when = timeline(now)
    founded = (int(now.timestamp()) // DAY - 120) * DAY
    order = [founded, when.launched, *when.migrated[:1], *when.cold, *when.migrated[1:], *when.runaway, now.timestamp()]
    assert order == sorted(order)
    for year_old in (when.repriced, when.discounted):
        assert 30 * DAY <= now.timestamp() - year_old < 397 * DAY
    midnight = (when.launched, *when.migrated, *when.cold, when.repriced, when.discounted)
    assert all(second % DAY == 0 for second in midnight)


def test_there_is_more_of_everything_than_a_year_ago_and_of_some_products_much_more(company: Company) -> None:
    spans = (YEAR[0], YEAR[0] + 60 * DAY), (YEAR[1] - 60 * DAY, YEAR[1])
    before, after = (company.ledger(*span, "completions", ["project_id"])["completions"] for span in spans)
    ratio = sum(r["num_model_requests"] for r in after) / sum(r["num_model_requests"] for r in before)
    assert 1.3 < ratio < 1.7
    names = {project.id: project.name for project in company.roster.projects}
    old, new = ({names[r["project_id"]]: r["num_model_requests"] for r in rows} for rows in (before, after))
    growth = {name: new[name] / old[name] for name in new}
    assert growth["Code review"] > 1.5 * growth["Localisation"]


def test_nobody_uses_a_model_before_its_launch_and_most_move_to_it(company: Company) -> None:
    when = company.timeline
    requests = daily(company, "completions", "model", "num_model_requests")
    used: dict[str, Counter[int]] = {model: Counter() for model in (OLD_MODEL, NEW_MODEL)}
    for (day, model), count in requests.items():
        if model in used:
            used[model][day] += count
    assert when.launched <= min(used[NEW_MODEL]) < when.migrated[0]
    share = {
        name: sum(used[NEW_MODEL][d] for d in days) / sum(used[m][d] for m in used for d in days)
        for name, days in {
            "pilot": midnights(when.launched, when.migrated[0]),
            "middle": midnights(when.migrated[0] + 20 * DAY, when.migrated[1] - 20 * DAY),
            "after": midnights(when.migrated[1], YEAR[1]),
        }.items()
    }
    assert share["pilot"] < 0.15 < 0.3 < share["middle"] < 0.7 < 0.85 < share["after"] < 1


def test_a_key_runs_away_for_some_hours_and_is_deleted(company: Company) -> None:
    start, end = company.timeline.runaway
    day = start // DAY * DAY
    bill = daily(company, "costs", "api_key_id", "amount", (day - 28 * DAY, day + DAY))
    (culprit,) = [key for key in company.roster.keys if end < key.deleted_at < end + DAY]
    usual = max(amount for (when, key), amount in bill.items() if key == culprit.id and when < day)
    assert bill[day, culprit.id] > 4 * usual
    others = [amount for (when, key), amount in bill.items() if when == day and key != culprit.id]
    assert bill[day, culprit.id] > 2 * sum(others)
    hours = company.ledger(day, day + DAY, "completions", ["api_key_id"], "hour")["completions"]
    assert {row["start_time"] for row in hours if row["api_key_id"] == culprit.id} == set(range(start, end, 3_600))
    after = company.ledger(day + DAY, YEAR[1], "completions", ["api_key_id"])["completions"]
    assert culprit.id not in {row["api_key_id"] for row in after}


def test_a_prompt_misses_the_cache_for_days_and_costs_more(company: Company) -> None:
    start, end = company.timeline.cold
    project = next(p.id for p in company.roster.projects if p.name == "Support desk")
    rows = company.ledger(start - 10 * DAY, end + 10 * DAY, "completions", ["project_id"], "day")["completions"]
    rows = [row for row in rows if row["project_id"] == project]
    cold = [row for row in rows if start <= row["start_time"] < end]
    assert len(cold) == 5
    assert sum(row["input_cached_tokens"] for row in cold) == 0
    warm = [row for row in rows if row not in cold]
    assert all(row["input_cached_tokens"] > 0.3 * row["input_tokens"] for row in warm)
    bill = daily(company, "costs", "project_id", "amount", (start - 10 * DAY, end + 10 * DAY))
    dear = {row["start_time"]: bill[row["start_time"], project] / row["input_tokens"] for row in rows}
    mean = [sum(dear[row["start_time"]] for row in part) / len(part) for part in (cold, warm)]
    assert mean[0] > mean[1] * Decimal("1.3")


def unit_prices(bill: list[dict[str, Any]], start: int, end: int) -> dict[str, set[Decimal]]:
    prices: dict[str, set[Decimal]] = defaultdict(set)
    for row in bill:
        if start <= row["start_time"] < end:
            prices[row["line_item"]].add(row["amount"] / row["quantity"])
    return prices


def test_one_model_became_cheaper_and_some_are_discounted_since(company: Company, bill: list[dict[str, Any]]) -> None:
    when = company.timeline
    assert YEAR[0] < when.repriced < when.discounted < YEAR[1]
    spans = (YEAR[0], when.repriced), (when.repriced, when.discounted), (when.discounted, YEAR[1])
    first, second, third = (unit_prices(bill, *span) for span in spans)
    assert all(len(prices) == 1 for prices in (*first.values(), *second.values(), *third.values()))
    changed = {item for item in first.keys() & second.keys() if first[item] != second[item]}
    assert all(item.partition(" | ")[2].startswith("gpt-5.4") or item.startswith("gpt-5.4") for item in changed)
    assert len(changed) > 10
    for name, factor in {"gpt-5.4-2026-03-05, input": "0.8", "batch | gpt-5.4-2026-03-05, output": "0.8"}.items():
        assert {price * Decimal(factor) for price in first[name]} == second[name]
    for name in ("gpt-5.6-sol, input", "gpt-5.4-2026-03-05, cached input", "priority | gpt-5-mini-2025-08-07, output"):
        assert {price * Decimal("0.85") for price in second[name]} == third[name]
    for name in ("gpt-4o-2024-08-06, input", "Vector storage", "web search tool calls"):
        assert first[name] == second[name] == third[name]


def test_batch_is_half_price_priority_double_and_very_long_prompts_dearer(
    company: Company, bill: list[dict[str, Any]]
) -> None:
    prices = unit_prices(bill, company.timeline.discounted, YEAR[1])
    (plain,) = prices["gpt-5.4-2026-03-05, input"]
    factors = {"batch | {}": "0.5", "flex | {}": "0.5", "priority | {}": "2", "{}, long context": "1.5"}
    for text, factor in factors.items():
        assert prices[text.format("gpt-5.4-2026-03-05, input")] == {plain * Decimal(factor)}


def test_free_tokens_are_used_and_not_billed_until_the_allowance_of_the_day_is_used_up() -> None:
    company = Company(days=30, requests_per_day=900, clock=FakeClock(NOW))
    source, used_up = company.sources["completions"], 0
    free, billed = set(source.free.values()), set(source.free)
    for day in midnights(MIDNIGHT - 20 * DAY, MIDNIGHT):
        events = sorted(event for event in company.events("completions", day, day + DAY) if event[1] in free | billed)
        granted = [event for event in events if event[1] in free]
        assert granted == events[: len(granted)]
        tokens = [event[2][0] + event[2][1] for event in granted]
        assert sum(tokens[:-1]) < FREE_TOKENS
        if len(granted) < len(events):
            used_up += 1
            assert sum(tokens) >= FREE_TOKENS
    assert used_up > 5
    assert all(not source.profiles[place].tariff for place in free)
    assert all(source.profiles[twin].dims == source.profiles[place].dims for place, twin in source.free.items())


def test_storage_only_grows(company: Company) -> None:
    rows = company.ledger(*YEAR, "vector_stores", ["project_id"], "hour")["vector_stores"]
    by_store: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        by_store[row["project_id"]].append(row["usage_bytes"])
    assert len(by_store) == 4
    for levels in by_store.values():
        assert levels == sorted(levels)
        assert levels[-1] > 2 * levels[0]


SHAPES = (
    "gpt-4o-2024-08-06, input", "ft-gpt-4o-2024-08-06, input", "gpt-4o-2024-08-06, output",
    "gpt-5.4-2026-03-05, cached input", "gpt-5.4-2026-03-05, cache writes",
    "priority | gpt-5.6-sol, output, long context", "assistants api | file search",
    "evals | gpt-4o-mini-2024-07-18, input", "web search tool calls", "gpt-5-search-api-2025-10-14, input",
    "gpt-audio-mini-2025-12-15 audio, input", "gpt-image-2.5-flare image, output",
    "gpt-image-2.5-sunburst text, cached input", "Vector storage", "whisper-1, audio", "Text tokens",
    "gpt-6-astra, input_tokens", "input_tokens",
)  # fmt: skip
"""Every line item that has been reported."""
UNITS = {"tokens", "characters", "duration_seconds", "gibibyte_hours", "images", None}


def test_every_reported_shape_of_a_line_item_is_on_the_bill_with_its_unit(bill: list[dict[str, Any]]) -> None:
    assert set(SHAPES) <= {row["line_item"] for row in bill}
    assert {row["quantity_unit"] for row in bill} == UNITS
    assert {row["line_item"] for row in bill if not row["amount"]} == {"omni-moderation-2024-09-26, input"}


def test_some_of_the_bill_is_in_no_usage_dataset_and_some_in_no_project(
    company: Company, bill: list[dict[str, Any]]
) -> None:
    assert {row["line_item"].partition(" | ")[0] for row in bill if row["project_id"] is None} == {
        "evals",
        "input_tokens",
    }
    models = {row["model"] for row in company.ledger(*YEAR, "images", ["model"])["images"]}
    assert models == {"gpt-image-2.5-flare", "dall-e-3"}
    assert any(row["line_item"].startswith("gpt-image-2.5-sunburst") for row in bill)
