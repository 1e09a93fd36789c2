"""Pictures of what a real book answers: right totals of what does not add up, colours by the rank in the book."""

import datetime as dt
import pickle
from decimal import Decimal

import pytest
from matplotlib.colors import to_rgba
from matplotlib.dates import date2num
from matplotlib.patches import PathPatch

from tallybook.book import Book
from tallybook.model.errors import UsageError
from tallybook.show.plots.palette import THEMES
from tests.books import day, hold
from tests.show.pictures import faults, written

NOVEMBER = {"since": "2026-11-01", "until": "2026-11-04"}
SPENT = {"p_small": "1", "p_large": "900", "p_other": "50", "p_middle": "100"}


@pytest.fixture
def book(empty: Book) -> Book:
    """Four projects that cost little or much, and three users, one of whom is there on two days."""
    rows = [
        {"day": "2026-11-02", "project_id": name, "line_item": "x", "amount": Decimal(amount)}
        for name, amount in SPENT.items()
    ]
    hold(empty, "costs", "2026-10-01", "2026-11-05", rows)
    seen = [("2026-11-01", "u1", 10), ("2026-11-02", "u1", 30), ("2026-11-02", "u2", 10), ("2026-11-03", "u3", 50)]
    usage = [
        {
            "day": day,
            "user_id": user,
            "model": "m",
            "input_tokens": n,
            "input_cached_tokens": n // 2 if user == "u1" else 0,
        }
        for day, user, n in seen
    ]
    hold(empty, "completions", "2026-10-01", "2026-11-05", usage)
    return empty


def test_what_is_distinct_has_the_total_of_the_range_and_is_a_line(book: Book) -> None:
    figure = book.query("active_users", grain="day", where={"dataset": "completions"}, **NOVEMBER).plot()
    assert list(figure.axes[0].lines[0].get_ydata()) == [1, 2, 1, 0]
    assert "3" in [text.get_text() for text in written(figure)]


def test_a_ratio_has_the_ratio_of_the_sums_in_its_legend_and_no_shares(book: Book) -> None:
    result = book.query("cache_hit_rate", by="user", grain="day", **NOVEMBER)
    said = [text.get_text() for text in written(result.plot())]
    assert {"20%", "50.0%", "0.0%"} <= set(said)
    assert faults(result.plot()) == []
    with pytest.raises(UsageError, match="cache_hit_rate has no shares"):
        result.plot("donut")


def test_a_project_has_the_colour_of_its_rank_in_the_book_whatever_is_asked(book: Book) -> None:
    def colours(**asked: object) -> dict[str, object]:
        figure = book.query("cost", by="project", **NOVEMBER, **asked).plot()  # type: ignore[arg-type]
        found = [p for p in figure.axes[0].patches if isinstance(p, PathPatch)]
        return {str(p.get_label()): p.get_facecolor() for p in found if str(p.get_label()).startswith("p_")}

    every = colours()
    hues = map(to_rgba, THEMES["light"].hues)
    assert list(every.items()) == list(zip(("p_large", "p_middle", "p_other", "p_small"), hues, strict=False))
    assert colours(where={"project": ["p_small", "p_other"]}) == {n: every[n] for n in ("p_small", "p_other")}
    assert colours(grain="day") == every
    result = book.query("cost", by="project", **NOVEMBER)
    assert result.rank is not None
    assert list(result.rank("project"))[:4] == ["p_large", "p_middle", "p_other", "p_small"]
    assert set(result.rank("user")) >= {"u1", "u2", "u3"}


def test_a_day_is_crossed_out_where_its_number_is_missing_and_not_where_a_dimension_is(empty: Book) -> None:
    row = {"project_id": "p", "line_item": "x", "amount": Decimal(1)}
    for since, until, by in (("2026-11-01", "2026-11-02", ("line_item",)), ("2026-11-03", "2026-11-05", None)):
        hold(empty, "costs", since, until, [row | {"day": since}], by=by)
    result = empty.query("cost", by="project", grain="day", **NOVEMBER)
    assert [(gap.reason, gap.span.start) for gap in result.coverage.missing] == [
        ("not read", day("2026-11-02")),
        ("not held by project_id", day("2026-11-01")),
    ]
    (crossed,) = [p for p in result.plot().axes[0].patches if p.get_hatch() == "xxxx"]
    assert date2num(dt.datetime(2026, 11, 2)) == crossed.get_x()  # type: ignore[attr-defined]  # noqa: DTZ001


def test_an_answer_goes_to_another_process_without_its_book(book: Book) -> None:
    result = book.query("cost", by="project", **NOVEMBER)
    copy = pickle.loads(pickle.dumps(result))
    assert copy == result
    assert copy.rank is None
    assert copy.plot("donut") is not None
