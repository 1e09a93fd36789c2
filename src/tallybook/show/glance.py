"""A book at a glance, in fewer than 24 lines of 80 columns."""

from __future__ import annotations

import datetime as dt
import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from rich.table import Table

from tallybook.query.reports.inventory import Freshness
from tallybook.query.reports.movers import Mover
from tallybook.show.marks import sparkline
from tallybook.show.numbers import Number, count, money, places, relative, signed
from tallybook.show.result import Result, decimal_text
from tallybook.show.tables import Column, plain, table_text, terminal_width
from tallybook.show.text import controls_text, ending, render

_STALE = dt.timedelta(days=1)
_WIDTH = 80


@dataclass(frozen=True, slots=True)
class Glance:
    """What everybody wants to know of a book first."""

    period: str
    """`this-month`, or `last-month` where nothing of this one is billed yet."""
    cost: Result
    """Its cost by project through the last billed day, compared with the same days of the month before."""
    movers: tuple[Mover, ...]
    """The projects, then the models, whose cost changed most."""
    usage: Result
    """Requests and tokens of the last 7 days, by day."""
    freshness: tuple[Freshness, ...]
    """Of each organization."""
    now: dt.datetime
    """When it was asked, UTC."""

    @property
    def is_stale(self) -> bool:
        """Whether a sync would help: the last one of an organization failed or is more than a day ago."""
        syncs = [f.last_sync for f in self.freshness]
        return any(s is None or not s["ok"] or self.now - _ended(s) > _STALE for s in syncs)

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-ready values; money as text."""
        return {
            "period": self.period,
            "cost": self.cost.to_dict(),
            "movers": [
                {"dimension": m.dimension, "group": m.group, "currency": m.currency, "cost": decimal_text(m.now),
                 "cost_previous": _text(m.before), "change": _text(m.change)}
                for m in self.movers
            ],
            "usage": self.usage.to_dict(),
            "freshness": [one.as_dict() for one in self.freshness],
            "is_stale": self.is_stale,
        }  # fmt: skip

    def to_json(self) -> str:
        """Return `as_dict()` as JSON text."""
        return json.dumps(self.as_dict(), ensure_ascii=False, indent=2)


def _text(value: Decimal | None) -> str | None:
    return None if value is None else decimal_text(value)


def _ended(sync: dict[str, Any]) -> dt.datetime:
    return dt.datetime.fromisoformat(sync["ended_at"])


def glance_text(found: Glance, options: str = "", *, width: int | None = None, drawn: bool = False) -> str:
    """Return a book at a glance as text; `options` goes with every command that it names, `drawn` adds sparklines."""
    width = width or terminal_width()
    title = f"Cost {found.period.replace('-', ' ')}: {found.cost.basis}."
    grid = Table.grid(padding=(0, 2))
    grid.add_column(width=7)
    grid.add_column()
    grid.add_row("Usage", _usage(found.usage, drawn=drawn))
    grid.add_row("Data", f"Cost {found.cost.coverage}.\nUsage {found.usage.coverage}.")
    for one in found.freshness:
        grid.add_row("Sync" if len(found.freshness) == 1 else plain(one.org)[:7], _freshness(one))
    # Commands are never folded, so that they can be copied.
    following = "\n".join(f"{'Next' if i == 0 else '':7}  {text}{options}" for i, text in enumerate(_next(found)))
    return f"{render(title, width=width)}\n\n{_costs(found, width)}\n\n{render(grid, width=width)}\n{following}"


def _costs(found: Glance, width: int | None) -> str:
    totals = found.cost.whole.to_pylist()
    rows = [Mover("all", "", row["currency"], row["cost"], row.get("cost_previous")) for row in totals]
    rows += found.movers
    exact = places(m.now for m in rows)
    labels = ["" if i and rows[i - 1].dimension == m.dimension else m.dimension for i, m in enumerate(rows)]

    def amounts(values: Sequence[Number | None]) -> list[str]:
        return [money(v, m.currency, exact) for v, m in zip(values, rows, strict=True)]  # type: ignore[arg-type]

    changes = [
        signed(lambda v, m=m: money(v, m.currency, exact), m.change)  # type: ignore[misc]
        for m in rows
    ]
    columns = [
        Column("", labels),
        Column("", [m.group for m in rows], is_label=True),
        Column("cost", amounts([m.now for m in rows]), is_number=True),
        Column("before", amounts([m.before for m in rows]), is_number=True),
        Column("change", changes, is_number=True),
        Column("", [relative(m.now, m.before) for m in rows], is_number=True),
    ]
    return table_text(columns, width)


def _usage(usage: Result, *, drawn: bool) -> str:
    assert usage.query is not None  # noqa: S101 - it was asked
    (whole,) = usage.whole.to_pylist()
    parts = []
    for known in usage.query.metrics:
        line = f"  {sparkline(usage.table[known.name].to_pylist())}" if drawn else ""
        parts.append(f"{count(whole[known.name])} {known.name}{line}")
    return f"{'  '.join(parts) if drawn else ', '.join(parts)} in the last 7 days"


def _freshness(one: Freshness) -> str:
    said = "Never."
    if one.last_sync is not None:
        said = f"{_ended(one.last_sync):%Y-%m-%d %H:%M} UTC: {ending(one.last_sync)}."
    return f"{said}\n{controls_text(one.controls)}" if one.controls else said


def _next(found: Glance) -> list[str]:
    """Return what to type next: a sync where that is due, what moved most in detail, what else there is."""
    named = [m for m in found.movers if not m.group.startswith("(")]
    commands = ["tallybook query cost --by project --grain day"]
    if named:
        closer = f"tallybook query cost --by line_item --where {shlex.quote(f'{named[0].dimension}={named[0].group}')}"
        commands = [closer] if len(closer) < _WIDTH - 9 else commands
    return [*["tallybook sync"] * found.is_stale, *commands, "tallybook metrics", "tallybook status"]
