"""The page as it is served: small, whole, and with its first board in it."""

import json
import re
from importlib import resources

import pytest
from starlette.testclient import TestClient

from tallybook.book import Book
from tallybook.web import create_app
from tests.books import hold

BOARD = re.compile(r'<script type="application/json" id="first-board">(.*?)</script>', re.DOTALL)


def test_the_first_load_is_a_few_small_files_and_the_board_is_among_them(client: TestClient) -> None:
    page = client.get("/?metric=requests&by=model")
    files = re.findall(r'(?:src|href)="\./([^"]+)"', page.text)
    answers = [client.get(f"/{name}") for name in files]
    assert [a.status_code for a in answers] == [200] * len(files)
    assert len(files) <= 9
    sizes = {name: int(a.headers["content-length"]) for name, a in zip(files, answers, strict=True)}
    assert sum(size for name, size in sizes.items() if name.endswith(".js")) <= 130_000
    assert sum(sizes.values()) + int(page.headers["content-length"]) <= 200_000
    (found,) = BOARD.findall(page.text)
    assert json.loads(found)["board"]["state"]["metric"] == ["requests"]


def test_nothing_in_the_page_needs_more_than_its_policy_gives() -> None:
    page = (resources.files("tallybook.web") / "static" / "index.html").read_text(encoding="utf-8")
    assert re.findall(r"<script(?![^>]*\bsrc=\"\./)[^>]*>", page) == []
    assert re.findall(r"\son\w+=|\bstyle=|<style|https?://", page) == []


def test_a_name_cannot_end_the_script_that_holds_the_board(empty: Book) -> None:
    hostile = "</script><script>alert(1)</script>"
    rows = [{"day": "2026-11-10", "model": hostile, "num_model_requests": 1}]
    hold(empty, "completions", "2026-11-01", "2026-11-20", rows)
    words = {"metric": "requests", "by": "model", "since": "2026-11-01", "until": "2026-11-19"}
    page = TestClient(create_app(empty)).get("/", params=words).text
    (found,) = BOARD.findall(page)
    assert "<" not in found
    assert hostile in str(json.loads(found))


def test_files_of_the_page_are_had_by_their_names_alone(client: TestClient) -> None:
    for path in ("/assets/../../app.py", "/assets/%2e%2e/%2e%2e/app.py", "/assets", "/index.html.bak", "//etc/passwd"):
        assert client.get(path).status_code == 404, path


@pytest.mark.parametrize("takes", ["gzip", "identity"])
def test_hashed_files_last_and_are_the_same_packed_or_not(client: TestClient, takes: str) -> None:
    (script,) = re.findall(r'src="\./(assets/[^"]+\.js)"', client.get("/").text)
    answer = client.get(f"/{script}", headers={"accept-encoding": takes})
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers.get("content-encoding", "identity") == takes
    stored = resources.files("tallybook.web") / "static" / script
    assert answer.content == stored.read_bytes()
