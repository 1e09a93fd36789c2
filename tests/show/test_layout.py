"""No text of a picture is over another, none is cut off, and the legend is inside, however many and long the names."""

from itertools import product

import pytest
from matplotlib.figure import Figure

from tallybook.show.result import Result
from tests.show.pictures import crossed, daily, faults, names, ranked

BUCKETS = (1, 7, 30, 90, 400)
COUNTS = (1, 5, 30, 300)
KINDS = ("stack", "bars", "area", "line", "heat")
OVER_TIME = [
    (kind, slots, COUNTS[(i + j) % (4 if slots < 400 else 3)])
    for (i, kind), (j, slots) in product(enumerate(KINDS), enumerate(BUCKETS))
]
"""Every kind with every number of buckets; the numbers of names take turns."""


def drawn(result: Result, kind: str, **how: object) -> Figure:
    figure = result.plot(kind, **how)  # type: ignore[arg-type]
    assert isinstance(figure, Figure)
    return figure


@pytest.mark.parametrize(("kind", "slots", "count"), OVER_TIME)
def test_texts_over_time_have_room(kind: str, slots: int, count: int) -> None:
    assert faults(drawn(daily(slots, names(count)), kind)) == []


@pytest.mark.parametrize(("kind", "count"), [*product(("rank", "donut", "waterfall", "stack", "heat"), COUNTS)])
def test_texts_beside_names_have_room(kind: str, count: int) -> None:
    assert (
        faults(drawn(ranked(names(count), "requests"), kind, title="Ä title that is much too long for it " * 5)) == []
    )


@pytest.mark.parametrize(("kind", "count"), [*product(("stack", "bars", "heat"), COUNTS)])
def test_texts_of_pairs_have_room(kind: str, count: int) -> None:
    assert faults(drawn(crossed(names(count), names(min(count, 30))), kind)) == []


def seed() -> Figure:
    """Return a picture laid out by nobody, as notebooks have them."""
    figure = Figure(figsize=(10, 5))
    axes = figure.add_subplot()
    for i, name in enumerate(names(5)):
        axes.bar([f"2026-11-{day:02}" for day in range(1, 31)], range(30), label=name.replace("$", ""), bottom=i)
    axes.legend(bbox_to_anchor=(1.05, 1), loc="upper left")
    return figure


@pytest.mark.parametrize("fault", ["overlaps", "is cut off", "of a legend is outside"])
@pytest.mark.filterwarnings("ignore:Glyph")
def test_the_check_finds_what_is_wrong_with_a_picture_that_nobody_laid_out(fault: str) -> None:
    assert [found for found in faults(seed()) if fault in found]
