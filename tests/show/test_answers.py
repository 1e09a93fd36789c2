"""Answers as tables: what stands below each other is written alike, totals are right, and it is drawn where seen."""

import re
from decimal import Decimal
from typing import Any

import pytest
from rich.cells import cell_len

from tallybook.book import Book
from tallybook.show.answers import result_table
from tallybook.show.text import result_text
from tests.books import hold

RANGE = {"since": "2026-11-01", "until": "2026-11-04"}
BARS = "▏▎▍▌▋▊▉█"


def used(day: int, project: str, tokens: int, cached: int, requests: int = 1) -> dict[str, Any]:
    return {"day": f"2026-11-0{day}", "project_id": project, "input_tokens": tokens, "input_cached_tokens": cached,
            "output_tokens": 0, "num_model_requests": requests, "model": f"m{day}"}  # fmt: skip


def billed(day: int, project: str, amount: str, currency: str = "usd") -> dict[str, Any]:
    return {"day": f"2026-11-0{day}", "project_id": project, "line_item": "x", "amount": Decimal(amount),
            "currency": currency}  # fmt: skip


def fill(book: Book, usage: list[dict[str, Any]], costs: list[dict[str, Any]] | None = None) -> None:
    hold(book, "completions", "2026-11-01", "2026-11-05", usage)
    hold(book, "costs", "2026-11-01", "2026-11-05", costs or [])


def lines(book: Book, *metrics: str, drawn: bool = False, width: int | None = 80, **words: Any) -> list[str]:
    result = book.query(*metrics, where={"dataset": ["completions", "costs"]}, **(RANGE | words))
    return result_table(result, width, drawn=drawn).split("\n")


def cells(of: list[str], name: str) -> list[str]:
    (line,) = [line.split() for line in of if line.startswith(f" {name} ")]
    return line[1:]


def test_shares_and_ratios_of_a_column_have_equal_places(empty: Book) -> None:
    fill(empty, [used(1, "a", 100, 36, 8), used(1, "b", 100, 28, 3), used(2, "c", 10_000, 3, 300)])
    shown = lines(empty, "cache_hit_rate", "tokens_per_request", by="project")
    assert cells(shown, "a") == ["36.0%", "12.50"]
    assert cells(shown, "b") == ["28.0%", "33.33"]
    assert cells(shown, "c") == ["<0.1%", "33.33"]


def test_shares_that_are_all_whole_have_no_places(empty: Book) -> None:
    fill(empty, [used(1, "a", 100, 36), used(1, "b", 100, 100)])
    shown = lines(empty, "cache_hit_rate", by="project")
    assert (cells(shown, "a"), cells(shown, "b"), cells(shown, "total")) == (["36%"], ["100%"], ["68%"])


def test_prices_have_three_digits_and_none_becomes_zero(empty: Book) -> None:
    usage = [used(1, "a", 1, 0, 1000), used(1, "b", 1, 0, 1_000_000)]
    fill(empty, usage, [billed(1, "a", "79.05"), billed(1, "b", "0.2")])
    shown = lines(empty, "cost_per_request", by="project")
    assert (cells(shown, "a"), cells(shown, "b")) == (["$0.0790"], ["<$0.0001"])


def test_totals_of_distinct_counts_and_ratios_are_not_sums(empty: Book) -> None:
    fill(empty, [used(1, "a", 100, 50), used(2, "a", 300, 30), used(2, "b", 100, 0)])
    shown = lines(empty, "active_projects", "cache_hit_rate", "requests", grain="day", drawn=True)
    assert cells(shown, "total") == ["2", "16.0%", "3"]
    assert cells(shown, "2026-11-02")[:3] == ["2", "7.5%", "2"]


def test_groups_are_ranked_by_bars_in_eighths(empty: Book) -> None:
    fill(empty, [], [billed(1, "a", "80"), billed(1, "b", "41"), billed(1, "c", "-20")])
    shown = lines(empty, "cost", by="project", drawn=True)
    assert cells(shown, "a")[1] == "█" * 24
    assert cells(shown, "b")[1] == "█" * 12 + "▎"
    assert cells(shown, "c")[1] == "▒" * 6
    assert not any(set(line) & set(BARS) for line in lines(empty, "cost", by="project"))


def test_bars_of_one_currency_do_not_measure_another(empty: Book) -> None:
    fill(empty, [], [billed(1, "a", "80"), billed(1, "a", "4000", "jpy"), billed(1, "b", "1000", "jpy")])
    shown = lines(empty, "cost", by="project", drawn=True)
    bars = {line.split()[1]: line.split()[-1] for line in shown if "█" in line}
    assert bars == {"$80.00": "█" * 24, "¥4,000.00": "█" * 24, "¥1,000.00": "█" * 6}
    assert shown[-1] == "Currencies are never added."


def test_groups_over_time_have_a_total_and_a_sparkline_at_the_foot(empty: Book) -> None:
    fill(empty, [used(day, "a", 10 * day, 0, day) for day in (1, 2, 3, 4)] + [used(2, "b", 5, 0, 7)])
    shown = lines(empty, "requests", "cache_hit_rate", by="project", grain="day", drawn=True)
    feet = [line.split() for line in shown[shown.index("") :] if line]
    assert feet == [["a", "10", "0%", "▃▅▆█"], ["b", "7", "0%", "▁█▁▁"], ["total", "17", "0%"]]
    assert len([line for line in shown if line.startswith(" 2026-11-0")]) == 8
    piped = lines(empty, "requests", by="project", grain="day")
    assert [line.split() for line in piped[piped.index("") :] if line] == [["total", "17"]]


def test_three_hundred_groups_with_long_names_fit_and_the_foot_names_twenty(empty: Book) -> None:
    many = [used(day, f"proj_{n:03}_{'long' * 12}", 301 - n, 0) for n in range(300) for day in (1, 2)]
    fill(empty, many)
    shown = lines(empty, "input_tokens", "requests", by="project", grain="day", drawn=True)
    assert max(map(cell_len, shown)) <= 80
    foot = [line for line in shown[shown.index("") :] if line]
    assert len(foot) == 22
    assert foot[0].split()[1:3] == ["602", "2"]
    assert foot[20].split() == ["…", "280", "more", "groups"]
    assert foot[21].split() == ["total", "90,900", "600"]


def test_what_was_before_gives_way_before_the_table_grows_too_wide(empty: Book) -> None:
    name = "proj_" + "x" * 30
    fill(empty, [used(1, name, 10**9, 0), used(2, "b", 10**9, 0)], [billed(2, name, "123456")])
    words: dict[str, Any] = {"by": "project", "compare": "previous", "since": "2026-11-02", "until": "2026-11-03"}
    metrics = ("cost", "input_tokens", "output_tokens")
    shown = lines(empty, *metrics, **words)
    assert max(map(cell_len, shown)) <= 80
    head = " ".join(shown[: next(i for i, line in enumerate(shown) if "──" in line)])
    assert head.count("change") == 3
    assert "before" not in head
    assert shown[-1] == "What was before does not fit here; --format csv has it."
    wide = lines(empty, *metrics, width=None, **words)
    assert wide[0].count("before") == 3
    assert lines(empty, "cost", **words)[0].count("before") == 1


@pytest.mark.parametrize("grain", ["hour", "day", "week", "month", "quarter", "year"])
def test_a_drawn_answer_of_any_grain_fits_80_columns(empty: Book, grain: str) -> None:
    hold(empty, "completions", "2026-11-01", "2026-11-05", [used(2, "a", 5, 1)], width="1h")
    result = empty.query("requests", grain=grain, where={"dataset": "completions"}, **RANGE)
    text = result_text(result, width=80, drawn=True)
    assert max(map(cell_len, text.split("\n"))) <= 80
    assert re.search(rf"1  [{BARS}]+$", text, re.MULTILINE)
