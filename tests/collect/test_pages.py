"""Raw buckets: the exact bytes of the body, their hash, and the body around them; which answer came with which read."""

import datetime as dt
import hashlib
import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallybook.collect.answers import decode_page
from tallybook.collect.http import Http, Reply
from tallybook.collect.pages import keeper, kept, used
from tallybook.collect.privacy import scrub
from tallybook.collect.proof import bodies
from tallybook.collect.summary import Policy
from tallybook.collect.sync import run
from tallybook.model.datasets import DATASETS
from tallybook.model.packing import unpacked
from tallybook.model.records import Fetch
from tallybook.model.secret import AdminKey
from tallybook.model.windows import DAY, Window
from tallybook.store.duckdb import DuckDBStore
from tallybook.store.ranges import expand
from tests.clock import FakeClock
from tests.collect.server import KEY, Answer, Asked, bucket, client, page
from tests.emulator.wire import MIDNIGHT, NOW, organization

START = MIDNIGHT - 3 * DAY


def reply(body: str) -> Reply:
    raw = body.encode()
    data = decode_page(raw)
    assert data is not None
    return Reply(Fetch("costs", "costs", "", NOW, 0.0, 1, 200, len(raw), "00"), 0.0, raw, data)


SPACES = st.text(" \n\t", max_size=2)
ROWS = st.lists(st.builds(lambda text: {"object": "x", "project_id": text, "n": 1.10}, st.text()), max_size=3)
LONG = [{"object": "x", "project_id": f"proj_{n:05}"} for n in range(800)]


@given(st.lists(ROWS | st.just(LONG), max_size=4), SPACES, SPACES, st.booleans())
def test_pages_are_the_exact_bytes_and_give_the_body_back(
    days: list[list[Any]], before: str, between: str, plain: bool
) -> None:
    texts = [
        json.dumps(bucket(START + n * DAY, START + (n + 1) * DAY, *rows), ensure_ascii=plain, indent=n or None)
        for n, rows in enumerate(days)
    ]
    separator = f"{before},{between}"
    body = f'{before}{{"object": "page",{between}"data":{before}[{separator.join(texts)}], "has_more": false}}\n'
    found = kept(reply(body), bytes)
    assert [unpacked(p.body) for p in found.pages] == [t.encode() for t in texts]
    assert [(p.start, p.hash) for p in found.pages] == [
        (START + n * DAY, hashlib.sha256(t.encode()).digest()) for n, t in enumerate(texts)
    ]
    assert all(len(p.body) < 1 << 14 for p in found.pages)
    cut = body.replace(separator.join(texts), "", 1) if texts else body
    assert found.envelope == cut


@pytest.mark.parametrize("odd", ['"first": {0}, "data": [{0},{1}]', '"data": [{0},{1}], "last": [{0},{1}]'])
def test_buckets_that_also_stand_elsewhere_are_cut_out_of_the_data_alone(odd: str) -> None:
    texts = [json.dumps(bucket(START + n * DAY, START + (n + 1) * DAY, {"user_name": "Ada"})) for n in range(2)]
    body = "{" + odd.replace("{0}", texts[0]).replace("{1}", texts[1]) + ', "next_page": null}'
    answer = kept(reply(body), bytes)
    assert answer.envelope == body.replace('"data": [' + ",".join(texts), '"data": [')
    assert body.encode() in bodies(answer.envelope.encode(), [p.body for p in answer.pages])
    assert "Ada" not in str(kept(reply(body), partial(scrub, mode="ids")))


def test_what_is_not_allowed_is_removed_before_hashing_and_around_the_buckets() -> None:
    row = {"object": "x", "user_id": "user-1", "user_email": "ann@example.com"}
    whole = reply(json.dumps(page([bucket(START, START + DAY, row)], owner_email="bo@example.com")))
    answer = kept(whole, partial(scrub, mode="ids"))
    assert answer.envelope == '{"object":"page","data":[],"has_more":false,"next_page":null}'
    (found,) = answer.pages
    assert b"example.com" not in found.body
    assert b"user-1" in found.body
    assert found.hash == hashlib.sha256(found.body).digest()


def test_a_book_that_keeps_no_pages_keeps_the_envelope() -> None:
    answer = reply(json.dumps(page([bucket(START, START + DAY)])))
    assert keeper("none", bytes)(answer) == used(answer, bytes)
    assert (used(answer, bytes).pages, used(answer, bytes).envelope) == ((), kept(answer, bytes).envelope)
    assert len(keeper("current", bytes)(answer).pages) == len(keeper("all", bytes)(answer).pages) == 1


def test_each_answer_is_listed_once_and_with_its_pages_in_the_commit_of_its_read(tmp_path: Path) -> None:
    clock = FakeClock(NOW)
    names = ("costs", "completions", "decisions")
    policy = Policy(names, since=MIDNIGHT - 33 * DAY, concurrency=3)
    with organization("small-pages=60", "faults=5", "no-decisions", days=40, requests_per_day=9) as org:
        store = DuckDBStore(tmp_path / "book.duckdb", clock)
        with Http(org.base, AdminKey(KEY, "the test"), clock) as http:
            summary = run(store, http, "acme", policy, clock)
    assert summary.ok
    answers = store.rows("fetches")
    assert summary.requests - summary.retries <= len(answers) <= summary.requests
    behind = [row for row in answers if row["envelope"] is not None]
    assert {row["status"] for row in behind} == {200}
    assert {"costs_by_user", "costs_by_api_key", "completions"} <= {row["dataset"] for row in behind}
    assert not [row for row in answers if row["envelope"] is None and row["pages"] is not None]
    for name, runs in store.coverage("acme", policy.held).items():
        mine = [row for row in behind if row["dataset"] == name]
        assert {r.recorded_at for r in runs} <= {int(row["recorded_at"].timestamp() * 1e6) for row in mine}, name
        assert sum(len(expand(row["pages"])) for row in mine) >= sum(len(_buckets(r)) for r in runs)


def _buckets(run: Any) -> range:
    return range(Window(run.extent.start, run.extent.end, run.width).buckets)


ONE = Policy(("embeddings",), MIDNIGHT - 2 * DAY, MIDNIGHT, history_width="1d", concurrency=1)


def synced(folder: Path, clock: FakeClock, *answers: Answer) -> list[dict[str, Any]]:
    """Sync once, with these answers to what is asked of usage; return all requests of it."""
    todo = list(answers)

    def script(asked: Asked) -> Answer:
        return (
            todo.pop(0) if "/usage/" in asked.path else Answer(200, {"object": "list", "data": [], "has_more": False})
        )

    store = DuckDBStore(folder / "book.duckdb", clock)
    with client(script, clock, deadline=20) as (http, _):
        run(store, http, "acme", ONE, clock)
    return [row for row in store.rows("fetches") if "/usage/" in row["path"]]


def days(*tokens: int) -> Answer:
    row = {"object": DATASETS["embeddings"].result, "num_model_requests": 1}
    rows = [[row | {"input_tokens": n}] if n else [] for n in tokens]
    return Answer(200, page([bucket(START + (n + 1) * DAY, START + (n + 2) * DAY, *r) for n, r in enumerate(rows)]))


def test_an_answer_that_was_not_believed_is_listed_without_pages(tmp_path: Path, clock: FakeClock) -> None:
    clock.advance((NOW - clock.now()) / dt.timedelta(seconds=1))
    synced(tmp_path, clock, days(5, 6))
    clock.advance(3600)
    rows = synced(tmp_path, clock, days(0, 0), days(5, 7))
    assert [(row["pages"], row["envelope"] is None) for row in rows] == [("1-2", False), ("1,3", False), (None, True)]


@pytest.mark.parametrize("reads", [1, 2])
def test_of_two_equal_answers_one_is_behind_the_read(tmp_path: Path, clock: FakeClock, reads: int) -> None:
    clock.advance((NOW - clock.now()) / dt.timedelta(seconds=1))
    answers = [days(5, 6), days(0, 0), days(0, 0)][: 2 * reads - 1]
    for some in (answers[:1], answers[1:])[:reads]:
        rows = synced(tmp_path, clock, *some)
    assert [row["envelope"] is None for row in sorted(rows, key=lambda row: row["recorded_at"])] == [
        [False],
        [False, False, True],
    ][reads - 1]
