"""What it takes to write many rows to a file, and how much memory: beside DuckDB's COPY and pandas."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import report
from jobs import GROUPS, HERE, ROOT
from measure import Run, environment, succeeded

ROWS = 10_000_000
"""About how many rows a bill of a year has."""
DAYS, FEW = 365, 44
"""How many days are written; into a workbook, of which a sheet holds 1,048,576 rows, few."""
MOST = 500
"""MB of memory that tallybook may take at the peak."""


@dataclass(frozen=True, slots=True)
class Writer:
    """Somebody who writes files."""

    name: str
    script: str
    environment: str
    requirements: Sequence[str]
    forms: Sequence[str]
    tolerance: Decimal = Decimal(0)
    """How far, relatively, money may be off because it is a float."""


OURS = Writer(
    "tallybook", "export_tallybook.py", "tallybook-xlsx", ("-e", f"{ROOT}[xlsx]"),
    ("csv", "jsonl", "parquet", "bundle", "xlsx"),
)  # fmt: skip
COPY = Writer("COPY", "export_copy.py", "floor", GROUPS["bench-floor"], ("csv", "jsonl", "parquet"))
PANDAS = Writer("pandas", "export_pandas.py", "pandas", GROUPS["bench-pandas"], COPY.forms, Decimal("1e-12"))
WRITERS = (OURS, COPY, PANDAS)


@dataclass(frozen=True, slots=True)
class Written:
    """A file that somebody wrote, and what it took."""

    run: Run
    rows: int
    money: Decimal
    sheets: int
    bytes: int


def section() -> tuple[str, list[str]]:
    """Let everybody write every form once; return the section, and what is wrong with tallybook's."""
    lines, wrong = [], []
    with tempfile.TemporaryDirectory(prefix="tallybook-bench-") as name:
        folder = Path(name)
        _ran(folder, OURS, "export_book.py", {"rows": ROWS, "days": DAYS})
        truth = {days: _checked(folder, {"form": "book", "days": days}) for days in (DAYS, FEW)}
        for form in OURS.forms:
            days = FEW if form == "xlsx" else DAYS
            done = {who.name: (who, _written(folder, who, form, days)) for who in WRITERS if form in who.forms}
            lines += [_line(form, name, done) for name in done]
            wrong += [f"Export: {who.name}, {form}: {text}" for who, made in done.values()
                      if (text := fault(who, made, truth[days]))]  # fmt: skip
    head = ("Form", "Writer", "Rows", "Seconds", "CPU s", "x COPY", "x pandas", "Peak MB", "File MB")
    text = (
        f"{truth[DAYS]['rows']:,} rows of eight columns, as an answer has them, from a book to a file; into a workbook "
        "fewer. The whole process counts, once; ratios are of processor time. Rows and money of every "
        "file are read back and compared"
    )
    notes = [one for one in wrong if not one.startswith(f"Export: {OURS.name}")]
    found = "\n\n".join([f"### Export\n\n{text}:\n\n{report.table(head, lines, left=2)}", *notes])
    return found, [one for one in wrong if one not in notes]


def _written(folder: Path, who: Writer, form: str, days: int) -> Written:
    task = {"who": who.name, "form": form, "days": days}
    run = _ran(folder, who, who.script, task)
    return Written(run, **_checked(folder, task))


def _checked(folder: Path, task: Mapping[str, Any]) -> dict[str, Any]:
    said = json.loads(_ran(folder, COPY, "export_check.py", task).output)
    return said | {"money": Decimal(said["money"])}


def _ran(folder: Path, who: Writer, script: str, task: Mapping[str, Any]) -> Run:
    python = environment(who.environment, who.requirements)
    return succeeded([python, HERE / "tools" / script, json.dumps(task)], folder=folder)


def fault(who: Writer, made: Written, truth: Mapping[str, Any]) -> str | None:
    """Return what is wrong with a file, or with the memory that it took tallybook; None where nothing is."""
    if made.rows != truth["rows"]:
        return f"{made.rows:,} rows of {truth['rows']:,}"
    if abs(made.money - truth["money"]) > who.tolerance * truth["money"]:
        return f"{made.money} instead of {truth['money']}"
    if who is OURS and made.run.peak > MOST * 1e6:
        return f"{made.run.peak / 1e6:.0f} MB at the peak"
    return None


def _line(form: str, name: str, done: Mapping[str, tuple[Writer, Written]]) -> Sequence[str]:
    cpu = {writer: made.run.cpu for writer, (_, made) in done.items()}
    beside = [f"{cpu[name] / cpu[o.name]:.2f}" if o.name in cpu else "" for o in (COPY, PANDAS)]
    made = done[name][1]
    numbers = (made.run.peak / 1e6, made.bytes / 1e6)
    return [
        f"{form}, {made.sheets} sheets" if made.sheets > 1 else form, name, f"{made.rows:,}",
        f"{made.run.seconds:.1f}", f"{made.run.cpu:.1f}", *beside, *(f"{n:,.0f}" for n in numbers),
    ]  # fmt: skip
