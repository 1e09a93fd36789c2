"""Serving: real ports, real requests, a real process that is told to end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
import requests
from starlette.testclient import TestClient

from tallybook.book import Book
from tallybook.book.tokens import digest
from tallybook.model.errors import SettingsError, UsageError
from tallybook.model.saved import Feed
from tallybook.web import create_app
from tallybook.web.access import Access, field, names, networks, root
from tallybook.web.guard import Guard
from tallybook.web.serve import address, entrance, listening, running
from tests.books import book_at

TOKEN = "a-token-of-more-than-thirty-two-characters"


def test_only_what_this_machine_itself_sends_needs_no_token(tmp_path: Path) -> None:
    with listening("127.0.0.1", 0) as local, listening("0.0.0.0", 0) as public:
        free = entrance(local, Access())
        assert (free.access.owner, free.token, free.code) == (None, None, None)
        for listener, access in (
            (public, Access()),
            (local, Access(hosts=names(["stats.example.com"]))),
            (local, Access(proxies=networks(["10.0.0.5"]))),
        ):
            found = entrance(listener, access)
            assert found.token is not None
            assert found.code is not None
            assert found.access.owner == digest(found.token) != found.access.code == digest(found.code)
            assert len(found.token) >= 43
            assert found.token not in repr(found)
            assert entrance(listener, access).token != found.token


def test_a_token_file_is_for_its_owner_alone_and_holds_one_long_token(tmp_path: Path) -> None:
    path = tmp_path / "token"
    with listening("127.0.0.1", 0) as local:
        with pytest.raises(SettingsError, match=r"Cannot read the token file .*No such file.*openssl rand"):
            entrance(local, Access(), str(path))
        for text, mode, said in (
            (TOKEN, 0o640, "chmod 600"),
            (TOKEN, 0o604, "chmod 600"),
            ("short", 0o600, "32 characters or more"),
            (f"{TOKEN} {TOKEN}", 0o600, "one token"),
        ):
            path.write_text(text)
            path.chmod(mode)
            with pytest.raises(SettingsError, match=said) as refused:
                entrance(local, Access(), str(path))
            assert TOKEN not in str(refused.value)
        path.write_text(f"{TOKEN}\n")
        found = entrance(local, Access(), str(path))
    assert (found.access.owner, found.token, found.code) == (digest(TOKEN), None, None)


@pytest.mark.parametrize(
    ("check", "wrong"),
    [
        (lambda t: networks([t]), "10.0.0.300"),
        (lambda t: names([t]), "https://stats"),
        (field, "X Forwarded"),
        (root, "usage"),
        (root, "/a/../b?"),
    ],
)
def test_words_of_no_use_are_refused_by_the_name_of_their_option(check: object, wrong: str) -> None:
    with pytest.raises(UsageError, match=r"^--[a-z-]+ takes "):
        check(wrong)  # type: ignore[operator]
    assert (root("/usage/"), root(""), root("/")) == ("/usage", "", "")


def test_a_busy_port_is_one_line_of_advice() -> None:
    with listening("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"Cannot listen on 127.0.0.1:{port}: .* Choose another with --port"):
            listening("127.0.0.1", port)
    with pytest.raises(UsageError, match=r"Cannot listen on no\.such\.host\.invalid:1: .* another with --host"):
        listening("no.such.host.invalid", 1)


def test_the_address_is_one_that_a_browser_here_can_open() -> None:
    with listening("0.0.0.0", 0) as everywhere:
        assert address(everywhere, "/usage") == f"http://127.0.0.1:{everywhere.getsockname()[1]}/usage/"
    if socket.has_ipv6:
        with listening("::1", 0) as six:
            assert address(six) == f"http://[::1]:{six.getsockname()[1]}/"


def test_over_a_real_port_the_page_is_guarded_and_nothing_is_left_behind(book: Book) -> None:
    before = threading.active_count()
    listener = listening("127.0.0.1", 0)
    url = address(listener)
    with running(Guard(create_app(book), book, Access(owner=digest(TOKEN))), listener):
        assert requests.get(f"{url}api/board", timeout=20).status_code == 401
        held = requests.get(f"{url}api/board", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=20)
        assert held.json()["tab"] == "overview"
        assert "server" not in held.headers
        with requests.Session() as browser:
            browser.headers["Accept"] = "text/html"
            assert browser.get(f"{url}?tab=costs", timeout=20).url.endswith("/login?next=%2F%3Ftab%3Dcosts")
            shown = browser.post(f"{url}login", data={"token": TOKEN, "next": "/?tab=costs"}, timeout=20)
            assert (shown.status_code, shown.url) == (200, f"{url}?tab=costs")
            assert 'id="first-board"' in shown.text
        assert requests.get(url, headers={"Host": "evil.example"}, timeout=20).status_code == 421
        raw = socket.create_connection(listener.getsockname(), timeout=20)
        raw.sendall(b"GET /api/board HTTP/1.1\r\nHost: a\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert raw.recv(64).startswith((b"HTTP/1.1 400", b"HTTP/1.1 421"))
        raw.close()
    assert threading.active_count() <= before
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=5)


def test_a_viewer_sees_a_part_of_the_book_whatever_is_asked(book: Book, tmp_path: Path) -> None:
    (tmp_path / "b.duckdb").write_bytes(Path(book.store.url).read_bytes())
    copy = book_at(tmp_path / "b.duckdb")
    by_project = {
        r["project_id"]: r["cost"] for r in copy.query("cost", by="project", period="2026-11").rows() if r["cost"]
    }
    whole, one = sum(by_project.values()), next(iter(by_project))
    _, text = copy.add_token("one", where={"project": one}, people=False)
    listener = listening("127.0.0.1", 0)
    with running(Guard(create_app(copy), copy, Access(owner=digest(TOKEN))), listener):

        def total(token: str, words: str = "") -> Decimal:
            asked = f"{address(listener)}api/query?metric=cost&period=2026-11{words}"
            found = requests.get(asked, headers={"Authorization": f"Bearer {token}"}, timeout=20)
            assert found.status_code == 200, found.text
            return sum((Decimal(part["value"] or 0) for part in found.json()["whole"]["cost"]), Decimal(0))

        assert total(TOKEN) == whole
        assert total(text) == total(text, f"&where=project={one}") == by_project[one]
        other = next(p for p in by_project if p != one)
        assert total(text, f"&where=project={other}") == 0
        headers = {"Authorization": f"Bearer {text}"}
        people = requests.get(f"{address(listener)}api/query?metric=cost&by=user", headers=headers, timeout=20)
        assert people.status_code == 403
        assert requests.post(f"{address(listener)}api/sync", headers=headers, timeout=20).status_code in (403, 404, 405)


def test_a_program_reads_its_feed_by_its_address_alone_as_far_as_its_token_shows(book: Book, tmp_path: Path) -> None:
    (tmp_path / "b.duckdb").write_bytes(Path(book.store.url).read_bytes())
    copy = book_at(tmp_path / "b.duckdb")
    copy.settings = msgspec.structs.replace(
        copy.settings,
        feeds={
            "spend": Feed(metric="cost", by="project", period="2026-11"),
            "users": Feed(metric="cost", by="user", period="2026-11"),
        },
    )
    one = next(r["project_id"] for r in copy.query("cost", by="project", period="2026-11").rows() if r["cost"])
    _, whole = copy.add_token("bi", feed="spend")
    _, part = copy.add_token("part", feed="spend", where={"project": one})
    _, plain = copy.add_token("plain", feed="users", people=False)
    client = TestClient(Guard(create_app(copy), copy, Access(owner=digest(TOKEN))), "http://127.0.0.1")
    every, some = (client.get(f"/feeds/spend.json?token={token}") for token in (whole, part))
    assert every.status_code == some.status_code == 200
    assert len(every.json()) > len(some.json()) == 1
    assert client.get(f"/feeds/spend.csv?token={whole}").text.count("\n") == len(every.json()) + 1
    assert client.get(f"/feeds/users.json?token={plain}").status_code == 403
    copy.revoke_token("bi")
    assert client.get(f"/feeds/spend.json?token={whole}").status_code == 401


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_says_where_it_is_and_ends_tidily(tmp_path: Path, number: signal.Signals) -> None:
    words = [sys.executable, "-m", "tallybook.cli", "dashboard", "--port", "0", "--book", str(tmp_path / "b.duckdb")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        url = next(word for word in said.split() if word.startswith("http://"))
        board = requests.get(f"{url}api/board", timeout=20).json()
        assert board["empty"]["command"] == "tallybook sync"
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "", "")
    assert list(tmp_path.iterdir()) == []
