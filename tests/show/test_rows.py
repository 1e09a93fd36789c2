"""Rows of any shape as text: nothing is lost, nothing steers a terminal, and 80 columns are enough."""

import csv
import datetime as dt
import io
import json
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from tallybook.show.rows import MOST, rows_csv, rows_json, rows_text

DAY = dt.datetime(2026, 11, 1)  # noqa: DTZ001
MONEY = pa.decimal128(38, 18)
ROWS = pa.table(
    {
        "day": pa.array([DAY, DAY], pa.timestamp("us")),
        "seen": pa.array([DAY.replace(hour=7, microsecond=5), None], pa.timestamp("us")),
        "amount": pa.array([Decimal("1234.5"), Decimal("-0.000000000000000001")], MONEY),
        "n": pa.array([1_234_567, None], pa.int64()),
        "mean": pa.array([0.1, float("nan")], pa.float64()),
        "batch": pa.array([True, None], pa.bool_()),
        "name": pa.array(["a,b\x1b[31m", None], pa.string()),
        "list": pa.array([[Decimal("1.5"), None], None], pa.list_(MONEY)),
        "bytes": pa.array([b"\x00\xff", None], pa.binary()),
    }
)


def test_a_table_shows_every_digit_aligned_and_days_as_days() -> None:
    text = rows_text(ROWS.select(["day", "amount", "n", "batch", "name"]), width=120)
    assert text.splitlines()[2:] == [
        " 2026-11-01  1,234.500000000000000000  1,234,567  true   a,b�[31m",
        " 2026-11-01     -0.000000000000000001          –  –      –",
    ]
    assert "2026-11-01 07:00:00.000005" in rows_text(ROWS.select(["seen"]), width=80)


def test_columns_without_room_beside_each_other_stand_below_each_other() -> None:
    text = rows_text(ROWS, width=60)
    assert max(map(len, text.splitlines())) <= 60
    paragraphs = text.split("\n\n")
    assert [p.splitlines()[0] for p in paragraphs] == ["row 1", "row 2"]
    assert "  amount  1,234.500000000000000000" in paragraphs[0].splitlines()
    assert "\x1b" not in text


@pytest.mark.parametrize("width", [None, 80])
def test_no_rows_are_said_with_their_columns(width: int | None) -> None:
    assert rows_text(ROWS.slice(0, 0).select(["day", "n"]), width=width) == "No rows. Columns: day, n"


def test_more_rows_than_people_read_are_counted() -> None:
    text = rows_text(pa.table({"n": range(MOST + 1_234)}), width=80)
    assert len(text.splitlines()) == 2 + MOST + 2
    assert text.endswith("… 1,234 more rows; LIMIT chooses, --format csv gives all.")


def test_json_loses_no_digit_and_can_be_read_by_anything() -> None:
    first, second = json.loads(rows_json(ROWS), parse_constant=pytest.fail)["rows"]
    assert first == {
        "day": "2026-11-01T00:00:00Z", "seen": "2026-11-01T07:00:00.000005Z", "amount": "1234.5", "n": 1_234_567,
        "mean": 0.1, "batch": True, "name": "a,b\x1b[31m", "list": ["1.5", None], "bytes": "00ff",
    }  # fmt: skip
    assert second["amount"] == "-0.000000000000000001"
    assert second["mean"] == "nan"
    assert {second[name] for name in ("seen", "n", "batch", "name", "list", "bytes")} == {None}


def test_csv_gives_back_what_went_in() -> None:
    header, first, second = csv.reader(io.StringIO(rows_csv(ROWS)))
    assert header == ROWS.column_names
    found: dict[str, Any] = dict(zip(header, first, strict=True))
    assert (Decimal(found["amount"]), int(found["n"]), found["name"]) == (Decimal("1234.5"), 1_234_567, "a,b\x1b[31m")
    assert (found["list"], found["batch"], found["day"]) == ('["1.5", null]', "true", "2026-11-01T00:00:00Z")
    assert second[1] == ""


def test_csv_has_nothing_that_a_spreadsheet_would_run_and_numbers_as_they_are() -> None:
    odd = ["=cmd()", "+1", "-1", "@x", "a-b"]
    table = pa.table({"=a": odd, "list": [[text] for text in odd], "n": pa.array([-1, 2, -3, 4, 5], pa.int64())})
    names, *rows = csv.reader(io.StringIO(rows_csv(table)))
    assert names == ["'=a", "list", "n"]
    assert [row[0] for row in rows] == ["'=cmd()", "'+1", "'-1", "'@x", "a-b"]
    assert [row[1:] for row in rows[:2]] == [['["=cmd()"]', "-1"], ['["+1"]', "2"]]
    assert json.loads(rows_json(table))["rows"][0]["=a"] == "=cmd()"
