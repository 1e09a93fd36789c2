"""What each quirk does on the wire."""

import re
from collections import defaultdict
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from tallybook.emulator import Company
from tallybook.emulator.arrivals import SETTLED_AFTER, Event, late
from tallybook.emulator.faults import KINDS
from tallybook.emulator.habits import FOREVER
from tallybook.emulator.served import DATASETS
from tests.clock import FakeClock
from tests.emulator import naive
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


def test_late_events_arrive_along_the_documented_curve() -> None:
    events = Company(days=60, clock=FakeClock(NOW)).events("completions", MIDNIGHT - 40 * DAY, MIDNIGHT)
    delays = [when_known(event) for event in events]
    for share, after in ((0.6, 300), (0.8, 1_800), (0.9, 4 * 3_600), (0.97, 20 * 3_600), (1.0, SETTLED_AFTER)):
        assert sum(delay <= after for delay in delays) / len(delays) == pytest.approx(share, abs=0.015)


def when_known(event: Event) -> int:
    """Return the first second after an event in which it is known, by bisection."""
    low, high = 0, SETTLED_AFTER
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if late(event, event[0] + middle) else (middle + 1, high)
    return low


def test_late_data_is_served_as_the_ledger_knows_it_and_ends_at_the_final_truth() -> None:
    start, end = MIDNIGHT - DAY, MIDNIGHT
    with organization("late-data", days=9, requests_per_day=400) as org:
        first = rows_of(org, start, end)
        assert_is_the_ledger(org, first, start, end)
        at = int(NOW.timestamp())
        final = org.company.ledger(start, end, "completions", FULL, "day", FOREVER)["completions"]
        org.clock.advance(end + SETTLED_AFTER - at)
        settled = rows_of(org, start, end)
        assert sum(first.values()) < sum(settled.values()) == sum(row["input_tokens"] for row in final)
        assert_is_the_ledger(org, settled, start, end)
        before = org.company.ledger(start, end, "completions", known_at=at)["completions"][0]["input_tokens"]
        assert before == sum(first.values())
        for known_at, expected in ((str(at), before), ("final", sum(settled.values()))):
            told = org.control("/_ledger", start=start, end=end, dataset="completions", known_at=known_at)
            assert told["datasets"]["completions"][0]["input_tokens"] == expected


def test_costs_lag_behind_usage_by_the_hours_that_were_asked_for() -> None:
    with organization("costs-lag=20", days=9) as org:
        billed, final = (
            org.company.ledger(MIDNIGHT - DAY, MIDNIGHT, "costs", known_at=at)["costs"][0]["amount"]
            for at in (None, FOREVER)
        )
        assert billed < final
        served = amounts(org, MIDNIGHT - DAY, MIDNIGHT, ("line_item",))
        assert sum(served.values()) == billed
        assert amounts(org, MIDNIGHT, MIDNIGHT + DAY, ("line_item",)) == {}
        assert rows_of(org, MIDNIGHT, MIDNIGHT + DAY)
        org.clock.advance(20 * 3_600)
        assert sum(amounts(org, MIDNIGHT - DAY, MIDNIGHT, ("line_item",)).values()) == final


def amounts(org: Org, start: int, end: int, by: tuple[str, ...]) -> dict[tuple[Any, ...], Decimal]:
    buckets = org.walk("/costs", start_time=start, end_time=end, group_by=by, limit=180)
    rows = [(bucket["start_time"], row) for bucket in buckets for row in bucket["results"]]
    return {(begin, *(row[field] for field in by)): row["amount"]["value"] for begin, row in rows}


@pytest.mark.parametrize("split", ["api_key_id", "user_id"])
def test_a_split_with_a_gap_is_less_than_the_bill_in_some_line_items_and_never_more(split: str) -> None:
    with organization("split-gap=7", days=9) as org:
        bill, part = (amounts(org, SINCE, MIDNIGHT, by) for by in (("line_item",), (split, "line_item")))
        summed: dict[tuple[Any, ...], Decimal] = defaultdict(Decimal)
        for (start, _, line_item), amount in part.items():
            summed[start, line_item] += amount
        assert bill.keys() >= summed.keys()
        assert all(summed[key] <= bill[key] for key in bill)
        assert 0.5 < sum(summed.values()) / sum(bill.values()) < 0.98
        truth = org.company.ledger(SINCE, MIDNIGHT, "costs", [split])["costs"]
        assert sum(row["amount"] for row in truth) == sum(bill.values())


@pytest.mark.parametrize("split", ["api_key_id", "user_id"])
def test_a_split_with_wrong_last_digits_is_off_by_less_than_one_digit_a_row(split: str) -> None:
    with organization("split-digits", days=9) as org:
        bill, part = (amounts(org, SINCE, MIDNIGHT, by) for by in (("line_item",), (split, "line_item")))
        difference = sum(bill.values()) - sum(part.values())
        assert 0 < difference <= len(part) * Decimal("1e-18")


def test_costs_by_key_begin_where_the_quirk_says() -> None:
    with organization("key-floor=5") as org:
        for days, status in ((5, 200), (6, 400)):
            answer = org.get("/costs", {"start_time": MIDNIGHT - days * DAY, "group_by": "api_key_id"})
            assert answer.status_code == status
        assert str(MIDNIGHT - 5 * DAY) in answer.json()["error"]["message"]
        assert answer.json()["error"]["param"] == "start_time"


def test_history_reaches_back_as_far_as_the_quirk_says() -> None:
    with organization("lookback=10") as org:
        for path in (USAGE, "/costs"):
            assert org.get(path, {"start_time": MIDNIGHT - 10 * DAY}).status_code == 200
            answer = org.get(path, {"start_time": MIDNIGHT - 10 * DAY - 1})
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "reporting_lookback_exceeded")
        assert "2026-11-13 (UTC)" in answer.json()["error"]["message"]


def test_credits_are_negative_belong_to_no_project_and_are_in_the_ledger() -> None:
    with organization("credits", days=9) as org:
        by = ("project_id", "line_item")
        served = amounts(org, SINCE, MIDNIGHT, by)
        negative = {key: amount for key, amount in served.items() if amount < 0}
        assert {key[1:] for key in negative} == {(None, "Credits")}
        truth = org.company.ledger(SINCE, MIDNIGHT, "costs")["costs"][0]["amount"]
        assert sum(served.values()) == truth < sum(served.values()) - sum(negative.values())


def test_dimensions_that_are_lost_are_lost_in_the_ledger_and_no_token_with_them() -> None:
    with organization("null-dimensions", days=9) as odd, organization(days=9) as plain:
        totals = []
        for org in (odd, plain):
            rows = org.company.ledger(SINCE, MIDNIGHT, "completions", FULL)["completions"]
            totals.append(sum(row["input_tokens"] for row in rows))
            for field in ("project_id", "api_key_id", "user_id", "model"):
                assert (None in {row[field] for row in rows}) is (org is odd or field in ("api_key_id", "user_id"))
        assert totals[0] == totals[1]
        assert_is_the_ledger(odd, rows_of(odd, SINCE, MIDNIGHT), SINCE, MIDNIGHT)


def test_service_accounts_can_be_users() -> None:
    with organization("service-users", days=9) as org:
        users = {key[2] for key in rows_of(org, SINCE, MIDNIGHT, ("project_id", "user_id"))}
        assert {str(user)[:4] for user in users} == {"user", "svc_"}


def test_a_hidden_partial_last_bucket_looks_whole_but_is_not() -> None:
    end = MIDNIGHT - DAY // 2
    with organization("partial-last", days=9) as org:
        bucket = list(org.walk(USAGE, start_time=MIDNIGHT - 2 * DAY, end_time=end))[-1]
        assert (bucket["start_time"], bucket["end_time"]) == (MIDNIGHT - DAY, MIDNIGHT)
        truth = org.company.ledger(MIDNIGHT - DAY, end, "completions")["completions"]
        assert bucket["results"][0]["input_tokens"] == truth[0]["input_tokens"]


@pytest.mark.parametrize("path", [USAGE, "/costs"])
def test_the_open_bucket_can_end_now(path: str) -> None:
    with organization("open-ends-now", days=9) as org:
        buckets = list(org.walk(path, start_time=MIDNIGHT - DAY, end_time=MIDNIGHT + DAY))
        assert [b["end_time"] for b in buckets] == [MIDNIGHT, int(NOW.timestamp()) + 1]


@pytest.mark.parametrize("path", [row.path for row in DATASETS.values()])
def test_a_bucket_without_activity_can_have_a_row_of_zeros(path: str) -> None:
    with organization("zero-rows", days=1) as odd, organization("missing-buckets", days=1) as plain:
        question = {"start_time": MIDNIGHT - 3 * DAY, "end_time": MIDNIGHT}
        buckets, others = list(odd.walk(path, **question)), list(plain.walk(path, **question))
        assert len(buckets) == 3
        assert [b for b in buckets if b in others] == others
        (row,) = buckets[0]["results"]
        assert {str(value) for value in row.values()} <= {row["object"], "0", "None", str(row.get("amount"))}


def test_old_rows_lack_what_the_notebook_does_not_know() -> None:
    with organization("old-fields", days=9) as org:
        rows = [r for b in org.walk(USAGE, start_time=SINCE, group_by="model") for r in b["results"]]
        lacking = {name for row in rows for name in DATASETS["completions"].measures if row.get(name) is None}
        assert lacking == set(DATASETS["completions"].measures) - {*naive.MEASURES}
        assert {"input_text_tokens" in row for row in rows} == {True, False}


def test_a_limit_that_is_too_large_can_be_lowered_without_a_word() -> None:
    with organization("clamped-limit") as org:
        body = org.get(USAGE, {"start_time": MIDNIGHT - 40 * DAY, "limit": 40}).json()
        assert (len(body["data"]), body["has_more"]) == (31, True)


def test_the_cursor_of_the_last_page_can_be_refused() -> None:
    with organization("refused-past-end", days=9) as org:
        params = {"start_time": SINCE, "end_time": MIDNIGHT}
        body = org.get(USAGE, params).json()
        assert body["has_more"]
        assert org.get(USAGE, {**params, "page": body["next_page"]}).status_code == 400


def test_a_cursor_can_be_refused_for_how_it_is_spelled() -> None:
    with organization("escaped-cursor", days=9) as org:
        page = org.get(USAGE, {"start_time": SINCE, "limit": 2}).json()["next_page"]
        query = f"start_time={SINCE}&limit=2&page="
        assert page.endswith("=")
        assert org.get(USAGE, query + page).status_code == 200
        assert org.get(USAGE, query + page.replace("=", "%3D")).status_code == 400


@pytest.mark.parametrize(("quirk", "status", "shape"), [("bare-403", 403, str), ("scope-401", 401, dict)])
def test_a_missing_scope_can_be_refused_in_other_ways(quirk: str, status: int, shape: type) -> None:
    with organization(quirk, days=2) as org:
        for path, key in (("/projects", "sk-admin-no-management"), ("/costs", "sk-admin-no-usage")):
            answer = org.get(path, {"start_time": MIDNIGHT - DAY}, key=key)
            assert (answer.status_code, type(answer.json()["error"])) == (status, shape)
            assert "Missing scopes" in answer.text
        assert org.get("/projects").status_code == 200


def test_names_and_mail_addresses_can_be_null_wherever_they_are() -> None:
    with organization("nameless", days=2) as org:
        project = org.company.roster.projects[0].id
        for path in ("/projects", f"/projects/{project}", "/users", f"/projects/{project}/api_keys", "/groups"):
            answer = org.get(path)
            assert answer.status_code == 200
            assert '"name":null' in answer.text
            assert not re.search(r'"(name|email)":"', answer.text)


def test_a_rate_limit_holds_until_its_minute_ends() -> None:
    with organization("rate-limit=3", days=2) as org:
        answers = [org.get("/projects") for _ in range(5)]
        assert [a.status_code for a in answers] == [200, 200, 200, 429, 429]
        assert answers[-1].headers["retry-after"] == str(60 - NOW.second)
        org.control("/_requests")
        org.clock.advance(60 - NOW.second)
        assert org.get("/projects").status_code == 200


def test_costs_can_be_without_users() -> None:
    with organization("no-user-costs", days=2) as org:
        answer = org.get("/costs", {"start_time": MIDNIGHT - DAY, "group_by": "user_id"})
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, "group_by")
        assert "'api_key_id'" in answer.json()["error"]["message"]
        assert org.get(USAGE, {"start_time": MIDNIGHT - DAY, "group_by": "user_id"}).status_code == 200


def assert_is_the_ledger(org: Org, rows: dict[tuple[Any, ...], int], start: int, end: int) -> None:
    truth = org.company.ledger(start, end, "completions", FULL, "day")["completions"]
    assert rows == {(r["start_time"], *(r[field] for field in FULL)): r["input_tokens"] for r in truth}


def test_restatement_leaves_the_given_company_alone() -> None:
    with organization("restatement", days=9) as org:
        assert org.company.known
    with organization(days=9) as org:
        assert not org.company.known


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
