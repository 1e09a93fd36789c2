"""Text for terminals: numbers, dates and headers are never cut; labels give way."""

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tallybook.book import Book
from tallybook.show.numbers import count
from tallybook.show.tables import Column, table_text, terminal_width
from tallybook.show.text import result_text, status_text
from tests.books import hold

DAY = {"since": "2026-11-01", "until": "2026-11-01"}
NAMES = st.text(min_size=1, max_size=30)
NUMBERS = st.integers(-(10**15), 10**15).map(count)


@given(st.integers(20, 200), st.lists(st.tuples(NAMES, NAMES, NUMBERS, NUMBERS), min_size=1, max_size=5))
def test_no_number_and_no_date_is_ever_cut(width: int, rows: list[tuple[str, str, str, str]]) -> None:
    one, two, small, large = zip(*rows, strict=True)
    columns = [
        Column("day", ["2026-11-01"] * len(rows)),
        Column("project", one, is_label=True),
        Column("model", two, is_label=True),
        Column("num_model_requests", small, is_number=True, foot=["1,000"]),
        Column("input_cached_tokens", large, is_number=True),
    ]
    lines = table_text(columns, width).split("\n")
    body = [line for line in lines if "2026-11-01" in line]
    assert len(body) == len(rows)
    for line, first, second in zip(body, small, large, strict=True):
        assert line.split()[-2:] == [first, second]
    head = "".join(re.sub(r"\s+", " ", line) for line in lines[: lines.index(next(x for x in lines if "──" in x))])
    assert all(part in head for part in ("num_", "model_", "requests", "cached_", "day", "project"))
    whole = table_text(columns, None)
    if max(map(cell_len, whole.split("\n"))) <= width:
        assert whole == "\n".join(lines)


def test_labels_give_way_to_the_width_and_keep_their_beginning() -> None:
    label = "a-very-long-name-of-a-project-that-nobody-can-want-to-read-in-full-on-any-terminal"
    columns = [Column("project", [label], is_label=True), Column("cost", ["$1,234,567.89"], is_number=True)]
    (line,) = [line for line in table_text(columns, 80).split("\n") if "$" in line]
    assert cell_len(line) == 80
    assert line.startswith(" a-very-long-name-of-a-project")
    assert label in table_text(columns, None)


def test_what_could_steer_a_terminal_is_not_printed() -> None:
    text = table_text([Column("project", ["red\x1b[31m\nnext\x07"], is_label=True)], 80)
    assert "\x1b" not in text
    assert "\x07" not in text
    assert len(text.split("\n")) == 3


def test_many_metrics_by_many_dimensions_at_80_columns_show_every_digit(empty: Book) -> None:
    long = {"day": "2026-11-01", "project_id": "proj_" + "x" * 24, "user_id": "user-" + "y" * 24, "model": "m" * 30}
    hold(empty, "embeddings", "2026-11-01", "2026-11-02", [{**long, "input_tokens": 10**15, "num_model_requests": 123}])
    result = empty.query(
        "input_tokens", "requests", by=["project", "user", "model"], grain="day", where={"dataset": "embeddings"}, **DAY
    )  # fmt: skip
    text = result_text(result, width=80)
    assert "1,000,000,000,000,000" in text
    assert "2026-11-01" in text
    assert max(map(cell_len, text.split("\n"))) <= 80
    assert "proj_" + "x" * 24 in result_text(result, width=200)


COSTS = [
    {"day": "2026-11-01", "project_id": "p", "line_item": "x", "amount": Decimal("1234.567")},
    {"day": "2026-11-01", "project_id": "p", "line_item": "x", "amount": Decimal(2), "currency": "eur"},
    {"day": "2026-11-01", "project_id": "q", "line_item": "y", "amount": Decimal("-0.5")},
]


def test_totals_stand_below_by_currency_and_are_never_added(empty: Book) -> None:
    hold(empty, "costs", "2026-11-01", "2026-11-02", COSTS)
    text = result_text(empty.query("cost", by="project", **DAY), width=80)
    assert re.search(r"p +\$1,234.57\n", text)
    assert re.search(r"q +−\$0.50\n", text)
    assert re.search(r"total +\$1,234.07\n +€2.00\n", text)
    assert "Currencies are never added." in text
    assert "Cost is billed, before tax, credits and adjustments." in text
    assert "1 Nov 2026, 1 day, UTC." in text


def test_amounts_that_are_all_below_a_cent_have_more_places(empty: Book) -> None:
    tiny = [{**COSTS[0], "amount": Decimal("0.000123")}, {**COSTS[2], "amount": Decimal("0.0000001")}]
    hold(empty, "costs", "2026-11-01", "2026-11-02", tiny)
    text = result_text(empty.query("cost", by="project", **DAY), width=80)
    assert re.search(r"p +\$0.000123\nq? *", text)
    assert "<$0.000001" in text


def test_a_total_of_nothing_held_is_a_dash(empty: Book) -> None:
    hold(empty, "costs", "2026-11-05", "2026-11-06")
    text = result_text(empty.query("cost", grain="day", since="2026-11-01", until="2026-11-02"), width=80)
    assert re.search(r"2026-11-01 +–\n", text)
    assert re.search(r"total +–", text)


@pytest.mark.parametrize("width", [40, 80, 200, None])
def test_status_shows_whole_dates_at_any_width(empty: Book, width: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    hold(empty, "costs", "2026-11-01", "2026-11-20", COSTS)
    hold(empty, "completions", "2026-11-01", "2026-11-20", width="1h")
    text = status_text(empty.status(), width=width)
    assert re.search(r" costs +3 +2026-11-01.* +2026-11-20.* +1d +2026-11-16", text)
    assert re.search(r" completions +0 +2026-11-01.* +2026-11-20.* +1h +2026-11-20", text)
    assert f"Book {empty.store.url}, " in text
    assert "Missing: images 2025-11-23 to" in " ".join(text.split())
    assert re.search(r"Space: \w+ \d+ kB, .*, the rest [\d.]+ [kM]B; free \d", " ".join(text.split()))
    if width == 80:
        assert max(map(cell_len, text.split("\n")[1:])) <= 80
    if width in (200, None):
        assert "last read" in text
        assert "2026-11-23 15:30" in text


def test_nothing_is_cut_where_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert terminal_width() is None
    monkeypatch.setenv("COLUMNS", "70")
    assert terminal_width() == 70


def test_status_says_which_line_items_are_not_understood_and_what_they_cost(empty: Book) -> None:
    rows = [
        {"day": "2026-11-01", "line_item": text, "amount": Decimal(amount), "currency": currency}
        for text, amount, currency in (
            ("gpt-5, input", "70", "usd"),
            ("Refund", "-3.5", "usd"),
            ("Refund", "1", "eur"),
            ("Support plan", "20", "usd"),
            (None, "9", "usd"),
        )
    ]
    hold(empty, "costs", "2026-11-01", "2026-11-02", rows[:1])
    assert "not understood" not in status_text(empty.status())
    hold(empty, "costs", "2026-11-01", "2026-11-02", rows)
    status = empty.status()
    assert [(u["line_item"], u["amount"]) for u in status.as_dict()["unparsed"]] == [
        ("Support plan", "20.000000000000000000"),
        ("Refund", "-3.500000000000000000"),
        ("Refund", "1.000000000000000000"),
    ]
    said = "2 of 3 line items are not understood and stay whole: $16.50, €1.00 of the bill, in 'Support plan'"
    assert said in status_text(status, width=1000)
