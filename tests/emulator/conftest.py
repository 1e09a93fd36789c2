from collections.abc import Iterator

import pytest

from tests.emulator.wire import Org, organization


@pytest.fixture(scope="session")
def org() -> Iterator[Org]:
    """The documented API, without quirks; its clock stands still."""
    with organization() as running:
        yield running
