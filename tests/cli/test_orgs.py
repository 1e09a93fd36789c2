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
