"""Several processes and one book: ended by a signal, at once, beside a reader, on a full disk, with the file held."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

import tallybook
from tallybook.book import Book, front
from tallybook.cli.run import run
from tallybook.emulator import Company, create_app, running
from tallybook.model.clock import SystemClock
from tallybook.model.datasets import SPLITS
from tallybook.model.windows import DAY, unix
from tests.books import KEY, book_at
from tests.clock import FakeClock
from tests.faults.honest import Held, Truth, assert_honest
from tests.store.test_processes import HOLD, process, said, small_disk

DAYS = 5
NAMES = ("costs", "completions", "embeddings", "images")
FOREVER = 60.0


@dataclass
class Gate:
    """A server that stops before one of its answers until it is let go."""

    app: ASGIApp
    at: int = 0
    """Which request for data from now on waits; 0: none."""
    reached: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].endswith("/costs") or "/usage/" in scope["path"]:
            self.at -= 1
            if self.at == 0:
                self.reached.set()
                await asyncio.to_thread(self.go.wait, FOREVER)
        await self.app(scope, receive, send)


@dataclass
class Place:
    """A folder with settings, the server that they name, and what the server really did."""

    folder: Path
    gate: Gate
    base: str
    company: Company

    @property
    def path(self) -> Path:
        return self.folder / "tallybook.duckdb"

    @property
    def environ(self) -> dict[str, str]:
        return os.environ | {"OPENAI_ADMIN_KEY": "sk-admin-test", "TALLYBOOK_BASE_URL": self.base}

    @property
    def words(self) -> list[str]:
        """The arguments of a sync of a few whole days."""
        first, last = (str(_days_ago(n).date()) for n in (DAYS, 1))
        return ["sync", "--json", "--since", first, "--until", last, "--dataset", ",".join(NAMES)]

    @contextmanager
    def started(self, *more: str, words: Sequence[str] = (), **options: Any) -> Iterator[subprocess.Popen[str]]:
        """Run a sync in a process of its own."""
        pipe = subprocess.PIPE
        arguments = [sys.executable, "-m", "tallybook.cli", *(words or self.words), *more]
        with subprocess.Popen(
            arguments, cwd=self.folder, env=self.environ, stdout=pipe, stderr=pipe, text=True, **options
        ) as child:
            try:
                yield child
            finally:
                self.gate.go.set()
                child.kill()

    def book(self) -> Book:
        return book_at(self.path, self.base, SystemClock())

    def assert_honest(self) -> None:
        assert_honest(self.book(), Truth(self.company, unix(_days_ago(DAYS))), None)

    def assert_synced(self) -> None:
        """A sync, in this process, ends well, and then everything is there."""
        assert self.book().sync(key=KEY, since=_days_ago(DAYS), until=_days_ago(0), datasets=NAMES).ok
        self.assert_honest()
        runs = Held(self.book()).runs
        assert all(sum(r.end - r.start for r in runs[name]) == DAYS * DAY for name in NAMES)


def _days_ago(number: int) -> dt.datetime:
    """Return a midnight."""
    return dt.datetime.fromtimestamp((unix(dt.datetime.now(dt.UTC)) // DAY - number) * DAY, dt.UTC)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with place_in(tmp_path) as found:
        yield found


@contextmanager
def place_in(folder: Path) -> Iterator[Place]:
    company = Company(seed=7, days=DAYS + 2, requests_per_day=30)
    gate = Gate(create_app(company, ["user-by-project"]))
    (folder / "tallybook.toml").write_text("[sync]\nconcurrency = 1\n")
    with running(gate) as base:
        yield Place(folder, gate, base, company)


def test_sigterm_ends_a_sync_tidily_with_143_and_keeps_what_was_read(place: Place) -> None:
    place.gate.at = 5
    with place.started() as child:
        assert place.gate.reached.wait(FOREVER)
        child.send_signal(signal.SIGTERM)
        place.gate.go.set()
        out, err = child.communicate()
    assert (child.returncode, out) == (143, "")
    assert err == "Terminated. What was read until then is kept.\n"
    held = Held(book_at(place.path))
    kept = {name for name, runs in held.runs.items() if runs}
    assert kept == {"costs", *SPLITS, "completions", "embeddings"}, "also what was under way"
    with tallybook.open(place.path) as book:
        last = book.status().last_sync
    assert last is not None
    assert (last["ok"], last["error"]) == (False, "interrupted")
    place.assert_honest()
    place.assert_synced()


def test_sigterm_while_it_tidies_up_is_ignored(place: Place) -> None:
    place.gate.at = 5
    with place.started() as child:
        assert place.gate.reached.wait(FOREVER)
        for _ in range(3):
            child.send_signal(signal.SIGTERM)
        place.gate.go.set()
        assert "Traceback" not in child.communicate()[1]
    assert child.returncode == 143
    assert Held(book_at(place.path)).runs["costs"]


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
    """Give the command line in this process a clock whose sleep takes no time; what is given is done at the third."""

    def give(action: Callable[[], None]) -> None:
        class Clock(FakeClock):
            def sleep(self, seconds: float) -> None:
                super().sleep(seconds)
                if len(self.slept) == 3:
                    action()

        monkeypatch.setattr(front, "SystemClock", lambda: Clock(dt.datetime.now(dt.UTC)))

    return give


@pytest.fixture
def here(place: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Work in the folder, with the environment of its commands."""
    monkeypatch.chdir(place.folder)
    for name, value in place.environ.items():
        monkeypatch.setenv(name, value)
    return place


def test_a_second_sync_ends_with_1_and_names_the_first(here: Place, patient: Any, capfd: Any) -> None:
    here.assert_synced()
    here.gate.at = 3
    patient(lambda: None)
    with here.started("--full") as child:
        assert here.gate.reached.wait(FOREVER)
        assert run(here.words) == 1
        here.gate.go.set()
        child.communicate()
    assert child.returncode == 0
    assert f"Another sync of 'default' into {here.path} is running (process {child.pid})." in capfd.readouterr().err
    here.assert_honest()


def test_a_second_sync_waits_for_the_first(here: Place, patient: Any, capfd: Any) -> None:
    here.gate.at = 3
    with here.started() as child:
        assert here.gate.reached.wait(FOREVER)
        patient(lambda: (here.gate.go.set(), child.communicate()))
        assert run(here.words) == 0
    assert child.returncode == 0
    assert json.loads(capfd.readouterr().out)["rows_inserted"] == 0
    here.assert_honest()


def test_syncs_that_begin_at_once_make_one_book(place: Place) -> None:
    with place.started() as one, place.started() as two:
        ends = [(child.communicate()[1], child.returncode) for child in (one, two)]
    assert {code for _, code in ends} <= {0, 1}
    assert ("", 0) in ends
    assert all("is running" in err or "is held" in err for err, code in ends if code)
    place.assert_honest()
    place.assert_synced()


def test_a_reader_beside_a_sync_that_waits_for_the_server_sees_what_is_committed(here: Place) -> None:
    here.assert_synced()
    with tallybook.open(here.path) as book:
        before = book.query("cost", "input_tokens", last="5d").rows()
    here.gate.at = 3
    with here.started("--full") as child:
        assert here.gate.reached.wait(FOREVER)
        with tallybook.open(here.path) as book:
            assert book.query("cost", "input_tokens", last="5d").rows() == before
            assert book.status().last_sync is not None
        here.gate.go.set()
        child.communicate()
    assert child.returncode == 0


def test_while_another_process_holds_the_file_nothing_is_asked_and_the_holder_is_named(
    here: Place, patient: Any, capfd: Any
) -> None:
    here.assert_synced()
    patient(lambda: None)
    here.gate.at = 1
    with process(here.path, HOLD) as child:
        assert said(child) == "held"
        assert run(here.words) == 1
    assert f"is held by process {child.pid} " in capfd.readouterr().err
    assert not here.gate.reached.is_set()
    here.assert_honest()


def test_a_sync_onto_a_full_disk_ends_with_1_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    with small_disk(tmp_path, megabytes=8) as disk, place_in(disk) as place:
        (disk / "ballast").write_bytes(b"\0" * 6_700_000)
        with place.started() as child:
            err = child.communicate()[1]
        assert (child.returncode, "No space is left for the book" in err) == (1, True), err
        place.assert_honest()
        (disk / "ballast").unlink()
        place.assert_synced()


def test_a_sync_that_meets_a_limit_on_the_size_of_files_ends_with_1_and_goes_on_without_it(place: Place) -> None:
    limit = (150_000, 150_000)
    with place.started(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit)) as child:
        err = child.communicate()[1]
    assert (child.returncode, "No space is left for the book" in err) == (1, True), err
    place.assert_honest()
    place.assert_synced()
