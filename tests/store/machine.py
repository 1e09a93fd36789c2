"""Steps of a book's life, and everything that must be true after each of them."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tallybook.collect import plan, sync
from tallybook.collect.http import Http
from tallybook.model.clock import Clock
from tallybook.model.datasets import DATASETS, SPLITS
from tallybook.model.errors import DoesNotFitError, ProviderError
from tallybook.model.secret import AdminKey
from tallybook.model.settings import Keep
from tallybook.model.windows import SECONDS, unix
from tallybook.store import sql_store
from tallybook.store.base import Batch, Changes
from tallybook.store.duckdb import DuckDBStore
from tallybook.store.sql_store import SqlStore
from tests.clock import FakeClock
from tests.store.checks import FACTS, Checks
from tests.store.oracle import Oracle
from tests.store.rival import Rival
from tests.store.world import BASE, BEGIN, DAY, DIMENSIONS, PROJECTS, Mood, World, is_money

PLACES = 14
"""Moments at which something happens, spread over four days."""


class CrashError(Exception):
    """The process dies."""


@dataclass(frozen=True)
class Change:
    """Something that the provider says differently from now on, `place` naming where."""

    dataset: str
    place: int
    kind: str
    """`grow`, `shrink`, `vanish`, `appear`, `move`, `learn`."""


@dataclass(frozen=True)
class Step:
    """Time passes, the provider changes its mind, a sync runs."""

    advance: int
    changes: tuple[Change, ...]
    mood: Mood
    width: str
    since: int
    """Seconds after `BEGIN`."""
    until: int | None
    full: bool = False
    again: bool = False
    """Whether to sync once more without news."""
    prove: bool = False
    """Whether to compare what is held with control totals."""
    crash: str | None = None
    """`before` or `after` the commit numbered `crash_at`."""
    crash_at: int = 0
    rival: str | None = None
    """Whether somebody else writes, too: `between` this sync and the one before, or `at once`, in the middle of it."""
    jump: int = 0
    """By how much the clock is set forward or back in the middle of the sync."""
    commit_rows: int = 50_000


class Spy:
    """Lets a store tell what it has committed, and die where it is told to."""

    def __init__(self, store: SqlStore, wrote: Callable[[Batch, Changes], None]) -> None:
        self.wrote = wrote
        self.crash: str | None = None
        self.crash_at = 0
        self._real = store.replace
        store.replace = self.replace  # type: ignore[method-assign]

    def replace(self, batch: Batch) -> Changes:
        if not batch.reads:
            return self._real(batch)
        now = self.crash if self.crash_at == 0 else None
        self.crash_at -= 1
        with dying() if now == "before" else alive():
            changes = self._real(batch)
        self.wrote(batch, changes)
        if now == "after":
            raise CrashError
        return changes


@contextmanager
def alive() -> Iterator[None]:
    yield


@contextmanager
def dying() -> Iterator[None]:
    """Let the next write die in its transaction, when all is written and nothing committed."""
    real = sql_store.write

    def dies(*args: Any) -> Changes:
        real(*args)
        raise CrashError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sql_store, "write", dies)
        yield


class Machine:
    """A book, the world it copies, and the oracle that says what must be in it."""

    def __init__(
        self, folder: Path, keep: Keep = "current", another: Callable[[Clock], SqlStore] | None = None
    ) -> None:
        """`another` opens the book with a clock; without it, that is a file in `folder`."""
        self.path = folder / "book.duckdb"
        self.another = another or (lambda clock: DuckDBStore(self.path, clock))
        self.keep = keep
        self.clock = FakeClock(dt.datetime.fromtimestamp(BEGIN + 2 * DAY + 34_200, dt.UTC))
        self.world = World()
        self.oracle = Oracle()
        self.checks = Checks("acme")
        self.rival = Rival(self.another, self.clock)
        self.known: dict[str, Any] = {}
        self.written: list[tuple[str, int, int, str]] = []
        self.latest = 0
        """The latest that the clock has ever been."""
        self.seen: Counter[str] = self.oracle.seen
        for dataset in DIMENSIONS:
            for place in range(PLACES):
                self._change(Change(dataset, place, "appear"))
        self._open()

    def _open(self) -> None:
        self.store = self.another(self.clock)
        self.spy = Spy(self.store, self._wrote)

    def _wrote(self, batch: Batch, changes: Changes) -> None:
        self.oracle.apply(batch.reads, self.known)
        self.written += [(r.dataset, r.window.start, r.window.end, r.window.width) for r in batch.reads]

    def step(self, step: Step) -> None:
        """Do one step, then check everything."""
        self.clock.advance(step.advance)
        self.latest = max(self.latest, unix(self.clock.now()))
        self.world.horizon = max(self.world.horizon, unix(self.clock.now()))
        for change in step.changes:
            self._change(change)
        self.world.mood = step.mood
        self.known = {d: self.world.known(d) for d in DIMENSIONS}
        self._count(step)
        with self._held_open():
            if step.rival == "between":
                self._let_rival_write()
            summary = self._sync(step)
            self.latest = max(self.latest, unix(self.clock.now()))
            self.checks.check(self.store, self.oracle)
            if step.rival:
                self.rival.check()
            calm = summary is not None and summary.ok and not step.mood.failing
        if step.crash and summary is None:
            self._open()
            with self._held_open():
                self.checks.check(self.store, self.oracle)
        if calm and step.again:
            with self._held_open():
                self._repeat(step)
        if calm and step.prove and not self.behind:
            with self._held_open():
                self._prove(step)

    def _count(self, step: Step) -> None:
        if step.advance < 0:
            self.seen["the clock stepped back"] += 1
        if step.since % SECONDS[step.width] or (step.until or 0) % SECONDS[step.width]:
            self.seen["unaligned edges"] += 1
        self.seen[f"width {step.width}"] += 1

    @property
    def behind(self) -> bool:
        return unix(self.clock.now()) < self.latest

    @contextmanager
    def _held_open(self) -> Iterator[None]:
        """Keep the file open between calls, which saves most of the time."""
        if not self.store.exists():
            self.store.migrate()
        with self.store.opened():
            yield

    def _let_rival_write(self) -> None:
        self.rival.sync(self.world, self.known)
        self.seen["another organization was written"] += 1

    def _interrupt(self, step: Step) -> None:
        """Do what happens in the middle of a sync."""
        if step.jump:
            self.clock.jump(step.jump)
            self.seen["the clock was set " + ("forward" if step.jump > 0 else "back")] += 1
        if step.rival == "at once":
            self.rival.must_wait_for("acme")
            self._let_rival_write()
            self.seen["two syncs at once"] += 1

    def _sync(self, step: Step) -> sync.Summary | None:
        self.spy.crash, self.spy.crash_at = step.crash, step.crash_at
        self.world.answered, self.written = [], []
        self.world.interrupt = partial(self._interrupt, step)
        began_behind = self.behind
        with self._http() as http, pytest.MonkeyPatch.context() as patch:
            patch.setattr(plan, "LONG_GAP", DAY)
            patch.setattr(sync, "COMMIT_ROWS", step.commit_rows)
            try:
                summary = sync.run(self.store, http, "acme", self._policy(step), self.clock)
            except CrashError:
                self.seen[f"crash {step.crash} the commit"] += 1
                return None
            except ProviderError:
                self.seen["no dataset known"] += 1
                return None
            finally:
                self.spy.crash = self.world.interrupt = None
        self._account_for(summary, behind=began_behind or self.behind)
        return summary

    def _policy(self, step: Step) -> sync.Policy:
        return sync.Policy(
            tuple(d for d in DIMENSIONS if d in DATASETS),
            since=BEGIN + step.since,
            until=None if step.until is None else BEGIN + step.until,
            history_width=step.width,
            look_back=DAY // 2,
            costs_look_back=DAY,
            concurrency=1,
            full=step.full,
            splits=tuple(d for d in DIMENSIONS if d in SPLITS),
            keep=self.keep,
        )

    def _http(self) -> Http:
        return Http(BASE, AdminKey("sk-admin-x", "a test"), self.clock, transport=self.world.transport())

    def _prove(self, step: Step) -> None:
        """Everything that can be compared is equal to its control total, at once or when it was read again."""
        self.world.interrupt = None
        with self._http() as http:
            summary = sync.verify(self.store, http, "acme", self._policy(step), self.clock)
        control = summary.control
        assert control is not None
        assert not [day for day in control.days if day.state == "differs"]
        self.seen.update(f"control: {day.state}" for day in control.days)
        self.checks.check(self.store, self.oracle)

    def _account_for(self, summary: sync.Summary, *, behind: bool) -> None:
        """Every window that was answered was written or is named as failed."""
        failed = [(f.dataset, f.window.start, f.window.end, f.window.width) for f in summary.failures]
        assert set(self.world.answered) <= {*self.written, *failed}
        for failure in summary.failures:
            # Only a clock that runs behind what was read already makes reads that do not fit.
            assert not isinstance(failure.error, DoesNotFitError) or behind
            self.seen[f"failure: {type(failure.error).__name__}"] += 1
        for refusal in summary.refusals:
            self.seen[f"refusal: {refusal.reason.split(' by ')[0]}"] += 1
        self.seen["restated"] += summary.changes.restated

    def _repeat(self, step: Step) -> None:
        again = Step(0, (), step.mood, step.width, step.since, step.until, step.full)
        if step.jump > 0:  # Days have ended and verdicts expired since it began: that is news.
            self._sync(again)
            self.checks.check(self.store, self.oracle)
        before = self._everything()
        self._sync(again)
        assert self._everything() == before, "a sync without news changed facts or history"
        self.seen["a sync without news"] += 1

    def _everything(self) -> list[Any]:
        tables = (*FACTS, *FACTS.values(), "internal.notes")
        return [sorted(self.store.read(f"SELECT * FROM {t}").to_pylist(), key=repr) for t in tables]

    def _change(self, change: Change) -> None:
        at = BEGIN + (change.place * 27_481 % (4 * DAY)) // 60 * 60
        rows = self.world.minutes[change.dataset].setdefault(at, {})
        key = _key(change.dataset, change.place)
        numbers = rows.get(key) or _numbers(change.dataset, change.place)
        match change.kind:
            case "vanish":
                rows.clear()
            case "move":  # the same total, told apart otherwise
                rows.pop(key, None)
                rows[_key(change.dataset, change.place + 1)] = numbers
            case "learn":  # a number that was not known
                rows[key] = (*numbers[:-1], 3 if numbers[-1] is None else numbers[-1] + 1)
            case "shrink":
                rows[key] = tuple(None if n is None else n - 7 for n in numbers)
            case "grow":
                rows[key] = tuple(None if n is None else n + 5 for n in numbers)
            case _:
                rows[key] = numbers


def _key(dataset: str, place: int) -> tuple[Any, ...]:
    project = (*PROJECTS, None)[place % 3]
    if dataset == "vector_stores":
        return (project,)
    if is_money(dataset):
        user = () if dataset == "costs" else (("user_1", None, "user_2")[place % 11 % 3],)
        item, unit = (("gpt, input", "tokens"), ("storage", None), (None, None))[place % 5 % 3]
        return (project, item, *user, ("usd", "eur", "usd")[place % 7 % 3], unit)
    return (project, ("user_1", None)[place % 2], ("gpt-5", "gpt-6")[place % 5 % 2], (True, False, None)[place % 7 % 3])


def _numbers(dataset: str, place: int) -> tuple[Any, ...]:
    n = 11 * place + 3
    if dataset == "vector_stores":
        return (n,)
    if is_money(dataset):
        amount = (Decimal(n * (-1) ** place) / 7).quantize(Decimal("1e-18"))
        return (amount, None if place % 3 else Decimal(n))
    return (n, n + 1, 1, None if place % 2 else n, None if place % 3 else 2)
