"""What the texts of line items mean, kept beside the bill: new texts are taken apart when costs are written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

import pyarrow.compute as pc

from tallybook.model.line_item import PARSER_VERSION, parse
from tallybook.model.records import Read
from tallybook.store.rows import insert
from tallybook.store.session import Session

_TABLES = ("costs", "internal.costs_history", "internal.cost_splits", "internal.cost_splits_history")
_EVERY = " UNION ".join(f"SELECT line_item FROM {table} WHERE line_item IS NOT NULL" for table in _TABLES)


def learn(session: Session, reads: Iterable[Read]) -> None:
    """Take apart the texts in `reads` that the book does not know yet."""
    columns = [read.rows["line_item"] for read in reads if "line_item" in _names(read)]
    met = {text for column in columns for text in pc.unique(column).to_pylist() if text is not None}
    if met:
        known = "SELECT line_item FROM internal.line_items WHERE list_contains(?::VARCHAR[], line_item)"
        _add(session, met - {text for (text,) in session.execute(known, [list(met)]).fetchall()})


def _names(read: Read) -> list[str]:
    names: list[str] = [] if read.rows is None else read.rows.column_names
    return names


def refresh(session: Session) -> None:
    """Take apart every text of the book where another version of the parser did so before, or none."""
    counts = "SELECT count(*), count(*) FILTER (WHERE parser_version <> ?) FROM internal.line_items"
    held, old = session.execute(counts, [PARSER_VERSION]).fetchone() or (0, 0)
    if old or not held:
        session.execute("DELETE FROM internal.line_items")
        _add(session, {text for (text,) in session.execute(_EVERY).fetchall()})


def _add(session: Session, texts: set[str]) -> None:
    insert(session, "line_items", [asdict(parse(text)) for text in sorted(texts)])
