"""What every route answers on a small book is kept under golden/, but for what each server has of its own."""

import json
import os
from pathlib import Path

import pytest
from openapi_spec_validator import validate
from starlette.testclient import TestClient

from tallybook.book import Book
from tallybook.web import create_app
from tallybook.web.panels import TABS

GOLDEN = Path(__file__).parent / "golden"
REGENERATE = "TALLYBOOK_WRITE_GOLDEN"
"""Set it to write the answers anew; then read the difference."""

ROUTES = {
    **{f"board_{tab}": f"/api/board?tab={tab}&last=14d" for tab in TABS if tab != "health"},
    "board_short": "/api/board?last=24h&metric=cost",
    "board_filtered": "/api/board?since=2026-11-02&until=2026-11-15&where=project=Website&metric=requests&by=model",
    "query": "/api/query?metric=cost&metric=requests&by=project&grain=week&period=2026-11&compare=previous",
    "query_rows": "/api/query?metric=cost&by=project&last=7d&format=rows",
    "query_top": "/api/query?metric=input_tokens,cache_hit_rate&by=project,model&top=1&period=2026-11",
    "table": "/api/table?metric=cost&by=project&grain=day&last=7d&sort=-cost&search=web&limit=3",
    "options": "/api/options?by=project&last=14d",
    "coverage": "/api/coverage?last=7d",
    "notes": "/api/notes",
    "openapi": "/api/openapi.json",
    "feed": "/feeds/spend.json",
    "health": "/healthz",
    "unknown_metric": "/api/query?metric=cots",
    "unknown_word": "/api/query?metrics=cost",
    "unanswerable": "/api/query?metric=cost&grain=hour&last=7d",
    "unknown_feed": "/feeds/spent.json",
}


@pytest.fixture(scope="module")
def served(small: Book) -> TestClient:
    return TestClient(create_app(small))


@pytest.mark.parametrize("name", ROUTES)
def test_a_route_answers_as_it_did(served: TestClient, small: Book, name: str) -> None:
    found = served.get(ROUTES[name]).json()
    if "version" in found:
        assert found["version"] == small.store.version()
        found["version"] = "…"
    if name == "openapi":
        found["info"]["version"] = "…"
    text = json.dumps(found, ensure_ascii=False, indent=1) + "\n"
    path = GOLDEN / f"{name}.json"
    if os.environ.get(REGENERATE):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8")


def test_no_answer_is_kept_that_is_asked_no_more() -> None:
    assert {p.stem for p in GOLDEN.iterdir()} == {*ROUTES}


def test_the_description_is_proper_openapi_and_has_every_route(served: TestClient) -> None:
    described = served.get("/api/openapi.json").json()
    validate(described)
    listed = {(path, method) for path, methods in described["paths"].items() for method in methods}
    routes = {
        (route.path, method.lower())
        for route in served.app.routes
        if route.path.startswith(("/api/", "/feeds/"))
        for method in route.methods - {"HEAD"}
    }
    assert listed == routes
