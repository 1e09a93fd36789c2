"""A real Chromium against a real `tallybook dashboard` on a book that the emulator filled."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import filelock
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, Response, sync_playwright

from tallybook.emulator import Company, create_app, running
from tallybook.model.clock import SystemClock
from tallybook.model.errors import UsageError
from tallybook.web.chromium import browser as program
from tests.books import KEY, book_at

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--font-render-hinting=none", "--force-color-profile=srgb",
)  # fmt: skip
DAYS = 70
PHONE, TABLET, DESKTOP = (390, 844), (1024, 768), (1440, 900)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as found:
        yield found


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    try:
        path = program()
    except UsageError:
        if os.environ.get("TALLYBOOK_NEEDS_CHROMIUM"):
            raise
        pytest.skip("no Chromium is installed: the page is not tested")
    browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
    yield browser
    browser.close()


def filled(path: Path, days: int = DAYS) -> None:
    """Fill a book from an emulator of its own, up to now."""
    with running(create_app(Company(7, days + 5, 120))) as url:
        summary = book_at(path, url, SystemClock()).sync(key=KEY)
        assert summary.ok, summary.failures


@pytest.fixture(scope="session")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A book of some weeks, filled once for all workers; read only."""
    shared = tmp_path_factory.getbasetemp()
    shared = shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared
    path = shared / "browser" / "tallybook.duckdb"
    path.parent.mkdir(exist_ok=True)
    with filelock.FileLock(f"{path}.once"):
        if not path.exists():
            half = path.with_suffix(".half")
            filled(half)
            half.rename(path)
    return path


@contextmanager
def dashboard(book: Path, *options: str, **environ: str) -> Iterator[str]:
    """Run `tallybook dashboard`; yield its address. It has to end by itself when it is asked to."""
    command = [sys.executable, "-m", "tallybook.cli", "dashboard", "--port", "0", "--no-open", "--book", str(book)]
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("OPENAI_", "TALLYBOOK_"))}
    with tempfile.TemporaryFile("w+") as errors:
        pipe = subprocess.PIPE
        with subprocess.Popen(
            [*command, *options], stdout=pipe, stderr=errors, text=True, env=clean | environ, cwd=book.parent
        ) as process:
            try:
                assert process.stdout is not None
                said = process.stdout.readline()
                urls = [word for word in said.split() if word.startswith("http://")]
                errors.seek(0)
                assert urls, (said, errors.read())
                yield urls[0].rstrip("/")
                process.send_signal(signal.SIGINT)
                process.wait(20)
            finally:
                process.kill()


@pytest.fixture(scope="session")
def base(book: Path) -> Iterator[str]:
    with dashboard(book) as url:
        yield url


@dataclass
class Seen:
    """What a browser did meanwhile that nobody wants."""

    base: str
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    expected: tuple[str, ...] = ()
    """Parts of complaints that a test provokes."""

    def watch(self, page: Page) -> None:
        page.on("console", lambda m: self._note(m.type in ("error", "warning"), f"console: {m.text}"))
        page.on("pageerror", lambda e: self._note(True, f"error: {e}"))
        page.on("request", lambda r: self.requests.append(r.url))
        page.on("response", self._answered)

    def _answered(self, response: Response) -> None:
        self._note(response.status >= 500, f"{response.status} {response.url}")

    def _note(self, bad: bool, text: str) -> None:
        if bad and not any(part in text for part in self.expected):
            self.complaints.append(text)

    def check(self) -> None:
        """Nothing was complained of, nothing left the origin."""
        assert self.complaints == []
        origin = urlsplit(self.base).netloc
        away = [u for u in self.requests if urlsplit(u).scheme not in ("data", "blob") and urlsplit(u).netloc != origin]
        assert away == []


Open = Callable[..., Page]


@pytest.fixture
def seen(base: str) -> Seen:
    return Seen(base)


@pytest.fixture
def visit(chromium: Browser, base: str, seen: Seen) -> Iterator[Open]:
    """Open a page of the dashboard, in a browser of its own, and wait until it is painted."""
    contexts: list[BrowserContext] = []

    def act(
        words: str = "", *, size: tuple[int, int] = DESKTOP, scheme: str = "light", at: str = base, **more: Any
    ) -> Page:
        viewport: Any = {"width": size[0], "height": size[1]}
        context = chromium.new_context(
            viewport=viewport, color_scheme=scheme, reduced_motion="reduce", locale="en-US", timezone_id="UTC", **more
        )  # fmt: skip
        contexts.append(context)
        page = context.new_page()
        seen.watch(page)
        page.goto(f"{at}/{words}")
        painted(page)
        return page

    yield act
    for context in contexts:
        context.close()
    seen.check()


def painted(page: Page) -> None:
    """Wait until all panels are there and none is being loaded."""
    page.wait_for_function(PAINTED)


PAINTED = """() => document.querySelector('.panel, .empty, .trouble')
  && !document.querySelector('.skeleton, [aria-busy="true"]')"""


@contextmanager
def answered(page: Page) -> Iterator[None]:
    """What is done inside asks for a board; wait until it is shown."""
    with page.expect_response(lambda r: "/api/board" in r.url):
        yield
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    painted(page)


def board(page: Page, base: str, words: str) -> dict[str, Any]:
    """Return what the API says of the same state."""
    found: dict[str, Any] = json.loads(page.request.get(f"{base}/api/board{words}").text())
    return found
