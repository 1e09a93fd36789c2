"""How much is stored: a mean over the time held, the most at any time, what was there last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tallybook.book import Book
from tallybook.model.errors import UnanswerableError
from tallybook.model.settings import Org, Settings
from tallybook.store.duckdb import DuckDBStore
from tests.books import hold
from tests.clock import FakeClock
from tests.emulator.wire import NOW

LEVELS = ("storage_bytes", "storage_bytes_max", "storage_bytes_last")


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    """A book of two organizations."""
    clock = FakeClock(NOW)
    orgs = tuple(Org(name=name, base_url="http://127.0.0.1:9/v1") for name in ("acme", "beta"))
    with Book(DuckDBStore(tmp_path / "b.duckdb", clock), Settings(org=orgs), clock) as opened:
        yield opened


def stored(book: Book, since: str, until: str, rows: Sequence[tuple[str, int, int]], org: str = "acme") -> None:
    """Write days `[since, until)`, by hours where a row has one; a row is day, hour or -1, bytes."""
    width = "1h" if any(hour >= 0 for _, hour, _ in rows) else "1d"
    filled = [{"day": d, "hour": max(hour, 0), "project_id": "p", "usage_bytes": n} for d, hour, n in rows]
    hold(book, "vector_stores", since, until, filled, org=org, width=width)


def told(book: Book, **words: Any) -> list[tuple[Any, ...]]:
    rows = book.query(*LEVELS, **{"since": "2026-11-02", "until": "2026-11-08", **words}).rows()
    return [tuple(row[m] for m in LEVELS) for row in rows]


def test_a_level_of_days_and_hours_is_weighted_by_time_and_ends_with_the_newest_bucket(book: Book) -> None:
    stored(book, "2026-11-02", "2026-11-03", [("2026-11-02", -1, 48)])
    stored(book, "2026-11-03", "2026-11-04", [("2026-11-03", 0, 24), ("2026-11-03", 12, 96), ("2026-11-03", 23, 12)])
    # Of a week the two days that are held count; what nothing is said of is 0.
    mean = (48 * 24 + 24 + 96 + 12) / 48
    assert told(book, org="acme") == told(book, org="acme", grain="week") == [(mean, 96, 12)]
    days = told(book, org="acme", grain="day")
    assert days == [(48.0, 48, 48), (132 / 24, 96, 12), *[(None, None, None)] * 5]


def test_levels_of_organizations_are_added_up_bucket_by_bucket(book: Book) -> None:
    stored(book, "2026-11-02", "2026-11-04", [("2026-11-02", -1, 5), ("2026-11-03", -1, 1)])
    stored(book, "2026-11-02", "2026-11-04", [("2026-11-02", -1, 2), ("2026-11-03", -1, 8)], org="beta")
    assert told(book) == [(8.0, 9, 9)]
    assert told(book, by="org") == [(5.0, 8, 8), (3.0, 5, 1)]


def test_buckets_of_other_widths_cannot_be_added_up(book: Book) -> None:
    stored(book, "2026-11-02", "2026-11-03", [("2026-11-02", -1, 10)])
    stored(book, "2026-11-02", "2026-11-03", [("2026-11-02", 5, 4)], org="beta")
    with pytest.raises(UnanswerableError, match=r"acme by 1d and of beta by 1h on 2026-11-02.* organization at a time"):
        told(book)
    day = {"since": "2026-11-02", "until": "2026-11-02"}
    (row,) = book.query("storage_bytes", "storage_bytes_last", **day).rows()
    assert row == {"storage_bytes": 10 + 4 / 24, "storage_bytes_last": 10}
    assert told(book, org="beta", **day) == [(4 / 24, 4, 0)]
    assert told(book, since="2026-11-03", until="2026-11-04") == [(None, None, None)]
