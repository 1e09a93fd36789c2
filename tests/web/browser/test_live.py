"""What the page does by itself: new data appears, and before there is any it says what to do."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tallybook.model.clock import SystemClock
from tests.books import book_at, hold
from tests.web.browser.conftest import PHONE, Open, Seen, dashboard
from tests.web.browser.test_looks import faults

YESTERDAY = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
NAMES = (
    "</script><script>document.title = 'taken'</script>",
    "\"quoted\" & 'quoted' <b>bold</b>",
    "🚀🧪 rockets and tests 🏳️‍🌈",
    "مشروع التحليل الداخلي",
    "a name " * 30,
    "=HYPERLINK(1)",
    "unbreakable" * 18,
)
"""Names that somebody may give a project."""


def test_what_another_process_writes_appears_without_a_reload(
    visit: Open, seen: Seen, book: Path, tmp_path: Path
) -> None:
    path = tmp_path / "tallybook.duckdb"
    shutil.copy(book, path)
    with dashboard(path) as seen.base:
        page = visit("?last=28d", at=seen.base)
        page.evaluate("() => { window.here = true; }")
        book_at(path, clock=SystemClock()).add_note(YESTERDAY, "a loop in the nightly job")
        expect(page.locator("main")).to_contain_text("a loop in the nightly job", timeout=20_000)
        assert page.evaluate("() => window.here")
        page.close()


def test_before_the_first_sync_the_page_says_what_to_type(visit: Open, seen: Seen, tmp_path: Path) -> None:
    with dashboard(tmp_path / "tallybook.duckdb") as seen.base:
        page = visit(at=seen.base)
        expect(page.locator(".empty")).to_contain_text("tallybook sync")
        page.close()


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A book of 300 projects whose names are not meant well."""
    path = tmp_path / "tallybook.duckdb"
    book = book_at(path, clock=SystemClock())
    since, until = (str(YESTERDAY + dt.timedelta(days=n)) for n in (-27, 1))
    days = [str(YESTERDAY - dt.timedelta(days=n)) for n in range(28)]
    rows = [
        {"day": day, "project_id": f"proj_{n}", "line_item": "gpt-5.6-sol, input", "amount": f"{300 - n}.000001"}
        for day in days
        for n in range(300)
    ]
    hold(book, "costs", since, until, rows, read_at=dt.datetime.now(dt.UTC))
    long_ago = dt.datetime(2026, 1, 1)  # noqa: DTZ001
    known = {"org": "default", "kind": "project", "first_seen": long_ago, "last_seen": long_ago}
    book.store.put(
        "directory", [known | {"id": f"proj_{n}", "name": f"{NAMES[n % len(NAMES)]} {n}"} for n in range(300)]
    )
    return path


@pytest.mark.parametrize("size", [(1440, 900), PHONE])
def test_names_that_are_not_meant_well_are_text_and_fit(
    visit: Open, seen: Seen, hostile: Path, size: tuple[int, int]
) -> None:
    with dashboard(hostile) as seen.base:
        page = visit("?last=28d", at=seen.base, size=size)
        expect(page.locator(".rank-name").first).to_have_text(f"{NAMES[0]} 0")
        assert page.title() != "taken"
        assert faults(page) == []
        page.close()
