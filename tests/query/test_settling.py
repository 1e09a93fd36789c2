"""The settling curve: what was there so many hours after a bucket's end, and the look-back that this suggests."""

import datetime as dt
from pathlib import Path

from tallybook.book import Book
from tallybook.model.windows import naive
from tallybook.show.restated import settling_text
from tests.books import book_at, day, hold, kept_open
from tests.clock import FakeClock

FIRST = dt.datetime(2026, 9, 1, tzinfo=dt.UTC)
SEEN = ((6, 50), (30, 75), (60, 100), (90, 100))
"""Hours after the end of a day, and what the API says of it then."""


def watched(tmp_path: Path, days: int, dataset: str = "images") -> Book:
    clock = FakeClock(FIRST)
    book = book_at(tmp_path / "b.duckdb", clock=clock)
    reads = sorted((24 * (n + 1) + hours, n, value) for n in range(days) for hours, value in SEEN)
    book.store.migrate()
    number = "amount" if dataset == "costs" else dataset
    with kept_open(book):
        for hours, n, value in reads:
            clock.advance((FIRST + dt.timedelta(hours=hours) - clock.now()).total_seconds())
            start, end = (str((FIRST + dt.timedelta(days=d)).date()) for d in (n, n + 1))
            hold(book, dataset, start, end, [{"day": start, number: value}], read_at=clock.now())
        clock.advance(10 * 86_400)
    return book


def test_the_curve_rises_to_the_whole_and_the_suggestion_covers_the_latest_change(tmp_path: Path) -> None:
    (found,) = watched(tmp_path, 20).settling()
    shares = {p.hours: (p.buckets, p.share) for p in found.points if p.buckets}
    assert shares == {6: (20, 0.5), 24: (20, 0.75), 48: (20, 1.0), 72: (20, 1.0)}
    assert (found.dataset, found.measure, found.days) == ("images", "images", 20)
    assert found.latest_hours == 60.0
    assert found.look_back_days == 3
    assert found.as_dict()["points"][3] == {"hours": 6, "buckets": 20, "share": 0.5}


def test_too_few_days_suggest_nothing(tmp_path: Path) -> None:
    (found,) = watched(tmp_path, 5).settling()
    assert (found.days, found.look_back_days) == (5, None)
    text = settling_text("default", [found], width=80)
    assert max(map(len, text.split("\n"))) <= 80
    assert "50.0%" in text
    assert "fewer than 14" in " ".join(text.split())


def test_days_that_are_not_stable_yet_are_no_evidence(tmp_path: Path) -> None:
    book = watched(tmp_path, 3)
    now = naive(day("2026-09-30"))
    hold(book, "images", "2026-09-28", "2026-09-29", read_at=now.replace(tzinfo=dt.UTC))
    hold(book, "moderations", "2026-09-28", "2026-09-29", read_at=now.replace(tzinfo=dt.UTC))
    (found,) = book.settling()
    assert (found.dataset, found.days) == ("images", 3)


def test_nothing_held_says_so(tmp_path: Path) -> None:
    book = book_at(tmp_path / "b.duckdb")
    book.store.migrate()
    assert book.settling() == []
    assert "Nothing is stable yet" in settling_text("default", [])
