"""What people do on the page, step by step, in a real browser."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.web.browser.conftest import Open, Seen, answered

Words = dict[str, list[str]]


def words(page: Page) -> Words:
    return parse_qs(urlsplit(page.url).query)


def card(page: Page, title: str):  # type: ignore[no-untyped-def]
    return page.get_by_role("group", name="Metrics").get_by_role("button", name=title)


def test_the_cards_say_what_the_api_says(visit: Open, base: str) -> None:
    page = visit("?last=28d")
    board = requests.get(f"{base}/api/board?last=28d", timeout=20).json()
    cards = next(p for p in board["panels"] if p["mark"] == "kpi")["data"]
    [cost] = cards["whole"]["cost"]
    shown = page.locator(".card", has_text="billed").locator("[title]").first.get_attribute("title")
    assert shown is not None
    assert re.sub(r"[^0-9.]", "", shown.split(" ")[0]).rstrip("0") == cost["value"].rstrip("0")


def test_a_card_is_the_switch_of_the_metric_and_back_returns(visit: Open) -> None:
    page = visit()
    with answered(page):
        card(page, "Requests").click()
    assert words(page)["metric"] == ["requests"]
    expect(card(page, "Requests")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("heading", name="Requests by Project")).to_be_visible()
    with answered(page):
        page.go_back()
    assert "metric" not in words(page)
    expect(card(page, "Cost")).to_have_attribute("aria-pressed", "true")


def test_an_address_is_a_view(visit: Open) -> None:
    page = visit("?tab=tokens&by=project&last=7d")
    expect(page.get_by_role("link", name="Tokens & cache")).to_have_attribute("aria-current", "page")
    expect(page.get_by_label("Group by")).to_have_value("project")
    expect(page.get_by_role("button", name="7 d", exact=True)).to_have_attribute("aria-pressed", "true")


def test_words_of_an_address_that_the_page_does_not_know_are_kept(visit: Open) -> None:
    page = visit("?last=7d&team=mine")
    with answered(page):
        page.get_by_role("button", name="91 d").click()
    assert words(page)["last"] == ["91d"]
    assert words(page)["team"] == ["mine"]


def test_the_title_of_the_chart_chooses_what_to_group_by(visit: Open) -> None:
    page = visit()
    with answered(page):
        page.get_by_label("Group by").select_option("model")
    assert words(page)["by"] == ["model"]
    expect(page.locator(".legend, .rank").first).to_contain_text("gpt-")


def test_a_ranked_row_is_a_filter_and_its_chip_takes_it_away(visit: Open) -> None:
    page = visit("?by=project")
    row = page.locator(".rank button").first
    name = row.locator(".rank-name").inner_text()
    with answered(page):
        row.click()
    chips = page.get_by_role("list", name="Filters")
    expect(chips).to_contain_text(name)
    assert len(words(page)["where"]) == 1
    with answered(page):
        chips.get_by_role("button", name="Remove").first.click()
    assert "where" not in words(page)
    expect(chips).to_have_count(0)


def test_dragging_over_the_chart_zooms_in_and_backspace_goes_back(visit: Open) -> None:
    page = visit("?last=28d")
    box = page.locator(".chart .canvas").first.bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.3, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, y, steps=8)
    with answered(page):
        page.mouse.up()
    zoomed = words(page)
    assert zoomed["since"] < zoomed["until"]
    assert "last" not in zoomed
    with answered(page):
        page.keyboard.press("Backspace")
    assert words(page)["last"] == ["28d"]


def test_exact_values_are_told_on_hover_and_by_the_arrow_keys(visit: Open) -> None:
    page = visit("?last=28d&metric=tokens")
    chart = page.locator(".chart .canvas").first
    chart.hover()
    expect(page.locator(".tip").first).to_be_visible()
    chart.focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".chart [aria-live]").first).not_to_be_empty()


def test_keys_choose_ranges_tabs_and_grains_and_a_question_mark_lists_them(visit: Open) -> None:
    page = visit()
    for key, word, value in (("2", "last", "7d"), ("w", "grain", "week"), ("]", "tab", "costs")):
        with answered(page):
            page.keyboard.press(key)
        assert words(page)[word] == [value]
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("next metric")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_the_comparison_can_be_put_away(visit: Open) -> None:
    page = visit("?last=28d")
    with answered(page):
        page.keyboard.press("x")
    assert words(page)["compare"] == ["none"]
    expect(page.locator(".card").first).not_to_contain_text("%")


def test_a_table_is_searched_sorted_and_had_as_csv(visit: Open, base: str) -> None:
    page = visit("?tab=overview&by=model")
    table = page.locator(".mark-table").first
    rows = table.locator("tbody tr")
    before = rows.count()
    table.get_by_role("searchbox").fill("gpt-")
    expect(rows.first).to_contain_text("gpt-")
    assert rows.count() <= before
    head = table.locator("th button").last
    head.click()
    expect(table.locator("th[aria-sort]")).to_have_count(1)
    link = table.get_by_role("link", name="CSV").get_attribute("href")
    assert link
    answer = requests.get(f"{base}/{link}", timeout=20)
    assert answer.headers["content-type"].startswith("text/csv")
    assert "model" in answer.text.splitlines()[0]


def test_the_theme_is_chosen_and_kept(visit: Open) -> None:
    page = visit()
    background = "() => getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    page.get_by_role("button", name="Theme").click()
    page.get_by_role("button", name="Theme").click()
    dark = page.evaluate(background)
    assert dark != light
    page.reload()
    page.wait_for_selector(".panel")
    assert page.evaluate(background) == dark


def test_a_typo_in_the_address_is_explained_with_the_nearest_names(visit: Open, seen: Seen) -> None:
    seen.expected = ("400",)
    page = visit("?metric=cots")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("cost")
    alert.get_by_role("link", name="Start afresh").click()
    expect(page.locator(".card").first).to_be_visible()


def test_under_two_days_the_chart_shows_tokens_and_says_why(visit: Open) -> None:
    page = visit("?last=23h")
    expect(page.locator("main")).to_contain_text("billed by whole UTC days")


@pytest.mark.parametrize("tab", ["overview", "costs", "tokens", "people", "health"])
def test_every_tab_draws_all_its_panels(visit: Open, base: str, tab: str) -> None:
    page = visit(f"?tab={tab}")
    board = requests.get(f"{base}/api/board?tab={tab}", timeout=20).json()
    assert [p["id"] for p in board["panels"] if p["problem"]] == []
    assert page.locator(".panel").count() == len(board["panels"])
    expect(page.locator(".failed")).to_have_count(0)
