"""Every verb: help, documented examples, JSON, data on stdout and messages on stderr."""

import csv
import io
import json
import re
import shlex
from decimal import Decimal
from pathlib import Path

import click
import duckdb
import pytest

import tallybook
from tallybook import cli
from tallybook.cli import COMMANDS
from tallybook.cli.run import command
from tests.cli.conftest import Run, ago, hire


@pytest.mark.parametrize("name", COMMANDS)
def test_every_verb_has_help_and_is_in_the_overview(tally: Run, name: str) -> None:
    ended = tally(name, "--help")
    assert ended.code == 0
    assert ended.out.startswith(f"Usage: tallybook {name} ")
    assert ended.err == ""
    assert f"  {name} " in cli.overview()
    assert max(map(len, ended.out.splitlines())) <= 80
    for parameter in command(name).params:
        assert not isinstance(parameter, click.Option) or parameter.help, parameter.name


def test_the_overview_is_shown_without_a_verb_and_fits_80_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for arguments in ([], ["--help"], ["-h"], ["help"]):
        monkeypatch.setattr("sys.argv", ["tallybook", *arguments])
        cli.main()
        out = capsys.readouterr().out
        assert out == cli.overview()
        assert max(map(len, out.splitlines())) <= 80
    monkeypatch.setattr("sys.argv", ["tallybook", "--version"])
    cli.main()
    assert capsys.readouterr().out == f"tallybook {tallybook.__version__}\n"


def examples() -> list[str]:
    found = []
    for name in COMMANDS:
        found += [
            line.strip().removeprefix("tallybook ")
            for line in (command(name).epilog or "").splitlines()
            if line.startswith("  tallybook ")
        ]
    return found


@pytest.mark.parametrize("line", [line for line in examples() if not line.startswith(("demo", "dashboard"))])
def test_every_documented_example_runs(tally: Run, folder: Path, synced: Path, line: str) -> None:
    settings = f'book = "book.duckdb"\n[sync]\nsince = "{ago(1)}"\nhistory_width = "1d"\n'
    if not line.startswith("init"):
        (folder / "tallybook.toml").write_text(settings)
    (folder / "book.duckdb").write_bytes(synced.read_bytes())
    (folder / "teams.csv").write_text("kind,id,team\nproject,*,Everybody\n")
    (folder / "orders.csv").write_text("day,project,orders\n2026-11-01,Support desk,12\n")
    if line.startswith("forget"):
        hire(folder / "book.duckdb")
    ended = tally(*shlex.split(line))
    assert ended.code == 0, ended.err
    assert ended.out
    assert "Traceback" not in ended.err
    assert not ended.err.startswith("Error")


def test_every_verb_that_answers_has_an_example() -> None:
    verbs = {line.split()[0] for line in examples()}
    assert verbs == set(COMMANDS) - {"emulator"}


TABLES = {
    "doctor": [],
    "sync": ["--since", ago(1), "--dataset", "costs"],
    "query": ["cost", "requests", "--by", "project", "--last", "3d"],
    "sql": ["SHOW TABLES"],
    "status": [],
    "metrics": [],
    "copy": ["tallybook.duckdb", "new.duckdb"],
    "rebuild": [],
    "proof": ["--dataset", "costs", "--day", ago(2)],
    "verify": ["--since", ago(4)],
    "restatements": [],
    "settling": [],
    "fetch": ["costs", "--last", "3d", "--group-by", "line_item"],
}


def test_every_verb_with_a_table_has_json() -> None:
    have = {name for name in COMMANDS if any("--json" in p.opts for p in command(name).params)}
    assert have == set(TABLES)


@pytest.mark.parametrize("name", TABLES)
def test_json_is_valid_and_alone_on_stdout(tally: Run, folder: Path, synced: Path, name: str) -> None:
    (folder / "tallybook.duckdb").write_bytes(synced.read_bytes())
    ended = tally(name, *TABLES[name], "--json")
    assert ended.code == 0, ended.err
    assert isinstance(json.loads(ended.out), dict)
    assert ended.err == ""
    table = tally(name, *TABLES[name])
    assert table.code == 0
    assert table.err == ""
    assert table.out.strip()


def test_query_prints_money_exactly_in_json(tally: Run, synced: Path) -> None:
    data = json.loads(tally("query", "cost", "--last", "3d", "--book", str(synced), "--json").out)
    with tallybook.open(synced) as book:
        (row,) = book.query("cost", last="3d").rows()
    assert Decimal(data["rows"][0]["cost"]) == row["cost"] > 0
    assert data["coverage"]["complete"] is True


def test_query_as_of_says_what_was_known_then_and_refuses_the_future(tally: Run, synced: Path) -> None:
    words = ("query", "cost", "--last", "3d", "--book", str(synced), "--as-of")
    before = tally(*words, ago(1))
    assert before.code == 0
    assert f"UTC, as known at the end of {ago(1)}." in " ".join(before.out.split())
    assert "nothing read yet" in before.out
    assert before.err.startswith("Incomplete: costs ")
    assert json.loads(tally(*words, ago(0), "--json").out)["rows"][0]["cost"] is not None
    later = tally(*words, "2099-01-01")
    assert (later.code, later.out) == (2, "")
    assert later.err.startswith("Error: as_of (2099-01-01) is in the future; now is ")


def test_proof_shows_what_is_behind_a_number_and_is_1_where_the_book_differs(
    tally: Run, folder: Path, synced: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    words = ("proof", "--dataset", "costs", "--day", ago(2), "--rows", "1", "--book", "mine.duckdb")
    (folder / "mine.duckdb").write_bytes(synced.read_bytes())
    ended = tally(*words)
    assert (ended.code, ended.err) == (0, "")
    assert "Proved: " in ended.out
    assert max(map(len, ended.out.splitlines())) <= 80
    with duckdb.connect("mine.duckdb") as file:
        file.execute("UPDATE costs SET amount = amount + 1")
    assert tally(*words).code == 1
    data = json.loads(tally(*words, "--json", "--where", "project=Support desk").out)
    assert (data["is_proved"], data["differs"]) == (False, [ago(2)])
    assert len(data["buckets"][0]["rows"]) > 1


def test_rebuild_names_what_differs_and_is_1_until_it_is_put_back(
    tally: Run, folder: Path, synced: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    words = ("rebuild", "--book", "mine.duckdb")
    (folder / "mine.duckdb").write_bytes(synced.read_bytes())
    ended = tally(*words)
    assert (ended.code, ended.err) == (0, "")
    assert "Differs    nothing" in ended.out
    with duckdb.connect("mine.duckdb") as file:
        file.execute("UPDATE usage SET extra = '{}'")
    ended = tally(*words)
    assert ended.code == 1
    assert max(map(len, ended.out.splitlines())) <= 80
    assert "more buckets; --json has every row." in ended.out
    assert "`tallybook rebuild --apply` puts it back" in ended.out
    data = json.loads(tally(*words, "--json").out)
    assert len(data["differences"]) > 20
    assert {d["cause"] for d in data["differences"]} == {"altered by hand"}
    assert "All of it was put back" in tally(*words, "--apply").out
    assert tally(*words).code == 0
    assert list(folder.glob("*rebuilt*")) == []


def test_fetch_prints_csv_with_every_digit(tally: Run) -> None:
    words = ("fetch", "costs", "--last", "3d", "--group-by", "line_item,project_id", "--format")
    rows = list(csv.DictReader(io.StringIO(tally(*words, "csv").out)))
    data = json.loads(tally(*words, "json").out)["rows"]
    assert [Decimal(row["amount"]) for row in rows] == [Decimal(row["amount"]) for row in data]
    assert len(rows) > 20
    assert list(rows[0])[:4] == ["start_time", "end_time", "line_item", "project_id"]


def test_an_incomplete_answer_says_so_on_stderr_and_is_1_only_when_strict(tally: Run, synced: Path) -> None:
    words = ("query", "cost", "--since", ago(9), "--book", str(synced))
    ended = tally(*words)
    assert ended.code == 0
    assert re.search(r"^Incomplete: costs \d{4}-\d\d-\d\d to \d{4}-\d\d-\d\d: not read\.\n$", ended.err)
    assert "INCOMPLETE" in ended.out
    assert tally(*words, "--strict").code == 1
    assert json.loads(tally(*words, "--json").out)["coverage"]["complete"] is False
    assert tally("query", "cost", "--last", "3d", "--strict", "--book", str(synced)).code == 0


def test_partial_data_is_printed_only_where_it_is_allowed_and_is_1(tally: Run) -> None:
    words = ("fetch", "images", "--since", "2020-01-01", "--until", "2020-01-05")
    ended = tally(*words)
    assert (ended.code, ended.out) == (1, "")
    assert "older than the history that the API gives" in ended.err
    allowed = tally(*words, "--allow-partial")
    assert allowed.code == 1
    assert allowed.out.startswith("No rows in this range.")
    assert "Missing: images 2020-01-01 to 2020-01-05: older" in allowed.err


def test_remarks_are_on_stderr(tally: Run, synced: Path) -> None:
    fetched = tally("fetch", "completions", "--where", "project=Support desk", "--last", "2d")
    assert fetched.err.startswith("Note: The API filters by id")


def test_words_may_be_repeated_or_have_commas(tally: Run, synced: Path) -> None:
    def rows(*words: str) -> object:
        return json.loads(tally("query", *words, "--last", "3d", "--book", str(synced), "--json").out)["rows"]

    assert rows("cost,requests", "--by", "project,dataset") == rows(
        "cost", "requests", "--by", "project", "--by", "dataset"
    )
    both = ("--where", "dataset=images", "--where", "dataset=embeddings")
    alone = [rows("requests", "--where", f"dataset={name}") for name in ("images", "embeddings")]
    total = rows("requests", *both)
    assert total[0]["requests"] == sum(part[0]["requests"] for part in alone) > 0  # type: ignore[index]


def test_sync_prints_what_was_done_and_its_json_has_the_same(tally: Run, folder: Path) -> None:
    ended = tally("sync", "--since", ago(1), "--dataset", "costs")
    assert ended.code == 0
    assert ended.out.startswith("Book     tallybook.duckdb\nRead ")
    assert "Missing  nothing" in ended.out
    data = json.loads(tally("sync", "--since", ago(1), "--dataset", "costs", "--json").out)
    assert data["ok"] is True
    assert data["failed"] == []
    assert data["book"] == "tallybook.duckdb"
    assert data["rows_read"] > 0


def test_a_dry_run_counts_the_requests_that_the_sync_then_makes(tally: Run, folder: Path, server: object) -> None:
    words = ("sync", "--since", ago(2), "--dataset", "images,costs")
    planned = json.loads(tally(*words, "--dry-run", "--json").out)
    assert list(folder.iterdir()) == []
    text = tally(*words, "--dry-run").out
    assert f"{planned['requests']} requests for data in all" in text
    done = json.loads(tally(*words, "--json").out)
    assert done["windows"] == planned["requests"] == len(planned["windows"])


def test_status_and_query_create_no_book(tally: Run, folder: Path) -> None:
    for words in (["status"], ["query", "cost"], ["status", "--json"], ["query", "cost", "--json"]):
        ended = tally(*words)
        assert (ended.code, ended.out) == (2, "")
        assert ended.err == "Error: There is no book at tallybook.duckdb. `tallybook sync` creates it.\n"
    assert list(folder.iterdir()) == []


def test_book_and_config_name_what_is_used(tally: Run, folder: Path, synced: Path) -> None:
    (folder / "own.toml").write_text(f'book = "{synced}"\n')
    (folder / "tallybook.toml").write_text('book = "other.duckdb"\n')
    assert f"Book {synced}," in tally("status", "--config", "own.toml").out
    assert f"Book {synced}," in tally("status", "--book", str(synced)).out
    assert "other.duckdb" in tally("status").err


def test_the_map_is_a_cell_per_day_and_its_json_names_the_states(
    tally: Run, synced: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    words = ("status", "--map", "--last", "5d", "--book", str(synced))
    ended = tally(*words)
    assert max(map(len, ended.out.split("\n"))) <= 80
    (line,) = [line for line in ended.out.split("\n") if line.startswith("completions ")]
    assert line.split() == ["completions", "█▓▓▓░"]
    data = json.loads(tally(*words, "--json").out)
    (days,) = [d["days"] for d in data["datasets"] if d["dataset"] == "completions"]
    assert days == {"stable": 1, "provisional": 3, "open": 1}


def test_a_range_of_time_goes_with_the_map_only(tally: Run, synced: Path) -> None:
    ended = tally("status", "--last", "5d", "--book", str(synced))
    assert (ended.code, ended.out) == (2, "")
    assert "A range of time goes with --map only." in ended.err
