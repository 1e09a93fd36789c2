"""Workbooks, read back with openpyxl."""

import builtins
import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.utils.escape import unescape
from openpyxl.workbook import Workbook

from tallybook.book import Book
from tallybook.model.errors import MissingExtraError
from tallybook.model.schema import MONEY, TIME
from tallybook.show.export import xlsx_form
from tallybook.show.export.content import Content
from tests.books import hold
from tests.show.exports import content, one_column

DAY = dt.datetime(2026, 11, 1)  # noqa: DTZ001


def opened(table: pa.Table, path: Path, rows: int = xlsx_form.ROWS, **how: Any) -> Workbook:
    return read(content(table, **how), path, rows)


def read(given: Content, path: Path, rows: int = xlsx_form.ROWS) -> Workbook:
    with path.open("wb") as out:
        xlsx_form.write(out, given, rows)
    assert [*path.parent.iterdir()] == [path]
    return openpyxl.load_workbook(path)


def test_cells_are_typed_and_formatted(tmp_path: Path) -> None:
    table = pa.table(
        {
            "time": pa.array([DAY, None], TIME),
            "at": pa.array([DAY + dt.timedelta(hours=6, minutes=30), None], TIME),
            "model": pa.array(["gpt", None], pa.string()),
            "batch": pa.array([True, None], pa.bool_()),
            "currency": pa.array(["usd", "chf"], pa.string()),
            "cost": pa.array([Decimal("1234.5"), Decimal(-2)], MONEY),
            "each": pa.array([Decimal("0.00012"), None], MONEY),
            "tokens": pa.array([1_234_567, None], pa.int64()),
            "rate": pa.array([0.318, float("nan")], pa.float64()),
            "ratio": pa.array([1.5, None], pa.float64()),
        }
    )
    units = {"cost": "money", "each": "money/requests", "rate": "share"}
    sheet = opened(table, tmp_path / "a.xlsx", days=frozenset({"time"}), units=units)["Data"]
    head, first, second = ({c.column_letter: c for c in row} for row in sheet.iter_rows())
    assert [cell.value for cell in head.values()] == table.column_names
    assert all(cell.font.bold for cell in head.values())
    shown = {cell.coordinate: (cell.value, cell.number_format) for row in (first, second) for cell in row.values()}
    assert shown == {
        "A2": (DAY, "yyyy-mm-dd"),
        "B2": (dt.datetime(2026, 11, 1, 6, 30), "yyyy-mm-dd hh:mm"),  # noqa: DTZ001
        "C2": ("gpt", "General"),
        "D2": (True, "General"),
        "E2": ("usd", "General"),
        "F2": (1234.5, '"$"#,##0.00;-"$"#,##0.00'),
        "G2": (0.00012, '"$"#,##0.00####;-"$"#,##0.00####'),
        "H2": (1_234_567, "#,##0"),
        "I2": (0.318, "0.0%"),
        "J2": (1.5, "#,##0.00####"),
        "F3": (-2, '#,##0.00 "CHF"'),
        **{f"{column}3": (None, "General") for column in "ABCDGHIJ"},
        "E3": ("chf", "General"),
    }
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:J3"
    assert sheet.column_dimensions["A"].width > len("2026-11-01")


def test_text_that_looks_like_something_else_stays_text_and_is_never_run(tmp_path: Path) -> None:
    texts = [
        "=1+1", " ＝A1", "@x", "-5", "+5", "\tx", "=HYPERLINK(\"http://x\")", "5",
        "1e5", "2026-11-01", "http://x", "_x0041_",
    ]  # fmt: skip
    sheet = opened(pa.table({"=a": texts}), tmp_path / "a.xlsx")["Data"]
    cells = [row[0] for row in sheet.iter_rows()]
    assert [unescape(c.value) for c in cells] == ["=a", *texts]
    assert {c.data_type for c in cells} == {"s"}
    # What has the mark of an apostrophe stays text also where somebody edits the cell.
    assert [c.quotePrefix for c in cells] == [True] * 8 + [False] * 5


def test_amounts_are_rounded_to_ten_places_and_the_workbook_says_so(tmp_path: Path) -> None:
    exact = ("0.123456789012345678", "0.00000000005", "-1.00000000015", "99999999999999999999.5")
    amounts = [Decimal(text) for text in exact]
    book = opened(pa.table({"cost": pa.array(amounts, MONEY)}), tmp_path / "a.xlsx")
    assert [row[0].value for row in book["Data"].iter_rows(min_row=2)] == [0.1234567890, 0, -1.0000000002, 1e20]
    assert "amounts are rounded to 10 decimal places" in said(book)["Numbers"]


def said(book: Workbook) -> Mapping[str, str]:
    return {str(row[0].value): str(row[1].value) for row in book["Coverage"].iter_rows()}


@pytest.mark.parametrize(("rows", "sizes"), [(5, [4, 4, 2]), (6, [5, 5]), (11, [10]), (2, [1] * 10)])
def test_rows_continue_on_further_sheets_each_with_the_header(tmp_path: Path, rows: int, sizes: list[int]) -> None:
    book = opened(one_column([*range(10)], pa.int64()), tmp_path / "a.xlsx", rows)
    names = ["Data", *(f"Data {i}" for i in range(2, len(sizes) + 1))]
    assert book.sheetnames == [*names, "Coverage"]
    found = [[row[0].value for row in book[name].iter_rows()] for name in names]
    assert [len(values) - 1 for values in found] == sizes
    assert {values[0] for values in found} == {"value"}
    assert [v for values in found for v in values[1:]] == [*range(10)]
    assert [book[name].auto_filter.ref for name in names] == [f"A1:A{size + 1}" for size in sizes]
    assert {book[name].freeze_panes for name in names} == {"A2"}


def test_a_sheet_has_as_many_rows_as_excel_allows() -> None:
    assert xlsx_form.ROWS == 2**20


def test_an_incomplete_answer_says_so_in_the_names_of_its_sheets_and_lists_what_is_missing(
    empty: Book, tmp_path: Path
) -> None:
    hold(empty, "costs", "2026-11-01", "2026-11-02", [{"day": "2026-11-01", "line_item": "x", "amount": Decimal(1)}])
    hold(empty, "costs", "2026-11-03", "2026-11-24")
    answer = empty.query("cost", grain="day", since="2026-11-01", until="2026-11-03")
    book = openpyxl.load_workbook(answer.save(tmp_path / "a.xlsx"))
    assert book.sheetnames == ["Data (incomplete)", "Coverage"]
    assert book["Data (incomplete)"]["A2"].number_format == "yyyy-mm-dd"
    assert book["Data (incomplete)"].sheet_properties.tabColor.rgb == "FFC00000"
    assert [row[-1].value for row in book["Data (incomplete)"].iter_rows()] == ["status", "stable", "missing", "stable"]
    facts = said(book)
    assert facts["Complete"] == "NO"
    assert facts["Rows"] == "1-3 Nov 2026, 3 days, UTC."
    assert facts["Missing"] == "costs 2026-11-02T00:00:00Z to 2026-11-03T00:00:00Z: not read"
    assert facts["Asked: metrics"] == '["cost"]'


def test_what_an_answer_is_compared_with_looks_like_the_answer(empty: Book, tmp_path: Path) -> None:
    rows = [{"day": f"2026-11-{day:02}", "line_item": "x", "amount": Decimal(day)} for day in range(1, 15)]
    hold(empty, "costs", "2026-11-01", "2026-11-24", rows)
    answer = empty.query("cost", grain="day", since="2026-11-08", until="2026-11-14", compare="previous")
    sheet = openpyxl.load_workbook(answer.save(tmp_path / "a.xlsx"))["Data"]
    head, first = ([*row] for row in sheet.iter_rows(max_row=2))
    assert [c.value for c in head] == ["time", "currency", "cost", "cost_previous", "status"]
    assert [c.value for c in first[2:4]] == [8, 1]
    assert first[2].number_format == first[3].number_format == '"$"#,##0.00;-"$"#,##0.00'


def test_an_answer_without_rows_has_a_header(tmp_path: Path) -> None:
    sheet = opened(one_column([], pa.string()), tmp_path / "a.xlsx")["Data"]
    assert [[c.value for c in row] for row in sheet.iter_rows()] == [["value"]]


@settings(max_examples=15)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=6), min_size=1, max_size=20))
def test_any_text_makes_a_workbook_that_can_be_opened(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    path = tmp_path_factory.mktemp("any") / "a.xlsx"
    sheet = opened(one_column(texts, pa.string()), path)["Data"]
    cells = [row[0] for row in sheet.iter_rows(min_row=2, max_row=len(texts) + 1, max_col=1)]
    assert {c.data_type for c in cells} <= {"s", "n"}  # "n" is an empty cell
    assert [unescape(c.value or "") for c in cells] == [legal(t) for t in texts]


def legal(text: str) -> str:
    """XML has no such characters, and its line ends are all alike."""
    return "".join("\N{REPLACEMENT CHARACTER}" if c in "\ufffe\uffff" else c for c in text)


def test_without_its_library_the_extra_is_named_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tallybook.show.export.forms import FORMS
    from tallybook.show.export.save import save

    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.startswith("xlsxwriter"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"pip install 'tallybook\[xlsx\]'"):
        save(content(one_column(["a"], pa.string())), tmp_path / "a.xlsx", FORMS["xlsx"])
    assert [*tmp_path.iterdir()] == []
