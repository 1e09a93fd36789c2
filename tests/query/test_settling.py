"""The settling curve: what was there so many hours after a bucket's end, and the look-back that this suggests."""

import datetime as dt
from itertools import pairwise
from pathlib import Path

from tallybook.book import Book
from tallybook.collect.http import Http
from tallybook.collect.sync import Policy, run
from tallybook.model.windows import naive
from tallybook.query.reports.settling import HOURS
from tallybook.show.restated import settling_text
from tests.books import KEY, book_at, day, hold, kept_open
from tests.clock import FakeClock
from tests.emulator.wire import MIDNIGHT, organization

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


LATE = ((0, 0.0), (300, 0.6), (1_800, 0.8), (4 * 3_600, 0.9), (20 * 3_600, 0.97), (48 * 3_600, 1.0))
"""Of late data as docs/emulator.md has it: so many seconds after they happened, that share of the events is known."""
EVERY = 19
"""Hours from sync to sync; a prime number, so that hours of the day are met at every age."""


def late(hours: int) -> float:
    """Return the share of an hour's events that is known 5 minutes and so many hours after its end."""

    def known(seconds: int) -> float:
        for (since, low), (until, high) in pairwise(LATE):
            if seconds < until:
                return low + (high - low) * (seconds - since) / (until - since)
        return 1.0

    return sum(known(hours * 3_600 + 300 + 60 * minute) for minute in range(60)) / 60


def test_what_syncs_see_of_late_data_is_the_curve_along_which_it_comes(tmp_path: Path) -> None:
    policy = Policy(("moderations",), since=MIDNIGHT, directory="off", keep="none")
    with organization("late-data", days=40, requests_per_day=3_000) as org:
        book = book_at(tmp_path / "b.duckdb", org.base, org.clock)
        book.store.migrate()
        org.clock.jump(MIDNIGHT + 300 - org.clock.now().timestamp())
        with kept_open(book), Http(org.base, KEY, org.clock) as http:
            for _ in range(18 * 24 // EVERY):
                org.clock.advance(EVERY * 3_600)
                assert run(book.store, http, "default", policy, org.clock).ok
            (found,) = book.settling()
    for point, until in zip(found.points[:8], HOURS[1:], strict=False):
        assert point.buckets > 15
        assert point.share is not None
        youngest, oldest = (1 - late(hours) for hours in (point.hours, min(until, point.hours + EVERY) - 1))
        assert 0.85 * oldest <= 1 - point.share <= 1.15 * youngest, point
    assert 44 < (found.latest_hours or 0) < 48 + EVERY
    assert (found.days, found.look_back_days) == (14, 3)


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
