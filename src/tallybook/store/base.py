"""What every store does."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

import pyarrow as pa

from tallybook.model.clock import Clock
from tallybook.model.coverage import Run
from tallybook.model.datasets import HELD
from tallybook.model.records import Fetch, Note, Read, Refusal, Swap
from tallybook.model.settings import Keep
from tallybook.store.totals import Totals


@dataclass(frozen=True, slots=True)
class Batch:
    """What one transaction writes."""

    org: str
    sync_id: str
    reads: tuple[Read, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    fetches: tuple[Fetch, ...] = ()
    """Requests that belong to no read, such as those of the directory."""
    notes: tuple[Note, ...] = ()
    keep: Keep = "current"
    """Which raw buckets stay in the book; those of all reads are given."""


@dataclass(slots=True)
class Changes:
    """What a write changed, in rows of facts."""

    inserted: int = 0
    removed: int = 0
    """Moved to history: replaced by a newer version, or gone."""
    restated: int = 0
    """Of those removed, how many belonged to buckets that had ended when they were last read."""
    unchanged: int = 0
    notes: list[Note] = field(default_factory=list)
    """Remarks that only the comparison with what was held could find."""

    def add(self, other: Changes) -> None:
        """Count another write's changes in."""
        self.inserted += other.inserted
        self.removed += other.removed
        self.restated += other.restated
        self.unchanged += other.unchanged
        self.notes += other.notes


@dataclass(frozen=True, slots=True)
class Edit:
    """How the text of some columns changes."""

    columns: str
    """Which, as a pattern of `table.column`: `directory.email`, `*.extra`, `*`."""
    change: Callable[[str], str | None]
    holding: tuple[str, ...] = ()
    """Only where the text holds one of these, in any case; empty means wherever there is text."""


@dataclass(frozen=True, slots=True)
class Amendment:
    """What is changed wherever it is held, earlier versions included, and what is kept of that."""

    edits: tuple[Edit, ...] = ()
    pages: Callable[[bytes], tuple[bytes, bytes] | None] | None = None
    """From what is kept of a raw bucket to its new hash and what is to be kept; None where it stays."""
    removed: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Small table to the columns of the rows that go."""
    cleared: Mapping[str, tuple[Mapping[str, Any], tuple[str, ...]]] = field(default_factory=dict)
    """Small table to the columns of the rows that stay, and those of their columns that become NULL."""
    added: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    """Small table to new rows."""
    book: Mapping[str, str] = field(default_factory=dict)
    """Columns of the book's row about itself."""


@dataclass(frozen=True, slots=True)
class Provable:
    """What of a book was made again with everything that it ever was."""

    days: frozenset[tuple[str, str, int]] = frozenset()
    """Organization, dataset and midnight, Unix seconds."""
    datasets: frozenset[tuple[str, str]] = frozenset()
    """Organization and dataset of which this is true of every day."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A row that only one of two books has."""

    org: str
    dataset: str
    start: int
    """Of its bucket, Unix seconds."""
    table: str
    is_held: bool
    """Whether it is the book that has it, not the one made again."""
    row: Mapping[str, Any]

    @property
    def key(self) -> tuple[str, str, int, str]:
        """What tells its bucket and table from others."""
        return (self.org, self.dataset, self.start, self.table)


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large a book is, by table."""

    rows: Mapping[str, int]
    bytes: Mapping[str, int]
    free: int
    """Bytes that stood for something once, and are used again."""
    total: int
    """Bytes of the whole."""


Stream = Callable[[str, Sequence[Any]], pa.RecordBatchReader]


class Store(Protocol):
    """A place where a book is kept. Methods raise `StoreError`; all are safe to call from several threads."""

    url: str
    dialect: str

    def exists(self) -> bool:
        """Return whether there is a book; never creates one."""
        ...

    def version(self) -> str:
        """Return a short text that is another whenever what is held may have changed; cheap, and waits for nobody.

        Reading does not change it, but for tidying up once after a write. A book that is not there has one, too.
        """
        ...

    def migrate(self) -> None:
        """Create the book, or bring an older one up to this version's schema."""
        ...

    def ddl(self) -> str:
        """Return the statements that make a new book; raises `UsageError` where none are needed."""
        ...

    def opened(self, *, still: bool = False) -> AbstractContextManager[None]:
        """Keep the store open for many calls in a row; never held while a request to the API is under way.

        `still`: this thread only reads meanwhile, and everything as it is at one moment.
        """
        ...

    def replace(self, batch: Batch) -> Changes:
        """Write reads in one transaction: facts, history, coverage, requests, refusals and notes."""
        ...

    def read(self, text: str, params: Sequence[Any] = ()) -> pa.Table:
        """Return the answer to one statement with bound values."""
        ...

    def ask(self, text: str) -> pa.Table:
        """Return the answer to somebody's own SELECT over the public tables and views.

        Raises `UsageError` for a statement that has none, or that could do or see anything else.
        """
        ...

    def streaming(self) -> AbstractContextManager[Stream]:
        """Yield what reads statements batch by batch, each to its end before the next, and all of one moment."""
        ...

    def syncing(self, org: str) -> AbstractContextManager[None]:
        """Return a lock that one sync of `org` holds; raises `StoreLockedError` that names the holder."""
        ...

    def coverage(self, org: str, datasets: Iterable[str], as_of: dt.datetime | None = None) -> dict[str, list[Run]]:
        """Return what is held, or was held as of a moment (naive UTC), per dataset, in order."""
        ...

    def totals(self, org: str, dataset: str, start: int, end: int) -> dict[str, Any]:
        """Return the sum of every number of a dataset over `[start, end)`, Unix seconds; costs per currency."""
        ...

    def daily_totals(self, org: str, dataset: str, start: int, end: int) -> dict[int, Totals]:
        """Return the sum of every number of a dataset per UTC day that has rows, costs per currency."""
        ...

    def holds_rows(self, org: str, dataset: str, start: int, end: int) -> bool:
        """Return whether there are facts of a dataset in `[start, end)`, Unix seconds; False without a book."""
        ...

    def rows(
        self, table: str, where: Mapping[str, Any] | None = None, as_of: dt.datetime | None = None
    ) -> list[dict[str, Any]]:
        """Return rows of a small table of state whose columns equal `where`; of `refusals` also as of a moment."""
        ...

    def put(self, table: str, rows: Sequence[Mapping[str, Any]], *, key: Sequence[str] = ()) -> None:
        """Add rows to a small table of state; rows equal in `key` are replaced."""
        ...

    def swap(self, *what: Swap) -> None:
        """Put rows of small tables of state in the place of others, in one transaction."""
        ...

    def amend(self, what: Amendment) -> int:
        """Change what is held in one transaction; return how many values and rows that were.

        What was there may still lie in free blocks until `maintain`.
        """
        ...

    def orgs(self) -> set[str]:
        """Return the names of the organizations of which anything is held."""
        ...

    def projects(self) -> dict[str, set[str]]:
        """Return the ids of all projects that are held, by organization."""
        ...

    def rename(self, old: str, new: str) -> None:
        """Give an organization another name, everywhere at once; raises `UsageError` where that cannot be."""
        ...

    def beside(self, clock: Clock) -> AbstractContextManager[Store]:
        """Return a new store with a clock of its own beside this one, which is thrown away at the end."""
        ...

    def comparable(self, rebuilt: Store, provable: Provable) -> tuple[int, int]:
        """Return how many buckets are held, and how many of them `rebuilt` has from the same raw bucket."""
        ...

    def mismatches(self, rebuilt: Store, provable: Provable) -> list[Mismatch]:
        """Return the rows that are not in both books, where `rebuilt` was made from the same raw buckets.

        History and coverage are compared where they were made again whole.
        """
        ...

    def mend(self, rebuilt: Store, provable: Provable) -> None:
        """Put what `rebuilt` has in the place of what `mismatches` names, in one transaction."""
        ...

    def sizes(self) -> Sizes:
        """Return how many rows and bytes every table has, and the whole."""
        ...

    def maintain(self) -> None:
        """Tidy up, and leave no trace of what was amended; never changes what a query answers."""
        ...

    def close(self) -> None:
        """Release everything held."""
        ...


def table_of(dataset: str) -> str:
    """Return the table in which a dataset, or a split of the bill, is kept."""
    known = HELD[dataset]
    return "cost_splits" if known.split else "costs" if known.is_costs else "usage"
