"""The judge of the benchmarks: equal, loud or silently wrong."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

BENCH = Path(__file__).parent.parent / "bench"
DAY = 86_400
LEDGER = {
    day * DAY: {"input_tokens": Decimal(100 + day), "amount": Decimal("0.1") + Decimal(f"{day}e-18")}
    for day in range(4)
}
TRUE = [[start, {name: str(value) for name, value in sums.items()}] for start, sums in LEDGER.items()]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(BENCH)
    import trials

    yield trials
    for name in ("trials", "jobs", "measure", "query", "report"):
        sys.modules.pop(name, None)


@pytest.fixture
def growth(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(BENCH)
    import growth

    yield growth
    for name in ("growth", "report", "jobs", "measure"):
        del sys.modules[name]


def judged(bench: Any, days: Any, *, tolerance: str = "0", code: int = 0, missing: Any = ()) -> Any:
    run = bench.Run(1.0, 1.0, 1, "", code)
    said = {} if code else {"days": days, "missing": missing}
    tool = bench.Tool("x", "x.py", "x", (), (), Decimal(tolerance))
    return bench.judge(tool, bench.Sync(run, {}, said), LEDGER)


def test_what_is_equal_on_every_day_is_exact(bench: Any) -> None:
    verdict = judged(bench, TRUE)
    assert (verdict.is_equal, verdict.is_silent, verdict.text, verdict.measures) == (True, False, "exact", 1)


def test_several_buckets_of_a_day_are_added_up(bench: Any) -> None:
    halves = [[60, {"input_tokens": "40"}], [0, {"input_tokens": "60", "amount": "0.1"}], *TRUE[1:]]
    assert judged(bench, halves).is_equal


@pytest.mark.parametrize(
    ("days", "text"),
    [
        ([*TRUE, [70, {"input_tokens": "1"}]], "**wrong**: usage on 1 of 4 days"),
        (TRUE[1:], "**wrong**: usage on 1, costs on 1 of 4 days"),
        ([*TRUE, [9 * DAY, {"input_tokens": "5"}]], "**wrong**: usage on 1 of 5 days"),
        ([], "**wrong**: usage on 4, costs on 4 of 4 days"),
        ([*TRUE[:3], [3 * DAY, {"input_tokens": "103", "amount": "0.10.2"}]], "**wrong**: costs on 1 of 4 days"),
        ([*TRUE[:3], [3 * DAY, {"input_tokens": "103", "amount": "0.1"}]], "**wrong**: costs on 1 of 4 days"),
    ],
)
def test_a_day_that_differs_is_silently_wrong(bench: Any, days: Any, text: str) -> None:
    verdict = judged(bench, days)
    assert (verdict.is_equal, verdict.is_silent, verdict.text) == (False, True, text)


def test_floats_may_be_off_in_their_last_digits_only(bench: Any) -> None:
    floats = [[start, {**sums, "amount": str(float(sums["amount"]))}] for start, sums in TRUE]
    assert judged(bench, floats, tolerance="1e-12").text == "exact to float precision"
    assert not judged(bench, floats).is_equal


def test_what_is_named_as_missing_is_not_silent_unless_it_is_there_and_wrong(bench: Any) -> None:
    named = judged(bench, TRUE[2:], missing=[[0, 2 * DAY]])
    assert (named.is_equal, named.text) == (True, "exact, and names 2 days as missing")
    assert judged(bench, [[0, {"input_tokens": "7"}], *TRUE[2:]], missing=[[0, 2 * DAY]]).is_silent


def test_a_tool_that_stops_is_loud_and_one_that_does_not_end_is_not(bench: Any) -> None:
    loud, endless = judged(bench, [], code=1), judged(bench, [], code=-9)
    assert (loud.is_silent, loud.text) == (False, "stops, exit code 1")
    assert (endless.is_silent, endless.text) == (True, "not done in 1 s")


def test_a_book_is_let_grow_and_its_tables_add_up(growth: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growth, "SIZED", {"seed": 7, "days": 12, "requests_per_day": 30})
    monkeypatch.setattr(growth, "EVERY", DAY // 2)
    monkeypatch.setattr(growth, "SINCE", "2026-09-20")
    text, is_small = growth.section(1)
    lines = dict(filter(None, map(cut, text.splitlines())))
    assert not is_small, "of a small book, most is what every table takes at least"
    assert int(lines["fetches"][0].replace(",", "")) > 50
    for column in (1, 2, 4):
        book, facts = (float(lines[name][column].replace(",", "")) for name in ("the book", "facts alone"))
        tables = [cells[column] for name, cells in lines.items() if name not in NO_TABLES]
        assert 0 < sum(float(n.replace(",", "")) for n in tables) <= book
        assert float(lines["ratio"][column]) == pytest.approx(book / facts, rel=0.01)
    assert lines["pages"][4] == "0"


NO_TABLES = {"Table", "the book", "facts alone", "ratio"}


def cut(line: str) -> tuple[str, list[str]] | None:
    """Return the first cell of a line of a table and the others; None for other lines and the one below the head."""
    name, *cells = (cell.strip(" *`") for cell in line.strip("|").split("|"))
    return (name, cells) if line.startswith("|") and "---" not in line else None


def answered(**other: Any) -> dict[str, Any]:
    answers = {
        "models": [["2026-07-03", "a", "5", "4", "0.25", None]],
        "projects": [["2025-10-01", "proj_1", "0.1000000000000000001"], ["2025-10-01", "proj_2", "2"]],
        "users": [["2025-10-06", "7"]],
        "hours": [["Monday", "00", "9007199254740993"]],
        "keys": [["Other", "3"]],
    }
    return {"answers": answers | other}


def test_answers_are_equal_whatever_their_order_and_spelling_of_numbers(bench: Any) -> None:
    import query

    projects = [["2025-10-01", "proj_2", "2.00"], ["2025-10-01", "proj_1", "0.1000000000000000001"]]
    assert query.unequal(answered(projects=projects), answered()) == []


@pytest.mark.parametrize(
    "other",
    [
        {"models": [["2026-07-03", "a", "5", "4", "0.2500001", None]]},
        {"projects": [["2025-10-01", "proj_1", "0.1"], ["2025-10-01", "proj_2", "2"]]},
        {"users": []},
        {"hours": [["Monday", "00", "9007199254740992"]]},
        {"keys": [["Other", "3"], ["key_1", "0"]]},
    ],
    ids=lambda other: next(iter(other)),
)
def test_an_answer_that_differs_in_a_number_or_a_row_is_named(bench: Any, other: dict[str, Any]) -> None:
    import query

    assert query.unequal(answered(**other), answered()) == [*other]


def test_some_results_take_the_place_of_those_of_their_heading(bench: Any, tmp_path: Path) -> None:
    import report

    page = tmp_path / "page.md"
    old = "the machine\n\n### Backfill\n\nold\n\n### Start-up\n\nold"
    page.write_text(f"# Before\n\n{report.BEGIN}\n\n{old}\n\n{report.END}\n\nafter\n")
    report.write_some("today", ["### Start-up\n\nnew", "### Query\n\n| 1 |"], page)
    new = "the machine\n\n### Backfill\n\nold\n\n### Start-up\n\ntoday\n\nnew\n\n### Query\n\ntoday\n\n| 1 |"
    assert page.read_text() == f"# Before\n\n{report.BEGIN}\n\n{new}\n\n{report.END}\n\nafter\n"


@pytest.fixture
def export(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(BENCH)
    import export

    monkeypatch.setattr(export, "ROWS", 36_500)
    monkeypatch.setattr(export, "environment", lambda *_: sys.executable)
    yield export
    for name in ("export", "report", "jobs", "measure"):
        del sys.modules[name]


def test_every_file_that_is_exported_has_all_rows_and_all_money(export: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = replace(export.OURS, forms=("csv", "xlsx"))
    monkeypatch.setattr(export, "OURS", ours)
    monkeypatch.setattr(export, "WRITERS", [ours])
    # What the kernel says of a child is never less than of its parent, which is large here.
    monkeypatch.setattr(export, "MOST", 10_000)
    text, wrong = export.section()
    lines = dict(filter(None, map(cut, text.splitlines())))
    assert wrong == []
    assert {form: cells[1] for form, cells in lines.items()} == {"Form": "Rows", "csv": "36,500", "xlsx": "4,400"}


def test_a_file_that_lacks_something_or_takes_much_memory_is_named(export: Any) -> None:
    truth = {"rows": 2, "money": Decimal("0.3")}
    run = export.Run(1.0, 1.0, 1, "", 0)
    faults = [
        export.fault(who, export.Written(run, rows, Decimal(money), 1, 1), truth)
        for who, rows, money in [
            (export.OURS, 2, "0.30"), (export.OURS, 1, "0.3"), (export.OURS, 2, "0.300000000000000001"),
            (export.PANDAS, 2, "0.300000000000000001"), (export.PANDAS, 2, "0.4"),
        ]
    ]  # fmt: skip
    assert faults[::3] == [None, None]
    assert faults[1:3] == ["1 rows of 2", "0.300000000000000001 instead of 0.3"]
    assert faults[4] == "0.4 instead of 0.3"
    large = export.Written(export.Run(1.0, 1.0, 501 * 10**6, "", 0), 2, Decimal("0.3"), 1, 1)
    assert export.fault(export.OURS, large, truth) == "501 MB at the peak"
