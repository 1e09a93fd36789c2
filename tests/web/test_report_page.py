"""A report in a browser, from a file: what it answers itself equals the book, to the digit, and it asks nobody."""

import os
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, sync_playwright

from tallybook.book import Book
from tallybook.model.errors import UsageError
from tallybook.web.chromium import browser, printed
from tallybook.web.report import report

TIME = {"since": "2026-11-10", "until": "2026-11-23"}
PAINTED = (
    "() => document.querySelector('.panel, .trouble') && !document.querySelector('.skeleton, [aria-busy=\"true\"]')"
)


def program() -> str:
    try:
        return browser()
    except UsageError:
        if os.environ.get("TALLYBOOK_NEEDS_CHROMIUM"):
            raise
        pytest.skip("no Chromium is installed: reports are not looked at")


@pytest.fixture(scope="module")
def made(book: Book, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_bytes(report(book, time=TIME).page)
    return path


Visit = Callable[..., Page]


@pytest.fixture(scope="module")
def visit() -> Iterator[Visit]:
    """Open a file as people do. It may complain of nothing, and ask nobody."""
    seen: list[str] = []
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu"]
        chromium = playwright.chromium.launch(executable_path=program(), args=flags)
        context = chromium.new_context(viewport={"width": 1440, "height": 900}, timezone_id="UTC", locale="en-US")
        page = context.new_page()
        page.on("console", lambda m: seen.append(f"{m.type}: {m.text}"))
        page.on("pageerror", lambda e: seen.append(f"error: {e}"))
        page.on("request", lambda r: seen.append(r.url) if not r.url.startswith(("file:", "data:")) else None)

        def act(path: Path, words: str = "") -> Page:
            page.goto(f"{path.as_uri()}{words}")
            page.wait_for_function(PAINTED)
            return page

        yield act
        chromium.close()
    assert seen == []


def number(text: str) -> Decimal:
    return Decimal(re.sub(r"[^\d.−]", "", text).replace("−", "-"))


def card(page: Page, title: str) -> Decimal:
    """Return the exact number of a card."""
    return number(page.locator(".card", has_text=title).first.locator("strong").get_attribute("title") or "")


def rows(page: Page, panel: str) -> dict[str, Decimal]:
    """Return the exact numbers of a list."""
    if (more := page.locator(f"section[aria-labelledby=panel-{panel}] .more")).count():
        more.click()
    titles = page.locator(f"section[aria-labelledby=panel-{panel}] ol.rank > li").evaluate_all(
        "(all) => all.map((li) => li.title)"
    )
    return {name: number(value) for name, value in (t.rsplit(": ", 1) for t in titles)}


def of(book: Book, metric: str, by: str, **asked: Any) -> dict[str, Decimal]:
    found = book.query(metric, by=by, **({"top": 12} | TIME | asked)).rows()
    return {row[by]: Decimal(row[metric]) for row in found}


def test_a_report_starts_with_what_the_book_says(visit: Visit, made: Path, book: Book) -> None:
    page = visit(made)
    assert card(page, "Cost") == book.query("cost", **TIME).rows()[0]["cost"]
    assert rows(page, "shares") == of(book, "cost", "project")


@pytest.mark.parametrize(
    ("words", "where"),
    [
        ("where=model%3Dgpt-*", {"model": ["gpt-*"]}),
        ("where=project%21%3DResearch&where=project%21%3DCode+review", {"project": ["!Research", "!Code review"]}),
        ("where=model%3Dgpt-5.6-sol&since=2026-11-12&until=2026-11-18", {"model": "gpt-5.6-sol"}),
    ],
)
def test_what_is_filtered_in_a_report_is_what_the_book_answers(
    visit: Visit, made: Path, book: Book, words: str, where: Any
) -> None:
    time = {"since": "2026-11-12", "until": "2026-11-18"} if "since" in words else TIME
    page = visit(made, f"?metric=tokens&by=model&{words}")
    for title, metric in (("Cost", "cost"), ("Requests", "requests"), ("Tokens", "tokens")):
        assert card(page, title) == Decimal(book.query(metric, where=where, **time).rows()[0][metric])
    assert rows(page, "shares") == of(book, "tokens", "model", where=where, **time)
    page = visit(made, f"?tab=costs&by=line_item&{words}")
    assert rows(page, "items") == of(book, "cost", "line_item", where=where, **time)


def test_what_a_report_compares_is_what_the_book_compares(visit: Visit, made: Path, book: Book) -> None:
    page = visit(made, "?by=model&where=project%3DResearch")
    asked = book.query("cost", grain="day", compare="previous", where={"project": "Research"}, **TIME)
    now, before = asked.whole["cost"][0].as_py(), asked.whole["cost_previous"][0].as_py()
    change = abs(now / before - 1) * 100
    said = page.locator(".card", has_text="Cost").first.locator(".change .unseen").inner_text()
    assert said == f"{'up' if now > before else 'down'} {change:.{0 if change >= 100 else 1}f}%"
    assert "compared with 27 Oct - " in page.locator(".words").inner_text()


def test_a_report_answers_clicks_and_says_what_it_does_not_hold(visit: Visit, made: Path, book: Book) -> None:
    page = visit(made)
    page.locator(".card", has_text="Requests").click()
    page.select_option(".group-by", "model")
    assert rows(page, "shares") == of(book, "requests", "model")
    page.locator(".legend button").first.click()
    assert page.locator(".chip").count() == 1
    lost = page.locator(".card", has_text="Active users")
    assert "told only for all of the report" in lost.inner_text()
    assert "vs year ago" not in page.locator("main > .bar").inner_text()
    page = visit(made, "?by=product&metric=requests")
    assert "It does not hold requests by product" in page.locator("main").inner_text()
    page = visit(made, "?since=2026-01-01&until=2026-01-02")
    assert "It is of 10-23 Nov 2026" in page.locator(".trouble").inner_text()


def test_hostile_names_of_a_report_are_text(visit: Visit, small: Book, tmp_path: Path) -> None:
    path = tmp_path / "names.html"
    path.write_bytes(report(small, time={"since": "2026-11-08", "until": "2026-11-21"}).page)
    dialogs: list[str] = []
    page = visit(path)
    page.on("dialog", lambda d: dialogs.append(d.message))
    for words in ("", "?metric=requests", "?where=model%3Dgpt-*"):
        page = visit(path, words)
        assert [*rows(page, "shares")] == ["מִבְחָן 🙂", '</script><script>alert("1")</script>', "Website"]
        assert page.locator("main script").count() == 0
    assert dialogs == []


@pytest.mark.parametrize(("form", "magic"), [("pdf", b"%PDF-"), ("png", b"\x89PNG\r\n")])
def test_a_report_is_printed_by_a_browser_of_the_machine(made: Path, form: str, magic: bytes) -> None:
    program()
    content = printed(made.read_bytes(), form)
    assert content.startswith(magic)
    if form == "pdf":
        assert len(re.findall(rb"/Type\s*/Page\b", content)) >= 3
        assert b"595" in content  # A4 is 595 points wide
    else:
        wide, high = int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")
        assert (wide, high > 900) == (1440, True)


def test_without_a_browser_there_is_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLYBOOK_CHROMIUM", "/nowhere/chromium")
    with pytest.raises(UsageError, match=r"/nowhere/chromium, which is no program. .*--format html"):
        browser()
