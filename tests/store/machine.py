"""Steps of a book's life, and everything that must be true after each of them."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tallybook.collect import plan, sync
from tallybook.collect.http import Http
from tallybook.model.coverage import squeeze
from tallybook.model.errors import ProviderError
from tallybook.model.secret import AdminKey
from tallybook.model.windows import SECONDS, naive, unix
from tallybook.store import duckdb as duckdb_store
from tallybook.store.base import Batch, Changes
from tallybook.store.duckdb import DuckDBStore
from tests.clock import FakeClock
from tests.store.oracle import Oracle, table_rows
from tests.store.world import BASE, DIMENSIONS, Mood, World

DAY = SECONDS["1d"]
BEGIN = 20_500 * DAY
"""A midnight."""
TABLES = (
    "usage", "costs", "internal.usage_history", "internal.costs_history", "internal.coverage",
    "internal.coverage_history",
)  # fmt: skip
PLACES = 14
"""Moments at which something happens, spread over four days."""
FOREVER = naive(1 << 37)
HISTORY = {"open", "restated", "rewidened", "regrouped"}


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
    crash: str | None = None
    """`before` or `after` the commit numbered `crash_at`."""
    crash_at: int = 0
    commit_rows: int = 50_000


class SpyStore(DuckDBStore):
    """A store that tells what it has committed, and dies where it is told to."""

    def __init__(self, path: Path, clock: FakeClock, wrote: Callable[[Batch, Changes], None]) -> None:
        super().__init__(path, clock)
        self.wrote = wrote
        self.crash: str | None = None
        self.crash_at = 0

    def replace(self, batch: Batch) -> Changes:
        if not batch.reads:
            return super().replace(batch)
        now = self.crash if self.crash_at == 0 else None
        self.crash_at -= 1
        with dying() if now == "before" else alive():
            changes = super().replace(batch)
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
    real = duckdb_store.write

    def dies(*args: Any) -> Changes:
        real(*args)
        raise CrashError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duckdb_store, "write", dies)
        yield


class Machine:
    """A book, the world it copies, and the oracle that says what must be in it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "book.duckdb"
        self.clock = FakeClock(dt.datetime.fromtimestamp(BEGIN + 2 * DAY + 34_200, dt.UTC))
        self.world = World()
        self.oracle = Oracle()
        self.known: dict[str, Any] = {}
        self.written: list[tuple[str, int, int, str]] = []
        self.earlier: list[tuple[dt.datetime, Counter[Any], Any]] = []
        self.last_commit = dt.datetime(1970, 1, 1)  # noqa: DTZ001
        self.seen: Counter[str] = self.oracle.seen
        self.tables: dict[str, list[dict[str, Any]]] = {}
        for dataset in DIMENSIONS:
            for place in range(PLACES):
                self._change(Change(dataset, place, "appear"))
        self._open()

    def _open(self) -> None:
        self.store = SpyStore(self.path, self.clock, self._wrote)

    def _wrote(self, batch: Batch, changes: Changes) -> None:
        self.oracle.apply(batch.reads, self.known)
        self.written += [(r.dataset, r.window.start, r.window.end, r.window.width) for r in batch.reads]

    # -- doing

    def step(self, step: Step) -> None:
        """Do one step, then check everything."""
        self.clock.advance(step.advance)
        self.world.horizon = max(self.world.horizon, unix(self.clock.now()))
        for change in step.changes:
            self._change(change)
        self.world.mood = step.mood
        self.known = {d: self.world.known(d) for d in DIMENSIONS}
        self._count(step)
        with self._held_open():
            summary = self._sync(step)
            self.check()
            calm = summary is not None and summary.ok and not step.mood.failing
        if step.crash and summary is None:
            self._open()
            with self._held_open():
                self.check()
        if calm and step.again:
            with self._held_open():
                self._repeat(step)

    def _count(self, step: Step) -> None:
        if step.advance < 0:
            self.seen["the clock stepped back"] += 1
        if step.since % SECONDS[step.width] or (step.until or 0) % SECONDS[step.width]:
            self.seen["unaligned edges"] += 1
        self.seen[f"width {step.width}"] += 1

    @contextmanager
    def _held_open(self) -> Iterator[None]:
        """Keep the file open between calls, which saves most of the time."""
        if not self.path.exists():
            self.store.migrate()
        with self.store._cursor():
            yield

    def _sync(self, step: Step) -> sync.Summary | None:
        policy = sync.Policy(
            tuple(DIMENSIONS),
            since=BEGIN + step.since,
            until=None if step.until is None else BEGIN + step.until,
            history_width=step.width,
            look_back=DAY // 2,
            costs_look_back=DAY,
            concurrency=1,
            full=step.full,
        )
        self.store.crash, self.store.crash_at = step.crash, step.crash_at
        self.world.answered, self.written = [], []
        http = Http(BASE, AdminKey("sk-admin-x", "a test"), self.clock, transport=self.world.transport())
        with http, pytest.MonkeyPatch.context() as patch:
            patch.setattr(plan, "LONG_GAP", DAY)
            patch.setattr(sync, "COMMIT_ROWS", step.commit_rows)
            try:
                summary = sync.run(self.store, http, "acme", policy, self.clock)
            except CrashError:
                self.seen[f"crash {step.crash} the commit"] += 1
                return None
            except ProviderError:
                self.seen["no dataset known"] += 1
                return None
            finally:
                self.store.crash = None
        self._account_for(summary)
        return summary

    def _account_for(self, summary: sync.Summary) -> None:
        """Every window that was answered was written or is named as failed."""
        failed = [(f.dataset, f.window.start, f.window.end, f.window.width) for f in summary.failures]
        assert set(self.world.answered) <= {*self.written, *failed}
        for failure in summary.failures:
            self.seen[f"failure: {type(failure.error).__name__}"] += 1
        for refusal in summary.refusals:
            self.seen[f"refusal: {refusal.reason.split(' by ')[0]}"] += 1
        self.seen["restated"] += summary.changes.restated

    def _repeat(self, step: Step) -> None:
        before = self._everything()
        self._sync(Step(0, (), step.mood, step.width, step.since, step.until, step.full))
        assert self._everything() == before, "a sync without news changed facts or history"
        self.seen["a sync without news"] += 1

    def _everything(self) -> list[Any]:
        tables = ("usage", "costs", "internal.usage_history", "internal.costs_history", "internal.notes")
        return [self.store.read(f"SELECT * FROM {t} ORDER BY ALL").to_pylist() for t in tables]

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

    # -- checking

    def check(self) -> None:
        """Compare the book with the oracle in every way."""
        self.tables = {t: self.store.read(f"SELECT * FROM {t}").to_pylist() for t in TABLES}
        facts = self._facts()
        same(facts, self.oracle.facts(), "facts")
        self._check_sums()
        self._check_coverage()
        self._check_history()
        self._check_time(facts)
        self._check_notes()

    def _facts(self) -> Counter[Any]:
        rows = self.tables["usage"] + self.tables["costs"]
        return Counter(
            (name, unix(r["start_time"]), unix(r["end_time"]), r.get("width", "1d"), key, numbers)
            for r, (name, key, numbers) in zip(rows, table_rows(rows), strict=True)
        )

    def _check_sums(self) -> None:
        """At every grain that buckets allow, a blind sum is what happened, per currency and unit."""
        widest = max((SECONDS[b.width] for d in DIMENSIONS for b in self.oracle.buckets(d)), default=60)
        for grain in (s for s in (60, 3600, DAY, 400 * DAY) if s >= widest):
            bucket = f"epoch(start_time)::BIGINT - epoch(start_time)::BIGINT % {grain}"
            found = self.store.read(
                f"SELECT {bucket}, currency, quantity_unit, SUM(amount), SUM(quantity) FROM costs GROUP BY ALL"
            )
            expected = self.oracle.sums("costs", grain)
            rows = [tuple(r.values()) for r in found.to_pylist()]
            units = {(at, currency, unit): quantity or 0 for at, currency, unit, _, quantity in rows}
            same({k: v for k, v in units.items() if v}, {k: v[1] for k, v in expected.items() if v[1]}, "quantities")
            billed = _folded((k[:2], v[0]) for k, v in expected.items())
            same(_folded((r[:2], r[3]) for r in rows), billed, "amounts")
            found = self.store.read(
                f"SELECT {bucket}, SUM(input_tokens)::BIGINT, SUM(output_tokens)::BIGINT FROM usage "
                "WHERE dataset = 'completions' GROUP BY ALL"
            )
            sums = {r[0]: r[1:] for r in (tuple(r.values()) for r in found.to_pylist())}
            same(sums, {k[0]: v[:2] for k, v in self.oracle.sums("completions", grain).items()}, "tokens")

    def _check_coverage(self) -> None:
        held = self.store.coverage("acme", DIMENSIONS)
        for name, runs in held.items():
            assert all(a.end <= b.start and a.extent.end <= b.start for a, b in pairwise(runs))
            assert runs == squeeze(runs)
            buckets = {
                at: (min(at + SECONDS[run.width], run.end), run.width, run.dimensions, run.read_at)
                for run in runs
                for at in range(run.start, run.end, SECONDS[run.width])
            }
            same(buckets, self.oracle.coverage(name), f"coverage of {name}")
            spans = [(run.extent, run.width) for run in runs]
            for row in self.tables["costs" if name == "costs" else "usage"]:
                if row.get("dataset", "costs") == name:
                    start, width = unix(row["start_time"]), row.get("width", "1d")
                    assert any(s.start <= start < s.end and w == width for s, w in spans), "a fact without coverage"
            for a, b in ((0, 10 * DAY), (DAY, 2 * DAY)):
                self._check_totals(name, BEGIN + a, BEGIN + b)

    def _check_totals(self, name: str, start: int, end: int) -> None:
        """Ask the store for the sum of everything in whole days."""
        found = self.store.totals("acme", name, start, end)
        facts = [f for f in self.oracle.facts().elements() if f[0] == name and start <= f[1] < end]
        assert self.store.holds_rows("acme", name, start, end) == bool(facts)
        if name == "costs":
            assert found == {k[0]: v for k, v in _folded(((f[4][2],), f[5][0]) for f in facts).items()}
        if name == "completions":
            assert found["input_tokens"] == sum(f[5][0] for f in facts)

    def _check_history(self) -> None:
        found: Counter[Any] = Counter()
        versions: dict[Any, list[tuple[Any, Any]]] = {}
        for table in ("usage", "costs"):
            for rows in (self.tables[f"internal.{table}_history"], self.tables[table]):
                for row, (name, key, numbers) in zip(rows, table_rows(rows), strict=True):
                    full = (name, unix(row["start_time"]), row.get("width", "1d"), key)
                    until = row.get("replaced_at") or FOREVER
                    assert row["recorded_at"] < until
                    versions.setdefault(full, []).append((row["recorded_at"], until))
                    if "reason" in row:
                        assert row["reason"] in HISTORY
                        assert not row["absent"] or not any(n is not None for n in numbers)
                        found[*full, None if row["absent"] else numbers, row["reason"]] += 1
        same(found, self.oracle.history, "history")
        for full, spans in versions.items():
            spans.sort()
            for (_, end), (start, _) in pairwise(spans):
                assert end <= start, f"two versions of {full} at one time"

    def _check_time(self, facts: Counter[Any]) -> None:
        """What was held after each earlier step can still be told; the time of commits only grows."""
        commit = self.store.read("SELECT last_commit FROM internal.book").to_pylist()[0]["last_commit"]
        assert commit >= self.last_commit
        self.last_commit = commit
        latest = self.store.read(
            "SELECT max(recorded_at) AS at FROM (SELECT recorded_at FROM usage UNION ALL SELECT recorded_at FROM costs)"
        ).to_pylist()[0]["at"]
        assert latest is None or latest <= commit
        coverage = {d: self.oracle.coverage(d) for d in DIMENSIONS}
        if not self.earlier or self.earlier[-1][0] != commit:
            self.earlier.append((commit, facts, coverage))
        for when, then, covered in self.earlier[-3:]:
            same(self._facts_as_of(when), then, f"facts as of {when}")
            for name in DIMENSIONS:
                same(self._coverage_as_of(name, when), covered[name], f"coverage of {name} as of {when}")

    def _facts_as_of(self, when: dt.datetime) -> Counter[Any]:
        out: Counter[Any] = Counter()
        for table in ("usage", "costs"):
            for rows in (self.tables[f"internal.{table}_history"], self.tables[table]):
                for row, (name, key, numbers) in zip(rows, table_rows(rows), strict=True):
                    if row["recorded_at"] <= when < row.get("replaced_at", FOREVER) and not row.get("absent"):
                        start, end = unix(row["start_time"]), unix(row["end_time"])
                        out[name, start, end, row.get("width", "1d"), key, numbers] += 1
        return out

    def _coverage_as_of(self, name: str, when: dt.datetime) -> dict[int, Any]:
        out: dict[int, Any] = {}
        for row in self.tables["internal.coverage"] + self.tables["internal.coverage_history"]:
            if row["dataset"] != name or not row["recorded_at"] <= when < row.get("replaced_at", FOREVER):
                continue
            step, until = SECONDS[row["width"]], unix(row["end_time"])
            asked = tuple(row["dimensions"].split(","))
            for at in range(unix(row["start_time"]), until, step):
                # A run that was cut inside a coarse bucket is that bucket in two pieces.
                first = at - at % step
                end = max(min(at + step, until), out[first][0] if first in out else 0)
                assert first == at or first in out
                out[first] = (min(end, first + step), row["width"], asked, unix(row["read_at"]))
        return out

    def _check_notes(self) -> None:
        rows = [r for r in self.store.rows("notes") if r["kind"] in ("regrouped", "rewidened")]
        found = Counter((r["dataset"], unix(r["start_time"]), unix(r["end_time"]), r["kind"]) for r in rows)
        same(found, Counter(self.oracle.notes), "notes")
        texts = [tuple(r[c] for c in ("org", "dataset", "start_time", "end_time", "kind", "text")) for r in rows]
        assert len(texts) == len(set(texts))


def same(found: Mapping[Any, Any], expected: Mapping[Any, Any], what: str) -> None:
    """Say only where two mappings differ: whole ones are too long to read."""
    wrong = {k: (found.get(k), expected.get(k)) for k in {**found, **expected} if found.get(k) != expected.get(k)}
    assert not wrong, f"{what}: (found, expected) differ in {wrong}"


def _folded(pairs: Any) -> dict[Any, Decimal]:
    out: dict[Any, Decimal] = {}
    for key, amount in pairs:
        out[key] = out.get(key, Decimal(0)) + (amount or Decimal(0))
    return out


def _key(dataset: str, place: int) -> tuple[Any, ...]:
    project = ("proj_a", "proj_b", None)[place % 3]
    if dataset == "vector_stores":
        return (project,)
    if dataset == "costs":
        item, unit = (("gpt, input", "tokens"), ("storage", None), (None, None))[place % 5 % 3]
        return (project, item, ("usd", "eur", "usd")[place % 7 % 3], unit)
    return (project, ("user_1", None)[place % 2], ("gpt-5", "gpt-6")[place % 5 % 2], (True, False, None)[place % 7 % 3])


def _numbers(dataset: str, place: int) -> tuple[Any, ...]:
    n = 11 * place + 3
    if dataset == "vector_stores":
        return (n,)
    if dataset == "costs":
        amount = (Decimal(n * (-1) ** place) / 7).quantize(Decimal("1e-18"))
        return (amount, None if place % 3 else Decimal(n))
    return (n, n + 1, 1, None if place % 2 else n, None if place % 3 else 2)
