"""One sync: plan, read a few windows at once, write them in few transactions, say what is missing. The only writer."""

from __future__ import annotations

import json
import logging
import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any

from tallybook.collect import directory, names, people
from tallybook.collect.http import Http
from tallybook.collect.identity import Identity
from tallybook.collect.pages import keeper, others
from tallybook.collect.people import Privacy
from tallybook.collect.reader import Reader
from tallybook.collect.refusals import Ask, Failure, Outcome, joined, spanning, whole
from tallybook.collect.summary import Policy, Progress, Summary, Watch
from tallybook.collect.verify import Prover
from tallybook.collect.wanted import asks, newest_commit
from tallybook.model.clock import Clock
from tallybook.model.errors import DoesNotFitError, ProviderError, RequestRefusedError
from tallybook.model.records import Fetch, Read, Refusal
from tallybook.model.windows import naive, unix
from tallybook.store.base import Batch, Store

__all__ = ["Failure", "Policy", "Progress", "Summary", "Watch", "run", "verify"]

log = logging.getLogger(__name__)

COMMIT_ROWS = 50_000
COMMIT_SECONDS = 5.0


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
    return _run(_Run.collect, store, http, org, policy, clock, watch, summary)


def verify(
    store: Store,
    http: Http,
    org: str,
    policy: Policy,
    clock: Clock,
    watch: Watch | None = None,
    summary: Summary | None = None,
) -> Summary:
    """Compare every stable day with its control total, and read again what differs; raises as `run` does.

    Raises `NotABookError` where there is no book.
    """
    if not store.exists():
        store.coverage(org, ())
    return _run(_Run.verify, store, http, org, policy, clock, watch, summary)


def _run(
    work: Callable[[_Run], None],
    store: Store,
    http: Http,
    org: str,
    policy: Policy,
    clock: Clock,
    watch: Watch | None,
    summary: Summary | None,
) -> Summary:
    job = _Run(store, http, org, policy, clock, watch or (lambda _: None), summary or begun(org, clock))
    with store.syncing(org), job.file:
        if store.exists():
            job.open()
        try:
            work(job)
        except BaseException as exc:
            job.summary.fail(exc)
            raise
        finally:
            job.end()
        job.file.close()
        if job.opened:
            people.tidy(store)
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
        self.summary.look_back = policy.suggested
        self.progress = Progress("days")
        self.met = names.nobody()
        self.told: dict[tuple[str, ...], str] = {}
        self.privacy, self.names_wanted = Privacy(policy.directory), False
        keep = keeper(policy.keep, lambda raw: self.privacy.page(raw))
        self.reader = Reader(store, http, org, clock, policy.concurrency, keep)
        self.waiting: list[Outcome] = []
        self.answers: list[Fetch] = []
        self.committed = 0
        self.written_at = clock.monotonic()
        self.opened = False
        self.file = ExitStack()
        self.is_held = self.is_asking = False
        self.identity = Identity(http, org, self._projects, may_list=policy.directory != "off")

    @property
    def now(self) -> int:
        return unix(self.clock.now())

    def open(self) -> None:
        """Open the book; one that is not there yet is created when there is something to write."""
        if not self.opened:
            self.store.migrate()
            self.opened = True
            # Not held yet: after a person was forgotten, the file may have to be written anew.
            self.privacy, self.names_wanted = people.adopt(self.store, self.policy.directory)
            self._hold()
            self._record({"process": os.getpid()})

    def _hold(self) -> None:
        """Keep the file open for all that is done until the next request."""
        if self.opened and not self.is_held and not self.is_asking:
            self.file.enter_context(self.store.opened())
            self.is_held = True

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Let the file go while requests are under way."""
        self.file.close()
        self.is_held, self.is_asking = False, True
        try:
            yield
        finally:
            self.is_asking = False

    def end(self) -> None:
        counters = self.http.counters
        self.summary.requests, self.summary.retries = counters.requests, counters.retries
        self.summary.bytes = counters.bytes
        self.summary.refusals = joined(self.summary.refusals)
        self.summary.ended_at = self.clock.now()
        self._hold()
        if self.opened:
            # What belongs to no read that was written: pages of windows that failed, names. Nothing of a wrong key.
            answers = [*self.answers, *self.http.answers()] if self.identity.error is None else []
            rest = self.privacy.fetches(answers)
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
        self.committed = newest_commit(self.reader.held)
        self._phase("days", days)
        if self.reader.gave_up and not self.summary.windows:
            return
        # What failed by day is asked for again by the hour, and only then missing.
        self.summary.failures.clear()
        self.reader.unanswered = 0
        self._names(only_if_due=True)
        self._phase("history", self._plan(first_phase=False))
        self._names(only_if_due=False)
        if self.policy.control_totals and self.opened and not self.reader.gave_up:
            self._prove(only_if_due=True)

    def verify(self) -> None:
        self.summary.kind = "verify"
        self._prove(only_if_due=False)

    def _prove(self, *, only_if_due: bool) -> None:
        """Compare stable days with control totals, which change nothing by themselves."""

        def look(asks: list[Ask]) -> Outcome:
            found = Outcome([], [], [])
            self._each("control", asks, found.add)
            return found

        self._must_be_ours()
        self._hold()
        self.reader.held = self.store.coverage(self.org, self.policy.held)
        prover = Prover(self.store, self.org, self.policy, self.now, look, lambda asks: self._phase("control", asks))
        self.summary.control = prover.prove_if_due() if only_if_due else prover.prove()

    def _plan(self, *, first_phase: bool) -> list[Ask]:
        self._hold()
        refused = self._rows("refusals")
        self.reader.held = self.store.coverage(self.org, self.policy.held) if self.opened else {}
        committed = None if first_phase else self.committed
        return asks(self.policy, self.reader.held, refused, self.now, first_phase=first_phase, committed=committed)

    def _rows(self, table: str) -> list[dict[str, Any]]:
        return self.store.rows(table, {"org": self.org}) if self.opened else []

    def _projects(self) -> Mapping[str, set[str]]:
        return self.store.projects() if self.opened else {}

    def _must_be_ours(self) -> None:
        """Let nothing be written that was read with another organization's key; the API may be asked for it."""
        if self.identity.known:
            return
        with nullcontext() if self.is_asking else self._asking():
            self.identity.check(self.met["project"], self.now)
        self._hold()

    def _phase(self, phase: str, asks: list[Ask]) -> None:
        try:
            self._each(phase, asks, self._take)
        finally:
            self._hold()
            self._commit()
        self._settle_unknown(asks)

    def _each(self, phase: str, asks: list[Ask], take: Callable[[Outcome], None]) -> None:
        """Read windows and hand over what comes of each, telling how far it is."""
        self.progress = Progress(phase, total=len(asks))
        if not asks:
            return

        def told(outcome: Outcome) -> None:
            take(outcome)
            self.progress.done += 1
            self.progress.failed += len(outcome.failures)
            self._report()

        self._report()
        with self._asking():
            self.reader.each(asks, told)

    def _take(self, outcome: Outcome) -> None:
        outcome.reads[:] = map(self.privacy.read, outcome.reads)
        self.summary.failures += outcome.failures
        self.summary.windows += len(outcome.reads)
        self.summary.rows += sum(r.rows.num_rows for r in outcome.reads)
        for got in outcome.reads:
            names.meet(self.met, got)
            names.hear(self.told, got)
        self.waiting.append(outcome)
        self.progress.rows = self.summary.rows
        rows = sum(r.rows.num_rows for o in self.waiting for r in o.reads)
        if rows >= COMMIT_ROWS or self.clock.monotonic() - self.written_at >= COMMIT_SECONDS:
            self._commit()

    def _report(self) -> None:
        self.progress.requests, self.progress.retries = self.http.counters.requests, self.http.counters.retries
        self.watch(self.progress)

    def _commit(self) -> None:
        """Write what is waiting, in one transaction; a batch that does not fit is tried window by window."""
        waiting, self.waiting = self.waiting, []
        self.written_at = self.clock.monotonic()
        reads = tuple(r for o in waiting for r in o.reads)
        refusals = tuple(joined(r for o in waiting for r in o.refusals if r.dataset not in self.reader.unknown))
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
            self._must_be_ours()
            self.open()
            self.answers += self.http.answers()
            loose, waiting = others(self.answers, reads)
            listed = self.privacy.fetches(loose)
            refused = whole(refusals, self.reader.held)
            batch = Batch(self.org, self.summary.sync_id, reads, refused, listed, keep=self.policy.keep)
            self.summary.changes.add(self.store.replace(batch))
            self.answers = waiting
            log.debug("committed %d windows", len(reads))

    def _settle_unknown(self, asks: list[Ask]) -> None:
        """Record the datasets that the server does not know, unless it knows none of several: a wrong address."""
        asked = {a.dataset.name for a in asks}
        unknown = [r for name, r in self.reader.unknown.items() if name in asked]
        if len(asked) > 1 and len(unknown) == len(asked):
            address = self.http.base_url
            raise RequestRefusedError(
                f"{address} knows none of the datasets (HTTP 404). It should end in /v1.", status=404
            )
        refusals = spanning(unknown, asks)
        self.summary.refusals += refusals
        self._write((), refusals)

    def _names(self, *, only_if_due: bool) -> None:
        """Read the directory hourly, and at once when an unknown id has appeared."""
        if self.policy.directory == "off":
            self.summary.directory = "off"
            return
        self._hold()
        orgs, held = self._rows("orgs"), self._rows("directory")
        at_once = self.names_wanted
        what = names.due(orgs, held, self.met, naive(self.now), only_if_due=only_if_due, at_once=at_once)
        if what is None:
            return
        self.progress = Progress("names")
        self._report()
        try:
            with self._asking():
                listing = directory.collect(self.http, daily=what.daily, workers=self.policy.concurrency)
        except ProviderError as exc:
            self.summary.directory = f"not read: {exc}"
            return
        self.met["project"].update(entry["id"] for entry in listing.entries if entry["kind"] == "project")
        self._must_be_ours()
        self.summary.directory = str(listing)
        self.open()
        self._hold()
        self.names_wanted = False
        found = self.privacy.entries([*listing.entries, *names.entries(self.told), *what.strangers])
        names.write(self.store, self.org, what, found, whole=listing.whole)
