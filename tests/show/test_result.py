"""What an answer becomes: rows, frames, JSON and HTML; exact where it can be, and never silent about a gap."""

import html
import json
import re
from datetime import datetime
from decimal import Decimal

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from tallybook.book import Book
from tallybook.show.result import Result, decimal_text
from tallybook.show.text import result_text
from tests.books import hold

EXACT = Decimal("12345678901234567890.123456789012345678")
ROWS = [
    {"day": "2026-11-01", "project_id": "p<script>", "line_item": "x", "amount": EXACT},
    {"day": "2026-11-03", "project_id": None, "line_item": "x", "amount": Decimal("-0.1")},
]
NOVEMBER = {"since": "2026-11-01", "until": "2026-11-04"}


@pytest.fixture
def whole(empty: Book) -> Result:
    hold(empty, "costs", "2026-11-01", "2026-11-05", ROWS)
    return empty.query("cost", by="project", grain="day", **NOVEMBER)


@pytest.fixture
def partial(empty: Book) -> Result:
    """The 2nd is missing, and usage was never read."""
    hold(empty, "costs", "2026-11-01", "2026-11-02", ROWS[:1])
    hold(empty, "costs", "2026-11-03", "2026-11-05", ROWS[1:])
    hold(empty, "completions", "2026-11-03", "2026-11-05")
    return empty.query("cost", "output_tokens", by="project", grain="day", **NOVEMBER)


def test_rows_have_exact_money_and_naive_utc_time(whole: Result) -> None:
    assert whole.rows()[0] == {
        "time": datetime(2026, 11, 1),  # noqa: DTZ001
        "project": "p<script>",
        "project_id": "p<script>",
        "currency": "usd",
        "cost": EXACT,
    }
    assert len(whole) == 8
    assert whole.to_arrow().schema.field("cost").type == pa.decimal128(38, 18)


def test_pandas_has_floats_nullable_counts_and_none_for_absent_text(partial: Result) -> None:
    frame = partial.to_pandas()
    assert frame.dtypes.astype(str).to_dict() == {
        "time": "datetime64[us]",
        "project": "object",
        "project_id": "object",
        "currency": "object",
        "cost": "float64",
        "output_tokens": "Int64",
    }
    assert frame["cost"].sum() == pytest.approx(float(EXACT))
    assert set(frame["project_id"]) == {"p<script>", None}
    assert frame["output_tokens"].isna().tolist() == [True] * 4 + [False] * 4
    assert (frame["cost"] * 2).dtype == "float64"


def test_pandas_has_every_digit_where_it_is_asked_for(whole: Result) -> None:
    cost = whole.to_pandas(money="decimal")["cost"]
    assert cost[0] == EXACT
    assert sum(cost) == EXACT - Decimal("0.1")


def test_polars_has_floats_or_exact_decimals(whole: Result) -> None:
    assert whole.to_polars().schema["cost"] == pl.Float64
    exact = whole.to_polars(money="decimal")
    assert exact.schema["cost"] == pl.Decimal(38, 18)
    assert exact["cost"][0] == EXACT
    assert exact["time"].dtype == pl.Datetime("us")


def test_json_has_money_as_text_and_says_what_it_rests_on(partial: Result) -> None:
    data = json.loads(partial.to_json())
    assert data == partial.to_dict()
    asked = {"metrics": ["cost", "output_tokens"], "by": ["project"], "grain": "day", "where": {}, "as_of": None}
    assert data["query"] == {"orgs": ["default"], "top": None, "compare": None, "tz": "UTC", **asked}
    assert data["range"] == {
        "start": "2026-11-01T00:00:00Z",
        "end": "2026-11-05T00:00:00Z",
        "text": "1-4 Nov 2026, 4 days, UTC",
    }
    assert data["rows"][0]["cost"] == str(EXACT)
    assert data["rows"][0]["time"] == "2026-11-01T00:00:00Z"
    assert data["coverage"]["complete"] is False
    assert data["coverage"]["missing"][0] == {
        "dataset": "costs",
        "start": "2026-11-02T00:00:00Z",
        "end": "2026-11-03T00:00:00Z",
        "reason": "not read",
    }


def test_every_form_of_an_incomplete_answer_says_so(partial: Result) -> None:
    said = "INCOMPLETE: costs 2026-11-02: not read"
    assert said in repr(partial)
    assert f"<strong>Data {said}" in partial._repr_html_()
    assert said in " ".join(result_text(partial, width=80).split())
    assert json.loads(partial.to_json())["coverage"]["complete"] is False


def test_a_complete_answer_says_so_too(whole: Result) -> None:
    assert "complete; as of 2026-11-23 15:30 UTC" in repr(whole)
    assert "<strong>" not in whole._repr_html_()
    assert "INCOMPLETE" not in repr(whole) + whole._repr_html_() + result_text(whole, width=80)


def test_html_escapes_what_others_have_named(whole: Result) -> None:
    page = whole._repr_html_()
    assert "p&lt;script&gt;" in page
    assert "<script>" not in page


def cells(page: str) -> list[list[str]]:
    return [[html.unescape(c) for c in re.findall(r"<t[hd] [^>]*>(.*?)</t", row)] for row in page.split("<tr>")[1:]]


def test_a_notebook_shows_the_numbers_of_the_terminal(whole: Result, empty: Book) -> None:
    table = cells(whole._repr_html_())
    assert table[:2] == [["day", "project", "cost"], ["2026-11-01", "p<script>", "$12,345,678,901,234,567,890.12"]]
    assert table[-1] == ["total", "", "$12,345,678,901,234,567,890.02"]
    hold(empty, "costs", "2026-11-01", "2026-11-05", [*ROWS, ROWS[1] | {"currency": "eur"}])
    table = cells(empty.query("cost", by="project", **NOVEMBER)._repr_html_())
    assert table[-2:] == [["total", "$12,345,678,901,234,567,890.02"], ["", "−€0.10"]]


def test_long_answers_are_cut_in_html_and_say_by_how_much(empty: Book) -> None:
    rows = [{"day": "2026-11-01", "project_id": f"p{n}", "line_item": "x", "amount": Decimal(n)} for n in range(1, 71)]
    hold(empty, "costs", "2026-11-01", "2026-11-02", rows)
    page = empty.query("cost", by="project", since="2026-11-01", until="2026-11-01")._repr_html_()
    assert len(cells(page)) == 62
    assert cells(page)[-1] == ["total", "$2,485.00"]
    assert "… 10 more rows" in page


def test_an_answer_without_rows_is_an_empty_table_of_the_same_columns(empty: Book) -> None:
    hold(empty, "costs", "2026-11-01", "2026-11-05")
    result = empty.query("cost", by="project", grain="day", **NOVEMBER)
    assert len(result) == 0
    assert list(result.to_pandas().columns) == ["time", "project", "project_id", "currency", "cost"]
    assert result.to_polars().is_empty()
    assert json.loads(result.to_json())["rows"] == []
    assert "<tbody></tbody>" in result._repr_html_()
    assert result_text(result, width=80).startswith("No rows: nothing matches in this range.")
    assert isinstance(result.to_pandas(), pd.DataFrame)


@pytest.mark.parametrize(
    ("value", "text"),
    [("12.500", "12.5"), ("0E-18", "0"), ("-0.000001", "-0.000001"), ("1E+3", "1000"), ("100", "100")],
)
def test_decimal_text_has_all_digits_that_matter_and_no_exponent(value: str, text: str) -> None:
    assert decimal_text(Decimal(value)) == text
