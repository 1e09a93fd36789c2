"""What the page shows besides answers to questions: how complete, fresh and large a book is, and who is in it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from tallybook.model.windows import DAY
from tallybook.query.reports.completeness import NOT_READ, STATES
from tallybook.query.reports.inventory import freshness
from tallybook.query.reports.restatements import Change, restatements
from tallybook.query.reports.seen import Seen, seen
from tallybook.web.naming import title
from tallybook.web.shapes import Column, Fact, Heat, Table, Value
from tallybook.web.view import View

_MOST_ROWS = 1_000
_STAMP = "%Y-%m-%d %H:%M UTC"


def _held(view: View) -> Heat:
    """Return the state of every dataset on every day, of all organizations."""
    several = len(view.desk.orgs(view.asked)) > 1
    maps = [view.desk.book.coverage(org=org) for org in view.desk.orgs(view.asked)]
    start = min(m.span.start for m in maps)
    end = max(m.span.end for m in maps)
    days = [f"{dt.datetime.fromtimestamp(day, dt.UTC):%Y-%m-%d}" for day in range(start, end, DAY)]
    place = {state: i for i, state in enumerate(STATES)}
    rows, cells, why = [], [], []
    for found in maps:
        before = [place["pending"]] * ((found.span.start - start) // DAY)
        for name, held in found.datasets.items():
            rows.append(f"{found.org}: {name}" if several else name)
            cells.append([*before, *(place[day.state] for day in held)])
            why.append([*("" for _ in before), *("" if day.reason == NOT_READ else day.reason for day in held)])
    return Heat(rows, days, [*STATES], cells, why)


def _proved(view: View) -> Table:
    columns = [
        Column("dataset", "Dataset", None), Column("checked_at", "Compared", None),
        Column("equal", "Days equal", "days"), Column("healed", "Mended", "days"),
        Column("differing", "Differing", "days"), Column("not_comparable", "Not comparable", "days"),
    ]  # fmt: skip
    rows = [
        [row["dataset"], f"{row['checked_at']:{_STAMP}}", *(row[c.name] for c in columns[2:])]
        for org in view.desk.orgs(view.asked)
        for row in freshness(view.desk.book.store, org).controls
    ]
    return Table(columns, rows, len(rows))


def _syncs(view: View) -> list[Fact]:
    """Return how the newest sync of each organization ended."""
    from tallybook.show.text import ending

    out = []
    orgs = view.desk.orgs(view.asked)
    for org in orgs:
        last = freshness(view.desk.book.store, org).last_sync
        of = f"{org}: " if len(orgs) > 1 else ""
        if last is None:
            out.append(Fact(f"{of}last sync", "never", tone="warn"))
            continue
        out += [
            Fact(f"{of}last sync", last["ended_at"] or last["began_at"], tone="good" if last["ok"] else "bad"),
            Fact(f"{of}how it ended", ending(last)),
            Fact(f"{of}requests", last["requests"], "requests"),
            Fact(f"{of}read", last["bytes"], "bytes"),
            Fact(f"{of}rows inserted", last["rows_inserted"], ""),
            Fact(f"{of}rows restated", last["rows_restated"], ""),
        ]
    return out


def _restated(view: View) -> Table:
    """Return what was said differently of days of the page's range."""
    columns = [
        Column("seen_at", "Seen", None), Column("dataset", "Dataset", None), Column("day", "Day", None),
        Column("rows", "Rows changed", "rows"), Column("measure", "Number", None), Column("before", "Before", ""),
        Column("after", "After", ""),
    ]  # fmt: skip
    found = [
        one for org in view.desk.orgs(view.asked)
        for one in restatements(view.desk.book.store, org, view.span)
    ]  # fmt: skip
    rows = [
        [
            f"{r.seen_at:{_STAMP}}", r.dataset, f"{r.day:%Y-%m-%d}", r.changed + r.vanished + r.appeared,
            *_change(r.telling),
        ]
        for r in found[:_MOST_ROWS]
    ]  # fmt: skip
    return Table(columns, rows, len(found))


def _change(change: Change | None) -> list[Value]:
    return [None, None, None] if change is None else [title(change.measure), f"{change.before}", f"{change.after}"]


def _notes(view: View) -> list[str]:
    """Return the remarks on the quality of the data, the newest first."""
    rows = [row for row in view.desk.book.store.rows("notes") if row["org"] in view.desk.orgs(view.asked)]
    rows.sort(key=lambda row: row["start_time"], reverse=True)
    return [f"{row['dataset']}, {row['start_time']:%Y-%m-%d}: {row['text']}" for row in rows[:_MOST_ROWS]]


def _bytes(view: View) -> list[Fact]:
    sizes = view.desk.book.store.sizes()
    order = sorted(sizes.bytes.items(), key=lambda item: (-item[1], item[0]))
    tables = [Fact(name, size, "bytes") for name, size in order if size]
    return [Fact("the whole book", sizes.total, "bytes"), Fact("free for reuse", sizes.free, "bytes"), *tables]


def _seen(view: View) -> Table:
    columns = [
        Column("name", "Name", None), Column("kind", "Kind", None), Column("last_active", "Last active", None),
        Column("first_active", "First active", None), Column("listed", "Listed", None), Column("id", "Id", None),
    ]  # fmt: skip
    found = [one for org in view.desk.orgs(view.asked) for one in seen(view.desk.book.store, org)]
    rows: list[list[Value]] = [
        [
            s.label, title(s.kind), *(f"{day:%Y-%m-%d}" if day else None for day in (s.last_active, s.first_active)),
            _listed(s), s.id,
        ]
        for s in found[:_MOST_ROWS]
    ]  # fmt: skip
    return Table(columns, rows, len(found))


def _listed(known: Seen) -> str:
    if known.is_listed is None or known.listed_at is None:
        return "never"
    return "yes" if known.is_listed else f"no more; last on {known.listed_at:%Y-%m-%d}"


Source = Callable[[View], Any]
SOURCES: Mapping[str, Source] = {
    "held": _held, "proved": _proved, "syncs": _syncs, "restated": _restated, "notes": _notes, "bytes": _bytes,
    "seen": _seen,
}  # fmt: skip
"""By the name that panels have them under."""
