"""Organizations in a DuckDB book: which there are, their projects, and another name for one."""

from __future__ import annotations

import duckdb

from tallybook.model.errors import UsageError, suggest

_LOGS = ("internal.syncs", "internal.fetches")
"""What was tried is no sign that something is held."""

_TABLES = """SELECT schema_name || '.' || table_name FROM duckdb_columns() SEMI JOIN duckdb_tables()
    USING (schema_name, table_name)
WHERE column_name = 'org' AND (schema_name = 'internal' OR schema_name = 'main' AND table_name IN ('usage', 'costs'))
ORDER BY ALL"""
"""Every table of ours that says whose a row is; what somebody else has put beside them is left alone."""

_PROJECTS = """SELECT org, project_id FROM main.usage UNION SELECT org, project_id FROM main.costs
UNION SELECT org, id FROM internal.directory WHERE kind = 'project'"""


def names(cursor: duckdb.DuckDBPyConnection) -> set[str]:
    """Return the organizations of which anything is held."""
    each = [
        f"SELECT DISTINCT org FROM {table} WHERE org IS NOT NULL" for table in _tables(cursor) if table not in _LOGS
    ]
    return {row[0] for row in cursor.execute(" UNION ".join(each)).fetchall()}


def projects(cursor: duckdb.DuckDBPyConnection) -> dict[str, set[str]]:
    """Return the ids of all projects that are held, by organization."""
    out: dict[str, set[str]] = {}
    for org, identity in cursor.execute(_PROJECTS).fetchall():
        if identity is not None:
            out.setdefault(org, set()).add(identity)
    return out


def check(cursor: duckdb.DuckDBPyConnection, old: str, new: str) -> None:
    """Raise `UsageError` where there is no `old` to rename, or a `new` already."""
    known = names(cursor)
    if old not in known:
        there = suggest(old, known) if known else "It holds none yet."
        raise UsageError(f"The book holds no organization {old!r}. {there}")
    if new in known:
        raise UsageError(
            f"The book holds an organization {new!r} already; two are never made one. Choose another name."
        )


def rename(cursor: duckdb.DuckDBPyConnection, old: str, new: str) -> None:
    """Give `old` the name `new` in every table; raises `UsageError` as `check` does."""
    check(cursor, old, new)
    for table in _tables(cursor):
        cursor.execute(f"UPDATE {table} SET org = ? WHERE org = ?", [new, old])
    cursor.execute("UPDATE internal.book SET version = version + 1")


def _tables(cursor: duckdb.DuckDBPyConnection) -> list[str]:
    return [row[0] for row in cursor.execute(_TABLES).fetchall()]
