"""What comparing days with control totals found, as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tallybook.model.windows import iso
from tallybook.query.clocks.time import stretch
from tallybook.show.numbers import days
from tallybook.show.tables import Column, plain, table_text, terminal_width
from tallybook.show.text import render

if TYPE_CHECKING:
    from tallybook.collect.control import Compared, Control
    from tallybook.collect.summary import Summary

_MOST = 20
_FEW = 3


def verify_text(summary: Summary, url: str, *, width: int | None = None) -> str:
    """Return what was compared: a line per dataset, every day that differs or did, and what was not compared."""
    control = summary.control
    if control is None:
        return plain(f"Organization {summary.org!r}: {summary.error}")
    names = list(dict.fromkeys(day.dataset for day in control.days))
    if not names:
        return "Nothing is held that could be compared."
    columns = [
        Column("dataset", names, is_label=True),
        Column("from", [iso(min(d.day for d in control.days if d.dataset == name)) for name in names]),
    ]
    for state in ("equal", "healed", "differs", "not comparable"):
        cells = [f"{control.count(state, name):,}" for name in names]
        columns.append(Column(state.replace(" ", "_"), cells, is_number=True, foot=[f"{control.count(state):,}"]))
    width = width or terminal_width()
    lines = _listed([_difference(day) for day in control.days if day.differences])
    lines += _listed([f"Not compared: {text}" for text in _obstacles(control.days)])
    failures = [*control.failures, *summary.failures]
    lines += _listed([f"Missing: {f.dataset} {stretch(f.window)}: {f.error}" for f in failures])
    lines.append(_verdict(control))
    head = plain(f"Book {url}, organization {summary.org!r}; {summary.requests:,} requests")
    return f"{head}\n\n{table_text(columns, width)}\n\n{render(*lines, width=width)}"


def _difference(day: Compared) -> str:
    found = "; ".join(map(str, day.differences))
    what = "healed by reading the day again in full" if day.state == "healed" else "still differs"
    return f"{day.dataset} {iso(day.day)}: {what}; {found}"


def _obstacles(compared: Sequence[Compared]) -> list[str]:
    """Return why days could not be compared, with how many of which datasets."""
    by_reason: dict[str, Counter[str]] = {}
    for day in compared:
        if day.reason:
            by_reason.setdefault(day.reason, Counter())[day.dataset] += 1
    return [f"{days(sum(n.values()))}, {reason} ({_named(list(n))})" for reason, n in by_reason.items()]


def _named(datasets: Sequence[str]) -> str:
    return ", ".join(datasets) if len(datasets) <= _FEW else f"{len(datasets)} datasets"


def _listed(lines: list[str]) -> list[str]:
    more = [f"and {len(lines) - _MOST:,} more; --json lists them"] if len(lines) > _MOST else []
    return [*lines[:_MOST], *more]


def _verdict(control: Control) -> str:
    if control.count("differs"):
        return "Some days differ from what OpenAI gives ungrouped, also after they were read again in full."
    healed = " once what differed was read again" if control.count("healed") else ""
    return f"Every day that was compared is equal to its control total{healed}."
