"""Measure tallybook against named opponents, on this machine, now: `make bench`.

Exits with 1 where what tallybook has is not equal to the emulator's ledger and it does not say so; what becomes of
others is a row in a table, and times never fail.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

import report
import startup
from jobs import BACKFILL, Race, Tool
from measure import Run, emulator, environment, versions
from trials import Sync, Verdict, attempt, truth


@dataclass(slots=True)
class Outcome:
    """What one tool did in all rounds of a race."""

    tool: Tool
    last: Sync
    verdict: Verdict
    runs: list[Run] = field(default_factory=list)
    """Those of the last step, of the rounds that count."""


def measured(url: str, race: Race, rounds: int) -> dict[str, Outcome]:
    """Run all tools of a race, one round that does not count and then `rounds` interleaved ones."""
    ledger = truth(url, race.case)
    outcomes: dict[str, Outcome] = {}
    for number in range(rounds + 1):
        for tool in race.tools:
            done = attempt(url, race.case, tool, ledger)
            outcome = outcomes.setdefault(tool.name, Outcome(tool, done.last, done.verdict))
            if outcome.verdict.is_equal:
                outcome.last, outcome.verdict = done.last, done.verdict
            if number:
                outcome.runs.append(done.last.run)
        print(f"{race.name}: round {number} of {rounds}", file=sys.stderr)
    return outcomes


def main(arguments: Sequence[str]) -> int:
    """Run every job, print what came of it, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="2 rounds instead of 9, no start-up times")
    parser.add_argument("--write", action="store_true", help="also put the results into docs/benchmarks.md")
    given = parser.parse_args(arguments)
    rounds = 2 if given.quick else 9
    with emulator() as url:
        outcomes = measured(url, BACKFILL, rounds)
    sections = [report.backfill(BACKFILL, outcomes)]
    if not given.quick:
        sections.append(startup.section(5 * rounds))
    tools = [outcome.tool for outcome in outcomes.values()]
    used = [versions(environment(tool.environment, tool.requirements), tool.shown) for tool in tools]
    text = "\n\n".join([report.machine(rounds, used), *sections])
    print(text)
    if given.write:
        report.write(text)
    return int(any(o.tool.is_ours and not o.verdict.is_equal for o in outcomes.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
