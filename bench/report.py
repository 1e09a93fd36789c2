"""Results as text: tables for the terminal and for `docs/benchmarks.md`."""

from __future__ import annotations

import datetime as dt
import os
import platform
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from jobs import DLT, FLOOR, NOTEBOOK, ROOT, Race, Trial

if TYPE_CHECKING:
    from run import Outcome
    from trials import Sync, Verdict

PAGE = ROOT / "docs" / "benchmarks.md"
BEGIN, END = "<!-- results: written by `bench/run.py --write` -->", "<!-- end of results -->"


_BESIDE = {"x notebook": NOTEBOOK, "x floor": FLOOR, "x dlt": DLT}
"""The columns of ratios, to what they compare with."""


def table(head: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> str:
    """Return a Markdown table, lined up so that it reads well as plain text; columns after `left` are numbers."""
    cells = [list(head), *map(list, rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    marks = ["-" * w if i < left else "-" * (w - 1) + ":" for i, w in enumerate(widths)]
    lines = [
        " | ".join(text.ljust(widths[i]) if i < left else text.rjust(widths[i]) for i, text in enumerate(row))
        for row in [cells[0], marks, *cells[1:]]
    ]
    return "\n".join(f"| {line} |" for line in lines)


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Return the median with the least and the greatest."""
    return f"{median(values):.{digits}f} [{min(values):.{digits}f}-{max(values):.{digits}f}]"


def ratio(outcome: Outcome, to: Outcome) -> str:
    """Return the median of the ratios of both within each round."""
    return f"{median(a.seconds / b.seconds for a, b in zip(outcome.runs, to.runs, strict=True)):.2f}"


def requests(sync: Sync) -> str:
    """Return how many requests a sync made, those for names apart."""
    data, names = (sync.requests.get(kind, 0) for kind in ("data", "names"))
    return f"{data} + {names} for names" if names else str(data)


def backfill(what: Race, outcomes: Mapping[str, Outcome]) -> str:
    """Return the section of the first sync."""
    head = ("Tool", "Equal to the ledger", "Rows", "Requests", "Seconds", "CPU s", *_BESIDE, "Peak MB")
    rows = [
        (
            name,
            f"{o.verdict.measures} measures, {o.verdict.text}" if o.verdict.is_equal else o.verdict.text,
            f"{o.last.said.get('rows', 0):,}",
            requests(o.last),
            spread([r.seconds for r in o.runs]),
            f"{median(r.cpu for r in o.runs):.2f}",
            *(ratio(o, outcomes[tool.name]) for tool in _BESIDE.values()),
            f"{median(r.peak for r in o.runs) / 1e6:.0f}",
        )
        for name, o in outcomes.items()
    ]
    return f"### {what.name}\n\n{what.text}.\n\n{table(head, rows, left=2)}"


def restatement(what: Race, outcomes: Mapping[str, Outcome], changes: tuple[int, int]) -> str:
    """Return the section of a second sync after `changes` (rows new or changed, rows gone or changed)."""
    head = ("Tool", "Equal to the ledger", "Requests", "Rows written", "Rows removed", "Seconds", "CPU s", "Peak MB")
    rows = [
        (
            name,
            o.verdict.text,
            requests(o.last),
            f"{o.written:,}",
            f"{o.removed:,}" if o.tool.keeps else "all",
            spread([r.seconds for r in o.runs]),
            f"{median(r.cpu for r in o.runs):.2f}",
            f"{median(r.peak for r in o.runs) / 1e6:.0f}",
        )
        for name, o in outcomes.items()
    ]
    text = f"{what.text}. New or changed are {changes[0]:,} rows, changed or gone {changes[1]:,}. The second sync alone"
    return f"### {what.name}\n\n{text}:\n\n{table(head, rows, left=2)}"


def trial(what: Trial, verdicts: Sequence[Sequence[Verdict]]) -> str:
    """Return the section of a trial: a row per case, a column per tool."""
    head = ("The server", *(tool.name for tool in what.tools))
    rows = [(case.name, *(v.text for v in of_case)) for case, of_case in zip(what.cases, verdicts, strict=True)]
    return f"### {what.name}\n\n{what.text}.\n\n{table(head, rows, left=len(head))}"


def machine(rounds: int, versions: Sequence[str]) -> str:
    """Return when, on what and with what this was measured."""
    cores, system = os.cpu_count(), f"{platform.system()} {platform.machine()}"
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    today = dt.datetime.now(dt.UTC).date()
    return (
        f"{today}, {cores} cores, {memory:.0f} GB of memory, {system}, Python {platform.python_version()}; "
        f"{rounds} interleaved rounds; {', '.join(dict.fromkeys(versions))}."
    )


def write(text: str, page: Path = PAGE) -> None:
    """Put results between the markers of `page`."""
    between = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
    page.write_text(between.sub(lambda _: f"{BEGIN}\n\n{text}\n\n{END}", page.read_text("utf-8")), "utf-8")


def write_some(machine: str, sections: Sequence[str], page: Path = PAGE) -> None:
    """Put sections in the place of those of the same heading, or behind the others, each with `machine`."""
    text = page.read_text("utf-8")
    held = text.partition(BEGIN)[2].partition(END)[0].strip().split("\n\n### ")
    named = {section.partition("\n")[0]: section for section in held[1:]}
    for section in sections:
        heading, _, rest = section.removeprefix("### ").partition("\n\n")
        named[heading] = f"{heading}\n\n{machine}\n\n{rest}"
    write("\n\n### ".join([held[0], *named.values()]), page)
