"""A report in a browser, from a file: what it answers itself equals the book, to the digit, and it asks nobody."""

import datetime as dt
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

import tallybook
from tallybook.book import Book
from tallybook.web.chromium import printed
from tallybook.web.report import report
from tests.web.browser.conftest import DESKTOP, Seen, painted

TODAY = dt.datetime.now(dt.UTC).date()


def ago(days: int) -> str:
    return str(TODAY - dt.timedelta(days=days))


TIME = {"since": ago(13), "until": ago(0)}
PART = {"since": ago(11), "until": ago(5)}


@pytest.fixture(scope="module")
def held(book: Path) -> Iterator[Book]:
    """The book that is reported, up to now."""
    with tallybook.open(book) as opened:
        yield opened


@pytest.fixture(scope="module")
def made(held: Book, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_bytes(report(held, time=TIME).page)
    return path


Visit = Callable[..., Page]


@pytest.fixture(scope="module")
def visit(chromium: Browser) -> Iterator[Visit]:
    """Open a file as people do. It may complain of nothing, and ask nobody."""
    viewport: Any = {"width": DESKTOP[0], "height": DESKTOP[1]}
    context = chromium.new_context(viewport=viewport, timezone_id="UTC", locale="en-US")
    page, seen = context.new_page(), Seen("file://")
    seen.watch(page)

    def act(path: Path, words: str = "") -> Page:
        page.goto(f"{path.as_uri()}{words}")
        painted(page)
        return page

    yield act
    context.close()
    seen.check()


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


def of(held: Book, metric: str, by: str, **asked: Any) -> dict[str, Decimal]:
    found = held.query(metric, by=by, **({"top": 12} | TIME | asked)).rows()
    return {row[by]: Decimal(row[metric]) for row in found}


def test_a_report_starts_with_what_the_book_says(visit: Visit, made: Path, held: Book) -> None:
    page = visit(made)
    assert card(page, "Cost") == held.query("cost", **TIME).rows()[0]["cost"]
    assert rows(page, "shares") == of(held, "cost", "project")


@pytest.mark.parametrize(
    ("words", "where"),
    [
        ("where=model%3Dgpt-*", {"model": ["gpt-*"]}),
        ("where=project%21%3DResearch&where=project%21%3DCode+review", {"project": ["!Research", "!Code review"]}),
        ("where=model%3Dgpt-5.6-sol&since={since}&until={until}", {"model": "gpt-5.6-sol"}),
    ],
)
def test_what_is_filtered_in_a_report_is_what_the_book_answers(
    visit: Visit, made: Path, held: Book, words: str, where: Any
) -> None:
    time = PART if "since" in words else TIME
    words = words.format_map(PART)
    page = visit(made, f"?metric=tokens&by=model&{words}")
    for title, metric in (("Cost", "cost"), ("Requests", "requests"), ("Tokens", "tokens")):
        assert card(page, title) == Decimal(held.query(metric, where=where, **time).rows()[0][metric])
    assert rows(page, "shares") == of(held, "tokens", "model", where=where, **time)
    page = visit(made, f"?tab=costs&by=line_item&{words}")
    assert rows(page, "items") == of(held, "cost", "line_item", where=where, **time)


def test_what_a_report_compares_is_what_the_book_compares(visit: Visit, made: Path, held: Book) -> None:
    page = visit(made, "?by=model&where=project%3DResearch")
    asked = held.query("cost", grain="day", compare="previous", where={"project": "Research"}, **TIME)
    now, before = asked.whole["cost"][0].as_py(), asked.whole["cost_previous"][0].as_py()
    change = abs(now / before - 1) * 100
    said = page.locator(".card", has_text="Cost").first.locator(".change .unseen").inner_text()
    assert said == f"{'up' if now > before else 'down'} {change:.{0 if change >= 100 else 1}f}%"
    assert asked.comparison is not None
    assert f"compared with {asked.comparison.before.dates}" in page.locator(".words").inner_text()


def test_a_report_answers_clicks_and_says_what_it_does_not_hold(visit: Visit, made: Path, held: Book) -> None:
    page = visit(made)
    users = card(page, "Active users")
    page.locator(".card", has_text="Requests").click()
    assert card(page, "Active users") == users == held.query("active_users", **TIME).rows()[0]["active_users"]
    page.select_option(".group-by", "model")
    assert rows(page, "shares") == of(held, "requests", "model")
    page.locator(".legend button").first.click()
    assert page.locator(".chip").count() == 1
    lost = page.locator(".card", has_text="Active users")
    assert "told only for all of the report" in lost.inner_text()
    assert "vs year ago" not in page.locator("main > .bar").inner_text()
    page = visit(made, "?by=product&metric=requests")
    assert "It does not hold requests by product" in page.locator("main").inner_text()
    page = visit(made, "?since=2026-01-01&until=2026-01-02")
    assert f"It is of {held.query('cost', **TIME).range}" in page.locator(".trouble").inner_text()


def test_hostile_names_of_a_report_are_text(visit: Visit, small: Book, tmp_path: Path) -> None:
    path = tmp_path / "names.html"
    path.write_bytes(report(small, time={"since": "2026-11-08", "until": "2026-11-21"}).page)
    dialogs: list[str] = []
    page = visit(path)
    page.on("dialog", lambda d: dialogs.append(d.message))
    for words in ("", "?metric=requests", "?where=model%3Dgpt-*"):
        page = visit(path, words)
        assert "INCOMPLETE: embeddings 2026-11-08 to 2026-11-21: not read" in page.locator(".words").inner_text()
        assert [*rows(page, "shares")] == ["מִבְחָן 🙂", '</script><script>alert("1")</script>', "Website"]
        assert page.locator("main script").count() == 0
    assert dialogs == []


@pytest.mark.parametrize(("form", "magic"), [("pdf", b"%PDF-"), ("png", b"\x89PNG\r\n")])
@pytest.mark.usefixtures("chromium")
def test_a_report_is_printed_by_a_browser_of_the_machine(made: Path, form: str, magic: bytes) -> None:
    content = printed(made.read_bytes(), form)
    assert content.startswith(magic)
    if form == "pdf":
        assert len(re.findall(rb"/Type\s*/Page\b", content)) >= 3
        assert b"595" in content  # A4 is 595 points wide
    else:
        wide, high = int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")
        assert (wide, high > 900) == (1440, True)
