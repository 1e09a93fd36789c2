"""What nobody means is refused quickly and never with a 5xx: malformed, huge, and hostile requests."""

import asyncio
import time
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from tallybook.book import Book
from tallybook.web import create_app
from tallybook.web.words import ASKED
from tests.books import hold

ROUTES = ["board", "table", "options", "export.csv", "status", "coverage", "openapi.json"]
SQL = ["'; DROP TABLE costs; --", "1 UNION SELECT * FROM internal.fetches", 'x" OR "1"="1', "%27%20OR%201=1", "$(id)"]
ODD = [
    "\0", "a\0b", "\ud800", "🙂" * 50, "\u202e", "../../etc/passwd", "-1", "1e9", "0x10", "٣", "null", "NaN", "=" * 20,
    "(" * 400, "a/" * 300, "*" * 300, ",,,,", " ", "\r\nSet-Cookie: a=b", "[]", "{}", "!", "0", "9" * 40,
]  # fmt: skip
WORDS = ["metric", "by", "where", "grain", "last", "since", "top", "tz", "as_of", "compare", "org"]


@pytest.fixture(scope="module")
def served(small: Book) -> TestClient:
    return TestClient(create_app(small), raise_server_exceptions=False)


def ask(served: TestClient, address: str) -> int:
    began = time.perf_counter()
    answer = served.get(address)
    assert answer.status_code < 500, (address[:200], answer.text)
    assert time.perf_counter() - began < 2
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        found = answer.json()
        assert {"type", "title", "status", "detail"} <= set(found)
        assert found["status"] == answer.status_code
        assert len(answer.content) < 20_000
    return answer.status_code


def test_every_word_may_say_anything(served: TestClient) -> None:
    for word in WORDS:
        rest = "".join(f"&{name}" for name in ("metric=cost", "by=project") if not name.startswith(word))
        for value in [*SQL, *ODD]:
            ask(served, f"/api/query?{word}={quote(value, errors='surrogatepass')}{rest}")


@pytest.mark.parametrize("route", ROUTES)
def test_every_route_may_be_told_anything(served: TestClient, route: str) -> None:
    for word, value in zip([*WORDS, "tab", "sort"] * 2, [*ODD, *SQL], strict=False):
        ask(served, f"/api/{route}?{word}={quote(value, errors='surrogatepass')}")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["query", "board", "table"]),
    st.lists(st.tuples(st.sampled_from([*ASKED, "tab", "limit", "sort", "x"]), st.text(max_size=20)), max_size=6),
)
def test_no_words_break_a_route(served: TestClient, route: str, words: list[tuple[str, str]]) -> None:
    ask(served, f"/api/{route}?" + "&".join(f"{n}={quote(v, errors='surrogatepass')}" for n, v in words))


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/api/query?metric=" + "a" * 60_000, 414),
        ("/api/query?metric=cost&where=project=" + "x" * 2_000, 400),
        ("/api/query?" + "&".join(f"where=project=p{i}" for i in range(500)) + "&metric=cost", 400),
        ("/api/query?" + "metric=cost&" * 1_000, 200),
        ("/api/query?metric=" + ",".join(f"cost*{i}" for i in range(60)), 400),
        ("/api/query?metric=cost&by=project,model,line_item,product,token_kind,service_tier", 400),
        ("/api/query?metric=cost&where=nonsense", 400),
        ("/api/query?%FF%FE=%C3%28", 400),
        ("/api/query?metric=requests&grain=minute&since=1970-01-01", 400),
        ("/api/query?metric=cost&last=99999999999999999999d", 400),
        ("/api/query?metric=cost&since=9999-12-31", 400),
        ("/api/query?metric=cost&format=exe", 400),
        ("/api/query?metric=cost&tz=../../etc/passwd", 400),
        ("/api/table?metric=cost&limit=0", 400),
        ("/api/table?metric=cost&sort=amount;--", 400),
        ("/api/board?tab=../overview", 400),
        ("/api/board?metric=cost&metric=cost&tab=a&tab=b", 400),
        ("/api/export.exe?metric=cost", 400),
        ("/api/export.csv", 400),
        ("/feeds/spend.xlsx", 400),
        ("/feeds/spend.json?metric=cost", 400),
        ("/feeds/..%2f..%2fetc%2fpasswd.json", 404),
        ("/assets/../../../../etc/passwd", 404),
        ("/assets/%2e%2e/%2e%2e/app.py", 404),
        ("/%2e%2e/words.py", 404),
        ("/assets/index%00.js", 404),
        ("/api/nothing", 404),
    ],
)
def test_what_makes_no_sense_is_refused_at_once(served: TestClient, address: str, status: int) -> None:
    assert ask(served, address) == status


def test_a_value_of_a_megabyte_is_refused_unread(served: TestClient) -> None:
    for name in (b"metric", b"where", b"x"):
        scope = {"type": "http", "method": "GET", "path": "/api/query", "query_string": name + b"=" + b"a" * 1_000_000}
        sent: list[Any] = []

        async def send(message: Any, sent: list[Any] = sent) -> None:
            sent.append(message)

        began = time.perf_counter()
        asyncio.run(served.app({**scope, "headers": [], "server": ("x", 80), "scheme": "http"}, receive, send))
        assert sent[0]["status"] == 414
        assert time.perf_counter() - began < 0.5


async def receive() -> Any:
    return {"type": "http.request", "body": b""}


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "TRACE"])
@pytest.mark.parametrize("path", ["/api/query", "/api/board", "/", "/feeds/spend.json", "/api/status"])
def test_reading_is_all_that_most_routes_do(served: TestClient, method: str, path: str) -> None:
    assert served.request(method, path).status_code == 405


def test_more_numbers_than_a_page_shows_are_refused_before_they_are_computed(empty: Book) -> None:
    rows = [
        {"day": f"2026-11-{1 + i % 9:02}", "hour": 1, "user_id": f"user-{i}", "num_model_requests": 1}
        for i in range(10_000)
    ]
    hold(empty, "completions", "2026-11-01", "2026-11-10", rows, width="1h")
    served = TestClient(create_app(empty))
    words = "metric=requests&by=user&since=2026-11-01&until=2026-11-09"
    assert ask(served, f"/api/query?{words}&grain=hour") == 400
    assert ask(served, f"/api/query?{words}&grain=hour&top=5") == 200
    assert len(served.get(f"/api/query?{words}").json()["groups"]) == 10_000
    assert served.get(f"/api/table?{words}&limit=100").json()["total"] == 10_000
    assert len(served.get(f"/api/options?{words}&limit=20").json()["values"]) == 20
    (main,) = (p for p in served.get(f"/api/board?{words}").json()["panels"] if p["id"] == "main")
    assert len(main["data"]["groups"]) == 13
