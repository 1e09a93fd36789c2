"""Numbers of the user's own: grains, exact amounts, ids, and rows that are refused by name."""

import datetime as dt
from collections import defaultdict
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallybook.model.errors import UsageError
from tallybook.model.windows import iso
from tallybook.query.own.business import COLUMNS, TAGS, Definition, check_name, column_of
from tallybook.query.own.business_ids import Record
from tallybook.query.own.business_rows import Bucketed, Columns, bucketed, fits, grain_of, moments

IDS: Any = {
    "project": {("acme", "proj_1"): {"Search"}, ("acme", "proj_2"): {"Chat"}, ("beta", "proj_3"): {"Chat"}},
    "user": {("acme", "u1"): {"Ada", "ada@example.com"}, ("beta", "u1"): {"Ada"}},
    "api_key": {},
    "service_account": {},
}


def gathered(rows: list[tuple[Any, ...]], *by: str, kind: Any = "flow", grain: str | None = None) -> Bucketed:
    """Return the buckets of rows of time, amount and values of the dimensions `by`."""
    records = [Record(f"row {n}", r[0], r[1], dict(zip(by, r[2:], strict=True))) for n, r in enumerate(rows, 1)]
    times = moments(records, "day")
    columns: dict[str, str] = {}
    for name in by:
        columns[name] = column_of(name, columns.values())
    what = Definition("orders", kind, "orders", None, grain or grain_of(times), columns)
    return bucketed(what, records, times, Columns("day", "orders", {d: d for d in by}), IDS)


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("times", "grain"),
    [
        (["2026-10-01"], "day"),
        (["2026-10-01", "2026-11-01"], "month"),
        (["2026-10"], "month"),
        (["2026-W40", "2026-W42"], "week"),
        (["2026W40"], "week"),
        (["2026-10-05", "2026-10-12", "2026-10-26"], "week"),
        (["2026-10-05", "2026-10-06"], "day"),
        (["2026-10-05", "2026-10"], "day"),
        (["2026-10-05T00:00Z", "2026-10-06T00:00+00:00"], "day"),
        (["2026-10-05", "2026-10-05T07:00"], "hour"),
        (["2026-10-05T07:00"], "hour"),
        ([dt.date(2026, 10, 1), dt.date(2026, 10, 2)], "day"),
        ([dt.datetime(2026, 10, 1, 2, tzinfo=dt.timezone(dt.timedelta(hours=2)))], "day"),
    ],
)
def test_the_grain_is_told_from_the_times(times: list[Any], grain: str) -> None:
    found = moments([Record("row", t, 1, {}) for t in times], "day")
    assert grain_of(found) == grain
    assert fits(found, grain)


def test_times_within_hours_need_a_grain_and_are_then_added_up() -> None:
    rows = [("2026-10-31T23:59:59", 1), ("2026-11-01T00:00:01+00:00", 2), ("2026-10-31T23:00-01:00", 4)]
    with pytest.raises(UsageError, match="The times are not those of whole hours"):
        gathered(rows)
    found = gathered(rows, grain="day")
    assert [(r["start_time"], r["end_time"], r["amount"]) for r in found.rows] == [
        (at("2026-10-31"), at("2026-11-01"), 1),
        (at("2026-11-01"), at("2026-11-02"), 6),
    ]
    assert [(r["start_time"], r["end_time"], r["amount"]) for r in gathered(rows, grain="month").rows] == [
        (at("2026-10-01"), at("2026-11-01"), 1),
        (at("2026-11-01"), at("2026-12-01"), 6),
    ]
    assert [r["start_time"] for r in gathered(rows, grain="week").rows] == [at("2026-10-26")]
    assert found.total == 7


def test_a_flow_is_known_from_its_first_bucket_to_its_last_a_level_only_where_it_was_said() -> None:
    rows = [("2026-10-05", 2), ("2026-10-07", 3), ("2026-10-08", 3)]
    flow, level = gathered(rows), gathered(rows, kind="level")
    assert [(iso(s.start), iso(s.end)) for s in flow.coverage] == [("2026-10-05", "2026-10-09")]
    assert [(iso(s.start), iso(s.end)) for s in level.coverage] == [
        ("2026-10-05", "2026-10-06"),
        ("2026-10-07", "2026-10-09"),
    ]
    assert flow.span == level.span == flow.coverage[0]
    assert [row["amount_seconds"] for row in level.rows] == [2 * 86400, 3 * 86400, 3 * 86400]
    assert "amount_seconds" not in flow.rows[0]


def test_a_level_is_not_added_up_over_time() -> None:
    with pytest.raises(UsageError, match=r"^row 2, column day: 2026-10-05 07:00:00 is not the beginning of a day; lev"):
        gathered([("2026-10-05", 2), ("2026-10-05T07:00", 3)], kind="level", grain="day")


@pytest.mark.parametrize(
    ("amount", "kept"),
    [
        (0.1, "0.1"),
        (0.1 + 0.2, "0.30000000000000004"),
        (1e-7, "0.0000001"),
        (np.float64(0.1), "0.1"),
        (np.int64(-3), "-3"),
        (Decimal("99999999999999999999.999999999999999999"), "99999999999999999999.999999999999999999"),
        (" 1234.50 ", "1234.5"),
        ("-1e3", "-1000"),
        ("0.0000000000000000005", "0"),
        ("0.0000000000000000015", "0.000000000000000002"),
    ],
)
def test_amounts_are_exact_to_the_18th_decimal(amount: Any, kept: str) -> None:
    (row,) = gathered([("2026-10-05", amount)]).rows
    assert row["amount"] == Decimal(kept)
    assert row["amount"].as_tuple().exponent == -18


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (("2026-10-05", float("nan")), "row 2, column orders: nan is not a number. Write 1234.5."),
        (("2026-10-05", float("-inf")), "row 2, column orders: -inf is not a number."),
        (("2026-10-05", Decimal("NaN")), "row 2, column orders: NaN is not a number."),
        (("2026-10-05", "inf"), "row 2, column orders: 'inf' is not a number."),
        (("2026-10-05", "many"), "row 2, column orders: 'many' is not a number."),
        (("2026-10-05", "1,5"), "row 2, column orders: '1,5' is not a number."),
        (("2026-10-05", "1_000"), "row 2, column orders: '1_000' is not a number."),
        (("2026-10-05", True), "row 2, column orders: True is not a number."),
        (("2026-10-05", None), "row 2, column orders: there is no number."),
        (("2026-10-05", ""), "row 2, column orders: there is no number."),
        (("2026-10-05", 10**20), "row 2, column orders: 100000000000000000000 is too large"),
        (("2026-10-05", "1e999"), "row 2, column orders: '1e999' is too large"),
        (("2026-10-05", -(10**20 - 1)), "orders adds up to"),
        (("5.10.2026", 1), "row 2, column day: '5.10.2026' is not a time. Write 2026-10-31, 2026-10-31T17:00Z or"),
        (("2026-13", 1), "row 2, column day: '2026-13' is not a time."),
        (("2026-W54", 1), "row 2, column day: '2026-W54' is not a time."),
        (("1969-12-31", 1), "row 2, column day: '1969-12-31' is not a time."),
        (("9999-12-31", 1), "row 2, column day: '9999-12-31' is not a time."),
        ((None, 1), "row 2, column day: nothing is not a time."),
        ((20261005, 1), "row 2, column day: 20261005 is not a time."),
    ],
)
def test_a_row_that_cannot_be_is_refused_by_its_number(row: tuple[Any, ...], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        gathered([("2026-10-05", -(10**20 - 1)), row], grain="day")
    assert words in str(caught.value)


def test_values_are_ids_or_names_that_one_id_has_and_say_whose_the_row_is() -> None:
    rows = [
        ("2026-10-05", 1, "proj_1", None, "x"),
        ("2026-10-05", 2, "Search", "", "x"),
        ("2026-10-05", 4, "proj_3", None, None),
        ("2026-10-05", 8, None, "ada@example.com", 3),
    ]
    found = gathered(rows, "project", "user", "squad").rows
    assert [(r["org"], r["project_id"], r["user_id"], r["tag_1"], r["amount"]) for r in found] == [
        ("acme", "proj_1", None, "x", 3),
        ("beta", "proj_3", None, None, 4),
        ("acme", None, "u1", "3", 8),
    ]


def test_of_an_id_or_a_name_in_two_organizations_the_organization_tells() -> None:
    (row,) = gathered([("2026-10-05", 1, "Chat", "Ada", "beta")], "project", "user", "org").rows
    assert (row["org"], row["project_id"], row["user_id"]) == ("beta", "proj_3", "u1")
    (row,) = gathered([("2026-10-05", 1, "acme")], "org").rows
    assert row["org"] == "acme"
    (row,) = gathered([("2026-10-05", 1, "key_1")], "api_key").rows  # nothing is known of keys
    assert (row["org"], row["api_key_id"]) == (None, "key_1")


@pytest.mark.parametrize(
    ("by", "values", "words"),
    [
        (["project"], ["Seaarch"], "row 1, column project: the book knows no project 'Seaarch'. Did you mean `Search`"),
        (["project"], ["xyzzy"], "the book knows no project 'xyzzy'. Run `tallybook sync` if it is new."),
        (["project"], ["Chat"], "column project: 'Chat' may be proj_2 of acme, proj_3 of beta. Write the id."),
        (["user"], ["u1"], "column user: 'u1' may be u1 of acme, u1 of beta. Write the id."),
        (["org"], ["acmee"], "row 1, column org: there is no organization 'acmee' in the book."),
        (["project", "org"], ["proj_1", "beta"], "the book knows no project 'proj_1'"),
        (
            ["project", "user"],
            ["proj_3", "ada@example.com"],
            "row 1: its ids belong to different organizations, acme",
        ),
    ],
)
def test_an_id_that_is_not_plain_is_refused_by_its_row(by: list[str], values: list[str], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        gathered([("2026-10-05", 1, *values)], *by)
    assert words in str(caught.value)


AMOUNTS = st.decimals(-(10**12), 10**12, places=18)
ROWS = st.lists(
    st.tuples(
        st.datetimes(dt.datetime(2026, 1, 1), dt.datetime(2026, 4, 1)),  # noqa: DTZ001
        AMOUNTS,
        st.sampled_from(["proj_1", "Search", "proj_2", "", None]),
    ),
    min_size=1,
    max_size=12,
)


@given(ROWS, st.sampled_from(["hour", "day", "week", "month"]))
def test_nothing_is_lost_whatever_the_grain(rows: Any, grain: str) -> None:
    found = gathered(rows, "project", grain=grain)
    sums: dict[Any, Fraction] = defaultdict(Fraction)
    for _, amount, project in rows:
        sums[{"Search": "proj_1", "": None}.get(project, project)] += Fraction(amount)
    got: dict[Any, Fraction] = defaultdict(Fraction)
    for row in found.rows:
        got[row["project_id"]] += Fraction(row["amount"])
        assert row["start_time"] < row["end_time"]
    assert got == sums
    assert Fraction(found.total) == sum(sums.values())
    for moment, _, _ in rows:
        assert any(row["start_time"] <= moment < row["end_time"] for row in found.rows)
    keys = [(row["start_time"], row["project_id"]) for row in found.rows]
    assert len(keys) == len(set(keys))


def test_a_metric_and_its_dimensions_have_names_of_their_own() -> None:
    for name in ("Orders", "2nd", "a b", "", "x" * 64):
        with pytest.raises(UsageError, match="A metric has a name of small letters"):
            check_name(name)
    for name in ("cost", "requests", "num_model_requests", "project", "project_id", "team", "time", "currency", "unit"):
        with pytest.raises(UsageError, match=f"'{name}' is a metric or dimension already"):
            check_name(name, ["unit"])
    check_name("orders", ["unit"])
    taken: list[str] = []
    for name in ("squad", "stage", "shop", "land"):
        taken.append(column_of(name, taken))
    assert taken == list(TAGS)
    with pytest.raises(UsageError, match="has at most 4 dimensions of your own; 'fifth' is one more"):
        column_of("fifth", taken)
    with pytest.raises(UsageError, match="is not told apart by batch; it is by org, project, user, "):
        column_of("batch", [])
    with pytest.raises(UsageError, match="A dimension has a name of small letters"):
        column_of("My squad", [])
    assert column_of("project", taken) == COLUMNS["project"] == "project_id"
