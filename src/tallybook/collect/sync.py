"""One sync: plan, read a few windows at once, write them in few transactions, say what is missing. The only writer."""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from tallybook.collect import directory, names
from tallybook.collect.answers import NotJsonError
from tallybook.collect.http import Http
from tallybook.collect.pages import keeper
from tallybook.collect.refusals import UNKNOWN_DATASET, Ask, Failure, Outcome, ask
from tallybook.collect.summary import Policy, Progress, Summary, Watch
from tallybook.collect.wanted import asks, newest_commit
from tallybook.model.clock import Clock
from tallybook.model.coverage import Run
from tallybook.model.errors import (
    DoesNotFitError,
    PermissionDeniedError,
    ProviderError,
    RateLimitError,
    RequestRefusedError,
    TallybookError,
    UnreachableError,
)
from tallybook.model.records import Fetch, Read, Refusal
from tallybook.model.windows import Span, naive, overlap, unix
from tallybook.store.base import Batch, Store

__all__ = ["Failure", "Policy", "Progress", "Summary", "Watch", "run"]

log = logging.getLogger(__name__)

COMMIT_ROWS = 50_000
COMMIT_SECONDS = 5.0
_GIVE_UP_AFTER = 4
"""After so many windows in a row without any answer of the API, the rest is not tried."""
_NO_ANSWER = (UnreachableError, RateLimitError, NotJsonError)


def run(
    store: Store,
    http: Http,
    org: str,
    policy: Policy,
    clock: Clock,
    watch: Watch | None = None,
    summary: Summary | None = None,
) -> Summary:
    """Bring the book up to date; returns what was done and what is missing, which is `summary` where it is given.

    A window that fails does not stop the others, and what was read is kept. Raises `AuthenticationError` or
    `PermissionDeniedError` when the server refuses the key, `StoreError` when the book cannot be written and
    `StoreLockedError` when another sync of this organization runs.
    """
    with store.syncing(org):
        job = _Run(store, http, org, policy, clock, watch or (lambda _: None), summary or begun(org, clock))
        if store.exists():
            job.open()
        try:
            job.collect()
        except BaseException as exc:
            job.summary.fail(exc)
            raise
        finally:
            job.end()
        return job.summary


def begun(org: str, clock: Clock) -> Summary:
    """Return the summary of a sync that begins now."""
    return Summary(org, uuid.uuid4().hex, clock.now())


class _Run:
    def __init__(
        self, store: Store, http: Http, org: str, policy: Policy, clock: Clock, watch: Watch, summary: Summary
    ) -> None:
        self.store, self.http, self.org, self.policy, self.clock, self.watch = store, http, org, policy, clock, watch
        self.summary = summary
        self.progress = Progress("days")
        self.met = names.nobody()
        self.unknown_datasets: dict[str, Refusal] = {}
        self.denied: dict[str, TallybookError] = {}
        self.unreachable = 0
        self.waiting: list[Outcome] = []
        self.answers: list[Fetch] = []
        self.keep = keeper(policy.keep)
        self.held: dict[str, list[Run]] = {}
        self.committed = 0
        self.written_at = clock.monotonic()
        self.opened = False

    @property
    def now(self) -> int:
        return unix(self.clock.now())

    def open(self) -> None:
        """Open the book; one that is not there yet is created when there is something to write."""
        if not self.opened:
            self.store.migrate()
            self.opened = True
            self._record({"process": os.getpid()})

    def _at_once(self) -> AbstractContextManager[None]:
        """Keep the file open for several calls without a request in between."""
        return self.store.opened() if self.opened else nullcontext()

    def end(self) -> None:
        counters = self.http.counters
        self.summary.requests, self.summary.retries = counters.requests, counters.retries
        self.summary.bytes = counters.bytes
        self.summary.refusals = _joined(self.summary.refusals)
        self.summary.ended_at = self.clock.now()
        if self.opened:
            with self._at_once():
                # What belongs to no read that was written: pages of windows that failed, names.
                rest = (*self.answers, *self.http.answers())
                self.store.replace(Batch(self.org, self.summary.sync_id, fetches=rest, keep=self.policy.keep))
                self._record(self.summary.as_dict())

    def _record(self, summary: Mapping[str, Any]) -> None:
        ended = self.summary.ended_at
        row = {
            "org": self.org,
            "sync_id": self.summary.sync_id,
            "began_at": self.summary.began_at.replace(tzinfo=None),
            "ended_at": ended.replace(tzinfo=None) if ended else None,
            "summary": json.dumps(summary),
        }
        self.store.put("syncs", [row], key=("org", "sync_id"))

    def collect(self) -> None:
        days = self._plan(first_phase=True)
        self.committed = newest_commit(self.held)
        self._phase("days", days)
        if self.unreachable >= _GIVE_UP_AFTER and not self.summary.windows:
            return
        # What failed by day is asked for again by the hour, and only then missing.
        self.summary.failures.clear()
        self.unreachable = 0
        self._names(only_if_due=True)
        self._phase("history", self._plan(first_phase=False))
        self._names(only_if_due=False)

    def _plan(self, *, first_phase: bool) -> list[Ask]:
        with self._at_once():
            refused = self._rows("refusals")
            self.held = self.store.coverage(self.org, self.policy.held) if self.opened else {}
        committed = None if first_phase else self.committed
        return asks(self.policy, self.held, refused, self.now, first_phase=first_phase, committed=committed)

    def _rows(self, table: str) -> list[dict[str, Any]]:
        return self.store.rows(table, {"org": self.org}) if self.opened else []

    def _phase(self, phase: str, asks: list[Ask]) -> None:
        self.progress = Progress(phase, total=len(asks))
        if not asks:
            return
        self._report()
        pool = ThreadPoolExecutor(self.policy.concurrency, thread_name_prefix="tallybook")
        try:
            for outcome in self._outcomes(pool, asks):
                self._take(outcome)
        except BaseException:
            self.http.stop()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            self._commit()
        self._settle_unknown(asks)

    def _outcomes(self, pool: ThreadPoolExecutor, asks: list[Ask]) -> Iterator[Outcome]:
        """Yield what came of each window as it comes, with a few under way at any time."""
        todo = iter(asks)
        under_way: set[Future[Outcome]] = set()
        while True:
            while len(under_way) < 2 * self.policy.concurrency and (step := next(todo, None)) is not None:
                under_way.add(pool.submit(self._ask, step))
            if not under_way:
                return
            done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            if any(future.exception() for future in done):
                # What was answered beside it is kept.
                self.http.stop()
                done |= {future for future in under_way if not future.cancel()}
                wait(done)
            yield from (future.result() for future in done if future.exception() is None)
            if error := next((e for future in done if (e := future.exception())), None):
                raise error

    def _ask(self, step: Ask) -> Outcome:
        if step.dataset.name in self.unknown_datasets:
            return Outcome([], [], [])
        if (error := self.denied.get(step.dataset.name)) is not None:
            return Outcome([], [], [Failure(step.dataset.name, step.window, error)])
        if self.unreachable >= _GIVE_UP_AFTER:
            error = UnreachableError("Not tried: the server gave no usable answer for the windows before.")
            return Outcome([], [], [Failure(step.dataset.name, step.window, error)])
        outcome = self._read(step)
        for got in outcome.reads[:]:
            for split in step.splits:
                part = overlap(split.window, got.window)
                if part is not None:
                    outcome.add(self._read(dataclasses.replace(split, window=part)))
        return outcome

    def _read(self, step: Ask) -> Outcome:
        outcome = ask(self.http, step, now=self.now, keep=self.keep)
        for got in outcome.reads[:]:
            ended = min(got.window.end, got.read_at)
            if got.rows.num_rows or not self._holds_rows(got, ended):
                continue
            # From rows to none: believed only when a second read agrees.
            outcome.reads.remove(got)
            outcome.add(ask(self.http, Ask(step.dataset, got.window, got.dimensions), now=self.now, keep=self.keep))
        return outcome

    def _holds_rows(self, got: Read, ended: int) -> bool:
        """Return whether the book has rows where this read has none; asks the store only where it can."""
        known = any(run.extent.overlaps(got.window) for run in self.held.get(got.dataset, ()))
        return known and self.store.holds_rows(self.org, got.dataset, got.window.start, ended)

    def _take(self, outcome: Outcome) -> None:
        self.unreachable = self._unreachable_after(outcome)
        for refusal in outcome.refusals:
            if refusal.reason == UNKNOWN_DATASET:
                self.unknown_datasets.setdefault(refusal.dataset, refusal)
        self.denied |= {f.dataset: f.error for f in outcome.failures if isinstance(f.error, PermissionDeniedError)}
        self.summary.failures += outcome.failures
        self.summary.windows += len(outcome.reads)
        self.summary.rows += sum(r.rows.num_rows for r in outcome.reads)
        for got in outcome.reads:
            names.meet(self.met, got)
        self.waiting.append(outcome)
        self.progress.done += 1
        self.progress.failed += len(outcome.failures)
        self.progress.rows = self.summary.rows
        self._report()
        rows = sum(r.rows.num_rows for o in self.waiting for r in o.reads)
        if rows >= COMMIT_ROWS or self.clock.monotonic() - self.written_at >= COMMIT_SECONDS:
            self._commit()

    def _unreachable_after(self, outcome: Outcome) -> int:
        if any(isinstance(f.error, _NO_ANSWER) for f in outcome.failures):
            return self.unreachable + 1
        return 0

    def _report(self) -> None:
        self.progress.requests, self.progress.retries = self.http.counters.requests, self.http.counters.retries
        self.watch(self.progress)

    def _commit(self) -> None:
        """Write what is waiting, in one transaction; a batch that does not fit is tried window by window."""
        waiting, self.waiting = self.waiting, []
        self.written_at = self.clock.monotonic()
        reads = tuple(r for o in waiting for r in o.reads)
        refusals = tuple(_joined(r for o in waiting for r in o.refusals if r.dataset not in self.unknown_datasets))
        self.summary.refusals += refusals
        try:
            self._write(reads, refusals)
        except DoesNotFitError:
            self._write((), refusals)
            for outcome in waiting:
                try:
                    self._write(tuple(outcome.reads), ())
                except DoesNotFitError as exc:
                    self.summary.failures += [Failure(got.dataset, got.window, exc) for got in outcome.reads]

    def _write(self, reads: tuple[Read, ...], refusals: tuple[Refusal, ...]) -> None:
        if reads or refusals:
            self.open()
            self.answers += self.http.answers()
            others, waiting = _others(self.answers, reads)
            batch = Batch(self.org, self.summary.sync_id, reads, refusals, tuple(others), keep=self.policy.keep)
            self.summary.changes.add(self.store.replace(batch))
            self.answers = waiting
            log.debug("committed %d windows", len(reads))

    def _settle_unknown(self, asks: list[Ask]) -> None:
        """Record the datasets that the server does not know, unless it knows none of several: a wrong address."""
        asked = {a.dataset.name for a in asks}
        unknown = [r for name, r in self.unknown_datasets.items() if name in asked]
        if len(asked) > 1 and len(unknown) == len(asked):
            address = self.http.base_url
            raise RequestRefusedError(
                f"{address} knows none of the datasets (HTTP 404). It should end in /v1.", status=404
            )
        refusals = []
        for refusal in unknown:
            windows = [a.window for a in asks if a.dataset.name == refusal.dataset]
            whole = Span(min(w.start for w in windows), max(w.end for w in windows))
            refusals.append(dataclasses.replace(refusal, span=whole))
        self.summary.refusals += refusals
        self._write((), tuple(refusals))

    def _names(self, *, only_if_due: bool) -> None:
        """Read the directory hourly, and at once when an unknown id has appeared."""
        with self._at_once():
            orgs, held = self._rows("orgs"), self._rows("directory")
        what = names.due(orgs, held, self.met, naive(self.now), only_if_due=only_if_due)
        if what is None:
            return
        self.progress = Progress("names")
        self._report()
        try:
            listing = directory.collect(self.http, daily=what.daily, workers=self.policy.concurrency)
        except ProviderError as exc:
            self.summary.directory = f"not read: {exc}"
            return
        self.summary.directory = str(listing)
        self.open()
        names.write(self.store, self.org, what, listing)


def _others(answers: Iterable[Fetch], reads: Iterable[Read]) -> tuple[list[Fetch], list[Fetch]]:
    """Return the answers that belong to no read, and those that may yet belong to one that is not written now."""
    mine = Counter(fetch for got in reads for fetch in got.fetches)
    others: list[Fetch] = []
    waiting: list[Fetch] = []
    for answer in answers:
        if mine[answer]:
            mine[answer] -= 1
        else:
            (waiting if answer.status == 200 else others).append(answer)
    return others, waiting


def _joined(refusals: Iterable[Refusal]) -> list[Refusal]:
    """Return refusals with adjacent spans of the same kind in one."""
    out: list[Refusal] = []
    for r in sorted(refusals, key=lambda r: (r.dataset, r.width or "", r.dimension or "", r.span.start)):
        last = out[-1] if out else None
        if last and dataclasses.replace(last, span=r.span) == r and r.span.start <= last.span.end:
            out[-1] = dataclasses.replace(r, span=Span(last.span.start, max(last.span.end, r.span.end)))
        else:
            out.append(r)
    return out
