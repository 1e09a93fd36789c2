"""Fuzzing: strategies for what may come in, and a decorator by which a few are tried always, many in slow tests."""

from __future__ import annotations

import atexit
import copy
import datetime as dt
import functools
import json
import shutil
import tempfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tallybook.book import Book
from tallybook.collect.http import Http
from tallybook.model.datasets import HELD
from tallybook.model.secret import AdminKey
from tallybook.model.windows import DAY, Window
from tests.books import book_at, hold
from tests.clock import FakeClock
from tests.emulator.wire import MIDNIGHT, NOW
from tests.store.book import FAST

BASE = "http://127.0.0.1/v1"
START = MIDNIGHT - 3 * DAY
WINDOW = Window(START, MIDNIGHT, "1d")


def fuzz(*strategies: st.SearchStrategy[Any], sample: int = 100, much: int = 3_000) -> Callable[[Any], Any]:
    """Return a decorator that tries a few fixed examples always, and many random ones among the slow tests."""

    def decorate(check: Callable[..., None]) -> Any:
        @pytest.mark.parametrize("examples", [sample, pytest.param(much, marks=pytest.mark.slow)])
        def test(examples: int) -> None:
            options = settings(
                max_examples=examples,
                derandomize=examples == sample,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            )
            options(given(*strategies)(check))()

        return test

    return decorate


words = st.text(max_size=8)
leaf = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), words,
    st.sampled_from([START, START + DAY, 2**63, 10**40, "0E-6176", "1e999", "NaN", "bucket", "page", "", "usd"]),
    st.sampled_from([d.result for d in HELD.values()]),
)  # fmt: skip
FIELDS = (
    "object", "data", "has_more", "next_page", "start_time", "end_time", "results", "result", "amount", "value",
    "currency", "quantity", "line_item", "model", "batch", "input_tokens", "user_id", "id", "name", "email", "owner",
    "type", "user", "service_account", "status", "created_at", "last_id", "next", "error", "message", "code", "param",
    "projects", "users", "archived_at",
)  # fmt: skip
anything = st.recursive(
    leaf,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(FIELDS), inner, max_size=6)),
    max_leaves=12,
)


def spots(tree: Any) -> list[tuple[Any, Any]]:
    """Return every place in a tree of lists and objects: the container, and the key or the index."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [spot for key, value in items for spot in [(tree, key), *spots(value)]]


@st.composite
def spoilt(draw: st.DrawFn, sound: Any, most: int = 2) -> Any:
    """Draw something like `sound` in which up to so many values are anything, gone, or there under another name."""
    tree = copy.deepcopy(sound)
    for _ in range(draw(st.integers(0, most))):
        if not (places := spots(tree)):
            break
        container, key = draw(st.sampled_from(places))
        match draw(st.sampled_from(["other", "other", "gone", "elsewhere"])):
            case "gone":
                del container[key]
            case "elsewhere" if isinstance(container, dict):
                container[draw(st.sampled_from(FIELDS))] = container.pop(key)
            case _:
                container[key] = draw(anything)
    return tree


def pages(name: str) -> dict[str, Any]:
    """Return a sound answer for three days."""
    shared = {"object": HELD[name].result, "project_id": None, "novelty": 1}
    rows: list[dict[str, Any]] = [
        {**shared, "input_tokens": 5, "output_tokens": n, "num_model_requests": 1, "model": f"gpt-{n}", "batch": n > 0}
        for n in range(2)
    ]
    if HELD[name].is_costs:
        amounts = [{"value": "0.06", "currency": "usd"}, {"value": 1.5, "currency": "USD"}]
        rows = [
            {**shared, "amount": a, "line_item": "a, input", "quantity": 2, "quantity_unit": "tokens"} for a in amounts
        ]
    days = range(START, MIDNIGHT, DAY)
    data = [{"object": "bucket", "start_time": at, "end_time": at + DAY, "results": rows} for at in days]
    return {"object": "page", "data": data, "has_more": False, "next_page": None}


PROBLEM = {"error": {"message": "Supported values are: 'model'", "type": "t", "param": "group_by", "code": "c"}}


@st.composite
def torn(draw: st.DrawFn, text: str) -> bytes:
    """Draw bytes like those of a text, of which some may be lost."""
    whole = text.encode("utf-8", "surrogatepass")
    if not draw(st.sampled_from([False] * 9 + [True])):
        return whole
    start = draw(st.integers(0, len(whole)))
    return whole[:start] + draw(st.binary(max_size=3)) + whole[start + draw(st.integers(0, 9)) :]


strange = st.sampled_from(["[" * 5_000, '{"a":' * 5_000, '{"data": [], "next_page": "\\ud800", "has_more": true}', ""])
headers = st.dictionaries(
    st.sampled_from(["retry-after", "retry-after-ms", "content-type", "x-request-id", "location", "date"]),
    st.one_of(
        st.integers(-5, 10**12).map(str),
        st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12),
        st.sampled_from(["inf", "nan", "1e400", "Wed, 21 Oct 9999 07:28:00 GMT", "Mon, 01 Jan 0001 00:00:00 +2359"]),
    ),
    max_size=2,
)
Replies = list[tuple[int, dict[str, str], bytes]]


def replies(sound: Any) -> st.SearchStrategy[Replies]:
    """Return a strategy of answers, most of them with status 200 and a body like `sound`."""
    good = st.tuples(st.just(200), headers, spoilt(sound).map(json.dumps).flatmap(torn))
    bad_body = st.one_of(spoilt(PROBLEM).map(json.dumps), anything.map(json.dumps), strange).flatmap(torn)
    bad = st.tuples(st.sampled_from([200, 204, 302, 400, 400, 401, 403, 404, 418, 429, 500, 503]), headers, bad_body)
    return st.lists(st.one_of(good, good, good, bad), min_size=1, max_size=3)


def server(replies: Replies) -> httpx2.MockTransport:
    """Return a server that gives these replies in turn, again and again."""
    count = iter(range(1 << 30))

    def answer(request: httpx2.Request) -> httpx2.Response:
        status, more, content = replies[next(count) % len(replies)]
        return httpx2.Response(status, headers=more, content=content)

    return httpx2.MockTransport(answer)


def client(replies: Replies) -> Http:
    return Http(BASE, AdminKey("sk-admin-x", "a test"), FakeClock(NOW), deadline=60, transport=server(replies))


@functools.cache
def little() -> Book:
    """Return a book of two days, which lasts as long as the tests."""
    folder = tempfile.mkdtemp(dir=FAST)
    atexit.register(shutil.rmtree, folder)
    book = book_at(Path(folder) / "b.duckdb")
    day = str(NOW.date() - dt.timedelta(days=2))
    rows = [{"day": day, "project_id": "p", "input_tokens": 3, "num_model_requests": 1, "model": "m"}]
    hold(book, "completions", day, str(NOW.date()), rows)
    hold(book, "costs", day, str(NOW.date()), [{"day": day, "amount": Decimal("1.5"), "project_id": "p"}])
    return book
