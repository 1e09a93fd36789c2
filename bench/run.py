"""Measure tallybook against named opponents, on this machine, now: `make bench`.

Exits with 1 where what tallybook has is not equal to the emulator's ledger and it does not say so, where it writes rows
that did not change, or where a book becomes too large. What becomes of others is a row in a table, and times never
fail.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

import export
import growth
import page
import report
import resync
import startup
from changes import changed
from jobs import BACKFILL, FAULTS, RESTATEMENT, UNALIGNED, Race, Tool, Trial
from measure import Run, emulator, environment, versions
from trials import Attempt, Sync, Verdict, attempt, truth

import query

PATIENCE = 30
"""Seconds for a sync of a trial, ten times what it takes where nothing is wrong."""


@dataclass(slots=True)
class Outcome:
    """What one tool did in all rounds of a race."""

    tool: Tool
    attempt: Attempt
    """The newest, or the first that was not equal."""
    runs: list[Run] = field(default_factory=list)
    """Those of the last step, of the rounds that count."""

    @property
    def verdict(self) -> Verdict:
        """Whether it was equal in every round."""
        return self.attempt.verdict

    @property
    def last(self) -> Sync:
        """Its last sync."""
        return self.attempt.syncs[-1]

    @property
    def written(self) -> int:
        """How many rows the last sync wrote."""
        return int(self.last.said.get("written", 0))

    @property
    def removed(self) -> int:
        """How many rows that were there before the last sync are not any more."""
        before = self.attempt.syncs[0].said.get("rows", 0)
        return int(before + self.written - self.last.said.get("rows", 0))


@dataclass(slots=True)
class Results:
    """What the page says, and what is wrong with tallybook."""

    sections: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    days: int = 1
    """How many virtual days the book of the job `growth` lives."""

    def check(self, name: str, tool: Tool, verdict: Verdict) -> None:
        """Note it where tallybook is silently wrong."""
        if tool.is_ours and verdict.is_silent:
            self.wrong.append(f"{name}: {tool.name}: {verdict.text}")


def race(url: str, what: Race, rounds: int, results: Results) -> dict[str, Outcome]:
    """Run all tools of a race, one round that does not count and then `rounds` interleaved ones."""
    ledger = truth(url, what.case)
    outcomes: dict[str, Outcome] = {}
    for number in range(rounds + 1):
        for tool in what.tools:
            done = attempt(url, what.case, tool, ledger)
            outcome = outcomes.setdefault(tool.name, Outcome(tool, done))
            if outcome.verdict.is_equal:
                outcome.attempt = done
            if number:
                outcome.runs.append(done.syncs[-1].run)
        print(f"{what.name}: round {number} of {rounds}", file=sys.stderr)
    for outcome in outcomes.values():
        results.check(what.name, outcome.tool, outcome.verdict)
    return outcomes


def backfill(url: str, rounds: int, results: Results) -> None:
    """Measure the first sync."""
    results.sections.append(report.backfill(BACKFILL, race(url, BACKFILL, rounds, results)))


def restatement(url: str, rounds: int, results: Results) -> None:
    """Measure the second sync after the server has changed what it had said."""
    changes = changed(url, RESTATEMENT.case)
    outcomes = race(url, RESTATEMENT, max(1, rounds // 3), results)
    results.sections.append(report.restatement(RESTATEMENT, outcomes, changes))
    for name, o in outcomes.items():
        if o.tool.is_ours and (o.written, o.removed) != changes:
            results.wrong.append(f"{RESTATEMENT.name}: {name} wrote {o.written} and removed {o.removed} of {changes}")


def unchanged(url: str, rounds: int, results: Results) -> None:
    """Measure syncs in which nothing has changed."""
    section, is_quiet = resync.section(url, rounds)
    results.sections.append(section)
    if not is_quiet:
        results.wrong.append("No-change re-sync: rows were written")


def grown(results: Results) -> None:
    """Measure how large a book becomes."""
    section, is_small = growth.section(results.days)
    results.sections.append(section)
    if not is_small:
        results.wrong.append(f"Growth: the book is more than {growth.MOST} times as large as its facts")


def trial(url: str, what: Trial, results: Results) -> None:
    """Put all tools through all cases of a trial."""
    verdicts: list[list[Verdict]] = []
    for case in what.cases:
        print(f"{what.name}: {case.name}", file=sys.stderr)
        ledger = truth(url, case)
        verdicts.append([attempt(url, case, tool, ledger, PATIENCE, quiet=True).verdict for tool in what.tools])
        for tool, verdict in zip(what.tools, verdicts[-1], strict=True):
            results.check(f"{what.name}, {case.name}", tool, verdict)
    results.sections.append(report.trial(what, verdicts))


def questions(_url: str, rounds: int, results: Results) -> None:
    """Measure answers in a process that has started."""
    section, wrong = query.section(3 * rounds)
    results.sections.append(section)
    results.wrong += wrong


def exports(results: Results) -> None:
    """Measure how files are written."""
    section, wrong = export.section()
    results.sections.append(section)
    results.wrong += wrong


def pages(_url: str, rounds: int, results: Results) -> None:
    """Measure the page in a browser."""
    results.sections.append(page.section(max(3, rounds // 2)))


JOBS = {
    "backfill": backfill,
    "restatement": restatement,
    "resync": unchanged,
    "unaligned": lambda url, _rounds, results: trial(url, UNALIGNED, results),
    "faults": lambda url, _rounds, results: trial(url, FAULTS, results),
    "growth": lambda _url, _rounds, results: grown(results),
    "query": questions,
    "export": lambda _url, _rounds, results: exports(results),
    "page": pages,
    "startup": lambda _url, rounds, results: results.sections.append(startup.section(5 * rounds)),
}


def main(arguments: Sequence[str]) -> int:
    """Run the jobs, print what came of them, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("jobs", nargs="*", choices=JOBS, default=tuple(JOBS), help="all of them if none is named")
    parser.add_argument("--quick", action="store_true", help="2 rounds instead of 9")
    parser.add_argument("--days", type=int, default=1, help="virtual days of the job growth, a minute each or more")
    parser.add_argument("--write", action="store_true", help="also put the results into docs/benchmarks.md")
    given = parser.parse_args(arguments)
    results = Results(days=given.days)
    with emulator() as url:
        for name in given.jobs:
            JOBS[name](url, 2 if given.quick else 9, results)
    those = [*BACKFILL.tools, *(c for c in query.CONTENDERS if c.shown)]
    used = [versions(environment(tool.environment, tool.requirements), tool.shown) for tool in those]
    machine = report.machine(2 if given.quick else 9, used)
    text = "\n\n".join([machine, *results.sections])
    print(text)
    for wrong in results.wrong:
        print(f"WRONG: {wrong}", file=sys.stderr)
    if given.write and set(given.jobs) == set(JOBS):
        report.write(text)
    elif given.write:
        report.write_some(machine, results.sections)
    return int(bool(results.wrong))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
