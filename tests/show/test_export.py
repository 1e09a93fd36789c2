"""Answers as files: exact, with their status and coverage, and harmless in a spreadsheet."""

import datetime as dt
import io
import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from tallybook.book import Book
from tallybook.model.errors import UnknownNameError, UsageError
from tallybook.model.schema import MONEY
from tallybook.show.export.forms import FORMS, form_of
from tallybook.show.result import Result
from tests.books import hold
from tests.show.exports import csv_rows, one_column, printed

EXACT = Decimal("12345678901234567890.123456789012345678")
ROWS = [
    {"day": "2026-11-01", "project_id": "=cmd()", "line_item": "x", "amount": EXACT},
    {"day": "2026-11-03", "project_id": "p, q", "line_item": "x", "amount": Decimal("-0.000000000000000001")},
    {"day": "2026-11-23", "project_id": "p, q", "line_item": "x", "amount": Decimal(2)},
]


@pytest.fixture
def answer(empty: Book) -> Result:
    """Four weeks by week: without the 2nd day, as of the 23rd at 15:30; provisional from the 16th."""
    hold(empty, "costs", "2026-11-01", "2026-11-02", ROWS[:1])
    hold(empty, "costs", "2026-11-03", "2026-11-24", ROWS[1:])
    return empty.query("cost", by="project", grain="day", since="2026-11-01", until="2026-11-23")


def test_every_row_is_stable_provisional_open_or_missing(answer: Result) -> None:
    by_day = {row["time"].day: status for row, status in zip(answer.rows(), answer.status, strict=True)}
    assert by_day == {
        day: "missing" if day == 2 else "stable" if day < 16 else "provisional" if day < 23 else "open"
        for day in range(1, 24)
    }


def test_the_status_of_a_total_is_that_of_its_end(empty: Book) -> None:
    hold(empty, "costs", "2026-11-01", "2026-11-24", ROWS)
    for last, status in (("2026-11-15", "stable"), ("2026-11-16", "provisional"), ("2026-11-23", "open")):
        assert set(empty.query("cost", since="2026-11-01", until=last).status) == {status}
        assert set(empty.query("cost", grain="month", since="2026-11-01", until=last).status) == {status}


def test_a_row_is_missing_only_where_none_of_its_numbers_is_held(empty: Book) -> None:
    hold(empty, "costs", "2026-11-01", "2026-11-02", ROWS[:1])
    hold(empty, "completions", "2026-11-02", "2026-11-03", [{"day": "2026-11-02", "output_tokens": 1}])
    answer = empty.query("cost", "output_tokens", grain="day", since="2026-11-01", until="2026-11-03")
    assert [status == "missing" for status in answer.status] == [False, False, True]


def test_csv_has_all_digits_plain_dates_and_no_formula(answer: Result) -> None:
    head, *rows = csv_rows(written(answer, "csv"))
    assert head == ["time", "project", "project_id", "currency", "cost", "status"]
    assert rows[0] == ["2026-11-01", "'=cmd()", "'=cmd()", "usd", str(EXACT), "stable"]
    assert rows[2] == ["2026-11-02", "'=cmd()", "'=cmd()", "usd", "", "missing"]
    assert rows[5] == ["2026-11-03", "p, q", "p, q", "usd", "-0.000000000000000001", "stable"]


def written(answer: Result, form: str) -> str:
    out = io.BytesIO()
    answer.write(out, format=form)
    return out.getvalue().decode()


def test_json_has_query_range_coverage_and_rows_with_money_as_text(answer: Result) -> None:
    data = json.loads(written(answer, "json"))
    assert data == answer.to_dict() == json.loads(answer.to_json())
    assert [*data] == ["query", "range", "coverage", "notes", "rows"]
    assert data["coverage"]["complete"] is False
    assert data["rows"][0] == {
        "time": "2026-11-01T00:00:00Z",
        "project": "=cmd()",
        "project_id": "=cmd()",
        "currency": "usd",
        "cost": str(EXACT),
        "status": "stable",
    }
    assert [json.loads(line) for line in written(answer, "jsonl").splitlines()] == data["rows"]


def test_an_answer_without_rows_is_whole_in_every_text(empty: Book) -> None:
    hold(empty, "costs", "2026-11-01", "2026-11-02")
    none = empty.query("cost", by="project", since="2026-11-01", until="2026-11-01")
    assert len(none) == 0
    assert json.loads(none.to_json())["rows"] == []
    assert written(none, "jsonl") == ""
    assert csv_rows(written(none, "csv")) == [["project", "project_id", "currency", "cost", "status"]]
    assert written(none, "markdown").startswith("| project |")


def test_parquet_is_the_arrow_table_with_status_and_what_it_rests_on(answer: Result, tmp_path: Path) -> None:
    table = parquet.read_table(answer.save(tmp_path / "cost.parquet"))
    assert table.drop_columns("status").equals(answer.table)
    assert tuple(table["status"].to_pylist()) == answer.status
    assert json.loads(table.schema.metadata[b"tallybook"]) == answer.about()


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_forms_of_rows_alone_have_their_coverage_beside_them(answer: Result, tmp_path: Path, form: str) -> None:
    path = answer.save(tmp_path / f"cost.{form}")
    assert {p.name for p in tmp_path.glob("cost*")} == {path.name, f"{path.name}.coverage.json"}
    beside = json.loads((tmp_path / f"{path.name}.coverage.json").read_text("utf-8"))
    assert beside == {"file": path.name, **answer.about()}
    assert beside["coverage"]["missing"][0]["start"] == "2026-11-02T00:00:00Z"


def test_markdown_is_a_table_with_what_it_rests_on_below(answer: Result, tmp_path: Path) -> None:
    path = answer.save(tmp_path / "cost.md")
    assert [*tmp_path.glob("cost*")] == [path]
    lines = path.read_text("utf-8").splitlines()
    assert lines[:3] == [
        "| time | project | project_id | currency | cost | status |",
        "| --- | --- | --- | --- | ---: | --- |",
        f"| 2026-11-01 | '=cmd() | '=cmd() | usd | {EXACT} | stable |",
    ]
    assert lines[-6:] == [
        "",
        f"{answer.range}.",
        "",
        "Cost is billed, before tax, credits and adjustments.",
        "",
        "Data INCOMPLETE: costs 2026-11-02: not read; as of 2026-11-23 15:30 UTC; provisional from 2026-11-16.",
    ]


HARMLESS = ("gpt-5.6-sol", "a=b", "1-2", "ada@example.com", "p; q", "", "(none)", "a\nb", "“–”")
STARTS = "=+-@＝＋－＠﹦﹢﹣﹫"
BLANKS = ("", " ", "\u00a0", "\u3000", "\ufeff", "\u200b", "\x00", "\x0b")
SEPARATORS = ("", "a;", "a\tb\t", "a\n", "a\r\n")
HARMFUL = [
    *(f"{before}{blank}{start}1" for before in SEPARATORS for blank in BLANKS for start in STARTS),
    *("\tx", "\rx", "\nx", "-", "@"),
]


@pytest.mark.parametrize("form", ["csv", "markdown"])
def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe_and_other_text_stays(form: str) -> None:
    for text in HARMLESS:
        assert "'" not in printed(one_column([text], pa.string()), form), text
    for text in HARMFUL:
        assert "'" in printed(one_column([text], pa.string()), form), repr(text)


def test_headers_are_neutral_too_as_people_name_metrics() -> None:
    table = pa.table({"=a": [1], "b,c": [2]})
    assert printed(table, "csv") == '\'=a,"b,c"\n1,2\n'
    assert printed(table, "markdown").startswith("| '=a | b,c |\n")


def test_numbers_are_never_touched_and_text_that_looks_like_one_stays_text() -> None:
    table = pa.table(
        {
            "money": pa.array([Decimal("-0.5"), None], MONEY),
            "count": pa.array([-7, None], pa.int64()),
            "rate": pa.array([-0.25, float("nan")], pa.float64()),
            "text": pa.array(["-7", None], pa.string()),
            "flag": pa.array([True, None], pa.bool_()),
        }
    )
    assert printed(table, "csv") == "money,count,rate,text,flag\n-0.5,-7,-0.25,'-7,true\n,,nan,,\n"
    first, second = map(json.loads, printed(table, "jsonl").splitlines())
    assert first == {"money": "-0.5", "count": -7, "rate": -0.25, "text": "-7", "flag": True}
    assert set(second.values()) == {None}


def test_what_markdown_would_read_as_markup_is_escaped() -> None:
    line = printed(one_column(["a|b\n<i>*x*</i> _y_ snake_case `z` [l](u) &amp; $m$"], pa.string()), "markdown")
    assert r"| a\|b \<i\>\*x\*\</i\> \_y\_ snake_case \`z\` \[l\](u) \&amp; \$m\$ |" in line


MONIES = st.none() | st.decimals(-(10**20) + 1, 10**20 - 1, places=18)
TEXTS = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@given(st.lists(st.tuples(TEXTS, MONIES, st.none() | st.integers(-(2**63), 2**63 - 1)), max_size=5))
def test_csv_and_jsonl_give_back_every_value(rows: list[tuple[Any, ...]]) -> None:
    kinds = {"t": pa.string(), "m": MONEY, "n": pa.int64()}
    table = pa.table({name: pa.array([r[i] for r in rows], kind) for i, (name, kind) in enumerate(kinds.items())})
    head, *lines = csv_rows(printed(table, "csv"))
    assert head == [*kinds]
    for (text, money, count), line in zip(rows, lines, strict=True):
        assert line[1:] == ["" if money is None else plain(money), "" if count is None else str(count)]
        assert re.sub(r"(^|[;\t\r\n])'", r"\1", line[0]) == re.sub(r"(^|[;\t\r\n])'", r"\1", text or "")
    decoded = [msgspec.json.decode(line) for line in printed(table, "jsonl").encode().splitlines()]
    assert decoded == [{"t": t, "m": None if m is None else plain(m), "n": n} for t, m, n in rows]


def plain(amount: Decimal) -> str:
    text = f"{amount:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def test_an_empty_text_is_not_an_absent_one_in_csv() -> None:
    assert printed(one_column(["", None, "x"], pa.string()), "csv") == 'value\n""\n\nx\n'


def test_moments_keep_their_time_of_day() -> None:
    at = [dt.datetime(2026, 11, 1, 6, 30)]  # noqa: DTZ001
    table = one_column(at, pa.timestamp("us"))
    assert printed(table, "csv") == "value\n2026-11-01 06:30:00\n"
    assert printed(table, "csv", days=frozenset({"value"})) == "value\n2026-11-01\n"
    assert json.loads(printed(table, "jsonl")) == {"value": "2026-11-01T06:30:00Z"}
    assert json.loads(printed(table, "jsonl", is_utc=False)) == {"value": "2026-11-01T06:30:00"}


def test_the_format_is_that_of_the_suffix_or_the_one_named() -> None:
    assert {form.name: [form_of(Path(f"a{s}")).name for s in form.suffixes] for form in FORMS.values()} == {
        "csv": ["csv"],
        "json": ["json"],
        "jsonl": ["jsonl", "jsonl"],
        "parquet": ["parquet"],
        "xlsx": ["xlsx"],
        "markdown": ["markdown", "markdown"],
    }
    assert form_of(Path("A.CSV")).name == "csv"
    assert form_of(Path("a.txt"), "csv").name == "csv"
    with pytest.raises(UsageError, match=r"'a.txt' does not say which format is meant. Use one of \.csv, "):
        form_of(Path("a.txt"))
    with pytest.raises(UnknownNameError, match="Did you mean `parquet`"):
        form_of(Path("a.csv"), "parket")


@pytest.mark.parametrize("form", ["parquet", "xlsx"])
def test_what_is_no_text_is_not_printed(answer: Result, form: str) -> None:
    with pytest.raises(UsageError, match=f"{form} cannot be printed. Name a file with -o, or choose csv, json, jsonl"):
        written(answer, form)
