"""`kill -9` at any moment: nothing is half written, and the next sync ends as if nothing had been."""

from __future__ import annotations

import datetime as dt
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tallybook.emulator import Company, create_app, running
from tallybook.model.clock import SystemClock
from tallybook.model.coverage import Run
from tallybook.model.datasets import HELD
from tallybook.model.errors import NotABookError
from tallybook.model.windows import DAY, Span, subtract, unix
from tests.books import KEY, book_at
from tests.clock import FakeClock
from tests.faults.honest import Held, Truth
from tests.store.book import FAST
from tests.store.checks import FACTS

DATASETS = ("costs", "completions", "embeddings")
KEPT = (*DATASETS, "costs_by_api_key", "costs_by_user")
DAYS = 9
PROGRAM = """
from tallybook.collect import sync
sync.COMMIT_ROWS = 100
from tallybook.cli import main
main()
"""
"""The command line; it commits after each window or two, so that a short run has several commits."""
STAGES = {"HTTP Request": "while reading", "begins": "in a transaction", "is committed": "after a commit"}
"""What the last line of the log says of where a process was."""


@dataclass
class Case:
    """A run that is killed, and what there is before it, in the middle and after it."""

    base: str
    since: int
    until: int
    truth: Truth
    old: Path
    """A book of what the provider said before it changed its mind about the last days."""
    history: Counter[Any]
    """What an undisturbed run makes of that."""
    seconds: float
    """How long an undisturbed run takes."""

    @property
    def arguments(self) -> list[str]:
        days = [str(dt.datetime.fromtimestamp(at, dt.UTC).date()) for at in (self.since, self.until - 1)]
        names = [word for name in DATASETS for word in ("--dataset", name)]
        return ["sync", "--since", days[0], "--until", days[1], *names, "-vv"]

    def sync(self, path: Path) -> None:
        """Sync in this process, to the end."""
        since, until = (dt.datetime.fromtimestamp(at, dt.UTC) for at in (self.since, self.until))
        summary = book_at(path, self.base, SystemClock()).sync(key=KEY, since=since, until=until, datasets=DATASETS)
        assert summary.ok, summary.failures


@contextmanager
def case(folder: Path) -> Iterator[Case]:
    """Run a provider that has settled, and measure an undisturbed run."""
    now = dt.datetime.now(dt.UTC)
    until = unix(now) // DAY * DAY - 4 * DAY
    since = until - DAYS * DAY
    clock = FakeClock(dt.datetime.fromtimestamp(until + 3_600, dt.UTC))
    company = Company(seed=7, days=DAYS + 3, requests_per_day=40, clock=clock)
    app = create_app(company, ["restatement", "user-by-project"])
    with running(app) as base:
        found = Case(base, since, until, Truth(app.state.company, since), folder / "old.duckdb", Counter(), 0.0)
        book_at(found.old, base, clock).sync(key=KEY, since=_date(since), until=_date(until), datasets=DATASETS)
        clock.advance(60 * 3_600)
        path = folder / "undisturbed.duckdb"
        shutil.copy(found.old, path)
        began = time.monotonic()
        with killed(found, path, after=600) as log:
            found.seconds = time.monotonic() - began
            assert "is committed" in log.read_text()
        assert_whole(found, path)
        found.history = history(path)
        assert found.history
        yield found


def _date(at: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(at, dt.UTC)


@contextmanager
def started(case: Case, path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run `tallybook sync` in a process of its own, with its log beside the book."""
    log = path.with_suffix(".log")
    environ = os.environ | {
        "OPENAI_ADMIN_KEY": "sk-admin-test",
        "TALLYBOOK_BASE_URL": case.base,
        "TALLYBOOK_BOOK": str(path),
    }
    arguments = [sys.executable, "-c", PROGRAM, *case.arguments]
    with (
        log.open("wb") as errors,
        subprocess.Popen(arguments, env=environ, stdout=subprocess.DEVNULL, stderr=errors, cwd=path.parent) as child,
    ):
        try:
            yield child
        finally:
            child.kill()


@contextmanager
def killed(case: Case, path: Path, after: float) -> Iterator[Path]:
    """Run a sync, kill it after so many seconds where it has not ended; yield its log."""
    with started(case, path) as child, suppress(subprocess.TimeoutExpired):
        child.wait(after)
    yield path.with_suffix(".log")


def stage(log: Path) -> str:
    """Return where a process was when it was killed, by what it wrote last."""
    for line in reversed(log.read_text().splitlines()):
        for words, name in STAGES.items():
            if words in line:
                return name
    return "at the start"


def held(path: Path) -> Held | None:
    """Return all that a book has; None where it has not been begun."""
    try:
        return Held(book_at(path))
    except NotABookError:
        return None


def history(path: Path) -> Counter[Any]:
    """Return every earlier version of every row, whenever it was replaced."""
    store = book_at(path).store
    times = {"recorded_at", "replaced_at"}
    rows = [(t, row) for t in FACTS.values() for row in store.read(f"SELECT * FROM {t}").to_pylist()]
    return Counter((t, *((k, v) for k, v in row.items() if k not in times)) for t, row in rows)


def assert_whole_windows(case: Case, book: Held, before: Held | None) -> None:
    """Every bucket is as the provider says it, or as the book had it before; nothing is there that is not covered."""
    for name in KEPT:
        assert book.outside(name) == [], "rows without coverage"
        olds = before.runs[name] if before else []
        for run in book.runs[name]:
            same = [old for old in olds if old.read_at == run.read_at]
            expected = before.rows(name, run, run.end) if before and same else case.truth.rows(name, run, run.end)
            assert book.rows(name, run, run.end) == expected, (name, run)
        lost = subtract([old.span for old in olds], [run.span for run in book.runs[name]])
        assert lost == [], "coverage that was lost"
        gaps = subtract([Span(case.since, last_end(book.runs[name], case.since))], [r.span for r in book.runs[name]])
        assert subtract(gaps, book.missing[name]) == [], "status does not name what is missing"


def last_end(runs: list[Run], otherwise: int) -> int:
    return max((run.end for run in runs), default=otherwise)


def assert_whole(case: Case, path: Path) -> None:
    """The book is what the provider says, from the first day to the last."""
    book = held(path)
    assert book is not None
    for name in KEPT:
        assert subtract([Span(case.since, case.until)], [run.span for run in book.runs[name]]) == []
        for run in book.runs[name]:
            assert run.dimensions == HELD[name].asked
            assert book.rows(name, run, run.end) == case.truth.rows(name, run, run.end), (name, run)


def kill_at(case: Case, folder: Path, number: int, share: float) -> str:
    """Kill a run after this share of its time, look at the book, sync it to the end; return where it was killed."""
    path = folder / f"{number}.duckdb"
    before = None
    if number % 2:
        shutil.copy(case.old, path)
        before = held(path)
    with killed(case, path, case.seconds * share) as log:
        found, where = held(path), stage(log)
    committed = "is committed" in log.read_text()
    assert found is not None or not committed
    if found is not None:
        assert_whole_windows(case, found, before)
    case.sync(path)
    assert_whole(case, path)
    assert history(path) == (case.history if before else Counter())
    for file in folder.glob(f"{number}.*"):
        file.unlink()
    return where


def test_whoever_reads_while_a_sync_writes_sees_only_whole_windows() -> None:
    with tempfile.TemporaryDirectory(dir=FAST) as name, case(Path(name)) as found:
        path = Path(name) / "read.duckdb"
        shutil.copy(found.old, path)
        before = held(path)
        states = set()
        with started(found, path) as child:
            while child.poll() is None:
                book = held(path)
                assert book is not None
                assert_whole_windows(found, book, before)
                states.add(frozenset(run.recorded_at for runs in book.runs.values() for run in runs))
        assert child.returncode == 0
        assert_whole(found, path)
    assert len(states) > 1


def kills(seed: int, count: int) -> Counter[str]:
    """Kill so many runs at random moments; return where they were."""
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory(dir=FAST) as name, case(Path(name)) as found:
        return Counter(kill_at(found, Path(name), number, draw.uniform(0.02, 1.0)) for number in range(count))


def test_a_sync_killed_at_any_moment_leaves_a_book_that_the_next_one_completes() -> None:
    assert kills(0, 6).total() == 6


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_two_hundred_syncs_are_killed_while_reading_in_transactions_and_after_commits(part: int) -> None:
    where = kills(part + 1, 50)
    assert all(where[name] for name in STAGES.values()), where
