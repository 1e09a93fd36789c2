"""What it costs to sync again when nothing has changed, in a process that has started."""

from __future__ import annotations

import json
from statistics import median
from typing import Any

import report
from jobs import BACKFILL, DEFAULTS, HERE, KEY, PLAIN, Tool
from measure import environment, succeeded
from trials import stage

AGAIN = 5


def section(url: str, rounds: int) -> tuple[str, bool]:
    """Measure in `rounds` processes per way of syncing; return the section and whether nothing was written."""
    step = BACKFILL.case.steps[0]
    stage(url, BACKFILL.case, step.now)
    found: dict[str, list[list[dict[str, Any]]]] = {PLAIN.name: [], DEFAULTS.name: []}
    for number in range(rounds + 1):
        for tool in (PLAIN, DEFAULTS):
            syncs = _syncs(url, tool)
            if number:
                found[tool.name].append(syncs)
    head = ("Tool", "First sync, s", "Sync again, s", "Ratio", "Requests", "Rows read", "Rows written")
    text = (
        f"90 days as in *{BACKFILL.name}*, then {AGAIN} syncs more in the same process. Imports are done before, names "
        "are not due. What may still change is read again: 3 days of usage and 7 of costs"
    )
    rows = [_row(name, runs) for name, runs in found.items()]
    is_quiet = all(sync["written"] == 0 for runs in found.values() for _, *again in runs for sync in again)
    return f"### No-change re-sync\n\n{text}.\n\n" + report.table(head, rows), is_quiet


def _syncs(url: str, tool: Tool) -> list[dict[str, Any]]:
    step = BACKFILL.case.steps[0]
    task = {"url": url, "now": step.now, "start": step.start, "end": step.end, "variant": tool.variant, "again": AGAIN}
    python = environment(tool.environment, tool.requirements)
    done = succeeded([python, HERE / "tools" / "resync.py", json.dumps(task)], {"OPENAI_ADMIN_KEY": KEY})
    syncs: list[dict[str, Any]] = json.loads(done.output)
    return syncs


def _row(name: str, runs: list[list[dict[str, Any]]]) -> tuple[str, ...]:
    firsts = [first["seconds"] for first, *_ in runs]
    later = [median(sync["seconds"] for sync in again) for _, *again in runs]
    ratio = median(again / first for again, first in zip(later, firsts, strict=True))
    last = runs[-1][-1]
    counts = (f"{last[what]:,}" for what in ("requests", "rows", "written"))
    return (name, report.spread(firsts), report.spread(later, 3), f"{ratio:.0%}", *counts)
