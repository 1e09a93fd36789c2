"""A store under test with a clock of its own, and short words for what tests do with it."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import duckdb

from tallybook.model import arrow
from tallybook.model.clock import Clock
from tallybook.model.datasets import DATASETS
from tallybook.model.records import Fetch, Note, Read, Refusal
from tallybook.model.schema import parsed
from tallybook.model.windows import SECONDS, Window, naive, unix
from tallybook.store.base import Batch, Changes, Store
from tallybook.store.duckdb import DuckDBStore
from tallybook.store.postgres import PostgresStore
from tallybook.store.postgres_words import Names
from tests import postgres
from tests.clock import FakeClock

FAST = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
"""Where a commit does not wait for a disk; None is the usual place for temporary files."""
DAY, HOUR = SECONDS["1d"], SECONDS["1h"]
D0 = 20_500 * DAY
"""The midnight from which tests count."""
NOON = D0 + 2 * DAY + 12 * HOUR
ALL = ("api_key_id", "api_source", "batch", "model", "project_id", "service_tier", "user_id")


def read(
    dataset: str,
    start: int,
    end: int,
    *rows: dict[str, Any],
    width: str = "1d",
    dimensions: Iterable[str] | None = None,
    at: int = NOON,
    fetches: tuple[Fetch, ...] = (),
    notes: tuple[Note, ...] = (),
) -> Read:
    """Return a read of `[start, end)`; `at` of a row is the start of its bucket."""
    known = DATASETS[dataset]
    step = SECONDS[width]
    filled = [
        {"start_time": naive(r["at"]), "end_time": naive(r["at"] + step), **{k: v for k, v in r.items() if k != "at"}}
        for r in rows
    ]
    asked = tuple(sorted(known.asked if dimensions is None else dimensions))
    table = arrow.table(filled, parsed(known))
    return Read(dataset, Window(start, end, width), asked, at, table, fetches, notes)


def usage(at: int, tokens: int | None = 1, **more: Any) -> dict[str, Any]:
    """Return a row of completions."""
    return {"at": at, "project_id": "proj_a", "input_tokens": tokens, "num_model_requests": 1, **more}


def cost(at: int, amount: str = "1", currency: str = "usd", **more: Any) -> dict[str, Any]:
    """Return a row of the bill."""
    row = {"at": at, "project_id": "proj_a", "line_item": "gpt, input", "quantity_unit": "tokens"}
    return {**row, "amount": Decimal(amount), "currency": currency, **more}


def fetch(dataset: str = "completions", request_id: str | None = "req_1") -> Fetch:
    """Return the record of a request."""
    began = dt.datetime.fromtimestamp(NOON, dt.UTC)
    return Fetch(dataset, "organization/x", "a=b", began, 0.25, 1, 200, 17, "00", request_id)


@dataclass
class StoreUnderTest:
    """One store, open to tests."""

    store: Store
    clock: FakeClock
    internal: str
    """The schema in which what is not public lies."""
    another: Callable[[], Store]
    """Open the same book once more."""
    kept_open: Callable[[], AbstractContextManager[None]] = nullcontext
    """Spare tests the time of opening it for each call."""

    def write(self, *reads: Read, org: str = "acme", **more: Any) -> Changes:
        """Replace in one transaction."""
        return self.store.replace(Batch(org, "sync_1", tuple(reads), **more))

    def refuse(self, *refusals: Refusal) -> list[dict[str, Any]]:
        """Learn refusals, and return all that stand."""
        self.write(refusals=refusals)
        return self.rows("refusals")

    def rows(self, table: str, *columns: str) -> list[Any]:
        """Return all of a table in the order of the first columns; with `columns` only those, as tuples."""
        public = table in ("usage", "costs")
        name = table if public else f"{self.internal}.{table}"
        found = self.store.read(f"SELECT * FROM {name}").to_pylist()
        found.sort(key=lambda r: [str(v) for v in r.values()])
        return [tuple(r[c] for c in columns) for r in found] if columns else found

    def facts(self) -> list[Any]:
        """Return (start, width, project, tokens) of every row of usage, the start relative to `D0`."""
        rows = self.rows("usage", "start_time", "width", "project_id", "input_tokens")
        return sorted(((unix(start) - D0, *rest) for start, *rest in rows), key=str)

    def history(self, table: str = "usage") -> list[Any]:
        """Return (start relative to `D0`, tokens or amount, reason, absent) of every row of a history."""
        number = "input_tokens" if table == "usage" else "amount"
        rows = self.rows(f"{table}_history", "start_time", number, "reason", "absent")
        return sorted(((unix(start) - D0, *rest) for start, *rest in rows), key=str)

    def held(self, dataset: str = "completions") -> list[Any]:
        """Return (start, end, width, dimensions, read at) of what is held, times relative to `D0`."""
        runs = self.store.coverage("acme", [dataset])[dataset]
        return [(r.start - D0, r.end - D0, r.width, r.dimensions, r.read_at - D0) for r in runs]


def _duckdb(folder: Path) -> StoreUnderTest:
    clock = FakeClock(dt.datetime.fromtimestamp(NOON, dt.UTC))
    path = folder / "book.duckdb"
    store = DuckDBStore(path, clock)
    return StoreUnderTest(store, clock, "internal", lambda: DuckDBStore(path, clock), store.opened)


_SCHEMAS = count()


def on_postgres() -> Callable[[Clock], PostgresStore]:
    """Return what opens a new book on the server of the tests, with a clock."""
    url, names = postgres.server().url(), Names(f"t{next(_SCHEMAS)}")
    return lambda clock: PostgresStore(url, clock, names=names)


def _postgres(_: Path) -> StoreUnderTest:
    clock = FakeClock(dt.datetime.fromtimestamp(NOON, dt.UTC))
    another = on_postgres()
    store = another(clock)
    return StoreUnderTest(store, clock, "internal", lambda: another(clock), store.opened)


STORES: dict[str, Callable[[Path], StoreUnderTest]] = {"duckdb": _duckdb, "postgres": _postgres}
"""Every kind of store, by name; each passes the same tests."""


def make_room(path: Path, size: int) -> None:
    """Leave `size` bytes and more free within the file of a book, before a table that stays."""
    with duckdb.connect(str(path)) as con:
        for name, rows in (("gone", size // 32), ("behind", 100)):
            texts = f"SELECT sha256(i::TEXT) AS a FROM range({rows}) AS r(i)"
            con.execute(f"CREATE OR REPLACE TABLE internal.{name} AS {texts}")
            con.execute("CHECKPOINT")
        con.execute("DROP TABLE internal.gone")
        con.execute("CHECKPOINT")
