from collections.abc import Iterator
from pathlib import Path

import pytest

from tallybook.book import Book
from tests.books import book_at, kept_open, synced
from tests.emulator.wire import Org, organization


@pytest.fixture(scope="session")
def org() -> Iterator[Org]:
    with organization(days=60) as running:
        yield running


@pytest.fixture(scope="session")
def book(org: Org, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Book]:
    """Six weeks of everything, read over HTTP."""
    with kept_open(synced(org, tmp_path_factory.mktemp("book") / "tallybook.duckdb")) as opened:
        yield opened


@pytest.fixture
def empty(tmp_path: Path) -> Book:
    """A book to be written by hand."""
    return book_at(tmp_path / "tallybook.duckdb")
