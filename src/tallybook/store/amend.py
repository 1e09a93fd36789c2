"""Amendments of a book: text changed wherever it stands, in every table that there is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase

import pyarrow as pa

from tallybook.model import arrow
from tallybook.store import rolling
from tallybook.store.base import Amendment, Edit
from tallybook.store.catalog import columns
from tallybook.store.rollups import ROLLUPS
from tallybook.store.rows import insert
from tallybook.store.session import Session, number

_PAIRS = pa.schema([("before", pa.string()), ("after", pa.string())])
_PAGES = pa.schema([("page", pa.int64()), ("hash", pa.binary()), ("body", pa.binary())])
_AT_ONCE = 2_000
_DERIVED = ("migrations", "book", *(r.name for r in ROLLUPS))


def amend(session: Session, what: Amendment) -> int:
    """Change what is held inside the caller's transaction; return how many values and rows that were."""
    texts = sorted((c.place, c.name, c.table) for c in columns(session) if c.is_text and c.table not in _DERIVED)
    done = in_usage = 0
    for table, where in what.removed.items():
        done += number(session, f"DELETE FROM internal.{table} WHERE {_equal(where)}", list(where.values()))
    for table, (where, names) in what.cleared.items():
        nulls, held = ", ".join(f"{n} = NULL" for n in names), " OR ".join(f"{n} IS NOT NULL" for n in names)
        text = f"UPDATE internal.{table} SET {nulls} WHERE {_equal(where)} AND ({held})"
        done += number(session, text, list(where.values()))
    for edit in what.edits:
        for place, column, table in texts:
            if fnmatchcase(f"{table}.{column}", edit.columns):
                changed = _edit(session, place, column, edit)
                done += changed
                in_usage += changed if table == "usage" else 0
    if in_usage:
        rolling.refill(session)
    if what.pages is not None:
        done += _pages(session, what.pages)
    for table, rows in what.added.items():
        insert(session, table, rows)
    settings = "".join(f", {column} = ?" for column in what.book)
    text = f"UPDATE internal.book SET version = version + 1, rewrite_due = coalesce(rewrite_due, false) OR ?{settings}"
    session.execute(text, [done > 0, *what.book.values()])
    return done


def _edit(session: Session, table: str, column: str, edit: Edit) -> int:
    holds = " OR ".join(f"strpos({column}, ?) > 0 OR strpos(lower({column}), ?) > 0" for _ in edit.holding) or "true"
    values = session.execute(
        f"SELECT DISTINCT {column} FROM {table} WHERE {column} IS NOT NULL AND ({holds})",
        [form for text in edit.holding for form in (text, text.lower())],
    ).fetchall()
    pairs = [{"before": v, "after": new} for (v,) in values if (new := edit.change(v)) != v]
    if not pairs:
        return 0
    session.register("given", arrow.table(pairs, _PAIRS))
    text = f"UPDATE {table} AS t SET {column} = g.after FROM given AS g WHERE t.{column} = g.before"
    done = number(session, text, [])
    session.unregister("given")
    return done


def _pages(session: Session, change: Callable[[bytes], tuple[bytes, bytes] | None]) -> int:
    """Change raw buckets, a few thousand at a time."""
    done, last = 0, -1
    text = f"SELECT page, body FROM internal.pages WHERE page > ? ORDER BY page LIMIT {_AT_ONCE}"
    while rows := session.execute(text, [last]).fetchall():
        last = rows[-1][0]
        pairs = [(page, *new) for page, body in rows if (new := change(body)) is not None]
        session.register("given", arrow.table([dict(zip(_PAGES.names, p, strict=True)) for p in pairs], _PAGES))
        done += number(
            session,
            "UPDATE internal.pages AS p SET hash = g.hash, body = g.body FROM given AS g WHERE p.page = g.page",
            [],
        )
        session.unregister("given")
    return done


def _equal(where: Mapping[str, object]) -> str:
    return " AND ".join(f"{column} IS NOT DISTINCT FROM ?" for column in where)
