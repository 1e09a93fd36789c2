"""What each quirk does on the wire."""

from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from tallybook.emulator.faults import KINDS
from tallybook.emulator.served import DATASETS
from tests.emulator.wire import DAY, MIDNIGHT, NOW, Org, organization

USAGE = "/usage/completions"
SINCE = MIDNIGHT - 5 * DAY
FULL = DATASETS["completions"].dimensions


def rows_of(org: Org, start: int, end: int, by: tuple[str, ...] = FULL) -> dict[tuple[Any, ...], int]:
    buckets = org.walk(USAGE, start_time=start, end_time=end, group_by=by)
    return {(b["start_time"], *(r[field] for field in by)): r["input_tokens"] for b in buckets for r in b["results"]}


def test_amounts_are_strings_in_three_spellings_and_still_exact() -> None:
    with organization("string-amounts", days=9) as org:
        by = ("project_id", "line_item")
        buckets = org.walk("/costs", start_time=SINCE, end_time=MIDNIGHT, group_by=by)
        values = [r["amount"]["value"] for b in buckets for r in b["results"]]
        assert {type(value) for value in values} == {str}
        assert "0E-6176" in values
        assert 34 in {len(value.replace(".", "").lstrip("0")) for value in values}
        truth = org.company.ledger(SINCE, MIDNIGHT, "costs")["costs"][0]["amount"]
        assert sum(map(Decimal, values)).normalize() == truth.normalize()


def attempt(org: Org, number: int) -> requests.Response | None:
    try:
        return org.get(USAGE, {"start_time": SINCE, "limit": number})
    except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
        return None


def test_every_kind_of_fault_happens_and_the_same_request_then_succeeds() -> None:
    with organization("faults=1", days=9) as org:
        answers = []
        for number in range(1, len(KINDS) + 1):
            answers.append(attempt(org, number))
            again = attempt(org, number)
            assert again is not None
            assert again.status_code == 200
        seconds, date, nothing, server, unavailable, cut, bare = answers
        assert seconds is not None
        assert seconds.headers["retry-after"] == "1"
        assert date is not None
        assert 0 < (parsedate_to_datetime(date.headers["retry-after"]) - NOW).total_seconds() <= 2
        assert nothing is not None
        assert (nothing.status_code, "retry-after" in nothing.headers) == (429, False)
        assert server is not None
        assert server.status_code == 500
        assert unavailable is not None
        assert (unavailable.status_code, unavailable.headers["content-type"]) == (503, "text/html; charset=utf-8")
        assert cut is None
        assert bare is not None
        assert isinstance(bare.json()["error"], str)


def test_faults_are_the_same_for_the_same_seed() -> None:
    seen = []
    for _ in range(2):
        with organization("faults=3", days=9) as org:
            answers = [attempt(org, number) for number in range(1, 16)]
            seen.append([answer.status_code if answer is not None else None for answer in answers])
    assert seen[0] == seen[1]
    assert 0 < seen[0].count(200) < 15


def test_restated_rows_grow_shrink_vanish_and_appear_and_then_settle() -> None:
    start, end = MIDNIGHT - DAY, MIDNIGHT
    with organization("restatement", days=9, requests_per_day=400) as org:
        first = rows_of(org, start, end)
        assert_is_the_ledger(org, first, start, end)
        org.clock.advance(20 * 3_600)
        second = rows_of(org, start, end)
        assert_is_the_ledger(org, second, start, end)
        both = first.keys() & second.keys()
        assert first.keys() - second.keys()
        assert second.keys() - first.keys()
        assert any(second[key] > first[key] for key in both)
        assert any(second[key] < first[key] for key in both)
        org.clock.advance(end + 48 * 3_600 - int(org.clock.now().timestamp()))
        settled = rows_of(org, start, end)
        assert settled != second
        org.clock.advance(30 * DAY)
        assert rows_of(org, start, end) == settled
        assert_is_the_ledger(org, settled, start, end)


def assert_is_the_ledger(org: Org, rows: dict[tuple[Any, ...], int], start: int, end: int) -> None:
    truth = org.company.ledger(start, end, "completions", FULL, "day")["completions"]
    assert rows == {(r["start_time"], *(r[field] for field in FULL)): r["input_tokens"] for r in truth}


def test_restatement_leaves_the_given_company_alone() -> None:
    with organization("restatement", days=9) as org:
        assert org.company.restates
    with organization(days=9) as org:
        assert not org.company.restates


@pytest.mark.parametrize("name", ["completions", "costs"])
def test_duplicate_rows_add_up_to_the_truth(name: str) -> None:
    row = DATASETS[name]
    by = ("project_id", "line_item") if name == "costs" else row.dimensions
    with organization("duplicates", days=9) as org:
        keys, total = [], Decimal(0)
        for bucket in org.walk(row.path, start_time=SINCE, end_time=MIDNIGHT, group_by=by):
            for result in bucket["results"]:
                keys.append((bucket["start_time"], *(result[field] for field in by)))
                total += result["amount"]["value"] if name == "costs" else result["input_tokens"]
        assert len(set(keys)) < len(keys)
        truth = org.company.ledger(SINCE, MIDNIGHT, name)[name][0]
        assert total == truth["amount" if name == "costs" else "input_tokens"]


def test_unknown_fields_are_at_every_level_and_name_people_on_costs() -> None:
    with organization("unknown-fields", days=9) as org:
        body = org.get("/costs", {"start_time": SINCE, "group_by": "user_id"}).json()
        assert "total_buckets" in body
        assert body["data"][0]["start_time_iso"].endswith("00:00:00+00:00")
        results = body["data"][0]["results"]
        assert {"project_name", "user_email", "organization_id"} <= results[0].keys()
        assert any((row["user_email"] or "").endswith("@example.com") for row in results)


def test_a_hidden_partial_first_bucket_looks_whole_but_is_not() -> None:
    start = MIDNIGHT - DAY // 2
    with organization("partial-first", days=9) as org:
        bucket = next(iter(org.walk(USAGE, start_time=start)))
        assert (bucket["start_time"], bucket["end_time"]) == (MIDNIGHT - DAY, MIDNIGHT)
        truth = org.company.ledger(start, MIDNIGHT, "completions")["completions"]
        assert bucket["results"][0]["input_tokens"] == truth[0]["input_tokens"]


def test_small_pages_lead_to_the_same_rows() -> None:
    with organization("small-pages=2", days=9) as small, organization(days=9) as whole:
        assert rows_of(small, SINCE, MIDNIGHT) == rows_of(whole, SINCE, MIDNIGHT)
        assert len(small.get(USAGE, {"start_time": SINCE, "limit": 31}).json()["data"]) == 2


def test_an_expired_cursor_is_refused_once_per_query() -> None:
    with organization("expired-cursor", "small-pages", days=9) as org:
        params = {"start_time": SINCE}
        page = org.get(USAGE, params).json()["next_page"]
        refused, again = (org.get(USAGE, {**params, "page": page}) for _ in range(2))
        assert (refused.status_code, again.status_code) == (400, 200)
        assert "page token is invalid" in refused.json()["error"]["message"]


def test_quirks_can_be_combined_in_any_order() -> None:
    quirks = ("result-key", "string-amounts", "unknown-fields", "duplicates", "restatement", "small-pages")
    with organization(*quirks, days=9) as org:
        by = ("project_id", "line_item")
        buckets = list(org.walk("/costs", start_time=SINCE, end_time=MIDNIGHT, group_by=by))
        total = sum(Decimal(r["amount"]["value"]) for b in buckets for r in b["result"])
        truth = org.company.ledger(SINCE, MIDNIGHT, "costs")["costs"][0]["amount"]
        assert total.normalize() == truth.normalize()


def test_an_unknown_dataset_is_a_404() -> None:
    with organization("no-decisions", days=2) as org:
        assert org.get("/usage/decisions", {"start_time": MIDNIGHT}).status_code == 404


@pytest.mark.parametrize(("quirk", "status", "start"), [("insufficient-quota", 429, "{"), ("html", 200, "<!doctype")])
def test_some_servers_answer_everything_alike_but_the_controls(quirk: str, status: int, start: str) -> None:
    with organization(quirk, days=2) as org:
        for path in ("/projects", "/costs"):
            answer = org.get(path)
            assert (answer.status_code, answer.text.startswith(start)) == (status, True)
        assert org.control("/_requests")["count"] == 2
        assert org.control("/_ledger")["datasets"]
