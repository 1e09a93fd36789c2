import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.store.book import FAST, STORES, StoreUnderTest


@pytest.fixture
def fast_path() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=FAST) as folder:
        yield Path(folder)


@pytest.fixture(params=sorted(STORES))
def book(request: pytest.FixtureRequest, fast_path: Path) -> Iterator[StoreUnderTest]:
    """An empty book of each kind of store, an hour old; its clock stands at the third day, 12:00."""
    under_test = STORES[request.param](fast_path)
    under_test.clock.advance(-3_600)
    under_test.store.migrate()
    under_test.clock.advance(3_600)
    with under_test.kept_open():
        yield under_test


@pytest.fixture(params=sorted(STORES))
def nothing(request: pytest.FixtureRequest, fast_path: Path) -> StoreUnderTest:
    """A store of each kind without a book."""
    return STORES[request.param](fast_path)
