from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from tallybook.cli.run import run
from tallybook.emulator import Company, create_app, running
from tallybook.model.clock import SystemClock
from tests.books import book_at

KEY = "sk-admin-RECOGNISABLE-0123456789"
TODAY = dt.datetime.now(dt.UTC).date()


def ago(days: int) -> str:
    return str(TODAY - dt.timedelta(days=days))


@dataclass(frozen=True)
class Ended:
    """A command line that has ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Ended]


@dataclass(frozen=True)
class Server:
    """A running emulator on the machine's own clock, as the command line has it."""

    url: str

    def requests(self) -> list[Any]:
        return requests.get(self.url.removesuffix("/v1") + "/_requests", timeout=20).json()["requests"]


def hire(path: Path) -> None:
    """Add Ada to a book."""
    day = dt.datetime(2026, 1, 1)  # noqa: DTZ001
    ada = {"kind": "user", "id": "user-ada", "name": "Ada Alder", "email": "ada@example.com"}
    book_at(path).store.put("directory", [ada | {"org": "default", "first_seen": day, "last_seen": day}])


@contextmanager
def serving(*quirks: str, days: int = 12, seed: int = 7) -> Iterator[Server]:
    with running(create_app(Company(seed, days, 40), quirks)) as url:
        yield Server(url)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with serving() as running_server:
        yield running_server


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server) -> Path:
    """An empty folder to work in, with the environment of a user who has set two variables."""
    for name in (
        "TALLYBOOK_CONFIG",
        "TALLYBOOK_BOOK",
        "TALLYBOOK_STORE",
        "OPENAI_BASE_URL",
        "COLUMNS",
        "HTTPS_PROXY",
        "HTTP_PROXY",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_ADMIN_KEY", KEY)
    monkeypatch.setenv("TALLYBOOK_BASE_URL", server.url)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def tally(folder: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command line in this process."""

    def act(*arguments: str) -> Ended:
        capsys.readouterr()
        code = run(arguments)
        said = capsys.readouterr()
        return Ended(code, said.out, said.err)

    return act


@pytest.fixture(scope="session")
def synced(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A book of the last four days; read only."""

    path = tmp_path_factory.mktemp("cli") / "synced.duckdb"
    book = book_at(path, server.url, SystemClock())
    assert book.sync(key=KEY, since=ago(4)).ok
    return path
