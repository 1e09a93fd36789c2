"""Measure tallybook against named opponents, on this machine, now: `make bench`.

Exits with 1 when a tool's result is not equal to the emulator's ledger; times never fail.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import report
import startup
from jobs import END, GROUP_BY, HERE, JOBS, KEY, NOW, Job, Opponent
from measure import Run, control, emulator, environment, run, versions


@dataclass(slots=True)
class Outcome:
    """What one opponent did in all rounds."""

    opponent: Opponent
    python: Path
    runs: list[Run] = field(default_factory=list)
    rows: int = 0
    requests: str = ""
    verdict: str = ""
    is_equal: bool = True


def truth(url: str, job: Job) -> dict[str, Decimal]:
    """Return the totals of the emulator's ledger, which is added up from single events."""
    totals: dict[str, Decimal] = {}
    for dataset in GROUP_BY:
        said = control(url, f"/_ledger?start={job.start}&end={END}&dataset={dataset}")["datasets"][dataset][0]
        numbers = ("amount",) if dataset == "costs" else [k for k, v in said.items() if isinstance(v, int)]
        totals |= {name: Decimal(said[name]) for name in numbers if name != "start_time"}
    return totals


def judge(outcome: Outcome, sums: dict[str, str], ledger: dict[str, Decimal]) -> None:
    """Note whether `sums` are those of the ledger: whole numbers exactly, money as exactly as the tool claims."""
    tolerance = outcome.opponent.tolerance * ledger["amount"]
    wrong = [n for n in sums if abs(Decimal(sums[n]) - ledger[n]) > (tolerance if n == "amount" else 0)]
    wrong += [] if "amount" in sums and len(sums) > 1 else ["nothing to compare"]
    if wrong:
        outcome.is_equal, outcome.verdict = False, f"**no**: {', '.join(sorted(wrong))}"
    if outcome.is_equal:
        money = "costs to float precision" if tolerance else "costs exact"
        outcome.verdict = f"{len(sums) - 1} measures exact, {money}"


def measured(job: Job, rounds: int) -> list[Outcome]:
    """Run all opponents of a job, one round that does not count and then `rounds` interleaved ones."""
    outcomes = [Outcome(o, environment(o.environment, o.requirements)) for o in job.opponents]
    with emulator() as url:
        ledger = truth(url, job)
        measures = [name for name in ledger if name != "amount"]
        task: dict[str, Any] = {"url": url, "key": KEY, "now": NOW, "start": job.start, "end": END}
        task |= {"group_by": GROUP_BY, "measures": measures}
        for number in range(rounds + 1):
            for outcome in outcomes:
                before = control(url, "/_counts")
                command = [outcome.python, HERE / outcome.opponent.script, json.dumps(task)]
                done = run(command, {"OPENAI_ADMIN_KEY": KEY})
                after = control(url, "/_counts")
                data, names = (after.get(kind, 0) - before.get(kind, 0) for kind in ("data", "names"))
                said = json.loads(done.output)
                judge(outcome, said["sums"], ledger)
                outcome.rows, outcome.requests = said["rows"], f"{data} + {names} for names" if names else str(data)
                if number:
                    outcome.runs.append(done)
            print(f"{job.name}: round {number} of {rounds}", file=sys.stderr)
    return outcomes


def main(arguments: Sequence[str]) -> int:
    """Run every job, print what came of it, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="2 rounds instead of 9, no start-up times")
    parser.add_argument("--write", action="store_true", help="also put the results into docs/benchmarks.md")
    given = parser.parse_args(arguments)
    rounds = 2 if given.quick else 9
    sections, is_equal, used = [], True, []
    for job in JOBS:
        outcomes = measured(job, rounds)
        is_equal = is_equal and all(o.is_equal for o in outcomes)
        used += [versions(o.python, o.opponent.shown) for o in outcomes]
        sections.append(report.job(job, outcomes))
    if not given.quick:
        sections.append(startup.section(5 * rounds))
    text = "\n\n".join([report.machine(rounds, used), *sections])
    print(text)
    if given.write:
        report.write(text)
    return 0 if is_equal else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
