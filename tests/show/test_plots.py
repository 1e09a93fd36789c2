"""Pictures of answers: right in what they show, the same colour for a thing, no total without its coverage."""

import datetime as dt
import sys
from collections.abc import Sequence
from decimal import Decimal
from io import BytesIO
from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib._pylab_helpers import Gcf
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.patches import PathPatch, Wedge
from matplotlib.text import Annotation

from tallybook.model.errors import MissingExtraError, UnknownNameError, UsageError
from tallybook.model.windows import DAY, Span, unix
from tallybook.query.coverage import Coverage, Gap
from tallybook.show.numbers import headline
from tallybook.show.plots import KINDS
from tallybook.show.plots.data import Entity, Panel, Series, Slot, added, folded, folded_slots, with_other
from tallybook.show.plots.drawing import MARKS, choose
from tallybook.show.plots.lettering import drawable, shortened, width, wrapped
from tallybook.show.plots.mark import Look
from tallybook.show.plots.palette import THEMES
from tallybook.show.plots.times import time_ticks
from tallybook.show.result import Fetched, Result
from tests.show.pictures import START, WHOLE, answer, crossed, daily, names, ranked, written

MINUS = "\N{MINUS SIGN}"
TEAMS = ["Search", "Support", "Research"]
TOKENS = {"input_tokens": 1, "output_tokens": 2}


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in written(figure)]


def bars(figure: Figure) -> dict[str, PathPatch]:
    """Return what is drawn of each series."""
    found = (p for axes in figure.axes for p in axes.patches if isinstance(p, PathPatch) and p.get_label())
    return {str(p.get_label()): p for p in found if not str(p.get_label()).startswith("_")}


def shapes(patch: PathPatch) -> list[tuple[float, float]]:
    """Return from where to where each bar of a series reaches."""
    corners = patch.get_path().vertices.reshape(-1, 5, 2)[:, :, 1]
    return [(float(c.min()), float(c.max())) for c in corners]


def dollars(*amounts: tuple[str, Sequence[str | None]]) -> Result:
    """Return amounts per day of projects."""
    rows = [
        {"time": START + dt.timedelta(days=i), "project": name, "cost": None if v is None else Decimal(v)}
        for i in range(len(amounts[0][1]))
        for name, values in amounts
        for v in [values[i]]
    ]
    return answer(rows, ["cost"], ["project"], "day")


def test_what_is_below_zero_hangs_and_the_rest_stands_on_what_is_larger() -> None:
    drawn = bars(dollars(("Search", ["5", "5"]), ("Support", ["3", "-2"]), ("Refunds", ["-1", "-1"])).plot("stack"))
    assert shapes(drawn["Search"]) == [(0, 5), (0, 5)]
    assert shapes(drawn["Refunds"]) == [(-1, 0), (-1, 0)]
    assert shapes(drawn["Support"]) == [(5, 8), (-3, -1)]


def test_what_is_zero_or_not_known_is_no_bar_and_all_zero_is_a_picture_all_the_same() -> None:
    figure = dollars(("Search", ["0", None]), ("Support", ["0", "0"])).plot("stack")
    assert [shapes(patch) for patch in bars(figure).values()] == [[], []]
    assert "$0.00" in texts(figure)
    assert [t for t in texts(figure) if t == "$0"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_drawn_of_nothing_of_zeros_and_of_credits(kind: str) -> None:
    nothing = answer([], ["cost"], ["project"])
    assert "Nothing in this range." in texts(nothing.plot(kind)) or kind in ("rank", "donut", "waterfall")
    for amount in ("0", "-12.5"):
        figure = answer([{"project": name, "cost": Decimal(amount)} for name in TEAMS], ["cost"], ["project"]).plot(
            kind
        )
        assert "Cost by project" in texts(figure)


def test_legends_have_totals_the_largest_first_then_other_then_what_has_no_name() -> None:
    rows = [("Other", "9"), ("Search", "1000.4"), ("(none)", "50"), ("Support", "1200.6")]
    figure = dollars(*((name, [amount, "0"]) for name, amount in rows)).plot()
    legend = [t.get_text() for t in written(figure) if t.get_gid() == "legend"]
    assert legend == ["Support", "$1,201", "Search", "$1,000", "Other", "$9", "(none)", "$50"]
    assert "$2.26K" in texts(figure)


def test_the_rest_is_other_with_how_many_it_is_and_the_total_stays() -> None:
    figure = daily(7, names(30), "requests").plot(top=4)
    assert len(bars(figure)) == 5
    assert "Other (26)" in bars(figure)
    whole = sum(daily(7, names(30), "requests").table["requests"].to_pylist())
    assert headline(whole, "requests") in texts(figure)


NUMBERS = st.one_of(st.none(), st.decimals(-1000, 1000, places=4))


@given(st.lists(st.lists(NUMBERS, min_size=3, max_size=3), min_size=1, max_size=12), st.integers(1, 12))
def test_parts_and_other_are_what_there_was_in_every_slot(values: list[list[Decimal | None]], top: int) -> None:
    series = tuple(Series(Entity(str(i), str(i)), tuple(v), (), added(v)) for i, v in enumerate(values))
    slots = tuple(Slot(Entity(str(i), str(i))) for i in range(3))
    panel = Panel(("cost",), "money", "usd", True, "total", slots, series, axis="model")
    few = folded(panel, top)
    assert len(few.series) <= top + 1
    for i in range(3):
        assert added(s.values[i] for s in few.series) == added(v[i] for v in values)
    assert added(s.total for s in few.series) == added(s.total for s in panel.series)
    narrow = folded_slots(panel, top)
    assert len(narrow.slots) <= top + 1
    assert [added(s.values) for s in narrow.series] == [added(v) for v in values]


def test_what_does_not_add_up_is_left_out_and_the_picture_says_so() -> None:
    series = tuple(Series(Entity(n, n), (Decimal(i),), (), Decimal(i)) for i, n in enumerate("abcd", 1))
    few = folded(Panel(("rate",), "share", None, False, "total", (Slot(),), series), 2)
    assert [s.entity.label for s in few.series] == ["a", "b"]
    assert few.left_out == 2


def test_other_takes_in_what_was_other_before() -> None:
    series = [Series(Entity(n, n, "other" if n == "Other" else "plain"), (1,), (), 1) for n in ("a", "b", "Other")]
    kept, rest = with_other(series, series[:1])
    assert (kept.entity.label, rest.entity.label, rest.total) == ("b", "Other", 2)


@pytest.mark.parametrize(
    ("result", "kind"),
    [
        (daily(30, TEAMS), "stack"),
        (daily(200, TEAMS), "area"),
        (ranked(TEAMS), "rank"),
        (crossed(TEAMS, ["m1", "m2"]), "stack"),
        (answer([{"cost": Decimal(1)}], ["cost"]), "rank"),
        (answer([{"time": START, "cost": Decimal(1)}], ["cost"], (), "day"), "stack"),
        (answer([{"time": START, **TOKENS}], [*TOKENS], (), "day"), "bars"),
        (answer([{"time": START, "cost": Decimal(1), "requests": 2}], ["cost", "requests"], (), "day"), "stack"),
        (answer([{"model": "m", **TOKENS}], [*TOKENS], ["model"]), "bars"),
    ],
)  # fmt: skip
def test_the_shape_of_an_answer_decides_how_it_is_drawn(result: Result, kind: str) -> None:
    assert choose(result) == kind
    assert isinstance(result.plot(), Figure)


def test_units_and_currencies_have_axes_of_their_own_and_are_never_added() -> None:
    rows = [
        {"time": START, "cost": Decimal(amount), "currency": currency, "requests": None}
        for amount, currency in (("5", "usd"), ("7", "eur"))
    ] + [{"time": START, "cost": None, "currency": None, "requests": 4}]
    figure = answer(rows, ["cost", "requests"], (), "day").plot()
    assert len(figure.axes) == 3
    assert {"Cost (EUR): €7.00", "Cost (USD): $5.00"} <= set(texts(figure))
    assert not [t for t in texts(figure) if "12" in t]


def test_a_total_is_never_shown_without_its_coverage() -> None:
    figure = ranked(TEAMS).plot()
    said = " ".join(texts(figure))
    assert "5 Jan 2026, 1 day, UTC" in said
    assert "Cost is billed, before tax, credits and adjustments. Data complete; as of 2027-06-01 00:00 UTC." in said


def test_what_may_change_is_hatched_what_is_missing_is_crossed_out_and_both_are_named() -> None:
    start = unix(START)
    coverage = Coverage(
        START + dt.timedelta(days=5),
        (Gap("costs", Span(start + DAY, start + 2 * DAY), "not read"),),
        START + dt.timedelta(days=3),
    )
    rows = [{"time": START + dt.timedelta(days=i), "cost": None if i == 1 else Decimal(i + 1)} for i in range(5)]
    for kind in ("stack", "bars", "area", "line"):
        figure = answer(rows, ["cost"], (), "day", coverage).plot(kind)
        patches = figure.axes[0].patches
        assert len([p for p in patches if p.get_hatch() == "xxxx"]) == 1, kind
        assert [p for p in patches if p.get_hatch() == "////"], kind
        assert {"provisional", "missing"} <= set(texts(figure)), kind
        line = next(t for t in written(figure) if "INCOMPLETE: costs 2026-01-06: not read" in t.get_text())
        assert line.get_color() == THEMES["light"].warning
    whole = answer(rows, ["cost"], (), "day").plot()
    assert not {"provisional", "missing"} & set(texts(whole))


def test_a_line_has_a_gap_where_nothing_is_known_and_a_dot_where_a_value_is_alone() -> None:
    values = [None if i % 3 else Decimal(i) for i in range(60)]
    rows = [{"time": START + dt.timedelta(days=i), "cost": v} for i, v in enumerate(values)]
    (line,) = answer(rows, ["cost"], (), "day").plot("line").axes[0].lines
    assert np.isnan(np.asarray(line.get_ydata(), dtype=float)).sum() == 40
    assert line.get_markevery() == list(range(0, 60, 3))


def test_a_donut_folds_what_is_small_and_shows_it_beside() -> None:
    shares = {"Search": 60, "Support": 36, "a": 2, "b": 1, "c": 1}
    result = answer([{"project": n, "requests": v} for n, v in shares.items()], ["requests"], ["project"])
    figure = result.plot("donut")
    ring, beside = figure.axes
    assert [w.get_label() for w in ring.patches if isinstance(w, Wedge)] == ["Search", "Support", "Other (3)"]
    assert {"60.0%", "36.0%", "4.0%", "In Other"} <= set(texts(figure))
    assert [t.get_text() for t in beside.get_yticklabels()] == ["a", "b", "c"]
    assert len(result.plot("donut", other=0.01).axes) == 1
    assert len(result.plot("donut", top=1).axes) == 2


def test_a_donut_of_many_equal_shares_is_not_all_other() -> None:
    result = answer([{"project": f"p{i}", "requests": 10} for i in range(30)], ["requests"], ["project"])
    slices = [w for w in result.plot("donut").axes[0].patches if isinstance(w, Wedge)]
    assert len(slices) == 13


def test_a_credit_is_no_slice_but_is_named_and_in_the_total() -> None:
    rows = [{"project": n, "cost": Decimal(v)} for n, v in (("Search", "60"), ("Support", "50"), ("Refund", "-10"))]
    figure = answer(rows, ["cost"], ["project"]).plot("donut")
    assert len([w for w in figure.axes[0].patches if isinstance(w, Wedge)]) == 2
    assert {"Refund", f"{MINUS}$10.00", "$100"} <= set(texts(figure))


def test_shares_of_what_does_not_add_up_are_refused() -> None:
    panel = Panel(("cache_hit_rate",), "share", None, False, "total", (Slot(),), ())
    with pytest.raises(UsageError, match="cache_hit_rate has no shares: its parts do not add up"):
        MARKS["donut"](panel, Look(THEMES["light"], {}, 0.05))


def compared() -> Result:
    rows = [
        {"project": n, "cost": Decimal(now), "cost_previous": Decimal(then)}
        for n, now, then in (("Search", "60", "40"), ("Support", "30", "50"), ("Research", "10", "0"))
    ]
    return answer(rows, ["cost"], ["project"])


def test_a_waterfall_leads_from_before_to_now_the_largest_step_first() -> None:
    figure = compared().plot("waterfall")
    assert [t.get_text() for t in figure.axes[0].get_yticklabels()] == [
        "Before",
        "Search",
        "Support",
        "Research",
        "Now",
    ]
    assert {"$90.00", "+$20.00", f"{MINUS}$20.00", "+$10.00", "$100.00"} <= set(texts(figure))
    colours = {name: patch.get_facecolor() for name, patch in bars(figure).items()}
    assert colours["Search"] == colours["Research"] != colours["Support"]


def test_the_axis_of_a_waterfall_begins_where_the_steps_can_be_seen_and_says_so() -> None:
    rows = [
        {"project": n, "cost": Decimal(now), "cost_previous": Decimal(then)}
        for n, now, then in (("Search", "1010", "1000"), ("Support", "995", "1000"))
    ]
    figure = answer(rows, ["cost"], ["project"]).plot("waterfall")
    assert 1900 < figure.axes[0].get_xlim()[0] < 2000
    assert "The axis begins at $1,990." in " ".join(texts(figure))
    rows = [row | {"cost_previous": Decimal(1)} for row in rows]
    assert answer(rows, ["cost"], ["project"]).plot("waterfall").axes[0].get_xlim()[0] == 0


def test_a_waterfall_without_comparison_leads_from_nothing_to_the_total() -> None:
    figure = dollars(("Search", ["5", "5"]), ("Refunds", ["-3", "0"])).plot("waterfall")
    assert [t.get_text() for t in figure.axes[0].get_yticklabels()] == ["Search", "Refunds", "Total"]
    assert {"$10.00", f"{MINUS}$3.00", "$7.00"} <= set(texts(figure))


def test_ranked_bars_say_by_how_much_each_differs_from_before() -> None:
    assert {"$60.00   +50%", f"$30.00   {MINUS}40%", "$10.00"} <= set(texts(compared().plot("rank")))


def test_numbers_stand_at_the_ends_of_their_bars_between_the_names_and_the_edge() -> None:
    rows = [{"project": n, "cost": Decimal(v)} for n, v in (("Search", "900"), ("Refunds", "-700"), ("b", "1"))]
    figure = answer(rows, ["cost"], ["project"]).plot("rank")
    figure.draw_without_rendering()
    (axes,) = figure.axes
    area = axes.get_window_extent()
    said = [text for text in axes.texts if isinstance(text, Annotation)]
    assert [text.get_text() for text in said] == ["$900.00", f"{MINUS}$700.00", "$1.00"]
    for text in said:
        assert area.x0 - 1 <= text.get_window_extent().x0 < text.get_window_extent().x1 <= area.x1 + 1


def test_panels_below_each_other_have_the_same_time_above_the_same_time() -> None:
    rows = [{"time": START + dt.timedelta(days=i), "cost": Decimal(10**9), "requests": i} for i in range(30)]
    upper, lower = answer(rows, ["cost", "requests"], (), "day").plot().axes
    assert upper.get_position().x0 == lower.get_position().x0
    assert upper.get_xlim() == lower.get_xlim()


def test_the_range_that_is_compared_with_is_a_dashed_line() -> None:
    rows = [
        {"time": START + dt.timedelta(days=i), "cost": Decimal(i), "cost_previous": Decimal(20 - i)} for i in range(5)
    ]
    figure = answer(rows, ["cost"], (), "day").plot()
    (line,) = figure.axes[0].lines
    assert list(line.get_ydata())[::2] == [20, 19, 18, 17, 16]
    assert figure.axes[0].get_ylim()[1] > 20
    assert "before" in texts(figure)


def test_bars_side_by_side_have_each_its_own_line_of_before() -> None:
    rows = [
        {"time": START, "input_tokens": 1, "input_tokens_previous": 30, "output_tokens": 2, "output_tokens_previous": 5}
    ]
    axes = answer(rows, ["input_tokens", "output_tokens"], (), "day").plot("bars").axes[0]
    heights = [sorted({float(y) for y in line.get_ydata() if y == y}) for line in axes.lines]
    assert sorted(heights) == [[5.0], [30.0]]
    assert axes.get_ylim()[1] > 30


def test_what_rounding_alone_leaves_is_not_drawn() -> None:
    rows = [{"project": n, "cost": Decimal(v)} for n, v in (("Search", "5"), ("(unattributed)", "1e-18"))]
    assert "(unattributed)" in texts(answer(rows, ["cost"], ["project"]).plot())
    result = answer(rows, ["cost"], ["project"], rounding=frozenset({1}))
    assert "(unattributed)" not in texts(result.plot())


def test_a_heat_map_has_the_mean_of_each_hour_of_the_week() -> None:
    rows = [{"time": START + dt.timedelta(hours=h), "requests": h} for h in range(14 * 24)]
    axes = answer(rows, ["requests"], (), "hour").plot("heat").axes[0]
    assert [t.get_text() for t in axes.get_yticklabels()] == ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    cells = np.asarray(axes.collections[0].get_array()).reshape(7, 24)
    assert cells[0, 0] == (0 + 168) / 2
    assert cells[6, 23] == (167 + 335) / 2


def test_a_colour_follows_its_entity_whatever_a_picture_shows_of_it() -> None:
    order = names(20)

    def rank(dimension: str) -> list[str]:
        assert dimension == "project"
        return order

    every = bars(ranked(order[:12], rank=rank).plot("rank"))
    some = bars(daily(5, [order[8], order[2], order[5]], rank=rank).plot("stack"))
    assert {n: p.get_facecolor() for n, p in some.items()} == {n: every[n].get_facecolor() for n in some}
    assert len({p.get_facecolor() for p in every.values()}) == 12


def test_a_notebook_gets_a_sharp_picture_and_pyplot_knows_nothing_of_it() -> None:
    before = dict(mpl.rcParams)
    figure = ranked(TEAMS).plot(theme="dark")
    data, size = figure._repr_png_()  # type: ignore[attr-defined]
    assert imread(BytesIO(data)).shape[1] == 1440
    assert size["width"] == 960
    assert Gcf.get_num_fig_managers() == 0
    assert dict(mpl.rcParams) == before


def test_axes_of_ones_own_are_drawn_into() -> None:
    figure = Figure(figsize=(12, 5))
    left, right = figure.subplots(1, 2)
    assert daily(5, ["Search $1 and $2", "b"]).plot(ax=left, title="Mine") is figure
    assert left.get_title(loc="left") == "Mine"
    assert "Data complete" in left.get_xlabel()
    assert [t.get_text() for t in left.get_legend().get_texts()] == ["Search $1 and $2", "b"]
    assert len(bars(figure)) == 2
    ranked(TEAMS).plot(ax=right)
    ranked(TEAMS).plot("donut", ax=right)
    figure.draw_without_rendering()
    mixed = answer([{"cost": Decimal(1), "requests": 2}], ["cost", "requests"])
    with pytest.raises(UsageError, match=r"axes of their own: Cost \(USD\): \$1.00, "):
        mixed.plot(ax=right)


def test_what_cannot_be_drawn_is_said_with_what_can() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean `stack`"):
        ranked(TEAMS).plot("stakc")
    with pytest.raises(UsageError, match="at least 1; it was given 0"):
        ranked(TEAMS).plot(top=0)
    with pytest.raises(UnknownNameError, match="dark, light"):
        ranked(TEAMS).plot(theme="blue")
    fetched = Fetched(ranked(TEAMS).table, ranked(TEAMS).range, WHOLE)
    with pytest.raises(UsageError, match="to_pandas"):
        fetched.plot()


def test_without_matplotlib_the_line_to_type_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*sys.modules]:
        if name.startswith("tallybook.show.plots."):
            monkeypatch.delitem(sys.modules, name)
        if name.partition(".")[0] == "matplotlib":
            monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtraError, match=r"pip install 'tallybook\[plots\]'"):
        ranked(TEAMS).plot()


def test_every_kind_is_named_and_has_its_mark() -> None:
    assert list(KINDS) == list(MARKS)


MONTHS = ["Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
GRAINS = {"hour": 3600, "day": DAY, "week": 7 * DAY, "month": 31 * DAY}


@settings(deadline=None)
@given(st.sampled_from(sorted(GRAINS)), st.integers(1, 500), st.integers(40, 800))
def test_times_along_an_axis_never_touch(grain: str, count: int, room: int) -> None:
    if grain == "month":
        starts = [dt.datetime(2020 + i // 12, i % 12 + 1, 1) for i in range(count)]  # noqa: DTZ001
    else:
        starts = [START + dt.timedelta(seconds=GRAINS[grain]) * i for i in range(count)]
    found = time_ticks(starts, grain, room, 8)
    assert found
    widths = [max(width(line, 8) for line in label.split("\n")) for _, label in found]
    for ((a, _), left), ((b, _), right) in pairwise(zip(found, widths, strict=True)):
        assert (b - a) * room / count > (left + right) / 2


@pytest.mark.parametrize(
    ("grain", "count", "labels"),
    [
        ("day", 7, ["5 Jan\n2026", "6 Jan", "7 Jan", "8 Jan", "9 Jan", "10 Jan", "11 Jan"]),
        ("day", 30, ["5 Jan\n2026", "12 Jan", "19 Jan", "26 Jan", "2 Feb"]),
        ("day", 400, ["Feb\n2026", *MONTHS, "Jan\n2027", "Feb"]),
        ("hour", 48, ["00:00\n5 Jan", "06:00", "12:00", "18:00", "00:00\n6 Jan", "06:00", "12:00", "18:00"]),
    ],
)  # fmt: skip
def test_weeks_have_their_ticks_on_mondays_and_months_on_the_first(grain: str, count: int, labels: list[str]) -> None:
    starts = [START + dt.timedelta(seconds=GRAINS[grain]) * i for i in range(count)]
    assert [label for _, label in time_ticks(starts, grain, 480, 8)] == labels


@settings(deadline=None)
@given(st.text(max_size=300), st.integers(10, 300))
def test_a_text_is_made_to_fit_with_letters_that_can_be_drawn(text: str, room: int) -> None:
    short = shortened(text, room, 9)
    assert width(short, 9) <= room or short == "…"
    assert drawable(short) == short
    assert all(width(line, 8) <= max(room, 20) for line in wrapped(text, max(room, 20), 8))


def test_a_shortened_name_keeps_its_end_by_which_names_differ() -> None:
    short = shortened("Department for very long names (a1b2c3)", 150, 9)
    assert short.startswith("Department")
    assert short.endswith("b2c3)")
    assert drawable("🚀🔥 Launch\n\u200b$5") == "\N{WHITE SQUARE} Launch $5"
