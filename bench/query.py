"""What it takes to answer the questions of a page, in a process that has started."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import report
from jobs import GROUPS, HERE, TALLYBOOK
from measure import environment, succeeded

QUESTIONS = {
    "models": ("tokens and cache-hit rate by day, top 8 models, 90 days and those before", 2),
    "projects": ("cost by project and month, a year", 2),
    "users": ("active users by week, a year", 1),
    "hours": ("requests by weekday and hour, 28 days", 2),
    "keys": ("tokens of the top 10 API keys, 30 days", 1),
}
"""What is asked, and how many columns tell rows of the answer apart."""
SIZES = ((1_800_000, "1h"), (10_000_000, "1m"))
"""About how many rows a book has, and their width."""


@dataclass(frozen=True, slots=True)
class Contender:
    """Somebody who answers."""

    name: str
    script: str
    environment: str
    requirements: Sequence[str]
    variant: str = ""
    tolerance: Decimal = Decimal(0)
    """How far, relatively, sums of money may be off because it adds them as floats."""
    shown: Sequence[str] = ()
    """The packages whose versions are shown besides those of other jobs."""


_FLOAT = Decimal("1e-12")
_SQL = ("query_sql.py", "floor", GROUPS["bench-floor"])
OURS = Contender("tallybook", "query_tallybook.py", "tallybook", TALLYBOOK)
SQL = Contender("SQL", *_SQL, "facts")
CONTENDERS = (
    OURS,
    SQL,
    Contender("SQL, daily sums", *_SQL, "daily"),
    Contender("pandas", "query_pandas.py", "pandas", GROUPS["bench-pandas"], tolerance=_FLOAT, shown=("pandas",)),
    Contender("polars", "query_polars.py", "polars", GROUPS["bench-polars"], shown=("polars",)),
    Contender("Ibis", "query_ibis.py", "ibis", GROUPS["bench-ibis"], shown=("ibis-framework",)),
)
Said = Mapping[str, Any]


def section(rounds: int) -> tuple[str, list[str]]:
    """Measure at all sizes; return the section, and what of tallybook's is not equal to SQL typed by hand."""
    parts, wrong = [], []
    for rows, width in SIZES:
        with tempfile.TemporaryDirectory(prefix="tallybook-bench-") as name:
            text, unequal = _measured(Path(name), rows, width, rounds)
        parts.append(text)
        wrong += unequal
    text = (
        "Five questions in turn, in a process that has started and keeps its connection or its frames; loading is not "
        f"counted. Each is asked {rounds} times, or for two seconds, after a time that does not count"
    )
    return f"### Query\n\n{text}.\n\n" + "\n\n".join(parts), wrong


def _measured(folder: Path, rows: int, width: str, rounds: int) -> tuple[str, list[str]]:
    python = environment(OURS.environment, OURS.requirements)
    made = json.loads(_ran(folder, python, "query_book.py", {"rows": rows, "width": width}))
    said: dict[str, Said] = {}
    for who in CONTENDERS:
        own = environment(who.environment, who.requirements)
        said[who.name] = json.loads(_ran(folder, own, who.script, {"rounds": rounds, "variant": who.variant}))
    differ = {who.name: unequal(said[who.name], said[SQL.name], who.tolerance) for who in CONTENDERS}
    head = ("Milliseconds, p50 / p95", *(who.name for who in CONTENDERS), "x SQL", "x pandas")
    table = report.table(head, [_row(said, name) for name in [*QUESTIONS, "all five"]])
    notes = [f"{name} differs from SQL in: {', '.join(those)}." for name, those in differ.items() if those]
    size = (folder / "bench.duckdb").stat().st_size / 1e6
    text = f"{made['rows']:,} rows of usage of a year at {width}, {made['daily']:,} daily sums, {size:.0f} MB"
    return "\n\n".join([f"{text}:", table, *notes]), [f"Query: {text}: {n}" for n in differ[OURS.name]]


def _ran(folder: Path, python: Path, script: str, task: Mapping[str, Any]) -> str:
    return succeeded([python, HERE / "tools" / script, json.dumps(task)], folder=folder).output


def _row(said: Mapping[str, Said], name: str) -> list[str]:
    p50 = {who: _added(of["seconds"], name, median) for who, of in said.items()}
    p95 = {who: _added(of["seconds"], name, lambda s: quantiles(s, n=20)[-1]) for who, of in said.items()}
    ours = p50[OURS.name]
    shown = QUESTIONS[name][0] if name in QUESTIONS else name
    ratios = (ours / p50[SQL.name], ours / p50["pandas"])
    return [shown, *(f"{p50[w]:.0f} / {p95[w]:.0f}" for w in said), *(f"{ratio:.2f}" for ratio in ratios)]


def _added(seconds: Mapping[str, Sequence[float]], name: str, of: Any) -> float:
    names = [name] if name in QUESTIONS else list(QUESTIONS)
    return 1000 * sum(float(of(seconds[n])) for n in names)


def unequal(said: Said, by_hand: Said, tolerance: Decimal = Decimal(0)) -> list[str]:
    """Return the questions whose answers differ: whole numbers exactly, ratios and money within what floats leave."""
    return [
        name
        for name, (_, keys) in QUESTIONS.items()
        if not _same(
            _by_key(said["answers"][name], keys),
            _by_key(by_hand["answers"][name], keys),
            _FLOAT if name == "models" else tolerance,
        )
    ]


def _by_key(rows: Sequence[Sequence[Any]], keys: int) -> dict[tuple[Any, ...], list[Decimal]]:
    return {tuple(row[:keys]): [Decimal(v or 0) for v in row[keys:]] for row in rows}


def _same(one: Mapping[Any, Sequence[Decimal]], other: Mapping[Any, Sequence[Decimal]], tolerance: Decimal) -> bool:
    return one.keys() == other.keys() and all(
        abs(a - b) <= (tolerance * abs(b) if b % 1 or a % 1 else 0)
        for key in other
        for a, b in zip(one[key], other[key], strict=True)
    )
