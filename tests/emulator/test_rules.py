"""Validation, limits, cursors, bucket edges and error bodies."""

from typing import Any

import pytest

from tallybook.emulator.served import DATASETS
from tests.emulator.wire import DAY, MIDNIGHT, NOW, Org, organization

NOW_SECOND = int(NOW.timestamp())
USAGE = "/usage/completions"
KEY_SPLIT_SINCE = 1_764_979_200

REFUSALS: list[tuple[str, dict[str, Any], str, str | None, str]] = [
    (USAGE, {}, "invalid_request_error", None, "Missing required parameter: 'start_time'."),
    (USAGE, {"start_time": "soon"}, "invalid_type", "start_time", "expected an integer"),
    (USAGE, {"start_time": MIDNIGHT, "end_time": MIDNIGHT}, "invalid_request_error", "start_time", "before end_time"),
    (USAGE, {"start_time": MIDNIGHT, "limit": 32}, "invalid_request_error", "limit", "less than or equal to 31."),
    (USAGE, {"start_time": MIDNIGHT, "limit": 169, "bucket_width": "1h"}, "invalid_request_error", "limit", "168."),
    (USAGE, {"start_time": MIDNIGHT, "limit": 1441, "bucket_width": "1m"}, "invalid_request_error", "limit", "1440."),
    (USAGE, {"start_time": MIDNIGHT, "limit": 0}, "invalid_request_error", "limit", "equal to 1."),
    (USAGE, {"start_time": MIDNIGHT, "bucket_width": "1w"}, "invalid_value", "bucket_width", "'1d', '1h', '1m'"),
    (USAGE, {"start_time": MIDNIGHT, "group_by": "line_item"}, "invalid_value", "group_by", "'service_tier'"),
    (USAGE, {"start_time": MIDNIGHT, "batch": "maybe"}, "invalid_type", "batch", "boolean"),
    (USAGE, {"start_time": MIDNIGHT, "sizes": "1x1"}, "unknown_parameter", "sizes", "sizes"),
    ("/usage/images", {"start_time": MIDNIGHT, "sizes": "1x1"}, "invalid_value", "sizes", "1024x1024"),
    (
        "/usage/vector_stores",
        {"start_time": MIDNIGHT, "group_by": "model"},
        "invalid_value",
        "group_by",
        "'project_id'.",
    ),
    ("/usage/file_search_calls", {"start_time": MIDNIGHT, "models": "x"}, "unknown_parameter", "models", "models"),
    ("/costs", {"start_time": MIDNIGHT - DAY, "bucket_width": "1h"}, "invalid_value", "bucket_width", "are: '1d'."),
    (
        "/costs",
        {"start_time": MIDNIGHT - DAY, "limit": 366},
        "invalid_request_error",
        "limit",
        "Invalid limit provided: 366. Limit must be less than or equal to 180.",
    ),
    ("/costs", {"start_time": MIDNIGHT, "end_time": MIDNIGHT + 9}, "invalid_request_error", "end_time", "same date"),
    ("/costs", {"start_time": MIDNIGHT}, "invalid_request_error", "end_time", "same date"),
    (
        "/costs",
        {"start_time": KEY_SPLIT_SINCE - 1, "group_by": "api_key_id"},
        "invalid_request_error",
        "start_time",
        str(KEY_SPLIT_SINCE),
    ),
    (
        "/costs",
        {"start_time": MIDNIGHT - DAY, "group_by": "user_id,project_id"},
        "invalid_request_error",
        "group_by",
        "not supported",
    ),
    (
        "/costs",
        {"start_time": MIDNIGHT - DAY, "group_by": "user_id", "project_ids": "proj_x"},
        "invalid_request_error",
        "group_by",
        "not supported",
    ),
]


@pytest.mark.parametrize(("path", "params", "code", "param", "text"), REFUSALS)
def test_a_wrong_request_is_refused_with_the_documented_body(
    org: Org, path: str, params: dict[str, Any], code: str, param: str | None, text: str
) -> None:
    answer = org.get(path, params)
    body = answer.json()["error"]
    assert (400, "invalid_request_error", code, param) == (
        answer.status_code,
        body["type"],
        body["code"],
        body["param"],
    )
    assert text in body["message"]


def test_a_start_a_year_ago_is_served_and_one_before_it_names_the_earliest_date(org: Org) -> None:
    earliest = MIDNIGHT - 365 * DAY
    assert org.get(USAGE, {"start_time": earliest}).status_code == 200
    answer = org.get(USAGE, {"start_time": earliest - 1})
    assert answer.status_code == 400
    assert answer.json() == {
        "error": {
            "code": "reporting_lookback_exceeded",
            "type": "invalid_request_error",
            "message": "Usage and cost data are available for the past year. "
            "Earliest supported start date: 2025-11-23 (UTC).",
        }
    }


def test_costs_by_key_are_served_from_the_very_second_of_the_floor(org: Org) -> None:
    assert org.get("/costs", {"start_time": KEY_SPLIT_SINCE, "group_by": "api_key_id"}).status_code == 200


def test_without_group_by_every_dimension_is_null(org: Org) -> None:
    for row in DATASETS.values():
        body = org.get(row.path, {"start_time": MIDNIGHT - 9 * DAY}).json()
        results = [result for bucket in body["data"] for result in bucket["results"]]
        assert results
        assert all(result[dimension] is None for result in results for dimension in row.dimensions), row.name


def test_three_spellings_of_group_by_and_filters_mean_the_same(org: Org) -> None:
    models = "gpt-5.4-2026-03-05", "gpt-5.6-sol"
    fixed: list[tuple[str, Any]] = [("start_time", MIDNIGHT - 3 * DAY)]
    spellings = [
        [("group_by[]", "model"), ("group_by[]", "user_id"), *(("models[]", model) for model in models)],
        [("group_by", "model"), ("group_by", "user_id"), *(("models", model) for model in models)],
        [("group_by", "model,user_id"), ("models", ",".join(models))],
    ]
    bodies = [org.get(USAGE, fixed + spelling).json() for spelling in spellings]
    assert bodies[0] == bodies[1] == bodies[2]
    assert {r["model"] for b in bodies[0]["data"] for r in b["results"]} == set(models)


@pytest.mark.parametrize(("width", "default"), [("1d", 7), ("1h", 24), ("1m", 60)])
def test_the_default_limit_is_that_of_the_width(org: Org, width: str, default: int) -> None:
    body = org.get(USAGE, {"start_time": MIDNIGHT - 20 * DAY, "bucket_width": width}).json()
    assert (default, True) == (len(body["data"]), body["has_more"])


def test_buckets_are_contiguous_and_the_open_one_has_its_full_end(org: Org) -> None:
    buckets = list(org.walk(USAGE, start_time=MIDNIGHT - 20 * DAY))
    assert [MIDNIGHT + day * DAY for day in range(-20, 1)] == [b["start_time"] for b in buckets]
    assert all(b["end_time"] - b["start_time"] == DAY for b in buckets)


def test_usage_begins_with_a_partial_bucket_where_costs_snap_to_midnight(org: Org) -> None:
    start = NOW_SECOND - 3 * DAY
    usage, costs = (list(org.walk(path, start_time=start)) for path in (USAGE, "/costs"))
    assert (start, MIDNIGHT - 2 * DAY) == (usage[0]["start_time"], usage[0]["end_time"])
    assert (costs[0]["start_time"], costs[0]["end_time"]) == (MIDNIGHT - 3 * DAY, MIDNIGHT - 2 * DAY)
    truth = org.company.ledger(start, MIDNIGHT - 2 * DAY, "completions")["completions"]
    assert truth[0]["input_tokens"] == usage[0]["results"][0]["input_tokens"]


def test_an_unaligned_end_cuts_the_last_closed_bucket(org: Org) -> None:
    end = MIDNIGHT - DAY // 2
    bucket = list(org.walk(USAGE, start_time=MIDNIGHT - 3 * DAY, end_time=end))[-1]
    assert end == bucket["end_time"]
    truth = org.company.ledger(MIDNIGHT - DAY, end, "completions")["completions"]
    assert truth[0]["input_tokens"] == bucket["results"][0]["input_tokens"]


def test_nothing_later_than_now_is_served(org: Org) -> None:
    future = {"start_time": MIDNIGHT, "end_time": MIDNIGHT + 9 * DAY, "limit": 31}
    buckets = org.get(USAGE, future).json()["data"]
    assert [b["start_time"] for b in buckets] == [MIDNIGHT]
    truth = org.company.ledger(MIDNIGHT, NOW_SECOND + 1, "completions")["completions"]
    assert truth[0]["num_model_requests"] == buckets[0]["results"][0]["num_model_requests"]
    body = org.get(USAGE, {"start_time": MIDNIGHT + DAY, "end_time": MIDNIGHT + 2 * DAY}).json()
    assert (body["data"], body["has_more"], body["next_page"]) == ([], False, None)


def test_a_bucket_without_activity_has_empty_results(org: Org) -> None:
    body = org.get("/usage/audio_speeches", {"start_time": MIDNIGHT, "bucket_width": "1m"}).json()
    assert len(body["data"]) == 60
    assert [] in [bucket["results"] for bucket in body["data"]]


def cursor(org: Org, **params: Any) -> str:
    body = org.get(USAGE, params).json()
    assert body["next_page"].startswith("page_")
    return body["next_page"]


CHANGES: list[dict[str, Any]] = [
    {"limit": 8},
    {"group_by": "model"},
    {"models": "gpt-5.6-sol"},
    {"end_time": MIDNIGHT},
    {"start_time": MIDNIGHT - 19 * DAY},
    {"bucket_width": "1h"},
    {"page": "page_nonsense"},
    {"page": "page_AAAA"},
]


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_a_cursor_is_bound_to_its_query(org: Org, change: dict[str, Any]) -> None:
    params = {"start_time": MIDNIGHT - 20 * DAY}
    page = cursor(org, **params)
    assert org.get(USAGE, {**params, "page": page}).status_code == 200
    answer = org.get(USAGE, {**params, "page": page, **change})
    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == "The page token is invalid, have you modified the query parameters?"


def test_a_cursor_lives_ten_minutes() -> None:
    with organization() as org:
        params = {"start_time": MIDNIGHT - 20 * DAY}
        page = cursor(org, **params)
        org.clock.advance(600)
        assert org.get(USAGE, {**params, "page": page}).status_code == 200
        org.clock.advance(1)
        assert org.get(USAGE, {**params, "page": page}).status_code == 400


def test_a_project_key_gets_the_bare_string_and_no_key_is_echoed(org: Org) -> None:
    answer = org.get(USAGE, {"start_time": MIDNIGHT}, key="sk-proj-secret")
    assert answer.status_code == 403
    assert "Missing scopes: api.usage.read." in answer.json()["error"]
    for key in ("sk-secret", "sk-proj-secret", "nonsense-secret"):
        for path in (USAGE, "/projects"):
            assert "secret" not in org.get(path, {"start_time": MIDNIGHT}, key=key).text


@pytest.mark.parametrize("key", [None, "", "sk-secret", "nonsense"])
def test_any_other_key_gets_a_401_in_the_standard_shape(org: Org, key: str | None) -> None:
    answer = org.get(USAGE, {"start_time": MIDNIGHT}, key=key)
    assert answer.status_code == 401
    assert {"message", "type", "param", "code"} == answer.json()["error"].keys()


def test_a_missing_scope_is_named(org: Org) -> None:
    directory = org.get("/projects", key="sk-admin-no-management")
    usage = org.get(USAGE, {"start_time": MIDNIGHT}, key="sk-admin-no-usage")
    assert (directory.status_code, usage.status_code) == (403, 403)
    assert "Missing scopes: api.management.read." in directory.json()["error"]["message"]
    assert "Missing scopes: api.usage.read." in usage.json()["error"]["message"]
    assert org.get("/projects", key="sk-admin-no-usage").status_code == 200
    assert org.get(USAGE, {"start_time": MIDNIGHT}, key="sk-admin-no-management").status_code == 200


def test_an_unknown_path_is_a_404_in_the_standard_shape(org: Org) -> None:
    answer = org.get("/invoices")
    assert (answer.status_code, answer.json()["error"]["type"]) == (404, "invalid_request_error")
