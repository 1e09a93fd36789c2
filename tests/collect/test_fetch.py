"""All pages of one window: what is asked, and which pages are not believed."""

import json
from typing import Any

import pytest

from tallybook.collect.openai import read
from tallybook.collect.pages import keeper
from tallybook.model.datasets import DATASETS, dataset
from tallybook.model.errors import ProviderError, RequestRefusedError, UnexpectedResponseError
from tallybook.model.windows import DAY, Window
from tests.clock import FakeClock
from tests.collect.server import Answer, Asked, bucket, client, page, refusal

START = 1_790_000_000 // DAY * DAY
WEEK = Window(START, START + 3 * DAY, "1d")
EMBEDDINGS = dataset("embeddings")
KEEP = keeper("none", lambda body: body)


def day(n: int, tokens: int = 5, **more: Any) -> dict[str, Any]:
    row = {"object": EMBEDDINGS.result, "input_tokens": tokens, "num_model_requests": 1}
    return bucket(START + n * DAY, START + (n + 1) * DAY, row, **more)


TOKEN = refusal("The page token is invalid, have you modified the query parameters?", code="invalid_request_error")


@pytest.mark.parametrize("name", DATASETS)
def test_a_window_is_asked_in_one_page_at_the_maximum_with_bracketed_arrays(clock: FakeClock, name: str) -> None:
    asked = dataset(name)
    for width, limit in asked.widths:
        window = Window(START, START + DAY, width)
        with client([Answer(200, page([]))], clock) as (http, server):
            got = read(http, asked, window, asked.asked)
        groups = [("group_by[]", d) for d in sorted(asked.asked)]
        span = [("start_time", str(START)), ("end_time", str(START + DAY))]
        assert server.asked[0].query == [*span, ("bucket_width", width), ("limit", str(limit)), *groups]
        assert server.asked[0].path == f"/v1/{asked.path}"
        assert (got.rows.num_rows, got.dimensions) == (0, tuple(sorted(asked.asked)))


def test_filters_are_bracketed_but_batch_is_one_boolean(clock: FakeClock) -> None:
    chats = dataset("completions")
    with client([Answer(200, page([]))], clock) as (http, server):
        read(http, chats, WEEK, (), {"model": ["a", "b"], "batch": False})
    assert server.asked[0].query[4:] == [("batch", "false"), ("models[]", "a"), ("models[]", "b")]


def test_pages_are_followed_with_the_query_unchanged(clock: FakeClock) -> None:
    pages = [page([day(0)], "a=="), page([day(1)], "b"), page([day(2)])]
    with client([Answer(200, p) for p in pages], clock) as (http, server):
        got = read(http, EMBEDDINGS, WEEK, ("model",), keep=KEEP, keep_buckets=True)
    first = server.asked[0].query
    assert [a.query for a in server.asked] == [first, [*first, ("page", "a==")], [*first, ("page", "b")]]
    assert got.rows["input_tokens"].to_pylist() == [5, 5, 5]
    assert list(got.buckets) == [day(0), day(1), day(2)]
    assert [f.bytes > 0 and f.status for f in got.fetches] == [200, 200, 200]
    assert got.read_at == int(clock.now().timestamp())


@pytest.mark.parametrize(
    "last",
    [
        {"has_more": False, "next_page": ""},
        {"has_more": False, "next_page": None},
        {"has_more": False, "next_page": "more"},
        {"has_more": True, "next_page": "past-the-end"},
        {"has_more": True, "next_page": None},
        {"has_more": None, "next_page": None},
    ],
)
def test_a_page_that_reaches_the_end_is_the_last(clock: FakeClock, last: dict[str, Any]) -> None:
    with client([Answer(200, page([day(0), day(1), day(2)]) | last)], clock) as (http, server):
        assert read(http, EMBEDDINGS, WEEK, ()).rows.num_rows == 3
    assert len(server.asked) == 1


def test_a_page_without_has_more_is_followed_by_its_cursor(clock: FakeClock) -> None:
    first = page([day(0)], "a")
    del first["has_more"]
    with client([Answer(200, first), Answer(200, page([day(1)]))], clock) as (http, _):
        assert read(http, EMBEDDINGS, WEEK, ()).rows.num_rows == 2


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ([page([day(0)], "a"), page([day(1)], "a")], "repeats a page cursor"),
        ([page([day(0)]) | {"has_more": True}], "says that there is more but not where"),
        ([page([day(0)], has_more=True) | {"next_page": 7}], "says that there is more but not where"),
        ([{"object": "page", "has_more": False}], "has no list of buckets"),
        ([page([]) | {"data": {"a": 1}}], "has no list of buckets"),
        ([page([]) | {"object": "list"}], "is 'list' where 'page' belongs"),
        ([page([day(0), day(1)], "a"), page([day(1)])], "comes twice"),
    ],
)
def test_pages_that_contradict_themselves_fail_the_window(clock: FakeClock, answers: list[Any], words: str) -> None:
    script = [Answer(200, a) for a in answers]
    with client(script, clock) as (http, _), pytest.raises(UnexpectedResponseError, match=words) as raised:
        read(http, EMBEDDINGS, WEEK, ())
    assert raised.value.dataset == "embeddings"


@pytest.mark.parametrize("buckets", [0, 1])
def test_pages_without_end_fail_the_window(clock: FakeClock, buckets: int) -> None:
    count = iter(range(1_000))

    def more(asked: Asked) -> Answer:
        return Answer(200, page([day(0)] * buckets, f"c{next(count)}"))

    with client(more, clock) as (http, server), pytest.raises(UnexpectedResponseError, match="pages without end"):
        read(http, EMBEDDINGS, WEEK, ())
    assert len(server.asked) < 20


def test_an_expired_cursor_starts_the_window_again(clock: FakeClock) -> None:
    whole = [Answer(200, page([day(0)], "new")), Answer(200, page([day(1), day(2)]))]
    with client([Answer(200, page([day(0, 99)], "old")), TOKEN, *whole], clock) as (http, server):
        got = read(http, EMBEDDINGS, WEEK, (), keep=KEEP)
    assert got.rows["input_tokens"].to_pylist() == [5, 5, 5]
    assert [dict(a.query).get("page") for a in server.asked] == [None, "old", None, "new"]
    assert len(got.fetches) == 2


def test_a_cursor_that_always_expires_fails_the_window(clock: FakeClock) -> None:
    def expire(asked: Asked) -> Answer:
        return TOKEN if "page" in dict(asked.query) else Answer(200, page([day(0)], "x"))

    with client(expire, clock) as (http, server), pytest.raises(RequestRefusedError, match="page token"):
        read(http, EMBEDDINGS, WEEK, ())
    assert len(server.asked) == 6


def test_a_failure_in_a_later_page_loses_the_whole_window(clock: FakeClock) -> None:
    answers = [Answer(200, page([day(0)], "a")), refusal("no", status=404)]
    with client(answers, clock) as (http, _), pytest.raises(ProviderError):
        read(http, EMBEDDINGS, WEEK, ())


def test_buckets_may_name_their_rows_result_and_may_be_missing_or_empty(clock: FakeClock) -> None:
    old = day(2)
    old["result"] = old.pop("results")
    empty = bucket(START, START + DAY)
    with client([Answer(200, page([empty, old]))], clock) as (http, _):
        assert read(http, EMBEDDINGS, WEEK, ()).rows["input_tokens"].to_pylist() == [5]


@pytest.mark.parametrize("keep", ["current", "none"])
def test_a_page_with_bytes_that_are_no_text_around_its_buckets_is_refused(clock: FakeClock, keep: Any) -> None:
    whole = json.dumps(page([day(0)], note="x")).encode().replace(b'"x"', b'"\xff"')
    kept = keeper(keep, lambda body: body)
    with client([Answer(200, whole)], clock) as (http, _), pytest.raises(ProviderError, match="not JSON"):
        read(http, EMBEDDINGS, WEEK, (), keep=kept)
