"""Bars and sparklines."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallybook.show.marks import bar, sparkline


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ([], ""),
        ([0, 0], "▁▁"),
        ([0, 1, 1000], "▁▂█"),
        ([Decimal(1), None, Decimal(2)], "▅ █"),
        ([-2, 0, 2], "▁▅█"),
        ([-4, -1], "▁▆"),
    ],
)
def test_a_sparkline_has_a_character_per_value(values: list[Decimal | int | None], line: str) -> None:
    assert sparkline(values) == line


def test_a_sparkline_that_is_too_long_is_made_of_means() -> None:
    assert sparkline([0, 0, 4, None, None, None, 4, 8], 4) == "▁▆ █"
    assert len(sparkline(range(1000), 33)) == 33


@pytest.mark.parametrize(
    ("value", "drawn"),
    [(80, "██████████"), (40, "█████"), (41, "█████▏"), (1, "▏"), (0, ""), (None, ""), (-40, "▒▒▒▒▒"), (-1, "▒")],
)
def test_a_bar_is_as_long_as_the_number_in_eighths(value: int | None, drawn: str) -> None:
    assert bar(value, 80, 10) == drawn


@given(st.floats(1e-9, 1e12), st.floats(1e-9, 1e12), st.integers(1, 40))
def test_a_longer_bar_is_never_of_a_smaller_number(one: float, other: float, width: int) -> None:
    small, large = sorted((one, other))
    short, long = bar(small, large, width), bar(large, large, width)
    assert long == "█" * width
    assert 1 <= len(short) <= width
