"""The command line on a book of several organizations."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from tests.books import write_settings
from tests.cli.conftest import TODAY, Run, ago, serving


def test_the_command_line_shows_every_organization(tally: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TALLYBOOK_BASE_URL")
    monkeypatch.setenv("COLUMNS", "80")
    with serving(seed=8) as one, serving(seed=9) as two:
        write_settings(folder, f"acme {one.url} OPENAI_ADMIN_KEY", f"beta {two.url} OPENAI_ADMIN_KEY")
        bounds = ("--dataset", "costs", "--since", ago(2))
        planned = tally("sync", "--dry-run", *bounds)
        assert planned.out.startswith("Organization 'acme':\ncosts ")
        each = json.loads(tally("sync", "--dry-run", "--json", *bounds).out)["organizations"]
        assert [(plan["org"], plan["requests"]) for plan in each] == [("acme", 3), ("beta", 3)]
        assert tally("sync", *bounds).code == 0
        told = json.loads(tally("sync", "--json", *bounds, "--org", "beta").out)
        assert (told["org"], told["ok"], told["book"]) == ("beta", True, str(folder / "b.duckdb"))
        for where in ("--org acme", "--org beta"):
            fetched = tally("fetch", "costs", "--since", ago(1), "--until", ago(1), *where.split(), "--format", "csv")
            assert fetched.code == 0
            assert str(TODAY.year) in fetched.out
        assert tally("fetch", "costs").code == 2
    _ask(tally)
    status = tally("status")
    assert status.code == 0
    assert "organization 'acme'" in status.out
    assert "organization 'beta'" in status.out
    assert [one["org"] for one in json.loads(tally("status", "--json").out)["organizations"]] == ["acme", "beta"]


def _ask(tally: Run) -> None:
    def costs(*words: str) -> dict[str, Decimal]:
        data = json.loads(tally("query", "cost", "--by", "org", "--last", "2d", *words, "--json").out)
        return {row["org"]: Decimal(row["cost"]) for row in data["rows"]}

    both = costs()
    assert both.keys() == {"acme", "beta"}
    assert both["acme"] != both["beta"]
    for name in both:
        assert costs("--org", name) == costs("--where", f"org={name}") == {name: both[name]}
    assert costs("--org", "acme,beta") == costs("--org", "acme", "--org", "beta") == both
    text = tally("query", "cost", "--by", "org", "--since", ago(5))
    assert "UTC, acme and beta." in text.out
    assert "costs of acme " in text.err
    assert max(map(len, text.out.splitlines())) <= 80
    wrong = tally("query", "cost", "--org", "acmee")
    assert (wrong.code, wrong.err) == (2, "Error: Unknown organization 'acmee'. Did you mean `acme`?\n")


def test_organizations_are_listed_and_renamed(tally: Run, folder: Path, synced: Path) -> None:
    (folder / "tallybook.duckdb").write_bytes(synced.read_bytes())
    (listed,) = json.loads(tally("org", "list", "--json").out)["organizations"]
    assert (listed["name"], listed["key"]) == ("default", "the environment variable OPENAI_ADMIN_KEY")
    assert listed["projects"] > 0
    assert listed["first_seen"][:10] == listed["last_sync"][:10] == str(TODAY)
    ended = tally("org", "rename", "default", "acme")
    assert (ended.code, ended.out) == (0, "'default' is 'acme' now, in every row.\n")
    assert 'write name = "acme" in [[org]]' in ended.err
    text = tally("org", "list").out
    assert [line.split()[0] for line in text.splitlines()[2:]] == ["default", "acme"]
    assert "not in the settings" in text
    refused = tally("sync", "--dataset", "costs", "--since", ago(1))
    assert (refused.code, refused.out) == (2, "")
    assert "type: tallybook org rename acme default" in refused.err
    (folder / "tallybook.toml").write_text('[[org]]\nname = "acme"\n')
    assert tally("sync", "--dataset", "costs", "--since", ago(1)).code == 0
    assert tally("org", "rename", "acme", "acme-eu").err.startswith("The settings do not have it yet")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("org rename nobody acme", "The book holds no organization 'nobody'."),
        ("org rename default default", "The book holds an organization 'default' already"),
        ("org rename default a/b", "An organization cannot be called 'a/b'. Its name is 1 to 63 letters"),
        ("org rename default", "Missing argument 'NEW'. `tallybook org rename --help` shows what there is."),
        ("org lst", "No such command 'lst'."),
        ("org", "Missing command. `tallybook org --help` shows what there is."),
    ],
)
def test_what_cannot_be_renamed_is_said(tally: Run, folder: Path, synced: Path, line: str, words: str) -> None:
    (folder / "tallybook.duckdb").write_bytes(synced.read_bytes())
    ended = tally(*line.split())
    assert ended.code == 2
    assert words in ended.err
    assert json.loads(tally("org", "list", "--json").out)["organizations"][0]["projects"] > 0


@pytest.mark.parametrize("verb", ["list", "rename"])
def test_the_verbs_below_org_have_help(tally: Run, verb: str) -> None:
    ended = tally("org", verb, "--help")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith(f"Usage: tallybook org {verb} ")
    assert max(map(len, ended.out.splitlines())) <= 80


def test_without_a_book_the_organizations_of_the_settings_are_listed(tally: Run, folder: Path) -> None:
    write_settings(folder, "acme https://api.openai.com/v1 ACME", "beta https://api.openai.com/v1 BETA")
    text = tally("org", "list").out
    assert [line.split()[0] for line in text.splitlines()[2:]] == ["acme", "beta"]
    assert max(map(len, text.splitlines())) <= 80
    assert tally("org", "rename", "acme", "other").err.startswith("Error: There is no book at")
    assert not (folder / "b.duckdb").exists()
