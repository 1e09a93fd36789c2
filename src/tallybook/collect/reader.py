"""Windows read a few at once, in threads; what is known to be in vain is not asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from tallybook.collect.answers import NotJsonError
from tallybook.collect.http import Http
from tallybook.collect.openai import Keep
from tallybook.collect.refusals import UNKNOWN_DATASET, Ask, Failure, Outcome, ask
from tallybook.collect.several import Several
from tallybook.model.clock import Clock
from tallybook.model.coverage import Run
from tallybook.model.errors import PermissionDeniedError, RateLimitError, TallybookError, UnreachableError
from tallybook.model.records import Read, Refusal
from tallybook.model.windows import overlap, unix
from tallybook.store.base import Store

_GIVE_UP_AFTER = 4
"""After so many windows in a row without any answer of the API, the rest is not tried."""
_NO_ANSWER = (UnreachableError, RateLimitError, NotJsonError)


class Reader:
    """Reads windows of one organization, and remembers what the server does not know or allow."""

    def __init__(self, store: Store, http: Http, org: str, clock: Clock, concurrency: int, keep: Keep) -> None:
        self.store, self.http, self.org, self.clock, self.concurrency = store, http, org, clock, concurrency
        self.keep = keep
        self.held: Mapping[str, Sequence[Run]] = {}
        """What the book holds: where that has rows, an answer without any is asked for again."""
        self.unknown: dict[str, Refusal] = {}
        """The datasets that the server does not know."""
        self.denied: dict[str, TallybookError] = {}
        self.unanswered = 0
        """How many windows in a row had no answer."""

    @property
    def gave_up(self) -> bool:
        """Whether so many windows had no answer that the rest was not tried."""
        return self.unanswered >= _GIVE_UP_AFTER

    def each(self, asks: Iterable[Ask], take: Callable[[Outcome], None]) -> None:
        """Read all windows and hand over, in this thread, what comes of each as it comes."""
        pool = ThreadPoolExecutor(self.concurrency, thread_name_prefix="tallybook")
        outcomes = Several(pool, self._ask, asks, 2 * self.concurrency)
        try:
            for outcome in outcomes:
                self._learn(outcome)
                take(outcome)
        except BaseException:
            self.http.stop()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            for outcome in outcomes.rest():
                take(outcome)

    def _learn(self, outcome: Outcome) -> None:
        silent = any(isinstance(f.error, _NO_ANSWER) for f in outcome.failures)
        self.unanswered = self.unanswered + 1 if silent else 0
        for refusal in outcome.refusals:
            if refusal.reason == UNKNOWN_DATASET:
                self.unknown.setdefault(refusal.dataset, refusal)
        self.denied |= {f.dataset: f.error for f in outcome.failures if isinstance(f.error, PermissionDeniedError)}

    def _ask(self, step: Ask) -> Outcome:
        if step.dataset.name in self.unknown:
            return Outcome([], [], [])
        if (error := self.denied.get(step.dataset.name)) is not None:
            return Outcome([], [], [Failure(step.dataset.name, step.window, error)])
        if self.gave_up:
            error = UnreachableError("Not tried: the server gave no usable answer for the windows before.")
            return Outcome([], [], [Failure(step.dataset.name, step.window, error)])
        outcome = self._read(step)
        for got in outcome.reads[:]:
            for split in step.splits:
                part = overlap(split.window, got.window)
                if part is not None:
                    outcome.add(self._read(replace(split, window=part)))
        return outcome

    def _read(self, step: Ask) -> Outcome:
        now = unix(self.clock.now())
        outcome = ask(self.http, step, now=now, keep=self.keep)
        for got in outcome.reads[:]:
            ended = min(got.window.end, got.read_at)
            if got.rows.num_rows or not self._holds_rows(got, ended):
                continue
            # From rows to none: believed only when a second read agrees.
            outcome.reads.remove(got)
            outcome.add(ask(self.http, Ask(step.dataset, got.window, got.dimensions), now=now, keep=self.keep))
        return outcome

    def _holds_rows(self, got: Read, ended: int) -> bool:
        """Return whether the book has rows where this read has none; asks the store only where it can."""
        known = any(run.extent.overlaps(got.window) for run in self.held.get(got.dataset, ()))
        return known and self.store.holds_rows(self.org, got.dataset, got.window.start, ended)
