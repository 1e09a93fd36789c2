"""`tallybook metrics`: numbers of the user's own."""

import json
from pathlib import Path

import pytest

from tallybook.query.dimensions import DIMENSIONS
from tallybook.query.metrics import METRICS
from tests.books import book_at
from tests.cli.conftest import Run

CSV = "day,project,orders,shop\n2026-11-01,Support desk,120,A\n2026-11-02,Support desk,130.5,A\n2026-11-04,,7,B\n"


@pytest.fixture
def path(folder: Path, synced: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COLUMNS", "80")
    (folder / "tallybook.duckdb").write_bytes(synced.read_bytes())
    (folder / "orders.csv").write_text(CSV)
    return folder / "tallybook.duckdb"


def test_numbers_are_added_listed_and_removed(tally: Run, path: Path) -> None:
    words = ("metrics", "add", "orders.csv", "--time", "day")
    ended = tally(*words, "--name", "orders", "--by", "project", "--by", "squad=shop")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == (
        "orders: flow by project, squad per day, in orders.\n3 rows, 2026-11-01 to 2026-11-04. They add up to 257.5.\n"
    )
    again = tally(*words, "--name", "orders", "--by", "project=project", "--by", "squad=shop")
    assert "3 rows, 2026-11-01 to 2026-11-04, in the place of 3. " in again.out
    told = tally(*words, "--name", "seats", "--amount", "orders", "--kind", "level", "--unit", "seats", "--json")
    assert json.loads(told.out) == {
        "metric": "seats",
        "kind": "level",
        "unit": "seats",
        "currency": None,
        "grain": "day",
        "dimensions": [],
        "rows": 3,
        "replaced": 0,
        "total": "257.500000000000000000",
        "start": "2026-11-01",
        "end": "2026-11-05",
    }
    shown = tally("metrics", "list")
    assert (shown.code, shown.err) == (0, "")
    lines = [line.split() for line in shown.out.splitlines()[2:]]
    assert lines[0][:4] == ["orders", "flow", "day", "project,"]
    assert lines[0][-6:] == ["orders", "3", "2026-11-01", "to", "2026-11-04", "0"]
    assert lines[1] == ["seats", "level", "day", "seats", "3", "2026-11-01", "to", "2026-11-04", "1"]
    assert max(map(len, shown.out.splitlines())) <= 80
    held = json.loads(tally("metrics", "list", "--json").out)["metrics"]
    assert [one["metric"] for one in held] == ["orders", "seats"]
    assert len(held[1]["coverage"]) == 2
    gone = tally("metrics", "remove", "orders")
    assert (gone.code, gone.out) == (0, "Removed orders: 3 rows.\n")
    assert {row["metric"] for row in book_at(path).store.rows("business")} == {"seats"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            "add orders.csv --time day --name sales",
            "Error: orders.csv has no column 'sales'. Known: day, orders, ",
        ),
        ("add none.csv --time day --name orders", "Error: Cannot read none.csv: No such file or directory.\n"),
        ("add orders.csv --time day --name cost", "Error: 'cost' is a metric or dimension already. Give yours another"),
        (
            "add orders.csv --time project --name orders",
            "Error: orders.csv, line 2, column project: 'Support ",
        ),
        ("add orders.csv --time day --name orders --by a=shop --by a", "Error: --by names 'a' twice."),
        (
            "add orders.csv --time day --name orders --by user=shop",
            "Error: orders.csv, line 2, column shop: the book ",
        ),
        ("remove orders", "Error: Unknown business metric 'orders'."),
    ],
)
def test_what_is_wrong_is_2_and_nothing_is_stored(tally: Run, path: Path, words: str, said: str) -> None:
    ended = tally("metrics", *words.split())
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(said)
    assert tally("metrics", "list").out.startswith("No metrics were added. `tallybook metrics add orders.csv")


@pytest.mark.parametrize("verb", ["add", "list", "remove"])
def test_each_has_help_that_fits(tally: Run, verb: str) -> None:
    ended = tally("metrics", verb, "--help")
    assert ended.code == 0
    assert max(map(len, ended.out.splitlines())) <= 80


def test_alone_it_lists_all_that_can_be_asked_for(tally: Run, path: Path) -> None:
    tally("metrics", "add", "orders.csv", "--time", "day", "--name", "orders", "--by", "squad=shop")
    (path.parent / "tallybook.toml").write_text('[teams.A]\nprojects = ["*"]\ntags = { floor = "3" }\n')
    ended = tally("metrics")
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert max(map(len, lines)) <= 80
    firsts = {line.split()[0] for line in lines if line.startswith("  ") and line[2] != " "}
    assert firsts == {*METRICS, "orders", *DIMENSIONS, "team", "cost_center", "floor"}
    place = lines.index("From your own:")
    assert lines[place + 1].split()[:3] == ["orders", "flow", "orders"]
    data = json.loads(tally("metrics", "--json").out)
    told = {m["metric"]: m for m in data["metrics"]}
    assert list(told) == [*METRICS, "orders"]
    assert told["orders"]["is_own"] is True
    assert told["cache_hit_rate"]["kind"] == "ratio"
    assert told["requests"]["aliases"] == ["num_model_requests"]
    assert [d["dimension"] for d in data["dimensions"]] == [*DIMENSIONS, "team", "cost_center", "floor"]
    assert [d["datasets"] for d in data["dimensions"] if d["dimension"] == "line_item"] == [["costs"]]


def test_the_list_needs_no_book(tally: Run, folder: Path) -> None:
    assert "cost_per_million_tokens" in tally("metrics").out
    assert tally("metrics", "--json", "add", "a.csv").err.startswith("Error: Options go behind add.")
    assert list(folder.iterdir()) == []
