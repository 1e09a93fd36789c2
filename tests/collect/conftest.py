import datetime as dt

import pytest

from tests.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(dt.datetime(2026, 11, 23, 15, 30, 20, tzinfo=dt.UTC))
