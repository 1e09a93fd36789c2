"""Amendments of a DuckDB book: text changed wherever it stands, in every table that there is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase

import duckdb
import pyarrow as pa

from tallybook.model import arrow
from tallybook.store import duckdb_rollups
from tallybook.store.base import Amendment, Edit
from tallybook.store.duckdb_rows import insert
from tallybook.store.rollups import ROLLUPS

_PAIRS = pa.schema([("before", pa.string()), ("after", pa.string())])
_PAGES = pa.schema([("page", pa.int64()), ("hash", pa.binary()), ("body", pa.binary())])
_AT_ONCE = 2_000
_DERIVED = ", ".join(f"'{name}'" for name in ("migrations", "book", *(r.name for r in ROLLUPS)))
_COLUMNS = f"""SELECT schema_name, table_name, column_name FROM duckdb_columns()
SEMI JOIN duckdb_tables() USING (schema_name, table_name)
WHERE data_type = 'VARCHAR' AND schema_name IN ('main', 'internal') AND NOT internal
    AND table_name NOT IN ({_DERIVED}) ORDER BY ALL"""


def amend(cursor: duckdb.DuckDBPyConnection, what: Amendment) -> int:
    """Change what is held inside the caller's transaction; return how many values and rows that were."""
    columns = cursor.execute(_COLUMNS).fetchall()
    done = in_usage = 0
    for table, where in what.removed.items():
        done += _number(cursor, f"DELETE FROM internal.{table} WHERE {_same(where)}", list(where.values()))
    for table, (where, names) in what.cleared.items():
        nulls, held = ", ".join(f"{n} = NULL" for n in names), " OR ".join(f"{n} IS NOT NULL" for n in names)
        text = f"UPDATE internal.{table} SET {nulls} WHERE {_same(where)} AND ({held})"
        done += _number(cursor, text, list(where.values()))
    for edit in what.edits:
        for schema, table, column in columns:
            if fnmatchcase(f"{table}.{column}", edit.columns):
                changed = _edit(cursor, f"{schema}.{table}", column, edit)
                done += changed
                in_usage += changed if table == "usage" else 0
    if in_usage:
        duckdb_rollups.refill(cursor)
    if what.pages is not None:
        done += _pages(cursor, what.pages)
    for table, rows in what.added.items():
        insert(cursor, table, rows)
    settings = "".join(f", {column} = ?" for column in what.book)
    text = f"UPDATE internal.book SET version = version + 1, rewrite_due = coalesce(rewrite_due, false) OR ?{settings}"
    cursor.execute(text, [done > 0, *what.book.values()])
    return done


def _edit(cursor: duckdb.DuckDBPyConnection, table: str, column: str, edit: Edit) -> int:
    holds = " OR ".join(f"contains({column}, ?) OR contains(lower({column}), ?)" for _ in edit.holding) or "true"
    values = cursor.execute(
        f"SELECT DISTINCT {column} FROM {table} WHERE {column} IS NOT NULL AND ({holds})",
        [form for text in edit.holding for form in (text, text.lower())],
    ).fetchall()
    pairs = [{"before": v, "after": new} for (v,) in values if (new := edit.change(v)) != v]
    if not pairs:
        return 0
    cursor.register("given", arrow.table(pairs, _PAIRS))
    text = f"UPDATE {table} AS t SET {column} = g.after FROM given AS g WHERE t.{column} = g.before"
    done = _number(cursor, text, [])
    cursor.unregister("given")
    return done


def _pages(cursor: duckdb.DuckDBPyConnection, change: Callable[[bytes], tuple[bytes, bytes] | None]) -> int:
    """Change raw buckets, a few thousand at a time."""
    done, last = 0, -1
    text = f"SELECT page, body FROM internal.pages WHERE page > ? ORDER BY page LIMIT {_AT_ONCE}"
    while rows := cursor.execute(text, [last]).fetchall():
        last = rows[-1][0]
        pairs = [(page, *new) for page, body in rows if (new := change(body)) is not None]
        cursor.register("given", arrow.table([dict(zip(_PAGES.names, p, strict=True)) for p in pairs], _PAGES))
        done += _number(
            cursor,
            "UPDATE internal.pages AS p SET hash = g.hash, body = g.body FROM given AS g WHERE p.page = g.page",
            [],
        )
        cursor.unregister("given")
    return done


def _same(where: Mapping[str, object]) -> str:
    return " AND ".join(f"{column} IS NOT DISTINCT FROM ?" for column in where)


def _number(cursor: duckdb.DuckDBPyConnection, text: str, params: list[object]) -> int:
    """Return how many rows a statement wrote."""
    row = cursor.execute(text, params).fetchone()
    return int(row[0]) if row else 0
