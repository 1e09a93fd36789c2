"""Every public table and view adds up to the ledger, and no name multiplies a row."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tallybook.book import Book
from tallybook.model.datasets import DATASETS, MEASURES
from tallybook.query.labels import labels
from tests.books import SYNCED_DAYS, hold
from tests.emulator.wire import DAY, MIDNIGHT, NOW, Org

FLOWS = tuple(m.name for m in MEASURES.values() if m.kind == "flow")
TOKENS = ("input_tokens", "output_tokens")
OF_USAGE: Mapping[str, tuple[tuple[str, ...], str]] = {
    "usage": (FLOWS, ", ".join(f"SUM({m}) AS {m}" for m in FLOWS)),
    "v_usage_daily": (FLOWS, ", ".join(f"SUM({m}) AS {m}" for m in FLOWS)),
    "v_tokens": (
        TOKENS,
        ", ".join(
            f"SUM(CASE WHEN token_kind {sign} 'output' THEN tokens END) AS {m}"
            for sign, m in zip(("<>", "="), TOKENS, strict=True)
        ),
    ),
}
"""Each table of usage with the measures that it has and how they are added up."""
OF_MONEY = ("costs", "v_costs_daily", "v_bill_monthly")
SEEN = {"first_seen": dt.datetime(2026, 11, 1), "last_seen": dt.datetime(2026, 11, 2)}  # noqa: DTZ001


def public(book: Book) -> set[str]:
    both = "SELECT table_name AS name FROM duckdb_tables() WHERE schema_name = 'main' UNION SELECT view_name FROM "
    found = book.store.read(both + "duckdb_views() WHERE schema_name = 'main' AND NOT internal")
    return {row["name"] for row in found.to_pylist()}


def test_every_flow_and_all_money_of_every_public_table_and_view_equals_the_ledger(book: Book, org: Org) -> None:
    truth = org.company.ledger(MIDNIGHT - SYNCED_DAYS * DAY, int(NOW.timestamp()) + 1)
    assert public(book) == {*OF_USAGE, *OF_MONEY}
    for table, (measures, sums) in OF_USAGE.items():
        rows = book.store.read(f"SELECT dataset, {sums} FROM {table} GROUP BY dataset").to_pylist()
        found = {row["dataset"]: {m: row[m] for m in measures if row[m]} for row in rows}
        expected = {
            name: {m: total[m] for m in measures if total.get(m)}
            for name, (total,) in truth.items()
            if name in DATASETS and name != "costs"
        }
        found, expected = ({k: v for k, v in of.items() if v} for of in (found, expected))
        assert found == expected, table
        assert len(expected) >= 4
    for table in OF_MONEY:
        rows = book.store.read(f"SELECT currency, SUM(amount) AS amount FROM {table} GROUP BY currency").to_pylist()
        assert {row["currency"]: row["amount"] for row in rows} == {
            row["currency"]: row["amount"] for row in truth["costs"]
        }, table


def test_a_view_has_as_many_rows_as_what_it_shows(book: Book) -> None:
    def count(table: str) -> Any:
        return book.store.read(f"SELECT count(*) AS n FROM {table}").to_pylist()[0]["n"]

    assert count("v_usage_daily") == count("internal.usage_daily") > 1_000
    assert count("v_costs_daily") == count("costs") > 1_000


def test_every_measure_and_dimension_of_usage_is_in_the_daily_view(book: Book) -> None:
    def names(table: str) -> set[str]:
        return {*book.store.read(f"SELECT * FROM {table} LIMIT 0").schema.names}

    lacking = names("usage") - names("v_usage_daily")
    assert lacking == {"start_time", "end_time", "width", "extra", "recorded_at", "usage_bytes"}


def test_names_in_views_are_the_labels_of_answers(book: Book) -> None:
    known = labels(book.store.rows("directory"))
    for view in ("v_usage_daily", "v_tokens", "v_costs_daily", "v_bill_monthly"):
        columns = book.store.read(f"SELECT * FROM {view} LIMIT 0").schema.names
        for kind in ("project", "user", "api_key"):
            if f"{kind}_id" in columns:
                rows = book.store.read(f"SELECT DISTINCT org, {kind}_id AS id, {kind}_name AS name FROM {view}")
                for row in rows.to_pylist():
                    assert row["name"] == known[kind].get((row["org"], row["id"]), row["id"]), (view, kind)


def test_a_name_known_many_times_or_shared_multiplies_nothing(empty: Book) -> None:
    people = ("user_ada111", "user_bo2222", "user_nobody", None)
    rows = [{"day": "2026-11-02", "user_id": u, "project_id": "proj_a", "input_tokens": 7} for u in people]
    hold(empty, "completions", "2026-11-01", "2026-11-03", rows)
    hold(empty, "costs", "2026-11-01", "2026-11-03", [{"day": "2026-11-02", "line_item": "gpt-5, input", "amount": 3}])
    versions = [
        {"id": "user_ada111", "name": "Ada", **SEEN},
        {"id": "user_ada111", "name": "Bo", **SEEN, "last_seen": SEEN["last_seen"] + dt.timedelta(1)},
        {"id": "user_ada111", "name": "Bo", **SEEN, "last_seen": SEEN["last_seen"] + dt.timedelta(1)},
        {"id": "user_bo2222", "name": None, "email": "Bo", **SEEN},
        {"id": "user_nobody", "name": "", **SEEN},
    ]
    empty.store.put("directory", [{"org": "default", "kind": "user", **row} for row in versions])
    empty.store.put("line_items", [{"line_item": "gpt-5, input", "parser_version": 1, "model": "gpt-5"}] * 2)
    found = empty.store.read("SELECT user_id, user_name, input_tokens FROM v_usage_daily").to_pylist()
    assert {row["user_id"]: (row["user_name"], row["input_tokens"]) for row in found} == {
        "user_ada111": ("Bo (ada111)", 7),
        "user_bo2222": ("Bo (bo2222)", 7),
        "user_nobody": ("user_nobody", 7),
        None: (None, 7),
    }
    (bill,) = empty.store.read("SELECT * FROM v_bill_monthly").to_pylist()
    assert (bill["amount"], bill["model"], bill["token_kind"], bill["month"].day) == (3, "gpt-5", "input", 1)


SPECIFIED = {
    "input_tokens": 1_000, "input_cached_tokens": 400, "input_cache_write_tokens": 100, "input_uncached_tokens": 500,
    "output_tokens": 500, "input_text_tokens": 400, "output_text_tokens": 400, "input_cached_text_tokens": 300,
    "input_audio_tokens": 50, "input_cached_audio_tokens": 50, "output_audio_tokens": 50, "input_image_tokens": 50,
    "input_cached_image_tokens": 50, "output_image_tokens": 50,
}  # fmt: skip
KINDS = [
    (SPECIFIED, {
        ("input", "text"): 400, ("input", "audio"): 50, ("input", "image"): 50, ("cached input", "text"): 300,
        ("cached input", "audio"): 50, ("cached input", "image"): 50, ("cache writes", None): 100,
        ("output", "text"): 400, ("output", "audio"): 50, ("output", "image"): 50,
    }),
    ({"input_tokens": 10, "output_tokens": 4, "input_cached_tokens": 3},
     {("input", None): 7, ("cached input", None): 3, ("output", None): 4}),
    ({"input_tokens": 10, "input_cached_tokens": 6, "input_audio_tokens": 8},
     {("input", "audio"): 8, ("cached input", None): 6, ("input", None): -4}),
]  # fmt: skip
"""Everything told apart; little told apart; and a part counted twice, as the API may have done once."""


def kinds(book: Book) -> dict[tuple[str, str | None], int]:
    rows = book.store.read("SELECT token_kind, modality, tokens FROM v_tokens").to_pylist()
    assert len({(row["token_kind"], row["modality"]) for row in rows}) == len(rows)
    return {(row["token_kind"], row["modality"]): row["tokens"] for row in rows}


@pytest.mark.parametrize(("numbers", "expected"), KINDS, ids=["all", "some", "twice"])
def test_kinds_of_tokens_exclude_each_other(
    empty: Book, numbers: dict[str, int], expected: dict[tuple[str, str | None], int]
) -> None:
    hold(empty, "completions", "2026-11-01", "2026-11-02", [{"day": "2026-11-01", **numbers}])
    assert kinds(empty) == expected


counts = st.none() | st.integers(0, 1_000)


@settings(max_examples=5, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.lists(st.fixed_dictionaries(dict.fromkeys(SPECIFIED, counts)), min_size=1, max_size=5))
def test_kinds_of_tokens_add_up_whatever_is_told_apart(empty: Book, given: list[dict[str, int | None]]) -> None:
    rows = [{"day": "2026-11-01", "user_id": f"user_{n}", **numbers} for n, numbers in enumerate(given)]
    hold(empty, "completions", "2026-11-01", "2026-11-02", rows)
    found = empty.store.read("SELECT SUM(tokens) AS tokens FROM v_tokens").to_pylist()[0]["tokens"]
    assert (found or 0) == sum(numbers[m] or 0 for numbers in given for m in TOKENS)


def test_money_in_views_keeps_its_last_digit(empty: Book) -> None:
    amounts = [Decimal("0.000000000000000001"), Decimal("12345678901234567890.123456789012345677")]
    rows = [{"day": f"2026-11-0{n + 1}", "line_item": "a", "amount": amount} for n, amount in enumerate(amounts)]
    hold(empty, "costs", "2026-11-01", "2026-11-03", rows)
    (bill,) = empty.store.read("SELECT amount FROM v_bill_monthly").to_pylist()
    assert bill["amount"] == Decimal("12345678901234567890.123456789012345678")
