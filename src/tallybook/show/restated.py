"""What was restated, as text."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from tallybook.query.restatements import Change, Restatement
from tallybook.show.tables import Column, plain, table_text, terminal_width
from tallybook.show.text import count, money

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
