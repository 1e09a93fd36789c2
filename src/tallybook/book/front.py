"""Open a book, sync it, ask it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import msgspec

from tallybook.book.common import Words, admin_key, wanted, watched, words
from tallybook.book.exporting import Exporting
from tallybook.book.orgs import Organization, organizations
from tallybook.book.own import Own
from tallybook.book.reports import Reports
from tallybook.book.stores import store_of
from tallybook.model.clock import Clock, SystemClock
from tallybook.model.coverage import cover, squeeze
from tallybook.model.datasets import REACH
from tallybook.model.secret import AdminKey
from tallybook.model.settings import Settings, checked_name, load
from tallybook.model.windows import Window, floor, unix
from tallybook.query.clocks.time import When, moment
from tallybook.query.clocks.time import resolve as resolve_time
from tallybook.query.reports import completeness, inventory
from tallybook.query.where import Where
from tallybook.show.result import Result
from tallybook.store.base import Store

# What talks to the API is imported by the functions that do, so that a question does not wait for it.
if TYPE_CHECKING:
    import httpx2

    from tallybook.collect.checks import Check
    from tallybook.collect.evidence import Proof
    from tallybook.collect.forget import Forgetting
    from tallybook.collect.rebuild import Rebuilt
    from tallybook.collect.summary import Policy, Summary, Watch
    from tallybook.query.people import Person


def open(  # noqa: A001 - `tallybook.open` reads as it should
    book: str | Path | None = None, *, config: str | Path | None = None, clock: Clock | None = None
) -> Book:
    """Open a book: a path, `postgresql://…`, or what the settings name. Nothing is created until `sync`.

    Settings come from `config`, else from the nearest `tallybook.toml`. Raises `SettingsError` or `UsageError`.
    """
    settings = load(config)
    if book is not None:
        settings = msgspec.structs.replace(settings, book=str(book))
    clock = clock or SystemClock()
    return Book(store_of(settings.book, clock), settings, clock)


class Book(Own, Reports, Exporting):
    """A store with its settings, opened. Safe to use from several threads; a context manager."""

    def __init__(self, store: Store, settings: Settings, clock: Clock) -> None:
        self.store = store
        self.settings = settings
        self._clock = clock

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Book {self.store.url}>"

    def close(self) -> None:
        """Release the store."""
        self.store.close()

    @property
    def org(self) -> str:
        """The short name of the organization; raises `UsageError` where there are several."""
        return self.settings.only().name

    @property
    def orgs(self) -> tuple[str, ...]:
        """The short names of the organizations of the settings."""
        return self.settings.orgs

    def sync(
        self,
        *,
        since: When | None = None,
        until: When | None = None,
        datasets: Words | None = None,
        full: bool = False,
        orgs: Words | None = None,
        key: str | AdminKey | None = None,
        progress: Watch | None = None,
        transport: httpx2.BaseTransport | None = None,
    ) -> Summary:
        """Bring the book up to date from the API, creating it if need be; returns what was done and what is missing.

        `since`, `until`, `datasets` and `orgs` bound this run; `full` reads stable days again, too. Running it again
        costs little and changes nothing that did not change at OpenAI. Raises `SettingsError`, `ProviderError` (only
        when the server refuses the key) or `StoreError`; single windows that fail are in the summary. Several
        organizations are read one after another: then what is raised for one is in its summary, too (`.each`).
        """
        from tallybook.book.syncing import sync_each

        chosen = self.settings.chosen(words(orgs))
        policy = self.policy(since=since, until=until, datasets=datasets, full=full)
        own = admin_key(key)
        with watched(progress) as watch:
            return sync_each(
                self.store, self.settings, chosen, policy, self._clock, key=own, watch=watch, transport=transport
            )

    def verify(
        self,
        *,
        since: When | None = None,
        until: When | None = None,
        datasets: Words | None = None,
        orgs: Words | None = None,
        key: str | AdminKey | None = None,
        progress: Watch | None = None,
        transport: httpx2.BaseTransport | None = None,
    ) -> Summary:
        """Compare every stable day with its control total, the day read ungrouped; `.control` has what was found.

        A day that differs is read again in full, and compared again. Raises as `sync` does, and `NotABookError` where
        there is no book; several organizations have each their summary (`.each`).
        """
        from tallybook.book.syncing import sync_each
        from tallybook.collect.sync import verify

        chosen, own = self.settings.chosen(words(orgs)), admin_key(key)
        policy = self.policy(since=since, until=until, datasets=datasets, full=False)
        with watched(progress) as watch:
            return sync_each(
                self.store, self.settings, chosen, policy, self._clock,
                key=own, watch=watch, transport=transport, work=verify,
            )  # fmt: skip

    def plan(
        self,
        *,
        since: When | None = None,
        until: When | None = None,
        datasets: Words | None = None,
        full: bool = False,
        org: str | None = None,
    ) -> list[tuple[str, Window]]:
        """Return the windows that a sync would read now, each one request, without asking the API anything.

        Where there are several organizations, `org` names one.
        """
        from tallybook.collect.wanted import asks, newest_commit

        policy = self.policy(since=since, until=until, datasets=datasets, full=full)
        now = unix(self._clock.now())
        name = self.settings.only(org).name
        held = self.store.coverage(name, policy.held) if self.store.exists() else {}
        refused = self.store.rows("refusals", {"org": name}) if self.store.exists() else []
        committed = newest_commit(held)
        days = asks(policy, held, refused, now, first_phase=True)
        # The second phase is planned from what the first will have read.
        after = dict(held)
        for a in (part for whole in days for part in (whole, *whole.splits)):
            runs = after.get(a.dataset.name, ())
            after[a.dataset.name] = list(cover(runs, a.window, tuple(sorted(a.dimensions)), now, committed + 1).runs)
        after = {dataset: squeeze(runs) for dataset, runs in after.items()}
        history = asks(policy, after, refused, now, first_phase=False, committed=committed)
        every = (part for whole in [*days, *history] for part in (whole, *whole.splits))
        return [(a.dataset.name, a.window) for a in every]

    def policy(self, *, since: When | None, until: When | None, datasets: Words | None, full: bool) -> Policy:
        """Return how a sync with these bounds collects; raises `UsageError` for dates that make no sense."""
        from tallybook.book.policies import policy

        now = unix(self._clock.now())
        return policy(self.store, self.settings, now, since=since, until=until, datasets=words(datasets), full=full)

    def query(
        self,
        *metrics: str,
        by: Words = (),
        grain: str = "total",
        period: str | None = None,
        since: When | None = None,
        until: When | None = None,
        last: str | None = None,
        where: Where | None = None,
        top: int | None = None,
        compare: str | None = None,
        tz: str = "UTC",
        org: Words | None = None,
        as_of: When | None = None,
        within: Where | None = None,
    ) -> Result:
        """Answer a question from the book, with one statement.

        `metrics`: `cost` (billed, before tax, credits and adjustments), OpenAI's measures, …; `by`: dimensions;
        `grain`: `minute` to `year`, or `total`, by the clocks of `tz`. The time is said in one way: `period`,
        `since`/`until` or `last` (default 30 days). `where` filters by id or name: `{"project": ["Search", "proj_1"]}`.
        `top` tells so many groups apart, the rest is `Other`; `compare` puts `previous` or `year` beside. `org` names
        the organizations (default: all of the settings). `as_of` asks for what the book knew at an earlier moment (a
        bare date: at its end); only names are those of today. `within` is a filter that holds besides `where`, for
        whoever may see no more. Raises `QueryError` with the nearest alternatives,
        `UsageError` for a date, `NotABookError` where nothing was synced yet.
        """
        from tallybook.book.asking import ask
        from tallybook.book.ranks import with_rank

        return with_rank(self.query, ask(
            self.store, self.settings, self._look_back(), self._clock.now(), metrics, by=by, grain=grain, period=period,
            since=since, until=until, last=last, where=where, top=top, compare=compare, tz=tz, org=org, as_of=as_of,
            within=within,
        ))  # fmt: skip

    def status(self, org: str | None = None) -> inventory.Status:
        """Return what the book holds, per dataset, and what is missing. Never creates a book.

        Where there are several organizations, `org` names one.
        """
        name = self.org if org is None else org
        now = unix(self._clock.now())
        return inventory.status(self.store, name, self._look_back(), now, self._first())

    def coverage(
        self,
        *,
        period: str | None = None,
        since: When | None = None,
        until: When | None = None,
        last: str | None = None,
        org: str | None = None,
    ) -> completeness.Completeness:
        """Return what is held of every dataset on every UTC day: stable, provisional, open, partial, missing, …

        Without a range: from the first day held, or wanted, to today. Never creates a book.
        Where there are several organizations, `org` names one.
        """
        name = self.org if org is None else org
        now = self._clock.now()
        said = (period, since, until, last) != (None, None, None, None)
        span = resolve_time(now, period=period, since=since, until=until, last=last) if said else None
        return completeness.of(
            self.store, name, self._look_back(), unix(now), self._first(), wanted(self.settings), span
        )

    def proof(self, dataset: str, day: When, *, where: Where | None = None, org: str | None = None) -> Proof:
        """Return what is behind the numbers of a dataset on a UTC day: requests, raw buckets with their hashes, rows.

        `where` restricts the rows by id or name, as in `query`. Hashes and sums are computed again from what the book
        has kept; `.is_proved` says whether they fit. Where there are several organizations, `org` names one.
        Raises `QueryError`, `UsageError`, `NotABookError`.
        """
        from tallybook.book.proving import proof

        return proof(self.store, self.settings.only(org).name, dataset, day, where or {})

    def forget(self, user: str, *, confirm: Callable[[Person], bool] | None = None) -> Forgetting | None:
        """Erase a user, said by id, e-mail or name, from the whole book; a pseudonym keeps every number.

        Later syncs do not bring the person back. Returns None where `confirm` is asked and says no. Raises
        `UsageError` where nobody is called so, and with the ids where several users are; `StoreError`.
        """
        from tallybook.book.forgetting import forget

        return forget(self.store, self.orgs, user, self._clock, confirm)

    def organizations(self) -> list[Organization]:
        """Return the organizations of the settings, and what else the book holds. Never creates a book."""
        return organizations(self.settings, self.store)

    def rename_org(self, old: str, new: str) -> None:
        """Give the organization `old` the name `new`, in every row; raises `UsageError` where that cannot be.

        The settings are yours to change.
        """
        self.store.rename(old, checked_name(new))

    def rebuild(self, *, apply: bool = False, progress: Watch | None = None) -> Rebuilt:
        """Make the book again, beside it, from the raw buckets that it keeps, and compare; changes nothing.

        With `apply`, what differs is put back as it was given, in one transaction; what cannot be made again (because
        no raw bucket of it is kept, or its bytes are damaged) stays as it is. Raises `StoreLockedError` while a sync
        runs, `NotABookError`.
        """
        from tallybook.book.proving import rebuilt

        with watched(progress) as watch:
            return rebuilt(self.store, watch, apply=apply)

    def doctor(
        self, *, environ: Mapping[str, str] | None = None, transport: httpx2.BaseTransport | None = None
    ) -> list[Check]:
        """Check settings, key, scopes and store; each result says what to change. Sends a few GETs."""
        from tallybook.collect.checks import doctor

        return doctor(self.settings, self.store, self._clock, environ, transport)

    def _first(self) -> int:
        """Return the first moment that is wanted: as the settings say, else the year that the API gives."""
        since = self.settings.sync.since
        return moment(since) if since else floor(unix(self._clock.now()) - REACH, "1d")

    def _wanted(self) -> set[str]:
        """Return what the settings ask to collect."""
        return wanted(self.settings)
