"""The map of what is held fits 80 columns, and every state can be told apart with and without colour."""

import re
from itertools import cycle, islice

import pytest

from tallybook.model.windows import DAY, Span
from tallybook.query.reports.completeness import STATES, Completeness, Held
from tallybook.show.heatmap import heatmap

BEGIN = 20_400 * DAY
"""8 November 2025, a Saturday."""


def found(days: int, *states: str, names: tuple[str, ...] = ("costs", "code_interpreter_sessions")) -> Completeness:
    held = [Held(s, ("1h",), "not read" if s == "missing" else "") for s in states]
    row = tuple(islice(cycle(held), days))
    return Completeness("acme", Span(BEGIN, BEGIN + days * DAY), dict.fromkeys(names, row))


def cells(text: str, name: str = "costs") -> str:
    (line,) = [line for line in text.split("\n") if line.startswith(f"{name} ")]
    return line[26:]


def test_there_is_a_cell_for_each_day_where_they_fit_and_every_state_has_its_character() -> None:
    text = heatmap(found(21, *STATES), width=80)
    row = cells(text)
    assert len(row) == 21
    assert row[:7] * 3 == row
    assert len(set(row)) == 7
    for character, state in zip(row[:7], STATES, strict=True):
        assert re.search(rf"(^|\s){re.escape(character)}\s+{state}", text)


@pytest.mark.parametrize("days", [1, 7, 54, 55, 100, 366, 367, 380, 1_000, 4_000])
def test_the_map_fits_80_columns_and_says_what_a_cell_is(days: int) -> None:
    text = heatmap(found(days, "stable"), width=80)
    assert max(map(len, text.split("\n"))) <= 80
    assert ("A cell is" in text) is (days > 54)
    assert ("A cell is a week" in text) is (54 < days <= 378)
    assert 1 <= len(cells(text)) <= 54


def test_a_cell_of_a_week_is_its_worst_day_and_the_last_one_ends_today() -> None:
    states = ["stable"] * 100
    states[3] = "missing"
    states[99] = "open"
    row = cells(heatmap(found(100, *states), width=80))
    assert row == "█×" + "█" * 12 + "░"


def test_months_and_mondays_stand_above_their_cells() -> None:
    lines = heatmap(found(40, "stable"), width=80).split("\n")
    months, mondays = lines[2], lines[3]
    assert months[26:].startswith("Nov 2025")
    assert months[26 + 23 :].startswith("Dec 2025")  # 1 December
    assert mondays[26 + 2 :].startswith("10     17     24     1      8      15")
    weeks = heatmap(found(366, "stable"), width=80).split("\n")
    assert "Dec" in weeks[2]
    assert weeks[3].startswith("costs")


def test_there_is_colour_on_a_terminal_and_none_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b" not in heatmap(found(9, *STATES), width=80)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    assert heatmap(found(9, *STATES), width=80).count("\x1b[") > 7


def test_only_what_occurs_is_explained_and_gaps_are_named_with_their_reason() -> None:
    text = heatmap(found(9, "stable", "missing", names=("costs",)), width=80)
    assert "provisional" not in text
    assert text.count("Missing: costs") == 4
    assert "Missing: costs 2025-11-09: not read" in text
    many = heatmap(found(30, "stable", "missing", names=("costs",)), width=80)
    assert "and 7 more; --json lists all" in many
    assert "Held at 1h: costs" in many
