"""`tallybook.fetch`: the frame of the cookbook's notebook for every dataset, all of it or an error."""

import asyncio
import datetime as dt
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from decimal import Decimal
from typing import Any

import pandas as pd
import polars as pl
import pytest
from pandas.testing import assert_frame_equal

import tallybook
from tallybook import Fetched, IncompleteError, ProviderError, QueryError, SettingsError, UsageError
from tallybook.emulator.served import DATASETS
from tests.clock import FakeClock
from tests.emulator import naive
from tests.emulator.test_bites import BITES, SINCE, UNTIL, Bite, named
from tests.emulator.wire import DAY, MIDNIGHT, NOW, Org, organization

STD = ["project_id", "user_id", "api_key_id", "model"]
TIME = ["start_datetime", "end_datetime", "start_time", "end_time"]
NOTEBOOK = [
    *TIME, "input_tokens", "output_tokens", "input_cached_tokens", "input_audio_tokens", "output_audio_tokens",
    "num_model_requests", *STD, "batch",
]  # fmt: skip
CHAT = [
    *NOTEBOOK, "input_cache_write_tokens", "input_cache_write_30m_tokens", "input_cache_write_12h_tokens",
    "input_uncached_tokens", "input_text_tokens", "input_cached_text_tokens", "input_cached_audio_tokens",
    "input_image_tokens", "input_cached_image_tokens", "output_text_tokens", "output_image_tokens",
    "service_tier", "api_source",
]  # fmt: skip
COLUMNS = {
    "completions": CHAT,
    "decisions": CHAT,
    "embeddings": [*TIME, "input_tokens", "num_model_requests", *STD],
    "moderations": [*TIME, "input_tokens", "num_model_requests", *STD],
    "images": [*TIME, "images", "num_model_requests", *STD, "size", "source"],
    "audio_speeches": [*TIME, "characters", "num_model_requests", *STD],
    "audio_transcriptions": [*TIME, "seconds", "num_model_requests", *STD],
    "vector_stores": [*TIME, "usage_bytes", "project_id"],
    "code_interpreter_sessions": [*TIME, "num_sessions", "project_id"],
    "file_search_calls": [*TIME, "num_requests", "project_id", "user_id", "api_key_id", "vector_store_id"],
    "web_search_calls": [*TIME, "num_model_requests", "num_requests", *STD, "context_level", "api_source"],
    "costs": [
        "start_time", "end_time", "amount_value", "currency", "line_item", "project_id", "start_datetime",
        "end_datetime", "quantity", "quantity_unit", "api_key_id", "user_id", "api_source",
    ],
}  # fmt: skip
"""As the issue of the API's documentation orders them, written by hand."""
FIRST = set(NOTEBOOK[4:10])
"""Measures of the notebook itself: int64, absent is 0."""


@pytest.fixture(scope="module")
def org() -> Iterator[Org]:
    with organization(days=45) as running:
        yield running


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_ADMIN_KEY", "TALLYBOOK_BASE_URL", "TALLYBOOK_CONFIG", "TALLYBOOK_BOOK"):
        monkeypatch.delenv(name, raising=False)


def get(org: Org, dataset: str, monkeypatch: pytest.MonkeyPatch, **words: Any) -> Fetched:
    monkeypatch.setenv("TALLYBOOK_BASE_URL", org.base)
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "sk-admin-test")
    return tallybook.fetch(dataset, clock=org.clock, **words)


def dtype(name: str) -> str:
    if name in ("start_time", "end_time") or name in FIRST:
        return "int64"
    if name in ("start_datetime", "end_datetime"):
        return "datetime64[us]"
    if name in ("amount_value", "quantity"):
        return "float64"
    text = (*STD, "batch", "service_tier", "api_source", "size", "source", "vector_store_id", "context_level")
    return "object" if name in (*text, "currency", "line_item", "quantity_unit") else "Int64"


def test_the_columns_of_every_dataset_are_written_down() -> None:
    assert set(COLUMNS) == set(DATASETS)


@pytest.mark.parametrize("dataset", COLUMNS)
@pytest.mark.parametrize("grouped", [False, True], ids=["ungrouped", "grouped"])
def test_the_frame_has_exactly_these_columns_in_this_order_with_these_types(
    org: Org, dataset: str, grouped: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups = ["line_item", "project_id"] if dataset == "costs" else list(DATASETS[dataset].dimensions)
    found = get(org, dataset, monkeypatch, last="20d", group_by=groups if grouped else ())
    frame = found.to_pandas()
    assert list(frame.columns) == COLUMNS[dataset]
    assert frame.dtypes.astype(str).to_dict() == {name: dtype(name) for name in COLUMNS[dataset]}
    assert len(frame) > 10
    for name in set(DATASETS[dataset].dimensions) & set(frame.columns):
        absent = frame[name].isna()
        assert all(value is None for value in frame[name][absent])
        assert grouped or absent.all()
    assert (frame["start_datetime"] == pd.to_datetime(frame["start_time"], unit="s")).all()
    assert (frame["end_time"] - frame["start_time"] == DAY).all()
    assert frame["start_time"].is_monotonic_increasing


@pytest.mark.parametrize("dataset", ["completions", "decisions"])
@pytest.mark.parametrize("groups", [[], ["model", "project_id"], [*STD, "batch"]], ids="+".join)
def test_the_first_fifteen_columns_are_the_frame_of_the_notebook(
    org: Org, dataset: str, groups: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = get(org, dataset, monkeypatch, last="20d", group_by=groups).to_pandas()[NOTEBOOK]
    start = MIDNIGHT - 19 * DAY
    url = f"{org.base}/organization/usage/{dataset}"
    wanted = naive.usage_frame(naive.notebook(url, {"start_time": start, "limit": 31, "group_by": groups}))
    assert list(wanted.columns) == NOTEBOOK
    order = ["start_time", *STD, "batch"]
    frame, wanted = (f.astype(object).where(f.notna(), None) for f in (frame, wanted))
    frame, wanted = (f.sort_values(order, key=lambda c: c.astype(str), ignore_index=True) for f in (frame, wanted))
    assert_frame_equal(frame, wanted, check_dtype=False)


@pytest.mark.parametrize("groups", [[], ["line_item"]], ids="+".join)
def test_costs_are_the_frame_of_the_notebook(org: Org, groups: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    found = get(org, "costs", monkeypatch, last="20d", group_by=groups)
    url = f"{org.base}/organization/costs"
    wanted = naive.cost_frame(
        naive.notebook(url, {"start_time": MIDNIGHT - 19 * DAY, "limit": 180, "group_by": groups})
    )
    columns = COLUMNS["costs"][:8]
    assert list(wanted.columns) == columns
    frame, wanted = (f.astype(object).where(f.notna(), None) for f in (found.to_pandas()[columns], wanted))
    assert_frame_equal(frame, wanted, check_dtype=False)


def test_money_is_exact_where_it_is_asked_for(org: Org, monkeypatch: pytest.MonkeyPatch) -> None:
    found = get(org, "costs", monkeypatch, since="2026-11-01", until="2026-11-20", group_by="line_item")
    (truth,) = org.company.ledger(MIDNIGHT - 22 * DAY, MIDNIGHT - 2 * DAY, "costs")["costs"]
    assert sum(found.to_pandas(money="decimal")["amount_value"]) == truth["amount"]
    assert sum(Decimal(row["amount"]) for row in found.to_dict()["rows"]) == truth["amount"]
    assert found.to_polars(money="decimal").schema["amount"] == pl.Decimal(38, 18)
    assert found.to_arrow()["start_time"][0].as_py() == dt.datetime(2026, 11, 1)  # noqa: DTZ001


@pytest.mark.parametrize(("width", "last"), [("1d", "20d"), ("1h", "48h"), ("1m", "4h")])
def test_every_width_adds_up_to_the_ledger(org: Org, width: str, last: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = get(org, "completions", monkeypatch, last=last, width=width, group_by="model")
    truth = org.company.ledger(found.range.start, found.range.end, "completions", ["model"])["completions"]
    sums = found.to_pandas().groupby("model")["input_tokens"].sum()
    assert sums.to_dict() == {row["model"]: row["input_tokens"] for row in truth}


FILTERS: list[tuple[str, dict[str, Any], dict[str, Any], str, Any]] = [
    ("completions", {"models": ["gpt-5.4-2026-03-05"]}, {"model": "gpt-5.4-2026-03-05"}, "model", "gpt-5.4-2026-03-05"),
    ("completions", {"batch": False}, {"batch": False}, "batch", False),
    ("images", {"sizes": "512x512"}, {"size": "512x512"}, "size", "512x512"),
    ("web_search_calls", {"context_levels": ["high"]}, {"context_level": ["high"]}, "context_level", "high"),
]


@pytest.mark.parametrize(("dataset", "openai", "where", "column", "value"), FILTERS)
def test_filters_by_openai_names_and_by_where_are_the_same(
    org: Org,
    dataset: str,
    openai: dict[str, Any],
    where: dict[str, Any],
    column: str,
    value: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = get(org, dataset, monkeypatch, last="20d", **openai)
    assert one.rows() == get(org, dataset, monkeypatch, last="20d", where=where).rows()
    measure = DATASETS[dataset].measures[0]
    truth = org.company.ledger(one.range.start, one.range.end, dataset, [column])[dataset]
    assert sum(row[measure] for row in one.rows()) == sum(r[measure] for r in truth if r[column] == value) > 0


def test_a_line_item_with_a_comma_and_a_short_name_of_a_dimension_work(
    org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = "gpt-5.4-2026-03-05, input"
    found = get(org, "costs", monkeypatch, last="20d", line_items=[item], group_by=["line_item", "project"])
    assert set(found.to_pandas()["line_item"]) == {item}
    assert found.to_pandas()["project_id"].notna().any()


def test_none_is_no_filter_as_openai_has_it(org: Org, monkeypatch: pytest.MonkeyPatch) -> None:
    assert get(org, "completions", monkeypatch, last="3d", batch=None, models=None).rows() == (
        get(org, "completions", monkeypatch, last="3d").rows()
    )


@pytest.mark.parametrize(
    ("dataset", "words", "kind", "text"),
    [
        ("completion", {}, QueryError, "Unknown dataset 'completion'. Did you mean `completions`?"),
        ("completions", {"width": "1w"}, QueryError, "Unknown width of completions '1w'. Known: 1d, 1h, 1m."),
        ("costs", {"width": "1h"}, QueryError, "Unknown width of costs '1h'. Known: 1d."),
        ("completions", {"group_by": "line_item"}, QueryError, "Unknown dimension of completions 'line_item'."),
        ("completions", {"group_by": ["modl"]}, QueryError, "Did you mean `model`?"),
        (
            "completions",
            {"project_id": "x"},
            QueryError,
            "Unknown filter of completions 'project_id'. Did",
        ),
        ("vector_stores", {"models": "x"}, QueryError, "Unknown filter of vector_stores 'models'."),
        ("costs", {"where": {"user": "x"}}, QueryError, "Unknown filter of costs 'user'."),
        ("completions", {"batch": "true"}, UsageError, "batch is True or False, not 'true'."),
        ("completions", {"models": []}, UsageError, "model takes a text, or a list of at least one"),
        ("completions", {"models": "a", "where": {"model": "b"}}, UsageError, "The filter models is given twice."),
        (
            "completions",
            {"last": "24h"},
            UsageError,
            "is not whole buckets of 1d. Choose",
        ),
        ("completions", {"since": "2026-12-24"}, UsageError, "The range begins in the future"),
        ("completions", {"since": "2026-11-05", "until": "2026-11-01"}, UsageError, "is not before until"),
    ],
)
def test_wrong_words_are_refused_before_anything_is_asked(
    org: Org, dataset: str, words: dict[str, Any], kind: type[Exception], text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = org.control("/_requests")["count"]
    with pytest.raises(kind) as caught:
        get(org, dataset, monkeypatch, **words)
    assert text in str(caught.value)
    assert org.control("/_requests")["count"] == before


def test_it_works_inside_a_running_event_loop(org: Org, monkeypatch: pytest.MonkeyPatch) -> None:
    async def cell() -> int:
        return len(get(org, "embeddings", monkeypatch, last="5d"))

    assert asyncio.run(cell()) == 5


def test_raw_is_what_the_server_sent_with_exact_numbers(org: Org, monkeypatch: pytest.MonkeyPatch) -> None:
    found = get(org, "costs", monkeypatch, since="2026-10-20", group_by=["line_item"])
    served = list(org.walk("/costs", start_time=MIDNIGHT - 34 * DAY, limit=180, group_by=["line_item"]))
    assert list(found.raw) == served


def test_progress_is_told_window_by_window(org: Org, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, int, int]] = []
    get(
        org, "completions", monkeypatch, last="21d", width="1h",
        progress=lambda state: seen.append((state.phase, state.done, state.total)),
    )  # fmt: skip
    assert seen == [("fetch", n, 3) for n in range(4)]


def test_a_range_that_begins_this_moment_is_empty_and_not_an_error(org: Org, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLYBOOK_BASE_URL", org.base)
    noon = FakeClock(NOW.replace(hour=12, minute=0, second=0))
    words: dict[str, Any] = {"since": "2026-11-23T12:00Z", "until": "2026-11-23T12:05Z", "width": "1m"}
    found = tallybook.fetch("completions", clock=noon, key="sk-admin-test", **words)
    assert found.rows() == []
    assert list(found.to_pandas().columns) == COLUMNS["completions"]


def test_nothing_found_by_a_name_says_that_filters_are_ids(org: Org, monkeypatch: pytest.MonkeyPatch) -> None:
    found = get(org, "completions", monkeypatch, last="5d", where={"project": "Support desk"})
    assert len(found) == 0
    assert found.to_pandas().dtypes.astype(str).to_dict() == {name: dtype(name) for name in CHAT}
    assert "filters by id" in found.notes[0]


def test_what_the_api_does_not_reach_is_an_error_or_listed(org: Org, monkeypatch: pytest.MonkeyPatch) -> None:
    words = {"since": "2025-11-01", "until": "2025-12-31", "width": "1d"}
    with pytest.raises(IncompleteError, match=r"2025-11-01 to 2025-11-22: older than the history.*allow_partial=True"):
        get(org, "completions", monkeypatch, **words)
    found = get(org, "completions", monkeypatch, allow_partial=True, **words)
    assert [str(gap) for gap in found.missing] == [
        "completions 2025-11-01 to 2025-11-22: older than the history that the API gives"
    ]
    assert found.coverage.missing == found.missing
    assert "INCOMPLETE" in repr(found) + found._repr_html_()


def test_without_a_key_nothing_is_asked(org: Org, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="No admin key"):
        tallybook.fetch("costs", clock=FakeClock(NOW))
    with pytest.raises(SettingsError, match="project or service-account key"):
        tallybook.fetch("costs", clock=FakeClock(NOW), key="sk-proj-1")


def test_settings_are_found_and_a_key_may_be_given(org: Org, tmp_path: Any) -> None:
    (tmp_path / "own.toml").write_text(f'[[org]]\nbase_url = "{org.base}"\n')
    found = tallybook.fetch("costs", clock=FakeClock(NOW), key="sk-admin-x", config=tmp_path / "own.toml", last="3d")
    assert len(found) == 3


# What is never silently wrong, whatever the server does. The rows are those that hurt clients as people write them.

UNGROUPED = {"no-api-source", "no-user-costs", "key-floor"}
"""Quirks under which a dimension cannot be had."""
REFUSED = {"no-decisions", "insufficient-quota", "html", "lookback"}
"""Quirks under which not everything can be had; under all others the total is exact."""
SPAN = {"since": dt.datetime.fromtimestamp(SINCE, dt.UTC), "until": dt.datetime.fromtimestamp(UNTIL, dt.UTC)}


def bites(*, among: set[str] | None = None, without: AbstractSet[str] = frozenset()) -> list[Bite]:
    """Return the bites of some quirks."""
    found = [(bite, bite.quirk.partition("=")[0]) for bite in BITES]
    return [bite for bite, quirk in found if quirk not in without and (among is None or quirk in among)]


def span(bite: Bite) -> dict[str, dt.datetime]:
    edges = {"since": SINCE, "until": bite.until}
    return {name: dt.datetime.fromtimestamp(second, dt.UTC) for name, second in edges.items()}


@pytest.mark.parametrize("bite", bites(without=REFUSED | UNGROUPED), ids=named)
def test_a_fetch_is_exact_where_the_naive_client_was_not(bite: Bite, monkeypatch: pytest.MonkeyPatch) -> None:
    with organization(bite.quirk, days=20) as org:
        found = get(org, bite.dataset, monkeypatch, group_by=bite.asks or bite.by, **span(bite))
        assert sum(row[bite.measure] or 0 for row in found.rows()) == bite.truth(org) > 0
        assert found.coverage.complete


@pytest.mark.parametrize("bite", bites(among=REFUSED | UNGROUPED), ids=named)
def test_a_fetch_that_cannot_be_whole_raises_and_lists_what_is_missing(
    bite: Bite, monkeypatch: pytest.MonkeyPatch
) -> None:
    with organization(bite.quirk, days=20) as org:
        with pytest.raises((IncompleteError, ProviderError)):
            get(org, bite.dataset, monkeypatch, group_by=bite.by, **SPAN)
        found = get(org, bite.dataset, monkeypatch, group_by=bite.by, allow_partial=True, **SPAN)
        assert found.missing
        assert not found.coverage.complete
        assert {gap.dataset for gap in found.missing} == {bite.dataset}


@pytest.mark.parametrize("cursor", ["lost-cursor", "repeated-cursor", "has-more-past-end"])
def test_pages_that_lose_their_way_are_an_error_and_never_a_part(cursor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with organization("small-pages=2", cursor, days=20) as org:
        if cursor == "has-more-past-end":
            (truth,) = org.company.ledger(SINCE, UNTIL, "completions")["completions"]
            found = get(org, "completions", monkeypatch, **SPAN)
            assert sum(row["input_tokens"] for row in found.rows()) == truth["input_tokens"]
            return
        with pytest.raises(IncompleteError, match=r"repeats a page cursor|there is more but not where"):
            get(org, "completions", monkeypatch, **SPAN)
