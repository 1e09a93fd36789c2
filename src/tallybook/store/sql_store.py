"""What every store does that keeps a book in tables of one SQL engine."""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, TypeVar

import pyarrow as pa

from tallybook.model.clock import Clock, SystemClock
from tallybook.model.coverage import Run, squeeze
from tallybook.model.records import Swap
from tallybook.model.windows import naive
from tallybook.store import line_items, orgs, rebuilt
from tallybook.store.amend import amend
from tallybook.store.base import Amendment, Batch, Changes, Mismatch, Provable, Store, Stream, table_of
from tallybook.store.facts import TABLES, which
from tallybook.store.rows import put, swap
from tallybook.store.session import Session
from tallybook.store.totals import Totals, daily, statement, whole
from tallybook.store.versions import VERSIONED, source
from tallybook.store.write import held_runs, write

T = TypeVar("T")

STATE = (
    "directory",
    "notes",
    "own_notes",
    "tokens",
    "token_uses",
    "syncs",
    "orgs",
    "refusals",
    "controls",
    "fetches",
    "line_items",
    "teams",
    "business",
    "business_metrics",
    "business_coverage",
    "forgotten",
)
"""The small tables that `rows` and `put` accept."""

_READABLE = (*STATE, "book")
_BATCH = 65_536
"""The most rows of a batch."""
_NEXT_VERSION = "UPDATE internal.book SET version = version + 1"


class SqlStore(ABC):
    """A book in tables; how one gets at them is left to each engine."""

    url: str
    may_be_unfinished: bool = False
    """Whether a book that is still being copied is used all the same; whoever copies it does."""

    def __init__(self, clock: Clock | None) -> None:
        self._clock = clock or SystemClock()

    @abstractmethod
    def exists(self) -> bool:
        """Return whether there is a book; never creates one."""

    @abstractmethod
    def migrate(self) -> None:
        """Create the book, or bring an older one up to this version's schema."""

    @abstractmethod
    def opened(self, *, still: bool = False) -> AbstractContextManager[None]:
        """Keep the store open for many calls in a row; with `still` this thread reads all of one moment."""

    @abstractmethod
    def close(self) -> None:
        """Release everything held."""

    @abstractmethod
    def syncing(self, org: str) -> AbstractContextManager[None]:
        """Hold the lock of `org`'s syncs; raises `StoreLockedError` that names the holder."""

    @abstractmethod
    def _reading(self) -> AbstractContextManager[Session]:
        """Return a transaction that cannot write, all of one moment."""

    @abstractmethod
    def _writing(self) -> AbstractContextManager[Session]:
        """Return a transaction that writes; nobody else writes the book meanwhile."""

    @abstractmethod
    def _compared(self, other: Store, provable: Provable) -> AbstractContextManager[Session]:
        """Return a transaction that writes and knows another book as `rebuilt`, with the `scope` of what compares."""

    def look(self, work: Callable[[Session], T]) -> T:
        """Return what `work` makes of a transaction that cannot write; it may be done again where that was lost."""
        with self._reading() as session:
            return work(session)

    def change(self, work: Callable[[Session], T]) -> T:
        """Return what `work` makes of a transaction that writes; it may be done again where that was lost."""
        with self._writing() as session:
            return work(session)

    def _now(self) -> dt.datetime:
        """Return now as it is kept at rest: naive, UTC."""
        return self._clock.now().replace(tzinfo=None)

    def replace(self, batch: Batch) -> Changes:
        """Write reads in one transaction: facts, history, coverage, requests, refusals and notes."""

        def work(session: Session) -> Changes:
            changes = write(session, batch, self._now())
            line_items.learn(session, batch.reads)
            return changes

        return self.change(work)

    def read(self, text: str, params: Sequence[Any] = ()) -> pa.Table:
        """Return the answer to one statement with bound values."""
        return self.look(lambda session: session.sql(text, params=list(params)).to_arrow_table())

    @contextmanager
    def streaming(self) -> Iterator[Stream]:
        """Yield what reads statements batch by batch, each to its end before the next, and all of one moment."""
        with self._reading() as session, ExitStack() as readers:

            def stream(text: str, params: Sequence[Any]) -> pa.RecordBatchReader:
                reader = session.sql(text, params=list(params)).to_arrow_reader(_BATCH)
                readers.callback(reader.close)
                return reader

            yield stream

    def coverage(self, org: str, datasets: Iterable[str], as_of: dt.datetime | None = None) -> dict[str, list[Run]]:
        """Return what is held, or was held as of a moment (naive UTC), per dataset, in order."""
        out: dict[str, list[Run]] = {d: [] for d in datasets}
        for name, run in self.look(lambda session: list(held_runs(session, org, list(out), as_of=as_of))):
            out[name].append(run)
        return out if as_of is None else {name: squeeze(runs) for name, runs in out.items()}

    def totals(self, org: str, name: str, start: int, end: int) -> dict[str, Any]:
        """Return the sum of every number of a dataset over `[start, end)`, Unix seconds; costs per currency."""
        return whole(name, self._sums(org, name, start, end, by_day=False))

    def daily_totals(self, org: str, name: str, start: int, end: int) -> dict[int, Totals]:
        """Return the sum of every number of a dataset per UTC day that has rows, costs per currency."""
        return daily(name, self._sums(org, name, start, end, by_day=True))

    def _sums(self, org: str, name: str, start: int, end: int, *, by_day: bool) -> list[dict[str, Any]]:
        table = TABLES[table_of(name)]
        text, params = statement(org, name, start, end, place=table.place, which=table.which, by_day=by_day)
        found: list[dict[str, Any]] = self.read(text, params).to_pylist()
        return found

    def holds_rows(self, org: str, name: str, start: int, end: int) -> bool:
        """Return whether there are facts of a dataset in `[start, end)`, Unix seconds; False without a book."""
        if not self.exists():
            return False
        table = TABLES[table_of(name)]
        params = [org, naive(start), naive(end)]
        text = f"SELECT 1 AS found FROM {table.place} WHERE org = ? AND start_time >= ? AND start_time < ?"
        if table.which:
            text, params = text + f" AND {table.which} = ?", [*params, which(name)]
        return bool(self.read(text + " LIMIT 1", params).num_rows)

    def rows(
        self, table: str, where: Mapping[str, Any] | None = None, as_of: dt.datetime | None = None
    ) -> list[dict[str, Any]]:
        """Return rows of a small table of state whose columns equal `where`; of `refusals` also as of a moment."""
        held, params = source(_state(table, _READABLE if as_of is None else VERSIONED), VERSIONED.get(table, ()), as_of)
        conditions = [f"{column} IS NOT DISTINCT FROM ?" for column in where or {}]
        text = f"SELECT * FROM {held} AS t" + (" WHERE " + " AND ".join(conditions) if conditions else "")
        found: list[dict[str, Any]] = self.read(text, [*params, *(where or {}).values()]).to_pylist()
        return found

    def put(self, table: str, rows: Sequence[Mapping[str, Any]], *, key: Sequence[str] = ()) -> None:
        """Add rows to a small table of state; rows equal in `key` are replaced."""
        if not rows:
            return
        name = _state(table, STATE)

        def work(session: Session) -> None:
            put(session, name, rows, key)
            session.execute(_NEXT_VERSION)

        self.change(work)

    def swap(self, *what: Swap) -> None:
        """Put rows of small tables of state in the place of others, in one transaction."""

        def work(session: Session) -> None:
            for each in what:
                _state(each.table, STATE)
                swap(session, each)
            session.execute(_NEXT_VERSION)

        self.change(work)

    def amend(self, what: Amendment) -> int:
        """Change what is held in one transaction; return how many values and rows that were."""
        return self.change(lambda session: amend(session, what))

    def orgs(self) -> set[str]:
        """Return the names of the organizations of which anything is held."""
        return self.look(orgs.names)

    def projects(self) -> dict[str, set[str]]:
        """Return the ids of all projects that are held, by organization."""
        return self.look(orgs.projects)

    def rename(self, old: str, new: str) -> None:
        """Give an organization another name, everywhere at once; raises `UsageError` where that cannot be."""
        self.look(lambda session: orgs.check(session, old, new))
        with ExitStack() as locks:
            for name in sorted((old, new)):
                locks.enter_context(self.syncing(name))
            self.change(lambda session: orgs.rename(session, old, new))

    def comparable(self, other: Store, provable: Provable) -> tuple[int, int]:
        """Return how many buckets are held, and how many of them `other` has from the same raw bucket."""
        with self._compared(other, provable) as session:
            return rebuilt.held_and_comparable(session)

    def mismatches(self, other: Store, provable: Provable) -> list[Mismatch]:
        """Return the rows that are not in both books, where `other` was made from the same raw buckets."""
        with self._compared(other, provable) as session:
            return list(rebuilt.mismatches(session))

    def mend(self, other: Store, provable: Provable) -> None:
        """Put what `other` has in the place of what `mismatches` names, in one transaction."""
        with self._compared(other, provable) as session:
            rebuilt.mend(session, list(rebuilt.mismatches(session)))


def _state(table: str, known: Collection[str]) -> str:
    if table not in known:
        raise ValueError(f"{table!r} is not a table of state")
    return table
