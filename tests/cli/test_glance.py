"""`tallybook` alone."""

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import pytest

import tallybook
from tallybook import cli
from tallybook.book import Book
from tallybook.model import settings
from tallybook.show.glance import glance_text
from tests.books import book_at, hold
from tests.cli.conftest import Run
from tests.clock import FakeClock

NOW = dt.datetime(2026, 11, 24, 15, tzinfo=dt.UTC)


def filled(path: Path, now: dt.datetime = NOW, *more: dict[str, object]) -> Book:
    """A book of costs and usage up to the 23rd of November 2026, and as many projects as nobody can look at."""
    book = book_at(path, clock=FakeClock(now))
    rows = [
        {"day": f"2026-{month}-{day:02}", "project_id": f"proj_{p:02}", "line_item": "gpt-5.6-sol, input",
         "amount": Decimal(amount + p)}
        for month, amount in ((10, 100), (11, 90))
        for day in range(1, 32 if month == 10 else 24)
        for p in range(30)
    ]  # fmt: skip
    rows.append({"day": "2026-11-02", "project_id": "proj_07", "line_item": "Web search", "amount": Decimal(500)})
    read = {"read_at": dt.datetime(2026, 11, 24, tzinfo=dt.UTC)}
    hold(book, "costs", "2026-10-01", "2026-11-24", [*rows, *more], **read)
    used = [{"day": "2026-11-20", "model": "gpt-5.6-sol", "num_model_requests": 12_345, "input_tokens": 7}]
    hold(book, "completions", "2026-10-01", "2026-11-24", used, **read)
    controls = {"checked_at": dt.datetime(2026, 11, 24, 1), "equal": 53, "healed": 0, "differing": 0}  # noqa: DTZ001
    book.store.put("controls", [{"org": "default", "dataset": "costs", "not_comparable": 0} | controls])
    return book


def said(book: Book, *, drawn: bool = False) -> list[str]:
    return glance_text(book.glance(), width=80, drawn=drawn).split("\n")


def test_it_compares_the_month_through_its_last_billed_day_and_names_what_moved(tmp_path: Path) -> None:
    with filled(tmp_path / "b.duckdb") as book:
        lines = said(book)
        found = book.glance()
    assert "1-23 Nov 2026, 23 days, UTC, compared with 1-23 Oct 2026, 23 days" in " ".join(lines[:2])
    cells = [line.split() for line in lines if "$" in line]
    assert cells[0] == ["all", "$72,605.00", "$79,005.00", "−$6,400.00", "−8.1", "%"]
    assert cells[1] == ["project", "proj_07", "$2,731.00", "$2,461.00", "+$270.00", "+11.0", "%"]
    assert [c[0] for c in cells[2:4]] == ["proj_00", "proj_01"]
    assert cells[4][:2] == ["model", "gpt-5.6-sol"]
    assert [m.change for m in found.movers if m.group == "Web search"] == [Decimal(500)]
    assert "         Control totals: 53 days of 1 datasets equal, compared 2026-11-24 01:00." in lines
    assert any("12,345 requests, 7 tokens in the last 7 days" in line for line in lines)


def test_it_fits_a_terminal_however_much_there_is(tmp_path: Path) -> None:
    euro = {"day": "2026-11-03", "project_id": "proj_01", "line_item": "x", "amount": Decimal(3), "currency": "eur"}
    with filled(tmp_path / "b.duckdb", NOW, euro) as book:
        lines = said(book, drawn=True)
    assert len(lines) < 24
    assert max(map(len, lines)) <= 80
    assert [line.split() for line in lines if "€" in line] == [
        ["€3.00", "€0.00", "+€3.00", "–"],  # below all dollars
        ["project", "proj_01", "€3.00", "€0.00", "+€3.00", "–"],
        ["model", "x", "€3.00", "€0.00", "+€3.00", "–"],
    ]
    assert any("12,345 requests    █      7 tokens" in line for line in lines)


def test_a_young_month_shows_the_one_before(tmp_path: Path) -> None:
    with filled(tmp_path / "b.duckdb", dt.datetime(2026, 12, 1, 6, tzinfo=dt.UTC)) as book:
        found = book.glance()
        lines = said(book)
    assert found.period == "last-month"
    assert lines[0].startswith("Cost last month: 1-23 Nov 2026")


def test_it_proposes_what_closes_the_gap_and_looks_closer(tmp_path: Path, tally: Run) -> None:
    with filled(tmp_path / "b.duckdb") as book:
        lines = said(book)
    assert lines[-4:] == [
        "Next     tallybook sync",
        "         tallybook query cost --by line_item --where project=proj_07",
        "         tallybook metrics",
        "         tallybook status",
    ]
    for line in lines[-3:]:
        words = line.split()
        ended = tally(*words[words.index("tallybook") + 1 :], "--book", str(tmp_path / "b.duckdb"))
        assert ended.code == 0, ended.err


def test_alone_it_shows_the_book_and_its_json_has_the_same(
    tally: Run, synced: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["tallybook"])
    monkeypatch.setenv("TALLYBOOK_BOOK", str(synced))
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 0
    out = capsys.readouterr().out
    assert out.startswith("Cost ")
    assert "UTC: all well." in out
    assert "tallybook sync" not in out
    assert len(out.splitlines()) < 24
    data = json.loads(tally("--json").out)
    with tallybook.open(synced) as book:
        whole = book.query("cost", period=data["period"], compare="previous").rows()[0]["cost"]
    assert sum(Decimal(row["cost"]) for row in data["cost"]["rows"]) == whole > 0
    assert data["freshness"][0]["last_sync"]["ok"] is True
    assert data["is_stale"] is False
    assert [len(row) for row in data["movers"]]


def test_without_a_book_it_is_the_overview_and_json_an_error(tally: Run, folder: Path) -> None:
    assert tally() == tally()
    assert tally().out == cli.overview()
    (folder / "tallybook.toml").write_text('book = "later.duckdb"\n')
    assert tally().out == cli.overview()
    for words in (["--json"], ["--book", "none.duckdb"]):
        ended = tally(*words)
        assert (ended.code, ended.out) == (2, "")
        assert "There is no book at " in ended.err
    assert [path.name for path in folder.iterdir()] == ["tallybook.toml"]


def test_it_looks_for_a_book_where_the_settings_do() -> None:
    assert (cli._SETTINGS, cli._BOOK) == (settings.FILE, settings.DEFAULT_BOOK)
