"""A storm of every fault that is known: the book ends equal to the ledger, or names what is missing."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

import tallybook
from tallybook import IncompleteError
from tallybook.book import Book
from tallybook.collect.summary import Summary
from tallybook.emulator import create_app, running, storm
from tallybook.emulator.storm import KINDS
from tallybook.model.errors import RequestRefusedError
from tests.books import KEY, book_at, kept_open
from tests.emulator.wire import DAY, MIDNIGHT, Org, organization
from tests.faults.honest import ASKED, Truth, assert_answers, assert_honest, assert_whole
from tests.store.book import FAST

PAUSES = (60, 3_600, 26 * 3_600, 60)
"""Seconds after each sync; a refusal is asked for again after a day."""
WORSE = (("string-amounts", "duplicates"), ("result-key",), ("missing-buckets", "unknown-fields"))
BY_USER = "user-by-project"
REFUSALS = ("look-back", "group_by", "width", "limit", "same-day costs", "user", "key floor", "404")


def ridden(seed: int, days: int = 40, pauses: Sequence[int] = PAUSES) -> tuple[Counter[str], int]:
    """Sync a few times in a storm and check after each, then once in calm.

    Return the faults that there were, and how many of the syncs in the storm said that all is well.
    """
    with tempfile.TemporaryDirectory(dir=FAST) as folder:
        return _ridden(Path(folder), seed, days, pauses)


def _ridden(folder: Path, seed: int, days: int, pauses: Sequence[int]) -> tuple[Counter[str], int]:
    well = 0
    since = MIDNIGHT - days * DAY
    quirks = (f"storm={2 + seed % 3}", f"small-pages={25 + seed % 40}", BY_USER, *WORSE[seed % len(WORSE)])
    with organization(*quirks, seed=seed, days=days + 5, requests_per_day=20) as org:
        book = book_at(folder / "book.duckdb", org.base, org.clock)
        truth = Truth(org.company, since)
        for pause in pauses:
            summary = synced(book, since)
            assert_honest(book, truth, summary)
            well += summary is not None and summary.ok
            org.clock.advance(pause)
        with kept_open(book):
            assert_answers(book, org, since, MIDNIGHT)
        assert_fetches_are_whole(org)
        with running(create_app(org.company, [BY_USER])) as base:
            calm = book_at(folder / "book.duckdb", base, org.clock)
            summary = synced(calm, since, full=True)
            assert summary is not None
            assert summary.ok
        assert_whole(calm, truth)
        with kept_open(calm):
            assert assert_answers(calm, org, since, MIDNIGHT) == len(ASKED)
        return org.app.state.log.faults, well


def synced(book: Book, since: int, **more: Any) -> Summary | None:
    """Return what a sync says; None for one that ended because the server seemed to know no dataset at all."""
    try:
        return book.sync(key=KEY, since=dt.datetime.fromtimestamp(since, dt.UTC), **more)
    except RequestRefusedError as error:
        if error.status != 404:
            raise
        return None


def assert_fetches_are_whole(org: Org) -> None:
    """What is fetched without a book is the ledger's, or an error."""
    since, until = (dt.datetime.fromtimestamp(at, dt.UTC) for at in (MIDNIGHT - 10 * DAY, MIDNIGHT))
    truth = org.company.ledger(MIDNIGHT - 10 * DAY, MIDNIGHT, "costs")["costs"][0]["amount"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TALLYBOOK_BASE_URL", org.base)
        for by in (("user_id", "project_id"), ("api_key_id", "line_item")) * 4:
            try:
                got = tallybook.fetch(
                    "costs", group_by=by, since=since, until=until, key="sk-admin-test", clock=org.clock
                )
            except IncompleteError:
                continue
            assert sum(got.table["amount"].to_pylist()) == truth


def test_after_a_storm_the_book_equals_the_ledger_or_names_what_is_missing() -> None:
    faults, _ = ridden(seed=9, days=14, pauses=PAUSES[2:])
    assert faults.total() > 60
    assert len(faults) > 18


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_ten_thousand_faults_of_every_kind_make_no_silent_difference(part: int) -> None:
    faults: Counter[str] = Counter()
    for seed in range(1_000 * part, 1_000 * part + 40):
        faults += ridden(seed)[0]
        if faults.total() >= 2_500 and set(faults) == set(KINDS):
            return
    pytest.fail(f"so few faults: {faults}")


@pytest.mark.parametrize(
    ("seeds", "days"),
    [(range(12, 13), 6), *(pytest.param(range(part, part + 12), 35, marks=pytest.mark.slow) for part in (0, 12))],
)
def test_whoever_is_refused_much_reads_the_rest_and_names_all_that_is_missing(
    seeds: Iterable[int], days: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing fails, a sync says that all is well; so it must have read everything or been refused it."""
    monkeypatch.setattr(storm, "KINDS", {name: KINDS[name] for name in REFUSALS})
    rides = [ridden(seed, days, PAUSES[2:3] if days < 31 else PAUSES) for seed in seeds]
    assert sum(well for _, well in rides) >= len(rides)
