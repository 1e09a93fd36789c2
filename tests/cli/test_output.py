"""Where an answer goes: --format, -o and --force of every verb that answers."""

import json
from pathlib import Path

import openpyxl
import pytest

from tests.cli.conftest import Run

ASKED = ("query", "cost", "--by", "project", "--grain", "day", "--last", "3d")


def test_the_formats_that_are_text_are_printed_alone(tally: Run, folder: Path, synced: Path) -> None:
    (folder / "tallybook.duckdb").write_bytes(synced.read_bytes())
    printed = {form: tally(*ASKED, "--format", form) for form in ("csv", "json", "jsonl", "markdown")}
    assert {(ended.code, ended.err) for ended in printed.values()} == {(0, "")}
    rows = json.loads(printed["json"].out)["rows"]
    assert [json.loads(line) for line in printed["jsonl"].out.splitlines()] == rows
    assert printed["csv"].out.splitlines()[0].split(",") == [*rows[0]]
    assert printed["markdown"].out.startswith("| time | project |")
    assert tally(*ASKED, "--json").out == printed["json"].out


@pytest.mark.parametrize("suffix", ["csv", "json", "jsonl", "parquet", "xlsx", "md"])
def test_a_file_has_the_format_of_its_suffix_and_its_name_is_all_that_is_printed(
    tally: Run, folder: Path, synced: Path, suffix: str
) -> None:
    (folder / "tallybook.duckdb").write_bytes(synced.read_bytes())
    ended = tally(*ASKED, "-o", f"cost.{suffix}")
    assert (ended.code, ended.out, ended.err) == (0, f"cost.{suffix}\n", "")
    assert (folder / f"cost.{suffix}").stat().st_size > 100
    assert not [p for p in folder.iterdir() if p.name.startswith(".")]
    assert tally(*ASKED, "-o", f"cost.{suffix}", "--force").code == 0


def test_the_format_can_be_named_and_fetched_data_is_written_as_well(tally: Run, folder: Path) -> None:
    ended = tally("fetch", "costs", "--last", "3d", "--group-by", "line_item", "--format", "xlsx", "-o", "rows")
    assert (ended.code, ended.out) == (0, "rows\n")
    with (folder / "rows").open("rb") as file:
        sheet = openpyxl.load_workbook(file)["Data"]
    head, first = ([c.value for c in row] for row in sheet.iter_rows(max_row=2))
    found = dict(zip(head, first, strict=True))
    assert found["currency"] == "usd"
    assert found["status"] == "stable"
    assert isinstance(found["amount"], float)
    amount = next(c for c in next(sheet.iter_rows(min_row=2)) if c.value == found["amount"])
    assert amount.number_format.startswith('"$"')


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["-o", "taken.csv"], "taken.csv is there already, and was left as it is. Overwrite it with --force"),
        (["-o", "cost.txt"], "'cost.txt' does not say which format is meant"),
        (["-o", "nowhere/cost.csv"], "The folder nowhere does not exist"),
        (["-o", "cost.csv", "--format", "table"], "A table is for terminals."),
        (["--format", "parquet"], "parquet cannot be printed. Name a file with -o, or choose csv"),
        (["--format", "cvs"], "'cvs' is not one of"),
    ],
)
@pytest.mark.parametrize("verb", [("query", "cost"), ("fetch", "costs")])
def test_what_cannot_be_written_is_refused_before_anything_is_asked(
    tally: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, verb: tuple[str, str], options: list[str], said: str
) -> None:
    (folder / "taken.csv").write_text("mine")
    monkeypatch.setenv("TALLYBOOK_BASE_URL", "http://127.0.0.1:9/v1")
    ended = tally(*verb, *options)
    assert ended.code == 2
    assert ended.out == ""
    assert said in ended.err
    assert [p.name for p in folder.iterdir()] == ["taken.csv"]
    assert (folder / "taken.csv").read_text() == "mine"


def test_a_product_is_written_and_its_name_is_all_that_is_printed(tally: Run, folder: Path, synced: Path) -> None:
    (folder / "tallybook.duckdb").write_bytes(synced.read_bytes())
    for kind in ("bundle", "duckdb"):
        ended = tally("export", kind, f"my-{kind}", "--strict")
        assert (ended.code, ended.out, ended.err) == (0, f"my-{kind}\n", "")
        again = tally("export", kind, f"my-{kind}")
        assert (again.code, again.out) == (2, "")
        assert "was left as it is" in again.err
        assert tally("export", kind, f"my-{kind}", "--force").code == 0


def test_what_a_product_lacks_is_said_and_is_an_error_where_that_is_asked_for(
    tally: Run, folder: Path, synced: Path
) -> None:
    (folder / "tallybook.duckdb").write_bytes(synced.read_bytes())
    asked = ("export", "bundle", "usage", "--last", "30d", "--force")
    ended = tally(*asked)
    assert (ended.code, ended.out) == (0, "usage\n")
    assert ended.err.startswith("Incomplete: ")
    assert tally(*asked, "--strict").code == 1
