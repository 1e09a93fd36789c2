"""Syncing beside the page: when it is due, when it is asked for, and how failures are shown."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest
from starlette.testclient import TestClient

from tallybook.book import Book
from tallybook.book.tokens import digest
from tallybook.model.errors import UsageError
from tallybook.web import create_app
from tallybook.web.access import Access
from tallybook.web.guard import Guard
from tallybook.web.syncing import Syncing, routes
from tests.books import KEY, book_at, hold
from tests.emulator.wire import organization

BOUNDS = {"since": "2026-11-22", "datasets": ("costs",), "key": KEY}


def test_it_syncs_at_once_and_then_every_so_often(tmp_path: Path) -> None:
    with organization(days=9) as org:
        book = book_at(tmp_path / "b.duckdb", org.base, org.clock)
        syncing = Syncing(book, org.clock, 900.0, sync=BOUNDS)
        assert syncing.state().last is None
        assert syncing.turn()
        assert book.status().datasets
        last = syncing.state().last
        assert last is not None
        assert (last["ok"], last["problem"], syncing.state().running) == (True, None, False)
        org.clock.sleep(899)
        assert not syncing.turn()
        org.clock.sleep(1)
        assert syncing.turn()
        assert syncing.state().last != last


def test_a_sync_that_fails_is_told_and_the_next_one_is_tried(tmp_path: Path) -> None:
    told: list[str] = []
    with organization(days=9) as org:
        book = book_at(tmp_path / "b.duckdb", "http://127.0.0.1:9/v1", org.clock)
        syncing = Syncing(book, org.clock, 900.0, told.append, BOUNDS)
        assert syncing.turn()
        last = syncing.state().last
        assert last is not None
        assert last["ok"] is False
        assert told == [last["problem"]] != [""]
        book.settings = book_at(tmp_path / "b.duckdb", org.base).settings
        org.clock.sleep(900)
        assert syncing.turn()
        last = syncing.state().last
        assert last is not None
        assert last["ok"] is True


def test_without_an_interval_it_syncs_only_when_asked_and_once_however_often(tmp_path: Path) -> None:
    with organization(days=9) as org:
        book = book_at(tmp_path / "b.duckdb", org.base, org.clock)
        syncing = Syncing(book, org.clock, sync=BOUNDS)
        org.clock.sleep(10**6)
        assert not syncing.turn()
        syncing.ask()
        syncing.ask()
        assert syncing.state().running
        assert (syncing.turn(), syncing.turn()) == (True, False)


def test_sync_now_is_for_whoever_sees_all_where_a_key_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_ADMIN_KEY", raising=False)
    with organization(days=9) as org:
        book = book_at(tmp_path / "b.duckdb", org.base, org.clock)
        syncing = Syncing(book, org.clock, sync=BOUNDS)
        syncing.ask()
        syncing.turn()
        _, text = book.add_token("boss", people=False)
        client, viewer = _client(book, syncing), {"Authorization": f"Bearer {text}"}
        assert client.post("/api/sync", headers=viewer).status_code == 403
        assert client.get("/api/board", headers=viewer).json()["sync"] == {"can": False, "running": False, "last": None}
        assert not syncing.state().running
        owner = {"Authorization": "Bearer owner"}
        assert client.get("/api/board", headers=owner).json()["sync"]["can"] is True
        done = client.post("/api/sync", headers=owner)
        assert (done.status_code, done.json()["running"]) == (202, True)
        assert syncing.turn()
        without = Syncing(book, org.clock)
        assert not without.state().can
        with pytest.raises(UsageError, match="OPENAI_ADMIN_KEY"):
            without.ask()
        assert _client(book, without).post("/api/sync", headers=owner).status_code == 400


def test_the_page_is_told_of_a_failure_that_changed_nothing_in_the_book(empty: Book) -> None:
    hold(empty, "costs", "2026-11-18", "2026-11-19", [{"day": "2026-11-18", "amount": 1}])
    (org,) = empty.settings.org
    empty.settings = msgspec.structs.replace(
        empty.settings, org=(msgspec.structs.replace(org, key_file="/nowhere/key"),)
    )
    syncing = Syncing(empty, empty._clock)
    client, owner = _client(empty, syncing), {"Authorization": "Bearer owner"}
    assert client.get("/api/board", headers=owner).json()["sync"] == {"can": True, "running": False, "last": None}
    syncing.ask()
    assert syncing.turn()
    last = client.get("/api/board", headers=owner).json()["sync"]["last"]
    assert last["ok"] is False
    assert last["problem"].startswith("Cannot read the key file /nowhere/key")


def _client(book: Book, syncing: Syncing) -> TestClient:
    app = create_app(book, routes=routes(syncing), sync=syncing.state)
    return TestClient(Guard(app, book, Access(owner=digest("owner"))), "http://127.0.0.1")


def test_the_thread_syncs_when_asked_and_ends_in_the_middle_of_a_sync(tmp_path: Path) -> None:
    begun, go_on = threading.Event(), threading.Event()

    class Slow(Book):
        def sync(self, **arguments: Any) -> Any:
            begun.set()
            assert go_on.wait(20)
            arguments["progress"](None)
            raise AssertionError("it should have ended")

    told: list[str] = []
    with organization(days=9) as org:
        plain = book_at(tmp_path / "b.duckdb", org.base, org.clock)
        syncing = Syncing(Slow(plain.store, plain.settings, org.clock), org.clock, None, told.append, BOUNDS)
        with syncing:
            syncing.ask()
            assert begun.wait(20)
            assert syncing.state().running
            syncing._ending = True
            go_on.set()
    assert not syncing._thread.is_alive()
    assert told == []
    assert syncing.state().last is None


def test_where_nothing_syncs_that_is_said(tmp_path: Path) -> None:
    answer = TestClient(create_app(book_at(tmp_path / "b.duckdb"))).post("/api/sync")
    assert answer.status_code == 404
    assert "tallybook dashboard" in answer.json()["detail"]
