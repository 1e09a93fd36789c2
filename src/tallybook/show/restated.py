"""What was restated, and how long that goes on, as text."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from tallybook.query.reports.restatements import Change, Restatement
from tallybook.query.reports.settling import Settling
from tallybook.show.numbers import count, money
from tallybook.show.tables import Column, plain, table_text, terminal_width
from tallybook.show.text import render

_MOST = 40


def restatements_text(org: str, found: Sequence[Restatement], *, width: int | None = None) -> str:
    """Return a line per commit, dataset and day, with the number that tells most; the newest first."""
    head = plain(f"Organization {org!r}")
    if not found:
        return f"{head}: nothing was restated, as far as the book has seen."
    rows = found[:_MOST]
    columns = [
        Column("seen", [f"{r.seen_at:%Y-%m-%d %H:%M}" for r in rows]),
        Column("dataset", [r.dataset for r in rows], is_label=True),
        Column("day", [f"{r.day:%Y-%m-%d}" for r in rows]),
        Column("rows", [count(r.changed + r.vanished + r.appeared) for r in rows], is_number=True),
        Column("measure", [r.telling.measure if r.telling else "" for r in rows], is_label=True),
        Column("change", [_change(r.telling) for r in rows], is_number=True),
    ]
    more = f"\n… {len(found) - _MOST:,} more; --json lists all." if len(found) > _MOST else ""
    return f"{head}\n\n{table_text(columns, width or terminal_width())}{more}"


def _change(change: Change | None) -> str:
    if change is None:
        return "–"
    sign = "+" if change.change > 0 else ""
    if isinstance(change.change, Decimal):
        return sign + money(change.change, change.currency)
    return sign + count(change.change)


def settling_text(org: str, found: Sequence[Settling], *, width: int | None = None) -> str:
    """Return a line per dataset: how much was there after so many hours, and the look-back that this suggests."""
    width = width or terminal_width()
    head = render(f"Organization {org!r}: share of the final value, by hours since a bucket's end", width=width)
    if not found:
        return f"{head}\n\nNothing is stable yet, so nothing can be told."
    shown = [i for i, p in enumerate(found[0].points) if p.hours in _SHOWN]
    columns = [Column("dataset", [s.dataset for s in found], is_label=True)]
    columns += [
        Column(str(found[0].points[i].hours), [_percent(s.points[i].share) for s in found], is_number=True)
        for i in shown
    ]
    columns.append(Column("latest_h", [_hours(s.latest_hours) for s in found], is_number=True))
    columns.append(Column("days", [count(s.days) for s in found], is_number=True))
    columns.append(Column("look_back", [f"{s.look_back_days}d" if s.look_back_days else "–" for s in found]))
    return f"{head}\n\n{table_text(columns, width)}\n\n{render(_LEGEND, width=width)}"


_LEGEND = (
    "latest_h: the latest hour at which a change was seen. days: stable days that were read within a day of their end; "
    "fewer than 14 are too few to suggest a look-back."
)
_SHOWN = (0, 1, 6, 24, 48, 72)


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{int(share * 1_000) / 10:.1f}%"


def _hours(latest: float | None) -> str:
    return "–" if latest is None else f"{latest:,.0f}"
