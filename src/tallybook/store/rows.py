"""Rows of Python to a small table, and which rows give way. Portable SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tallybook.model import arrow
from tallybook.model.records import Swap
from tallybook.model.windows import naive
from tallybook.store.session import Session, same, schema_of


def insert(session: Session, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows to an internal table; a column that a row lacks is NULL."""
    if not rows:
        return
    schema = schema_of(session, f"internal.{table}")
    session.register("given", arrow.table(rows, schema))
    names = ", ".join(schema.names)
    session.execute(f"INSERT INTO internal.{table} ({names}) SELECT {names} FROM given")
    session.unregister("given")


def put(session: Session, table: str, rows: Sequence[Mapping[str, Any]], key: Sequence[str]) -> None:
    """Add rows to an internal table; rows equal in `key` give way."""
    schema = schema_of(session, f"internal.{table}")
    if unknown := {c for row in rows for c in row} - set(schema.names):
        raise ValueError(f"{table} has no column {min(unknown)!r}")
    unique = list({tuple(row[c] for c in key): row for row in rows}.values()) if key else rows
    if key:
        session.register("given", arrow.table(unique, schema))
        session.execute(f"DELETE FROM internal.{table} AS t USING given AS g WHERE {same(key, 't', 'g')}")
    insert(session, table, unique)


def swap(session: Session, what: Swap) -> None:
    """Put rows in the place of others."""
    conditions = [f"{column} IS NOT DISTINCT FROM ?" for column in what.where]
    params = list(what.where.values())
    if what.within is not None:
        conditions.append("start_time >= ? AND start_time < ?")
        params += [naive(what.within.start), naive(what.within.end)]
    session.execute(f"DELETE FROM internal.{what.table} WHERE {' AND '.join(conditions) or 'true'}", params)
    insert(session, what.table, what.rows)
