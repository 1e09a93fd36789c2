"""Who comes in, by real requests to a guarded application: every rule is broken once."""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.testclient import TestClient

from tallybook.book import Book
from tallybook.book.tokens import digest
from tallybook.web.access import Access, Caller, networks
from tallybook.web.guard import Guard
from tallybook.web.scope import viewer_of
from tallybook.web.sessions import MOST, SECONDS, TRIES, WITHIN, Sessions, Tries
from tests.books import book_at, hold
from tests.clock import FakeClock
from tests.emulator.wire import NOW

OWNER = "the owner's token, which nobody guesses"
PAGE = {"Accept": "text/html"}


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Say what came through the guard."""
    request = Request(scope)
    viewer = viewer_of(request)
    said = {"path": request.url.path, "query": request.url.query, "viewer": viewer.name, "where": viewer.where}
    await JSONResponse(said | {"people": viewer.people, "orgs": viewer.orgs})(scope, receive, send)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("guard") / "b.duckdb"
    hold(book_at(path), "costs", "2026-11-18", "2026-11-19", [{"day": "2026-11-18", "amount": 1}])
    return path.read_bytes()


@pytest.fixture
def book(empty: Book, filled: bytes) -> Book:
    Path(empty.store.url).write_bytes(filled)
    return empty


Visit = Callable[..., TestClient]


@pytest.fixture
def visit(book: Book) -> Visit:
    """Return a browser or program at a guarded page."""

    def client(
        peer: str = "192.0.2.7", host: str = "127.0.0.1:8788", scheme: str = "http", **access: Any
    ) -> TestClient:
        access = {"owner": digest(OWNER), **access}
        guard = Guard(echo, book, Access(**access), book._clock.monotonic)
        return TestClient(guard, f"{scheme}://{host}", client=(peer, 5), follow_redirects=False)

    return client


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def logged_in(client: TestClient, token: str = OWNER, **more: str) -> Any:
    return client.post("/login", data={"token": token, **more})


def test_without_a_token_data_is_401_as_a_problem_and_a_page_is_the_way_in(visit: Visit) -> None:
    client = visit()
    for path in ("/api/board", "/api/query?metric=cost", "/feeds/a.csv", "/assets/index.js", "/"):
        refused = client.get(path)
        assert refused.status_code == 401
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.headers["www-authenticate"] == "Bearer"
        assert refused.json()["status"] == 401
    shown = client.get("/?tab=costs&last=7d", headers=PAGE)
    assert (shown.status_code, shown.headers["location"]) == (303, "/login?next=%2F%3Ftab%3Dcosts%26last%3D7d")
    assert client.get("/api/board", headers=PAGE).status_code == 401
    assert client.get("/healthz").status_code == 200
    assert client.get("/login").headers["cache-control"] == "no-store"


def test_a_bearer_token_comes_in_and_a_wrong_one_is_not_made_good_by_a_session(visit: Visit) -> None:
    client = visit()
    assert client.get("/api/board", headers=bearer(OWNER)).json()["viewer"] == ""
    logged_in(client)
    assert client.get("/api/board").status_code == 200
    for wrong in (OWNER[:-1], OWNER + "x", digest(OWNER), "ü"):
        assert client.get("/api/board", headers={"Authorization": f"Bearer {wrong}".encode()}).status_code == 401


def test_without_an_owner_everybody_on_this_machine_comes_in_but_a_wrong_token_does_not(visit: Visit) -> None:
    client = visit("127.0.0.1", owner=None)
    assert client.get("/api/board").status_code == 200
    assert client.get("/api/board", headers=bearer("x")).status_code == 401


@pytest.mark.parametrize("header", ["Forwarded", "X-Forwarded-For", "X-Forwarded-Host"])
def test_what_a_proxy_passes_on_is_refused_where_no_token_is_asked_for(visit: Visit, header: str) -> None:
    refused = visit("127.0.0.1", owner=None).get("/api/board", headers={header: "for=192.0.2.1"})
    assert refused.status_code == 403
    assert "--trusted-proxy" in refused.json()["detail"]
    assert visit("127.0.0.1").get("/api/board", headers={header: "x", **bearer(OWNER)}).status_code == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        *((h, 200) for h in ("localhost", "LOCALHOST:99", "127.0.0.1:1", "[::1]:8788", "stats.example.com")),
        *((h, 421) for h in ("evil.example", "127.0.0.1.evil.example", "10.0.0.9", "localhost.evil", "a b", "x:y:1")),
        *((h, 421) for h in ("", "localhost:8788@evil.example", "[evil]")),
    ],
)
def test_only_known_hosts_are_answered(visit: Visit, host: str, status: int) -> None:
    client = visit(owner=None, hosts=frozenset({"stats.example.com"}))
    found = client.get("/api/board", headers={"Host": host})
    assert found.status_code == status
    if status == 421:
        assert found.headers["content-type"] == "application/problem+json"
        assert "--allow-host" in found.text or not host or host not in found.text


def test_a_host_that_is_said_twice_is_none() -> None:
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [(b"host", b"localhost")] * 2}
    assert not Caller(scope, Access()).is_host_known
    scope["headers"].pop()  # type: ignore[attr-defined]
    assert Caller(scope, Access()).is_host_known


def test_the_address_by_which_a_connection_came_in_is_a_known_host(visit: Visit) -> None:
    client = visit(host="192.0.2.44:80")
    assert client.get("/healthz").status_code == 200
    assert client.get("/healthz", headers={"Host": "192.0.2.45"}).status_code == 421


def test_every_answer_tells_the_browser_to_load_nothing_from_elsewhere(visit: Visit) -> None:
    client = visit()
    for answer in (
        client.get("/"),
        client.get("/", headers=PAGE),
        client.get("/login"),
        client.get("/login.css"),
        client.get("/api/board", headers=bearer(OWNER)),
        client.get("/", headers={"Host": "evil.example"}),
        client.post("/api/sync", headers={"Origin": "https://evil.example"}),
    ):
        assert answer.headers["content-security-policy"] == (
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
            "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        )
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    page = client.get("/login").text
    assert "<script" not in page
    assert "style=" not in page


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "http://127.0.0.1:8788"}, 200),
        ({"Origin": "http://127.0.0.1:8788", "Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:9999"}, 403),
        ({"Origin": "http://[broken"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://127.0.0.1:8788", "Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_the_page_of_another_origin_changes_nothing(
    visit: Visit, headers: dict[str, str], status: int, method: str
) -> None:
    open_page, client = visit("127.0.0.1", owner=None), visit()
    assert logged_in(client, OWNER).status_code == 303
    for page in (open_page, client):
        assert page.request(method, "/api/notes", headers=headers).status_code == status
        assert page.get("/api/board", headers=headers).status_code == 200


def test_logging_in_gives_a_session_that_is_not_the_token(visit: Visit) -> None:
    client = visit()
    done = logged_in(client, OWNER, next="/?tab=costs")
    assert (done.status_code, done.headers["location"]) == (303, "/?tab=costs")
    cookie = done.headers["set-cookie"]
    name, _, rest = cookie.partition("=")
    identity, *attributes = rest.split("; ")
    assert name == "tallybook_8788"
    assert {a.lower() for a in attributes} == {"httponly", "path=/", "samesite=strict"}
    assert len(identity) >= 43
    assert identity not in (OWNER, digest(OWNER))
    assert client.get("/api/board").status_code == 200
    again = logged_in(visit()).headers["set-cookie"]
    assert again.partition(";")[0] != cookie.partition(";")[0]
    assert visit().get("/api/board", headers={"Cookie": f"{name}={digest(OWNER)}"}).status_code == 401


def test_over_https_the_cookie_is_secure_and_a_proxy_says_so_only_where_it_is_believed(visit: Visit) -> None:
    said = {"X-Forwarded-Proto": "https"}
    assert "secure" in logged_in(visit(scheme="https", host="127.0.0.1")).headers["set-cookie"].lower()
    for proxies, secure in ((networks(["192.0.2.0/24"]), True), ((), False)):
        client = visit(proxies=proxies)
        cookie = client.post("/login", data={"token": OWNER}, headers=said).headers["set-cookie"]
        assert ("secure" in cookie.lower()) is secure


def test_a_session_ends_when_it_is_not_used_and_when_its_token_is_revoked(visit: Visit, book: Book) -> None:
    client = visit()
    logged_in(client)
    clock = book._clock
    for _ in range(3):
        clock.sleep(SECONDS - 1)
        assert client.get("/api/board").status_code == 200
    clock.sleep(SECONDS)
    assert client.get("/api/board").status_code == 401
    _, text = book.add_token("boss", expires="90d")
    assert logged_in(client, text).status_code == 303
    assert client.get("/api/board").json()["viewer"] == "boss"
    book.revoke_token("boss")
    assert client.get("/api/board").status_code == 401


@pytest.mark.parametrize(
    "wanted", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:x", "/\nx", "", "evil"]
)
def test_logging_in_leads_nowhere_else(visit: Visit, wanted: str) -> None:
    assert logged_in(visit(), OWNER, next=wanted).headers["location"] == "/"
    assert 'name="next" type="hidden" value="/"' in visit().get("/login", params={"next": wanted}).text


def test_what_is_written_into_the_form_is_text(visit: Visit) -> None:
    page = visit().get("/login", params={"next": '/"><script>alert(1)</script>'}).text
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_wrong_tokens_from_one_address_have_to_wait_and_others_need_not(visit: Visit, book: Book) -> None:
    client = visit()
    for _ in range(TRIES):
        assert logged_in(client, "wrong").status_code == 401
    refused = logged_in(client, OWNER)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= WITHIN + 1
    assert "set-cookie" not in refused.headers
    book._clock.sleep(WITHIN)
    assert logged_in(client).status_code == 303


def test_a_network_of_ipv6_is_one_address_and_proxies_say_whose_a_wrong_token_is() -> None:
    def source(peer: str, said: str, *proxies: str) -> str:
        scope = {
            "type": "http", "method": "POST", "path": "/login", "client": (peer, 1),
            "headers": [(b"x-forwarded-for", said.encode())],
        }  # fmt: skip
        return Caller(scope, Access(proxies=networks(proxies))).source

    assert source("2001:db8::1", "") == source("2001:db8::2", "") != source("2001:db8:0:1::1", "")
    assert source("192.0.2.7", "198.51.100.1") == "192.0.2.7"
    assert source("192.0.2.7", "203.0.113.9, 198.51.100.1", "192.0.2.7") == "198.51.100.1"
    assert source("::ffff:192.0.2.7", "198.51.100.1", "192.0.2.7") == "198.51.100.1"


def test_tries_and_sessions_take_little_room() -> None:
    clock = FakeClock(NOW)
    tries, sessions = Tries(clock.monotonic), Sessions(clock.monotonic)
    for n in range(50):
        tries.wrong(str(n))
    clock.sleep(WITHIN)
    assert tries.wait("0") == 0
    assert tries._wrong == {}
    ids = [sessions.begin("token") for _ in range(MOST)]
    assert sessions.token(ids[0]) == "token"  # used, so that the second goes first
    sessions.begin("token")
    assert [sessions.token(i) for i in ids[:3]] == ["token", None, "token"]
    assert not {*ids} & {*sessions._held}


def test_the_link_that_works_once_works_once(visit: Visit, book: Book) -> None:
    client = visit(code=digest("once"))
    assert client.get("/login?code=twice").status_code == 401
    first = client.get("/login?code=once")
    assert first.status_code == 200
    assert "0; url=/" in first.text
    assert client.get("/api/board").status_code == 200
    later = client.get("/login?code=once")
    assert later.status_code == 401
    assert "set-cookie" not in later.headers
    late = visit(code=digest("once"))
    book._clock.sleep(3600)
    assert late.get("/login?code=once").status_code == 401


def test_who_follows_a_link_from_elsewhere_is_sent_here_once_more_with_the_cookie(visit: Visit) -> None:
    shown = visit().get("/?tab=costs", headers=PAGE | {"Sec-Fetch-Site": "cross-site"})
    assert shown.status_code == 200
    assert '<meta http-equiv="refresh" content="0">' in shown.text
    assert visit().get("/?tab=costs", headers=PAGE | {"Sec-Fetch-Site": "same-origin"}).status_code == 303


def test_a_header_names_the_user_only_where_a_listed_proxy_sends_it(visit: Visit) -> None:
    said = {"X-Forwarded-User": "ada"}
    rules = {"header": "X-Forwarded-User", "proxies": networks(["10.0.0.0/24", "2001:db8::/32"])}
    for peer in ("10.0.0.5", "::ffff:10.0.0.5", "2001:db8::1"):
        assert visit(peer, **rules).get("/api/board", headers=said).json()["viewer"] == "ada"
    for peer in ("10.0.1.5", "127.0.0.1", "testclient"):
        assert visit(peer, **rules).get("/api/board", headers=said).status_code == 401
    assert visit("10.0.0.5", proxies=rules["proxies"]).get("/api/board", headers=said).status_code == 401
    proxied = visit("10.0.0.5", **rules)
    for wrong in ([], [("X-Forwarded-User", "")], [("X-Forwarded-User", "ada"), ("X-Forwarded-User", "bo")]):
        assert proxied.get("/api/board", headers=wrong).status_code == 401
    assert proxied.get("/api/board", headers={"X-Forwarded-User": "ada", **bearer("wrong")}).status_code == 401


@pytest.mark.parametrize("path", ["/api/board", "/usage/api/board"])
def test_below_a_path_of_a_proxy_all_is_where_it_was(visit: Visit, path: str) -> None:
    client = visit(root_path="/usage")
    assert client.get(path, headers=bearer(OWNER)).json()["path"] == "/usage/api/board"
    assert client.get(path).status_code == 401
    assert client.get("/usage/", headers=PAGE).headers["location"] == "/usage/login"
    page = client.get(path.replace("/api/board", "/login")).text
    assert 'action="/usage/login"' in page
    done = client.post("/login", data={"token": OWNER, "next": "/?x=1"})
    assert done.headers["location"] == "/usage/?x=1"
    assert "path=/usage;" in done.headers["set-cookie"].lower()


def test_a_viewer_is_who_the_book_says_until_the_token_expires_or_is_revoked(visit: Visit, book: Book) -> None:
    made, text = book.add_token("search", where={"project": "Search", "model": ["!gpt-4*"]}, people=False, expires="1d")
    client = visit()
    said = client.get("/api/board", headers=bearer(text)).json()
    assert (said["viewer"], said["people"], said["orgs"]) == ("search", False, [])
    assert said["where"] == [["project", ["Search"]], ["model", ["!gpt-4*"]]]
    assert "Search" not in client.get("/api/board", headers=bearer(text[:-1])).text
    book._clock.sleep(dt.timedelta(days=1).total_seconds() - 1)
    assert client.get("/api/board", headers=bearer(text)).status_code == 200
    book._clock.sleep(1)
    assert client.get("/api/board", headers=bearer(text)).status_code == 401
    assert made.name == "search"


def test_the_last_use_of_a_token_is_kept_to_the_hour_and_nothing_brings_a_revoked_one_back(
    visit: Visit, book: Book
) -> None:
    _, text = book.add_token("boss")
    client = visit()
    assert book.tokens()[0].used_at is None
    client.get("/api/board", headers=bearer(text))
    first, version = book.tokens()[0].used_at, book.store.version()
    assert first == NOW.replace(tzinfo=None)
    book._clock.sleep(3599)
    client.get("/api/board", headers=bearer(text))
    assert book.store.version() == version
    book._clock.sleep(1)
    client.get("/api/board", headers=bearer(text))
    assert book.tokens()[0].used_at == first + dt.timedelta(hours=1)
    book.revoke_token("boss")
    assert client.get("/api/board", headers=bearer(text)).status_code == 401
    assert book.store.rows("tokens") == book.store.rows("token_uses") == []


def test_a_feed_token_reads_its_feed_and_nothing_else_also_from_the_address(
    visit: Visit, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(book, "settings", _with_feed(book))
    _, feed = book.add_token("bi", feed="spend")
    _, viewer = book.add_token("boss")
    client = visit()
    for suffix in ("csv", "json"):
        assert client.get(f"/feeds/spend.{suffix}", headers=bearer(feed)).status_code == 200
        said = client.get(f"/feeds/spend.{suffix}?token={feed}&x=1").json()
        assert (said["viewer"], said["query"]) == ("bi", "x=1")
    for path in ("/api/board", "/", "/feeds/other.csv", "/feeds/spend.csv/x", "/feeds/spend.xlsx"):
        assert client.get(path, headers=bearer(feed)).status_code == 401
    assert client.get(f"/api/board?token={feed}").status_code == 401
    for login in (OWNER, viewer):  # what logs people in is never part of an address
        assert client.get(f"/feeds/spend.csv?token={login}").status_code == 401
        assert client.get(f"/?token={login}").status_code == 401
        assert client.get("/feeds/spend.csv", headers=bearer(login)).status_code == 200
    assert client.get(f"/feeds/spend.csv?token={feed}&token={feed}").status_code == 401
    assert logged_in(client, feed).status_code == 401


def _with_feed(book: Book) -> Any:
    import msgspec

    from tallybook.model.saved import Feed

    return msgspec.structs.replace(book.settings, feeds={"spend": Feed(metric="cost")})


def test_no_log_shows_a_token_or_a_code(visit: Visit, caplog: pytest.LogCaptureFixture, book: Book) -> None:
    caplog.set_level(logging.DEBUG)
    _, text = book.add_token("boss")
    client = visit(code=digest("once-only"))
    for path in (f"/feeds/a.csv?x=1&token={text}", f"/feeds/a.csv?%74oken={text}", "/login?code=once-only"):
        client.get(path)
    client.get("/api/board", headers=bearer(text))
    logged_in(client, text)
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("tallybook")]
    assert "192.0.2.7 GET /feeds/a.csv?x=1&token=[hidden] 401" in lines
    assert "192.0.2.7 GET /feeds/a.csv?token=[hidden] 401" in lines
    assert "192.0.2.7 GET /login?code=[hidden] 200" in lines
    assert "192.0.2.7 POST /login 303" in lines
    assert text not in "\n".join(lines)
    assert "once-only" not in "\n".join(lines)


def test_the_book_keeps_no_token(book: Book) -> None:
    made, text = book.add_token("boss")
    (row,) = book.store.rows("tokens")
    assert row["hash"] == digest(text) == made.hash
    assert text.partition("_")[2] not in json.dumps(row, default=str)
    assert made.hash not in repr(made)
    assert made.hash not in json.dumps(made.as_dict())


def test_without_a_book_that_can_be_read_nobody_new_comes_in(visit: Visit, book: Book) -> None:
    _, text = book.add_token("boss")
    client = visit()
    assert client.get("/api/board", headers=bearer(text)).status_code == 200
    Path(book.store.url).write_bytes(b"no book any more")
    refused = client.get("/api/board", headers=bearer(text))
    assert refused.status_code == 404
    assert refused.headers["content-type"] == "application/problem+json"
    assert logged_in(client, text).status_code == 503
    assert client.get("/api/board", headers=bearer(OWNER)).status_code == 200


def test_a_websocket_is_closed(visit: Visit) -> None:
    from starlette.websockets import WebSocketDisconnect

    with pytest.raises(WebSocketDisconnect), visit(owner=None).websocket_connect("/api/events"):
        pass


_HOSTILE = st.one_of(
    st.text(max_size=40), st.sampled_from(["../../etc/passwd", "\0", "%00", "'; DROP TABLE x;--", "a" * 100_000])
)


def test_whatever_is_sent_is_refused_and_never_an_error_of_the_server(tmp_path: Any) -> None:
    made = book_at(tmp_path / "b.duckdb")
    client = TestClient(
        Guard(echo, made, Access(owner=digest(OWNER))), "http://127.0.0.1", client=("192.0.2.7", 5),
        follow_redirects=False,
    )  # fmt: skip

    @given(_HOSTILE, _HOSTILE, st.sampled_from(["GET", "POST", "PUT", "HEAD"]))
    def check(path: str, value: str, method: str) -> None:
        encoded = value.encode("utf-8", "replace").hex()[:5_000]
        for where in ("/feeds/", "/login", "/api/", "/"):
            found = client.request(
                method, where, params={"token": value[:2_000], "next": path[:2_000], "code": value[:50]},
                headers={"Authorization": f"Bearer {encoded}", "Cookie": f"tallybook_80={encoded}"},
            )  # fmt: skip
            assert 200 <= found.status_code < 500
            assert (where == "/login") or found.status_code in (401, 405)

    check()
