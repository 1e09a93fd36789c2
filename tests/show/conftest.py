from pathlib import Path

import pytest

from tallybook.book import Book
from tests.books import book_at


@pytest.fixture
def empty(tmp_path: Path) -> Book:
    """A book to be written by hand."""
    return book_at(tmp_path / "tallybook.duckdb")
