"""A book copied from store to store is the same book, or says that it is not whole."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tallybook.book.copying import copy
from tallybook.model.errors import NotABookError, StoreError, UsageError
from tallybook.model.records import Page
from tallybook.model.windows import naive
from tallybook.store import copying
from tallybook.store.base import Batch
from tallybook.store.catalog import columns
from tallybook.store.duckdb import DuckDBStore
from tallybook.store.postgres import PostgresStore
from tallybook.store.sql_store import SqlStore
from tests import postgres
from tests.clock import FakeClock
from tests.store.book import D0, DAY, NOON, StoreUnderTest, cost, fetch, read, usage
from tests.store.test_amend import fill

WAYS = [("file", "server"), ("server", "file")]


@pytest.fixture
def place(fast_path: Path) -> Any:
    """Return a new address of a kind."""
    made = iter(range(9))
    return lambda kind: postgres.server().database() if kind == "server" else str(fast_path / f"{next(made)}.duckdb")


def opened(url: str) -> SqlStore:
    clock = FakeClock(dt.datetime.fromtimestamp(NOON, dt.UTC))
    return PostgresStore(url, clock) if "://" in url else DuckDBStore(url, clock)


def lived(url: str) -> SqlStore:
    """Return a book with something in most of its tables, over several months."""
    store = opened(url)
    store.migrate()
    clock = FakeClock(dt.datetime.fromtimestamp(NOON, dt.UTC))
    fill(StoreUnderTest(store, clock, "internal", lambda: store))  # type: ignore[arg-type, return-value]
    page = Page(D0 + 40 * DAY, b"\0hash", b'{"raw": "\xc3\xa9"}\0')
    rows = [usage(D0 + n * DAY, None if n % 7 == 0 else 2**62, user_id=f"é{n}") for n in range(90)]
    bill = [cost(D0 + n * DAY, f"{n}.000000000000000001", quantity=None) for n in range(90)]
    late = NOON + 99 * DAY
    reads = (
        read("completions", D0, D0 + 90 * DAY, *rows, at=late, fetches=(replace(fetch(), pages=(page,)),)),
        read("costs", D0, D0 + 90 * DAY, *bill, at=late),
    )
    store.replace(Batch("acme", "sync_1", reads, keep="all"))
    metric = {"metric": "orders", "start_time": naive(D0), "end_time": naive(D0 + DAY), "amount": 3}
    store.put("business", [metric | {"recorded_at": naive(NOON)}])
    return store


def everything(store: SqlStore) -> dict[str, list[str]]:
    tables = {("internal." if c.is_internal else "") + c.table for c in store.look(columns)}
    found = {t: store.read(f"SELECT * FROM {t}").to_pylist() for t in tables - {"internal.migrations"}}
    found["internal.book"] = [{**row, "rewrite_due": None} for row in found["internal.book"]]
    return {t: sorted(repr(sorted(row.items())) for row in rows) for t, rows in found.items()}


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_a_copy_is_the_same_book_and_lives_on(place: Any, source: str, target: str) -> None:
    old, to = lived(first := place(source)), place(target)
    done = copy(first, to)
    new = opened(to)
    before = everything(old)
    assert everything(new) == before
    assert len([t for t, rows in before.items() if rows]) > 12
    assert done.totals > 0
    assert sum(done.rows.values()) == sum(len(rows) for t, rows in before.items() if t != "internal.book")
    again = copy(first, to)
    assert (again.skipped, again.rows) == (again.parts, done.rows)
    more = read("completions", D0, D0 + DAY, usage(D0, 5), at=NOON + 200 * DAY)
    assert [s.replace(Batch("acme", "s", (more,))).removed for s in (old, new)] == [1, 1]
    for store in (old, new):
        store.close()


@pytest.mark.parametrize("target", ["file", "server"])
def test_a_copy_that_was_cut_short_is_opened_by_nobody_and_goes_on_where_it_was(
    place: Any, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, to = lived(first := place("file")), place(target)
    real, left = copying._copy, [None] * 9

    def dies(*args: Any, **more: Any) -> None:
        if not left:
            raise KeyboardInterrupt
        left.pop()
        real(*args, **more)

    with monkeypatch.context() as patch:
        patch.setattr(copying, "_copy", dies)
        with pytest.raises(KeyboardInterrupt):
            copy(first, to)
    uses: list[Callable[[SqlStore], Any]] = [
        SqlStore.orgs,
        lambda store: store.put("notes", [{}]),
        lambda store: store.coverage("acme", ["costs"]),
    ]
    for use in uses:
        with pytest.raises(StoreError, match=r"not finished. Type the same `tallybook copy FROM TO` again"):
            use(opened(to))
    old.put("orgs", [{"org": "acme", "first_seen": naive(D0)}], key=["org"])  # the other book lives on
    done = copy(first, to)
    assert 5 <= done.skipped < done.parts
    assert everything(opened(to)) == everything(old)


def test_what_is_not_equal_afterwards_is_not_kept(place: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    lived(first := place("file"))
    real, seen, to = copying._fingerprint, iter(range(1_000)), place("file")
    with monkeypatch.context() as patch:
        patch.setattr(copying, "_fingerprint", lambda batches: (real(batches)[0], next(seen)))
        with pytest.raises(StoreError, match="differ after they were copied"):
            copy(first, to)
    with monkeypatch.context() as patch:
        sums = iter(({"a": 1}, {"a": 2}))
        patch.setattr(copying, "whole", lambda *_: next(sums))
        with pytest.raises(StoreError, match="The sums of costs of acme differ"):
            copy(first, to)
    with pytest.raises(StoreError, match="not finished"):
        opened(to).orgs()


def test_a_whole_copy_that_was_changed_is_told_and_left_alone(place: Any) -> None:
    lived(first := place("file"))
    copy(first, to := place("file"))
    new = opened(to)
    new.change(lambda session: session.execute("UPDATE costs SET amount = amount + 1 WHERE line_item IS NOT NULL"))
    before = everything(new)
    with pytest.raises(StoreError, match=r"costs is another in .*although it was copied whole"):
        copy(first, to)
    assert everything(new) == before


def test_a_copy_never_goes_into_another_book_or_from_nothing(place: Any) -> None:
    lived(first := place("file"))
    other = lived(second := place("file"))
    before = everything(other)
    for words, pair in (
        ("holds a book already", (first, second)),
        ("into itself", (first, first)),
    ):
        with pytest.raises(UsageError, match=words):
            copy(*pair)
    assert everything(other) == before
    with pytest.raises(NotABookError, match="no book at"):
        copy(place("file"), place("file"))
