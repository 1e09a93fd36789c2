"""One tool put through one case, and judged by the emulator's ledger."""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from jobs import DAY, GROUP_BY, HERE, KEY, Case, Step, Tool
from measure import Run, control, environment, run

PATIENCE = 600.0
"""Seconds after which a process counts as one that does not end."""
MEASURE = {"input_tokens"}
"""What is compared where a tool has nothing at all."""
Sums = Mapping[str, Decimal]
Days = Mapping[int, Sums]


@dataclass(frozen=True, slots=True)
class Sync:
    """What one process did."""

    run: Run
    requests: Mapping[str, int]
    said: Mapping[str, Any]
    """Empty where it ended before it could say anything."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a case."""

    is_equal: bool
    is_silent: bool
    """Not equal, and the tool did not say so."""
    text: str
    measures: int = 0
    """How many measures of usage were compared."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One tool's way through one case."""

    syncs: Sequence[Sync]
    verdict: Verdict


def truth(url: str, case: Case) -> Days:
    """Return the days of the emulator's ledger, added up from single events, as they are at the last step."""
    stage(url, case, case.steps[-1].now)
    last = case.steps[-1]
    span = {"start": case.steps[0].start // DAY * DAY, "end": last.end or _unix(last.now) + 1}
    days: dict[int, dict[str, Decimal]] = defaultdict(dict)
    for dataset in GROUP_BY:
        said = control(url, "/_ledger", dataset=dataset, grain="day", **span)["datasets"][dataset]
        for row in said:
            numbers = ("amount",) if dataset == "costs" else [k for k, v in row.items() if type(v) is int]
            days[row["start_time"]] |= {name: Decimal(row[name]) for name in numbers if name != "start_time"}
    return days


def stage(url: str, case: Case, now: str) -> None:
    """Let the emulator play `case`, from the beginning, at `now`."""
    control(url, "/_clock", now=now)
    control(url, "/_stage", quirks=",".join(case.quirks), remembers=int(case.remembers))


def attempt(
    url: str, case: Case, tool: Tool, ledger: Days, patience: float = PATIENCE, *, quiet: bool = False
) -> Attempt:
    """Let `tool` go through all steps of `case` in a folder of its own, and judge what it has in the end."""
    stage(url, case, case.steps[0].now)
    measures = sorted({name for sums in ledger.values() for name in sums} - {"amount"})
    syncs: list[Sync] = []
    with tempfile.TemporaryDirectory(prefix="tallybook-bench-") as name:
        for step in case.steps:
            control(url, "/_clock", now=step.now)
            command = _command(url, step, tool, measures)
            before = control(url, "/_counts")
            done = run(command, {"OPENAI_ADMIN_KEY": KEY}, Path(name), patience=patience, quiet=quiet)
            counts = {kind: count - before.get(kind, 0) for kind, count in control(url, "/_counts").items()}
            syncs.append(Sync(done, counts, json.loads(done.output) if done.code == 0 else {}))
    first = case.steps[0 if tool.keeps else -1].start // DAY * DAY
    return Attempt(syncs, judge(tool, syncs[-1], {day: sums for day, sums in ledger.items() if day >= first}))


def _unix(now: str) -> int:
    return int(dt.datetime.fromisoformat(now).timestamp())


def _command(url: str, step: Step, tool: Tool, measures: Sequence[str]) -> list[str | Path]:
    task = {
        "url": url,
        "key": KEY,
        "now": step.now,
        "start": step.start,
        "end": step.end,
        "reread": step.reread or step.start,
        "group_by": GROUP_BY,
        "measures": measures,
        "variant": tool.variant,
    }
    python = environment(tool.environment, tool.requirements)
    return [python, HERE / "tools" / tool.script, json.dumps(task)]


def judge(tool: Tool, sync: Sync, ledger: Days) -> Verdict:
    """Say whether what `tool` has is what the ledger says: whole numbers exactly, money as exactly as it claims."""
    if sync.run.code:
        how = f"stops, exit code {sync.run.code}" if sync.run.code > 0 else f"not done in {sync.run.seconds:.0f} s"
        return Verdict(is_equal=False, is_silent=sync.run.code < 0, text=how)
    held = _held(sync.said["days"])
    missing = {day for start, end in sync.said.get("missing", ()) for day in range(start // DAY * DAY, end, DAY)}
    named = missing & (ledger.keys() - held.keys())
    compared = (ledger.keys() | held.keys()) - named
    measures = {name for sums in held.values() for name in sums} - {"amount"}
    kinds = {"usage": (measures or MEASURE, Decimal(0)), "costs": ({"amount"}, tool.tolerance)}
    wrong = {
        kind: sum(_differs(ledger.get(day, {}), held.get(day, {}), names, tolerance) for day in compared)
        for kind, (names, tolerance) in kinds.items()
    }
    if any(wrong.values()):
        days = ", ".join(f"{kind} on {n}" for kind, n in wrong.items() if n)
        return Verdict(is_equal=False, is_silent=True, text=f"**wrong**: {days} of {len(compared)} days")
    exact = "exact to float precision" if tool.tolerance else "exact"
    text = f"{exact}, and names {len(named)} days as missing" if named else exact
    return Verdict(is_equal=True, is_silent=False, text=text, measures=len(measures))


def _held(days: Iterable[tuple[int, Mapping[str, str | None]]]) -> dict[int, dict[str, Decimal]]:
    """Return the sums of whole days: what a tool has of a day may be several buckets."""
    held: dict[int, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for start, sums in days:
        for name, text in sums.items():
            held[int(start) // DAY * DAY][name] += _number(text)
    return held


def _number(text: str | None) -> Decimal:
    try:
        return Decimal(text or 0)
    except InvalidOperation:
        return Decimal("Infinity")


def _differs(truth: Sums, held: Sums, names: Iterable[str], tolerance: Decimal) -> bool:
    pairs = [(held.get(name, Decimal(0)), truth.get(name, Decimal(0))) for name in names]
    return any(abs(mine - true) > tolerance * abs(true) for mine, true in pairs)
