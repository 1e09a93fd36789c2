"""How long short commands take, each in a fresh process."""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median

import report
from jobs import KEY, TALLYBOOK
from measure import emulator, environment, succeeded

BASE = "python -c pass"
FILL = ("tallybook", "sync", "--since", "2025-10-01", "--until", "2026-09-30")
COMMANDS = {
    BASE: ("python", "-c", "pass"),
    "import tallybook": ("python", "-c", "import tallybook"),
    "tallybook --help": ("tallybook", "--help"),
    "tallybook query cost": ("tallybook", "query", "cost", "--by", "project", "--period", "2026-09"),
}
"""What the table shows, to the command. The last asks the book that `FILL` makes."""


def section(rounds: int) -> str:
    """Measure all commands in turn, `rounds` times after one that does not count, and return their table."""
    python = environment("tallybook", TALLYBOOK)
    times: dict[str, list[float]] = {shown: [] for shown in COMMANDS}
    with tempfile.TemporaryDirectory(prefix="tallybook-bench-") as name:
        folder = Path(name)
        with emulator() as url:
            succeeded(_command(python, FILL), {"OPENAI_ADMIN_KEY": KEY, "TALLYBOOK_BASE_URL": url}, folder)
        size = (folder / "tallybook.duckdb").stat().st_size / 1e6
        for number in range(rounds + 1):
            for shown, command in COMMANDS.items():
                took = succeeded(_command(python, command), folder=folder).seconds
                if number:
                    times[shown].append(1000 * took)
    rows = [
        (f"`{shown}`", report.spread(took, 0), f"{median(took) / median(times[BASE]):.1f}")
        for shown, took in times.items()
    ]
    text = f"Fresh processes, {rounds} times each; the book holds a year of every dataset by the hour ({size:.0f} MB)."
    return f"### Start-up\n\n{text}\n\n" + report.table(("Command", "Milliseconds", f"x `{BASE}`"), rows)


def _command(python: Path, command: tuple[str, ...]) -> list[str | Path]:
    return [python.with_name(command[0]), *command[1:]]
