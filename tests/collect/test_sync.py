"""A sync over real HTTP: the book equals the ledger, whatever the server's manners."""

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tallybook.collect.http import Http
from tallybook.collect.sync import Policy, Progress, Summary, run
from tallybook.emulator import Company, create_app, running
from tallybook.model.datasets import DATASETS
from tallybook.model.errors import AuthenticationError, PermissionDeniedError, RequestRefusedError
from tallybook.model.secret import AdminKey
from tallybook.model.windows import DAY, unix
from tallybook.store.duckdb import DuckDBStore
from tests.clock import FakeClock
from tests.collect.server import KEY, Answer, Asked, bucket, client, page, refusal

NOW = dt.datetime(2026, 11, 23, 15, 10, 20, tzinfo=dt.UTC)
TODAY = unix(NOW) // DAY * DAY
SINCE = TODAY - 34 * DAY
ALL = Policy(since=SINCE, history_width="1h", concurrency=2)


@contextmanager
def organization(*quirks: str) -> Iterator[tuple[Company, str]]:
    company = Company(seed=7, days=40, requests_per_day=40, clock=FakeClock(NOW))
    app = create_app(company, quirks)
    with running(app) as base:
        yield app.state.company, base


def sync(folder: Path, base: str, policy: Policy = ALL, clock: FakeClock | None = None) -> tuple[DuckDBStore, Summary]:
    clock = clock or FakeClock(NOW)
    store = DuckDBStore(folder / "book.duckdb", clock)
    with Http(base, AdminKey(KEY, "the test"), clock) as http:
        return store, run(store, http, "acme", policy, clock)


def truth(company: Company, name: str, since: int) -> dict[str, Any]:
    (row,) = company.ledger(since, company.now() + 1, name)[name] or [{}]
    if DATASETS[name].is_costs:
        return {row["currency"]: row["amount"]}
    return {m: row.get(m, 0) for m in DATASETS[name].measures}


def assert_equals_ledger(
    store: DuckDBStore, company: Company, since: int = SINCE, without: tuple[str, ...] = ()
) -> None:
    for name in DATASETS:
        held = store.totals("acme", name, 0, 1 << 33)
        if name in without:
            assert not any(held.values())
        elif name != "vector_stores":  # a level, which has no total over time
            expected = {k: v for k, v in truth(company, name, since).items() if k in held or v}
            assert held == expected, name


def facts(store: DuckDBStore) -> list[Any]:
    return [store.read(f"SELECT * FROM {table} ORDER BY ALL") for table in ("usage", "costs")]


def test_every_total_equals_the_ledger_and_a_second_sync_changes_nothing(tmp_path: Path) -> None:
    with organization() as (company, base):
        store, first = sync(tmp_path, base)
        assert_equals_ledger(store, company)
        assert (first.ok, first.directory) == (True, "read")
        before = facts(store)
        store, second = sync(tmp_path, base)
        assert before == facts(store)
    assert (second.changes.inserted, second.changes.removed) == (0, 0)
    assert 0 < second.requests < first.requests
    assert {r.width for runs in store.coverage("acme", DATASETS).values() for r in runs} == {"1h", "1d"}


@pytest.mark.parametrize(
    ("quirks", "without"),
    [
        (("faults=3", "small-pages=50"), ()),
        (("duplicates", "unknown-fields", "string-amounts", "result-key", "empty-cursor"), ()),
        (("small-pages=50", "expired-cursor", "has-more-past-end"), ()),
        (("no-decisions", "no-api-source", "user-by-project", "partial-first"), ("decisions",)),
    ],
    ids="+".join,
)
def test_totals_equal_the_ledger_under_quirks(tmp_path: Path, quirks: Any, without: tuple[str, ...]) -> None:
    with organization(*quirks) as (company, base):
        store, summary = sync(tmp_path, base, Policy(since=TODAY - 9 * DAY, history_width="1h", concurrency=2))
        assert_equals_ledger(store, company, TODAY - 9 * DAY, without)
    assert summary.failures == []


@pytest.mark.parametrize("quirk", ["lost-cursor", "repeated-cursor"])
def test_pages_that_cannot_be_trusted_leave_the_book_empty_and_are_listed(tmp_path: Path, quirk: str) -> None:
    with organization("small-pages=1", quirk) as (_, base):
        store, summary = sync(tmp_path, base, Policy(("completions",), SINCE, history_width="1d"))
    assert not summary.ok
    assert store.totals("acme", "completions", 0, 1 << 33)["input_tokens"] == 0
    assert {f["dataset"] for f in summary.as_dict()["failed"]} == {"completions"}


def day(start: int, tokens: int | None) -> dict[str, Any]:
    row = {"object": DATASETS["embeddings"].result, "input_tokens": tokens, "num_model_requests": 1}
    return bucket(start, start + DAY, *([row] if tokens else []))


def days(tokens: dict[int, int | None]) -> Answer:
    return Answer(200, page([day(TODAY - n * DAY, t) for n, t in sorted(tokens.items(), reverse=True)]))


EMPTY_LIST = Answer(200, {"object": "list", "data": [], "has_more": False})
ONE = Policy(("embeddings",), TODAY - 2 * DAY, TODAY, history_width="1d", concurrency=1)


def answering(*usage: Answer) -> Any:
    """Return a script that gives `usage` in order, the last for ever, and an empty directory."""
    todo = list(usage)

    def script(asked: Asked) -> Answer:
        if "/usage/" not in asked.path:
            return EMPTY_LIST
        return todo.pop(0) if len(todo) > 1 else todo[0]

    return script


def scripted(
    folder: Path, clock: FakeClock, script: Any, policy: Policy = ONE
) -> tuple[DuckDBStore, Summary, list[Asked]]:
    store = DuckDBStore(folder / "book.duckdb", clock)
    with client(script, clock, deadline=20) as (http, server):
        summary = run(store, http, "acme", policy, clock)
        return store, summary, [a for a in server.asked if "/usage/" in a.path]


def tokens(store: DuckDBStore) -> int:
    return store.totals("acme", "embeddings", 0, 1 << 33)["input_tokens"]  # type: ignore[no-any-return]


def test_rows_vanish_only_when_a_second_read_agrees(tmp_path: Path, clock: FakeClock) -> None:
    full, none = days({2: 5, 1: 6}), days({2: None, 1: None})
    scripted(tmp_path, clock, answering(full))
    store, summary, asked = scripted(tmp_path, clock, answering(none, full))
    assert (tokens(store), len(asked), summary.changes.removed) == (11, 2, 0)
    store, summary, asked = scripted(tmp_path, clock, answering(none, none))
    assert (tokens(store), len(asked), summary.changes.removed) == (0, 2, 2)


def test_an_empty_window_of_a_new_book_is_read_once(tmp_path: Path, clock: FakeClock) -> None:
    _, _, asked = scripted(tmp_path, clock, answering(days({2: None, 1: None})))
    assert len(asked) == 1


def test_a_failed_window_does_not_stop_the_others(tmp_path: Path, clock: FakeClock) -> None:
    def script(asked: Asked) -> Answer:
        if "moderations" in asked.path:
            return refusal("Nonsense.")
        return answering(days({2: 5}))(asked)  # type: ignore[no-any-return]

    policy = Policy(("moderations", "embeddings"), TODAY - 2 * DAY, TODAY, history_width="1d")
    store, summary, _ = scripted(tmp_path, clock, script, policy)
    assert tokens(store) == 5
    assert [(f.dataset, str(f.error)) for f in summary.failures] == [
        ("moderations", "The server refuses the request (HTTP 400). It says: Nonsense.")
    ]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(reset=True),
        Answer(429, {"error": {"code": "insufficient_quota", "message": "pay"}}),
        Answer(200, b"<html>", {"content-type": "text/html"}),
    ],
    ids=["no answer", "no quota", "HTML"],
)
def test_after_a_few_windows_without_an_answer_the_rest_is_not_tried(
    tmp_path: Path, clock: FakeClock, answer: Answer
) -> None:
    usage = tuple(n for n in DATASETS if n != "costs")
    policy = Policy(usage, TODAY - 2 * DAY, TODAY, history_width="1d", concurrency=1)
    _, summary, asked = scripted(tmp_path, clock, answer_usage(answer), policy)
    assert len(summary.failures) == len(usage)
    assert len({a.path for a in asked}) <= 6
    assert "Not tried" in str(summary.failures[-1].error)


def answer_usage(answer: Answer) -> Any:
    return lambda asked: answer if "/usage/" in asked.path else EMPTY_LIST


def test_an_address_that_knows_no_dataset_is_wrong(tmp_path: Path, clock: FakeClock) -> None:
    policy = Policy(("decisions", "embeddings"), TODAY - 2 * DAY, TODAY, history_width="1d")
    with pytest.raises(RequestRefusedError, match="It should end in /v1"):
        scripted(tmp_path, clock, [refusal("?", status=404)], policy)


def test_a_refused_key_ends_the_sync_and_what_was_read_stays(tmp_path: Path, clock: FakeClock) -> None:
    def script(asked: Asked) -> Answer:
        if "moderations" in asked.path:
            return Answer(403, {"error": "Missing scopes: api.usage.read."})
        return answering(days({2: 5}))(asked)  # type: ignore[no-any-return]

    policy = Policy(("embeddings", "moderations"), TODAY - 2 * DAY, TODAY, history_width="1d", concurrency=1)
    with pytest.raises(PermissionDeniedError):
        scripted(tmp_path, clock, script, policy)
    assert tokens(DuckDBStore(tmp_path / "book.duckdb", clock)) == 5


def test_a_key_without_the_scope_for_names_gives_ids(tmp_path: Path, clock: FakeClock) -> None:
    def script(asked: Asked) -> Answer:
        return days({2: 5}) if "/usage/" in asked.path else Answer(403, {"error": "Missing scopes: x"})

    store, summary, _ = scripted(tmp_path, clock, script)
    assert tokens(store) == 5
    assert summary.directory.startswith("only ids: the key lacks the scope")


def test_progress_is_told(tmp_path: Path, clock: FakeClock) -> None:
    seen: list[tuple[str, int, int]] = []

    def watch(progress: Progress) -> None:
        seen.append((progress.phase, progress.done, progress.total))

    store = DuckDBStore(tmp_path / "book.duckdb", clock)
    with client(answering(days({2: 5})), clock) as (http, _):
        run(store, http, "acme", ONE, clock, watch)
    assert seen == [("names", 0, 0), ("history", 0, 1), ("history", 1, 1)]


def test_a_key_that_is_refused_leaves_no_book_behind(tmp_path: Path) -> None:
    with organization() as (_, base), Http(base, AdminKey("sk-wrong", "the test"), FakeClock(NOW)) as http:
        store = DuckDBStore(tmp_path / "book.duckdb", FakeClock(NOW))
        with pytest.raises(AuthenticationError):
            run(store, http, "acme", ALL, FakeClock(NOW))
    assert not store.exists()


def test_a_key_that_is_refused_later_is_remembered_as_the_end_of_that_sync(tmp_path: Path) -> None:
    later = FakeClock(NOW + dt.timedelta(hours=1))
    with organization() as (_, base):
        store, _ = sync(tmp_path, base)
        before = facts(store)
        with Http(base, AdminKey("sk-wrong", "the test"), later) as http, pytest.raises(AuthenticationError):
            run(DuckDBStore(store.path, later), http, "acme", ALL, later)
    assert before == facts(store)
    last = json.loads(max(store.rows("syncs"), key=lambda row: row["began_at"])["summary"])
    assert not last["ok"]
    assert "does not accept the key" in last["error"]


def test_answers_that_refuse_are_listed_among_the_requests(tmp_path: Path) -> None:
    with organization("no-decisions", "faults=4") as (_, base):
        store, summary = sync(tmp_path, base)
    answered = store.rows("fetches")
    assert {404, 200} < {row["status"] for row in answered}
    cut = summary.requests - len(answered)  # a body that was cut is no answer
    assert 0 <= cut <= summary.retries


def test_a_first_sync_asks_for_nothing_twice(tmp_path: Path) -> None:
    with organization() as (_, base):
        store, _ = sync(tmp_path, base, Policy(since=SINCE, datasets=("costs", "completions"), history_width="1h"))
        asked = [(row["path"], row["query"]) for row in store.rows("fetches")]
    assert len(asked) == len(set(asked))
    bills = [query for path, query in asked if path == "organization/costs"]
    assert len([query for query in bills if "user_id" not in query]) == 2, "the bill, and by key"
    assert len(bills) == 2 + 5, "by user and project whole, then in two pieces, each again without the project"


def test_names_that_may_not_be_read_are_asked_for_once_an_hour_not_for_every_unknown_id(tmp_path: Path) -> None:
    clock = FakeClock(NOW)
    key = AdminKey("sk-admin-no-management", "the test")
    asked = []
    with organization() as (_, base):
        store = DuckDBStore(tmp_path / "book.duckdb", clock)
        for _ in range(2):
            with Http(base, key, clock) as http:
                run(store, http, "acme", ALL, clock)
            asked.append(sum(row["status"] == 403 for row in store.rows("fetches")))
            clock.advance(600)
    assert asked[0] == asked[1] > 0


def test_what_one_dataset_forbids_stops_no_other_and_is_asked_once(tmp_path: Path, clock: FakeClock) -> None:
    def script(asked: Asked) -> Answer:
        if "moderations" in asked.path:
            return Answer(403, {"error": "no"})
        return days({2: 5}) if dict(asked.query)["end_time"] == str(TODAY) else Answer(200, page([]))

    policy = Policy(("embeddings", "moderations"), TODAY - 80 * DAY, TODAY, history_width="1d", concurrency=1)
    store, summary, server = scripted(tmp_path, clock, script, policy)
    assert tokens(store) == 5
    assert {failure.dataset for failure in summary.failures} == {"moderations"}
    assert len(summary.failures) == 3
    assert sum("moderations" in asked.path for asked in server) < 3


def test_where_hours_are_refused_days_are_kept_up_to_date(tmp_path: Path) -> None:
    clock = FakeClock(NOW)
    company = Company(seed=7, days=40, requests_per_day=40, clock=clock)
    policy = Policy(("vector_stores",), since=SINCE, history_width="1h")

    async def only_days(scope: Any, receive: Any, send: Any) -> None:
        if b"bucket_width=1h" not in scope.get("query_string", b""):
            await create_app(company)(scope, receive, send)
            return
        body = b'{"error": {"message": "no", "param": "bucket_width"}}'
        await send({"type": "http.response.start", "status": 400, "headers": []})
        await send({"type": "http.response.body", "body": body})

    with running(only_days) as base:  # type: ignore[arg-type]
        _, first = sync(tmp_path, base, policy, clock)
        assert {refusal.width for refusal in first.refusals} == {"1h"}
        for _ in range(2):
            clock.advance(10 * 3600)
            store, later = sync(tmp_path, base, policy, clock)
            assert later.windows > 0
    (run,) = {r.end for r in store.coverage("acme", ["vector_stores"])["vector_stores"] if r.end > TODAY}
    assert run == unix(clock.now())


def test_every_answer_is_listed_also_those_of_windows_that_fail(tmp_path: Path) -> None:
    with organization("repeated-cursor", "small-pages") as (_, base):
        store, summary = sync(tmp_path, base, Policy(("embeddings",), since=SINCE, history_width="1d"))
    assert summary.failures
    assert len(store.rows("fetches")) == summary.requests


def test_a_book_whose_making_was_cut_short_is_filled_by_the_next_sync(tmp_path: Path) -> None:
    duckdb.connect(str(tmp_path / "book.duckdb")).close()
    with organization() as (_, base):
        _, summary = sync(tmp_path, base, Policy(("embeddings",), since=SINCE, history_width="1d"))
    assert summary.ok
    assert summary.rows


def test_what_failed_by_day_and_came_by_the_hour_is_not_missing(tmp_path: Path, clock: FakeClock) -> None:
    def script(asked: Asked) -> Answer:
        by_day = ("bucket_width", "1d") in asked.query
        return Answer(500, {"error": "no"}) if by_day else Answer(200, page([]))

    policy = Policy(("embeddings",), TODAY - 40 * DAY, TODAY, history_width="1h", concurrency=1)
    store, summary, _ = scripted(tmp_path, clock, script, policy)
    assert summary.ok
    assert {run.width for run in store.coverage("acme", ["embeddings"])["embeddings"]} == {"1h"}
