"""How large a book becomes that is synced every 15 minutes, table by table, and how large its facts alone are."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import report
from jobs import COMPANY, HERE, NOW
from measure import run

EVERY = 15 * 60
SINCE = ""
"""The first day to collect; empty is the reachable year."""
SIZED = {k: v for k, v in COMPANY.items() if k != "now"} | {"requests_per_day": 200}
"""The emulator's company as large as it is unless told otherwise."""
MOST = 4
"""How many times the size of its facts a book may have."""
PATIENCE = 24 * 3600
_SHOWN = 10
"""How many of the largest tables have a line of their own."""

Book = Mapping[str, Any]
"""What `tools/growth.py` says of a book: `rows` and `bytes` by table, bytes that are `free`, in `total`, of `facts`."""


def section(days: int) -> tuple[str, bool]:
    """Let a book live for some virtual days; return the section, and whether it stayed small."""
    task = {"days": days, "every": EVERY, "company": SIZED, "now": NOW, "since": SINCE}
    done = run([sys.executable, HERE / "tools" / "growth.py", json.dumps(task)], patience=PATIENCE)
    if done.code:
        raise SystemExit(f"tools/growth.py ended with {done.code}")
    first, last, none = json.loads(done.output)
    head = ("Table", "Rows", "First sync, kB", "At the end, kB", "A day adds, kB", "Keep none, kB")
    text = (
        f"The emulator's company ({SIZED['requests_per_day']} requests a day), its reachable year by the hour, then "
        f"days of syncs every {EVERY // 60} minutes with the default settings: {days}. *Facts alone* is a new file of "
        "the same kind that holds `usage`, `costs` and `cost_splits` and nothing else; *keep none* is the same book "
        'after one more sync with `pages.keep = "none"`'
    )
    rows = [*_tables(first, last, none, days), *_sums(first, last, none, days)]
    return f"### Growth\n\n{text}.\n\n{report.table(head, rows)}", _ratio(last) <= MOST


def _ratio(book: Book) -> float:
    return float(book["total"] / book["facts"])


def _tables(first: Book, last: Book, none: Book, days: int) -> list[tuple[str, ...]]:
    """Return a line for each of the largest tables, and one for the others."""
    names = sorted(last["bytes"], key=lambda name: -last["bytes"][name])
    parts = [(f"`{name}`", [name]) for name in names[:_SHOWN]]
    parts.append((f"{len(names) - _SHOWN} others", names[_SHOWN:]))
    return [
        (title, f"{sum(last['rows'][n] for n in some):,}", *_line([_bytes(b, some) for b in (first, last, none)], days))
        for title, some in parts
    ]


def _bytes(book: Book, tables: Sequence[str]) -> int:
    return sum(book["bytes"].get(name, 0) for name in tables)


def _line(sizes: Sequence[int], days: int) -> tuple[str, ...]:
    first, last, none = sizes
    return (*(f"{n / 1000:,.0f}" for n in (first, last, (last - first) / days, none)),)


def _sums(first: Book, last: Book, none: Book, days: int) -> list[tuple[str, ...]]:
    """Return what is free, the whole, the facts alone, and how many times as much the whole is."""
    books = (first, last, none)
    lines = [
        ("(free)", [b["free"] for b in books]),
        ("**the book**", [b["total"] for b in books]),
        ("**facts alone**", [b["facts"] for b in books]),
    ]
    a, b, c = (f"**{_ratio(book):.2f}**" for book in books)
    return [*((title, "", *_line(sizes, days)) for title, sizes in lines), ("**ratio**", "", a, b, "", c)]
