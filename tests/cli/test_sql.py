"""`tallybook sql`: tables for people, JSON and CSV for programs, and mistakes in a sentence."""

import csv
import io
import json
from decimal import Decimal
from pathlib import Path

import pytest

import tallybook
from tests.cli.conftest import Run


@pytest.fixture
def book(folder: Path, synced: Path) -> Path:
    (folder / "book.duckdb").write_bytes(synced.read_bytes())
    return folder / "book.duckdb"


TOTAL = "SELECT SUM(amount) AS amount, currency FROM v_costs_daily GROUP BY currency"


def test_every_form_says_the_same_as_python(tally: Run, book: Path) -> None:
    (row,) = tallybook.open(book).sql(TOTAL).to_pylist()
    table = tally("sql", TOTAL, "--book", str(book))
    assert (table.code, table.err) == (0, "")
    assert table.out.split() == ["amount", "currency", table.out.split()[2], f"{row['amount'].normalize():,f}", "usd"]
    shown = json.loads(tally("sql", "--json", TOTAL, "--book", str(book)).out)["rows"]
    assert [(Decimal(r["amount"]), r["currency"]) for r in shown] == [(row["amount"], "usd")]
    header, cells = csv.reader(io.StringIO(tally("sql", "--format", "csv", TOTAL, "--book", str(book)).out))
    assert (header, Decimal(cells[0])) == (["amount", "currency"], row["amount"])


def test_whole_rows_fit_a_terminal(tally: Run, book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for table in ("usage", "costs", "v_usage_daily", "v_tokens", "v_costs_daily", "v_bill_monthly"):
        ended = tally("sql", f"FROM {table} LIMIT 3", "--book", str(book))
        assert ended.code == 0
        assert max(map(len, ended.out.splitlines())) <= 80, table


def test_a_statement_may_come_from_standard_input(tally: Run, book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("SELECT 6 * 7\nAS answer;\n"))
    assert tally("sql", "-", "--book", str(book)).out.split() == ["answer", "──────", "42"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("SELECT amounts FROM costs", 'Candidate bindings: "amount"'),
        ("FROM internal.directory", "internal.directory is not public."),
        ("DROP TABLE costs", "Only one SELECT"),
        ("COPY costs TO 'x.csv'", "Only one SELECT"),
    ],
)
def test_a_mistake_ends_with_2_and_says_what_it_is(tally: Run, book: Path, text: str, said: str) -> None:
    before = book.read_bytes()
    ended = tally("sql", text, "--book", str(book))
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert "Traceback" not in ended.err
    assert book.read_bytes() == before
    assert not (book.parent / "x.csv").exists()


def test_without_a_book_it_says_how_to_get_one(tally: Run, folder: Path) -> None:
    ended = tally("sql", "SELECT 1", "--book", "none.duckdb")
    assert ended.code == 2
    assert "`tallybook sync` creates it" in ended.err
    assert not list(folder.glob("none*"))
