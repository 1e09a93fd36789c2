"""What holds for all tests."""

import sys


def pytest_sessionfinish() -> None:
    """End the server of this process now: workers of pytest-xdist are gone before they could do it at their exit."""
    if postgres := sys.modules.get("tests.postgres"):
        postgres.stop()
