import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from starlette.testclient import TestClient

from tallybook.book import Book
from tallybook.model.saved import Feed, Panel
from tallybook.web import create_app
from tests.books import book_at, hold, kept_open, synced
from tests.emulator.wire import NOW, organization


@pytest.fixture(scope="session")
def book(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Book]:
    """Four weeks of everything, read over HTTP."""
    with organization(days=40) as org:
        synced_book = synced(org, tmp_path_factory.mktemp("web") / "b.duckdb", since="2026-10-27")
        with kept_open(synced_book) as opened:
            yield opened


@pytest.fixture(scope="session")
def client(book: Book) -> TestClient:
    return TestClient(create_app(book))


@pytest.fixture
def empty(tmp_path: Path) -> Book:
    """A book to be written by hand."""
    return book_at(tmp_path / "b.duckdb")


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Book:
    """Three weeks of a few rows with names that have to be taken as they are; always the same, to the byte."""
    return filled(book_at(tmp_path_factory.mktemp("small") / "b.duckdb"))


NAMES = {"proj_1": "Website", "proj_2": '</script><script>alert("1")</script>', "proj_3": "מִבְחָן 🙂"}


def filled(book: Book) -> Book:
    usage, costs = [], []
    for n in range(1, 22):
        for i, project in enumerate(NAMES, 1):
            model = "gpt-5.6-sol" if i < 3 else "gpt-5-mini"
            who = {"project_id": project, "user_id": f"user-{i}", "api_key_id": f"key_{i}", "model": model}
            counts = {"num_model_requests": n * i, "input_tokens": 100 * n * i, "output_tokens": 7 * n}
            usage.append({"day": f"2026-11-{n:02}", "hour": 3, **who, **counts, "input_cached_tokens": 10 * n})
            item = f"{model}, input"
            costs.append({"day": f"2026-11-{n:02}", "project_id": project, "line_item": item, "amount": f"{n * i}.25"})
    hold(book, "completions", "2026-11-01", "2026-11-22", usage, width="1h")
    hold(book, "costs", "2026-11-01", "2026-11-22", costs)
    seen = NOW.replace(tzinfo=None) - dt.timedelta(hours=1)
    entry = {"org": "default", "kind": "project", "first_seen": seen, "last_seen": seen}
    book.store.put("directory", [{**entry, "id": i, "name": name} for i, name in NAMES.items()])
    panel = Panel(title="Cost per request", metric="cost / requests", by="project", grain="week", mark="line")
    feed = Feed(metric=("cost", "requests"), by="project", grain="day", last="7d")
    book.settings = msgspec.structs.replace(book.settings, book="book.duckdb", panel=(panel,), feeds={"spend": feed})
    return book
