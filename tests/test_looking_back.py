"""`look_back = "auto"`: how long a bucket is read again is measured from the book, within bounds."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tallybook.book import Book
from tallybook.book.looking_back import LookBack, look_back, measured
from tallybook.model.settings import Settings
from tallybook.model.windows import DAY, unix
from tests.books import KEY, book_at
from tests.emulator.wire import MIDNIGHT, organization

AUTO = {"look_back": "auto", "costs_look_back": "auto"}
DEFAULT = LookBack(3 * DAY, 7 * DAY)


def with_settings(book: Book, **sync: str) -> Settings:
    return msgspec.structs.replace(book.settings, sync=msgspec.structs.replace(book.settings.sync, **sync))


def test_what_the_settings_say_is_used_and_a_book_that_is_not_there_suggests_nothing(tmp_path: Path) -> None:
    book = book_at(tmp_path / "b.duckdb")
    assert look_back(book.store, with_settings(book, look_back="2d")) == LookBack(2 * DAY, 7 * DAY)
    assert measured(book.store, with_settings(book, **AUTO), ("default",), MIDNIGHT) == DEFAULT


def test_a_company_that_changes_its_past_for_two_days_is_read_again_for_longer_and_questions_know_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tallybook.query.reports.settling.ENOUGH_DAYS", 4)
    with organization("restatement", days=12, requests_per_day=60) as org:
        book = book_at(tmp_path / "b.duckdb", org.base, org.clock)
        book.settings = with_settings(book, history_width="1d", **AUTO)
        for _ in range(22):
            summary = book.sync(key=KEY, since="2026-11-23", datasets=["completions"])
            org.clock.advance(DAY // 2)
        now = unix(org.clock.now())
        used = look_back(book.store, book.settings)
        (found,) = [s for s in book.settling() if s.dataset == "completions"]
    assert found.latest_hours is not None
    assert found.latest_hours > 24
    assert used.usage == found.look_back_days * DAY
    assert used.usage > found.latest_hours * 3600
    assert used.costs == DEFAULT.costs, "nothing is known of costs"
    assert used.measured_at is not None
    assert now - used.measured_at <= 1.5 * DAY, "measured once a day"
    assert summary.look_back == {"usage": used.usage, "costs": used.costs, "measured_at": used.measured_at}
    fixed = with_settings(book, look_back="5d", costs_look_back="auto")
    assert look_back(book.store, fixed).usage == 5 * DAY


def test_the_suggestion_stays_until_it_is_measured_again(tmp_path: Path) -> None:
    with organization(days=3, requests_per_day=20) as org:
        book = book_at(tmp_path / "b.duckdb", org.base, org.clock)
        book.settings = with_settings(book, **AUTO)
        book.sync(key=KEY, since="2026-11-22", datasets=["costs"])
        assert look_back(book.store, book.settings) == DEFAULT, "a first sync has nothing to measure"
        book.sync(key=KEY, since="2026-11-22", datasets=["costs"])
        first = look_back(book.store, book.settings)
        org.clock.advance(3_600)
        assert measured(book.store, book.settings, ("default",), unix(org.clock.now())) == first
        org.clock.advance(DAY)
        assert measured(book.store, book.settings, ("default",), unix(org.clock.now())).measured_at > first.measured_at
