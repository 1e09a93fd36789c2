"""How long short commands take, each in a fresh process."""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median

import report
from jobs import KEY, TALLYBOOK
from measure import emulator, environment, run

BASE = "python -c pass"
COMMANDS = {
    BASE: ("python", "-c", "pass"),
    "import tallybook": ("python", "-c", "import tallybook"),
    "tallybook --help": ("tallybook", "--help"),
    "tallybook query cost": ("tallybook", "query", "cost", "--by", "project", "--period", "2026-09"),
}
"""What is shown to the command; the last asks a book of a year of every dataset, hour by hour."""


def section(rounds: int) -> str:
    """Measure all commands in turn, `rounds` times after one that does not count, and return their table."""
    python = environment("tallybook", TALLYBOOK)
    with tempfile.TemporaryDirectory(prefix="tallybook-bench-") as name:
        folder = Path(name)
        with emulator() as url:
            fill = ("tallybook", "sync", "--since", "2025-10-02")
            run(_command(python, fill), {"OPENAI_ADMIN_KEY": KEY, "TALLYBOOK_BASE_URL": url}, folder)
        runs = {shown: [run(_command(python, c), folder=folder) for _ in range(1)] for shown, c in COMMANDS.items()}
        for _ in range(rounds):
            for shown, command in COMMANDS.items():
                runs[shown].append(run(_command(python, command), folder=folder))
    times = {shown: [1000 * r.seconds for r in done[1:]] for shown, done in runs.items()}
    rows = [
        (f"`{shown}`", report.spread(took, 0), f"{median(took) / median(times[BASE]):.1f}")
        for shown, took in times.items()
    ]
    return "### Start-up\n\n" + report.table(("Command", "Milliseconds", f"x `{BASE}`"), rows)


def _command(python: Path, command: tuple[str, ...]) -> list[str | Path]:
    return [python.with_name(command[0]), *command[1:]]
