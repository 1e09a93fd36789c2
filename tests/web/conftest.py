from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tallybook.book import Book
from tallybook.web import create_app
from tests.books import book_at, kept_open, synced
from tests.emulator.wire import organization


@pytest.fixture(scope="session")
def book(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Book]:
    """Six weeks of everything, read over HTTP."""
    with organization(days=60) as org, kept_open(synced(org, tmp_path_factory.mktemp("web") / "b.duckdb")) as opened:
        yield opened


@pytest.fixture(scope="session")
def client(book: Book) -> TestClient:
    return TestClient(create_app(book))


@pytest.fixture
def empty(tmp_path: Path) -> Book:
    """A book to be written by hand."""
    return book_at(tmp_path / "b.duckdb")
