"""`tallybook teams`: what is said, and what is stored."""

import json
from pathlib import Path

import pytest

from tests.books import book_at
from tests.cli.conftest import Run

CSV = """kind;id;team;cost_center;business_unit;valid_from;valid_to
project;Support desk;Customer Care;C-100;Consumer products and everything else;;2027-01-01
user;*@*;A team with a name that is much longer than a terminal is wide, so it is cut;;;2026-01-01;
service_account;svc_1;Customer Care;;;2026-01-01;2027-01-01
"""


@pytest.fixture
def path(folder: Path, synced: Path) -> Path:
    (folder / "tallybook.duckdb").write_bytes(synced.read_bytes())
    (folder / "teams.csv").write_text(CSV)
    return folder / "tallybook.duckdb"


def test_a_list_is_imported_shown_and_exported(tally: Run, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    ended = tally("teams", "import", "teams.csv")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("3 rules for 2 teams; 3 added, 0 removed.\n+ project 'Support desk' in 'Customer Care'")
    assert "\nNo rule matches 21 of 21 service accounts, 11 of 12 projects.\n" in ended.out
    shown = tally("teams", "list")
    assert (shown.code, shown.err) == (0, "")
    assert "Custom" in shown.out
    assert max(map(len, (ended.out + shown.out).splitlines())) <= 80
    path.with_name("out.csv").write_text(tally("teams", "export").out)
    again = json.loads(tally("teams", "import", "out.csv", "--json").out)
    assert (again["added"], again["removed"]) == ([], [])
    assert again["rules"] == [
        {
            "kind": "project",
            "id": "Support desk",
            "team": "Customer Care",
            "cost_center": "C-100",
            "tags": {"business_unit": "Consumer products and everything else"},
            "valid_from": None,
            "valid_to": "2027-01-01",
            "from": "line 2 of out.csv",
        },
        *(
            json.loads(tally("teams", "list", "--json").out)["rules"][n] | {"from": f"line {n + 2} of out.csv"}
            for n in (1, 2)
        ),
    ]
    assert again["unmatched"]["project"]["unmatched"] == again["unmatched"]["project"]["ids"] - 1


def test_openai_groups_are_teams_of_users_all_or_those_chosen(tally: Run, path: Path) -> None:
    every = json.loads(tally("teams", "import", "--from-groups", "--json").out)
    assert {rule["kind"] for rule in every["rules"]} == {"user"}
    assert "Some rule matches each of 41 users." in tally("teams", "list").out
    names = {rule["team"] for rule in every["rules"]}
    assert len(names) > 2
    some = json.loads(tally("teams", "import", "teams.csv", "--group", "Shop", "--json").out)
    assert {rule["team"] for rule in some["rules"] if rule["from"].startswith("group")} == {"Shop"}
    assert {rule["kind"] for rule in some["rules"]} == {"user", "project", "service_account"}
    wrong = tally("teams", "import", "--group", "Shopp")
    assert (wrong.code, wrong.out) == (2, "")
    assert wrong.err == "Error: Unknown group 'Shopp'. Did you mean `Shop`?\n"


def test_what_is_wrong_is_2_and_leaves_the_list_as_it_was(tally: Run, path: Path) -> None:
    assert tally("teams", "import", "teams.csv").code == 0
    before = book_at(path).store.rows("teams")
    path.with_name("bad.csv").write_text("kind,id,team\nproject,a,A\nprojct,b,B\n")
    for words, said in (
        (["bad.csv"], "Error: bad.csv, line 3, column kind: 'projct' is no kind of id. Did you mean `project`?\n"),
        (["none.csv"], "Error: Cannot read none.csv: No such file or directory.\n"),
        ([], "Error: Say what to import: a file, or from_groups (--from-groups).\n"),
    ):
        ended = tally("teams", "import", *words)
        assert (ended.code, ended.out, ended.err) == (2, "", said)
    assert book_at(path).store.rows("teams") == before


def test_the_settings_have_teams_without_any_book(tally: Run, folder: Path) -> None:
    assert tally("teams", "list").out.startswith("No rule says whose anything is. `tallybook teams import")
    (folder / "tallybook.toml").write_text('[teams.Search]\nprojects = ["Search*"]\n')
    assert "[teams.Search]" in tally("teams", "list").out
    assert tally("teams", "export").out == "kind,id,team,cost_center,valid_from,valid_to\n"
    assert not list(folder.glob("*.duckdb"))


@pytest.mark.parametrize("verb", ["import", "list", "export"])
def test_each_has_help_that_fits(tally: Run, verb: str) -> None:
    ended = tally("teams", verb, "--help")
    assert ended.code == 0
    assert max(map(len, ended.out.splitlines())) <= 80
