"""Shells complete command lines: a real bash with the real script, the others as far as the script asks."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tallybook.cli import COMMANDS, COMPLETE
from tallybook.cli.completion import SHELLS, complete
from tallybook.query.clocks.axis import GRAINS
from tallybook.query.clocks.time import NAMED
from tallybook.query.dimensions import DIMENSIONS
from tallybook.query.metrics import METRICS
from tests.cli.conftest import Run

CASES = {
    "": [*COMMANDS],
    "--ver": ["--version"],
    "res": ["restatements"],
    "metrics a": ["add"],
    "query ": [*METRICS],
    "query cost --top": ["--top"],
    "query cost,cost_per_r": ["cost,cost_per_request"],
    "query cost --by ": [*DIMENSIONS],
    "query cost --by model,weekd": ["model,weekday"],
    "plot cost --where weekd": ["weekday="],
    "query cost --grain ": [*GRAINS],
    "query --period last": [word for word in NAMED if word.startswith("last")],
    "query --tz Europe/Berl": ["Europe/Berlin"],
    "query --compare ": ["previous", "year"],
    "sync --dataset web": ["web_search_calls"],
    "completion ": [*SHELLS],
    "query cost -o ": [],
    "sinc ": [],
}
"""What is typed, and what is offered."""


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_bash_completes_with_the_script(tally: Run, tmp_path: Path) -> None:
    program = tmp_path / "tallybook"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m tallybook.cli "$@"\n')
    program.chmod(0o755)
    asked = "".join(
        f"COMP_WORDS=(tallybook {typed}{'' if typed.strip() == typed and typed else ' ' + chr(39) * 2}); COMPREPLY=()\n"
        f"COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); OPTIONS=; _tallybook_completion {program}\n"
        'echo "${COMPREPLY[*]}|$OPTIONS"\n'
        for typed in CASES
    )
    script = tally("completion", "bash").out + "compopt() { OPTIONS=$2; }\n" + asked
    ended = subprocess.run(["bash", "--norc"], input=script, capture_output=True, text=True, check=True, timeout=60)
    assert ended.stderr == ""
    lines = dict(zip(CASES, ended.stdout.splitlines(), strict=True))
    assert {typed: line.split("|")[0].split() for typed, line in lines.items()} == CASES
    options = {typed: line.split("|")[1] for typed, line in lines.items() if not line.endswith("|")}
    assert options == {"plot cost --where weekd": "nospace", "query cost -o ": "default"}


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_has_a_script_and_gets_what_it_asks_for(
    tally: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], shell: str
) -> None:
    script = tally("completion", shell)
    assert (script.code, script.err) == (0, "")
    assert f"{COMPLETE}={shell}_complete" in script.out
    monkeypatch.setenv("COMP_WORDS", "tallybook query --grain qua")
    monkeypatch.setenv("COMP_CWORD", "qua" if shell == "fish" else "3")
    assert complete(f"{shell}_complete") == 0
    offered = capsys.readouterr().out
    assert "quarter" in offered
    assert "month" not in offered


def test_another_shell_is_told_which_there_are(tally: Run) -> None:
    ended = tally("completion", "csh")
    assert (ended.code, ended.out) == (2, "")
    assert "'bash', 'zsh', 'fish'" in ended.err
