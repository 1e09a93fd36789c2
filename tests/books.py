"""Books for tests: synced from a running emulator, or filled by hand. The store and the file are real."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tallybook.book import Book
from tallybook.model.arrow import table
from tallybook.model.clock import Clock
from tallybook.model.datasets import HELD
from tallybook.model.records import Read
from tallybook.model.schema import parsed
from tallybook.model.secret import AdminKey
from tallybook.model.settings import Org as OrgSettings
from tallybook.model.settings import Settings
from tallybook.model.windows import DAY, SECONDS, Window, naive, unix
from tallybook.store.base import Batch
from tallybook.store.duckdb import DuckDBStore
from tests.clock import FakeClock
from tests.emulator.wire import NOW, Org

KEY = AdminKey("sk-admin-test", "the tests")
SYNCED_DAYS = 45


def book_at(path: Path, base: str = "http://127.0.0.1:9/v1", clock: Clock | None = None) -> Book:
    """Return a book that reads from `base`; nothing is there until something is written."""
    clock = clock or FakeClock(NOW)
    return Book(DuckDBStore(path, clock), Settings(book=str(path), org=(OrgSettings(base_url=base),)), clock)


def synced(org: Org, path: Path, **bounds: Any) -> Book:
    """Return a book of what a running emulator gives."""
    book = book_at(path, org.base, org.clock)
    bounds = {"since": dt.datetime.fromtimestamp(unix(NOW) // DAY * DAY - SYNCED_DAYS * DAY, dt.UTC), **bounds}
    summary = book.sync(key=KEY, **bounds)
    assert summary.ok, summary.failures
    return book


@contextmanager
def kept_open(book: Book) -> Iterator[Book]:
    """Keep the file open, so that a thousand questions need not open it a thousand times."""
    assert isinstance(book.store, DuckDBStore)
    with book.store.opened():
        yield book


def day(text: str) -> int:
    """Return the Unix seconds at which a day begins."""
    return unix(dt.datetime.fromisoformat(text))


def hold(
    book: Book,
    dataset: str,
    since: str,
    until: str,
    rows: Sequence[Mapping[str, Any]] = (),
    *,
    org: str = "default",
    **how: Any,
) -> None:
    """Write days `[since, until)` of a dataset as `reading` has them."""
    book.store.migrate()
    book.store.replace(Batch(org, "by hand", (reading(dataset, since, until, rows, **how),)))


def reading(
    dataset: str,
    since: str,
    until: str,
    rows: Sequence[Mapping[str, Any]] = (),
    *,
    width: str = "1d",
    by: Sequence[str] | None = None,
    read_at: dt.datetime = NOW,
) -> Read:
    """Return days `[since, until)` of a dataset; a row has its `day`, and `hour`, its dimensions and its numbers."""
    known = HELD[dataset]
    starts = [day(row["day"]) + row.get("hour", 0) * SECONDS["1h"] for row in rows]
    filled = [
        {"start_time": naive(start), "end_time": naive(start + SECONDS[width])}
        | ({"currency": "usd"} if known.is_costs else {})
        | {k: v for k, v in row.items() if k not in ("day", "hour")}
        for start, row in zip(starts, rows, strict=True)
    ]
    window = Window(day(since), day(until), width)
    dimensions = tuple(sorted(known.asked if by is None else by))
    return Read(dataset, window, dimensions, unix(read_at), table(filled, parsed(known)))


def write_settings(folder: Path, *orgs: str) -> None:
    """Write settings; an organization is `NAME URL VARIABLE`."""
    text = 'book = "b.duckdb"\n'
    for name, url, variable in map(str.split, orgs):
        text += f'[[org]]\nname = "{name}"\nbase_url = "{url}"\nkey_env = "{variable}"\n'
    (folder / "tallybook.toml").write_text(text)
