"""Somebody's own SELECT over the public tables and views of a DuckDB book, and nothing else.

Two things keep it in bounds, each by itself enough for what both guard. The engine is one of its own: it holds the book
read-only, reaches no other file and no network, loads no extension, and its settings are locked. And before anything is
looked up, the statement is taken apart by DuckDB's own parser: what is not known here to be harmless is refused, which
also keeps the schema `internal` closed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from tallybook.model.errors import UnknownNameError, UsageError, suggest
from tallybook.store.duckdb_engine import BOOK, Engine

_NODES = {
    "SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE",
    "BASE_TABLE", "EMPTY", "EXPRESSION_LIST", "JOIN", "PIVOT", "SHOW_REF", "SUBQUERY", "TABLE_FUNCTION",
    "DISTINCT_MODIFIER", "LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER", "ORDER_MODIFIER",
    "ORDER_DEFAULT", "ASCENDING", "DESCENDING",
}  # fmt: skip
"""What a statement may be made of, besides expressions; all that writes or calls is something else."""
_TABLE_FUNCTIONS = {"generate_series", "range", "unnest"}
_OWN_FAULT = (duckdb.InterruptException, duckdb.IOException, duckdb.InternalException, duckdb.FatalException)
"""What no wording of a statement could avoid; everything else is said of the statement."""
_TABLES = f"""SELECT table_name FROM duckdb_tables() WHERE database_name = '{BOOK}' AND schema_name = 'main'
UNION ALL
SELECT view_name FROM duckdb_views() WHERE database_name = '{BOOK}' AND schema_name = 'main' AND NOT internal"""
_ONLY = (
    "Only one SELECT over the public tables and views is possible here; SHOW TABLES lists them, and DESCRIBE with a "
    "name shows the columns of one."
)


class LockedEngine(Engine):
    """An engine that can do nothing but read its book; started for one use, since its settings cannot be changed."""

    def attach(self, *, threads: int | None = None, read_only: bool = True) -> None:  # noqa: ARG002
        """Open the file for reading, and lock the rest of the world out."""
        self.stop()
        super().attach(read_only=True)
        assert self._root is not None  # noqa: S101 - it is attached
        self._root.execute("SET enable_external_access = false")
        self._root.execute("SET lock_configuration = true")

    def detach(self) -> None:
        """End it."""
        self.stop()


def ask(cursor: duckdb.DuckDBPyConnection, text: str) -> pa.Table:
    """Return the answer to a statement of the user's; raises `UsageError` with DuckDB's words where it has none."""
    try:
        check(cursor, text)
        found = _answer(cursor, text)
    except _OWN_FAULT:
        raise
    except duckdb.Error as exc:
        # The statement itself and where in it, which DuckDB adds, are before the user already.
        raise UsageError(str(exc).partition("\n\nLINE ")[0].strip()) from exc
    if twice := [name for name in found.column_names if found.column_names.count(name) > 1]:
        raise UsageError(f"Two columns of the answer are called {twice[0]!r}; name them apart with AS.")
    return _whole(found)


def _answer(cursor: duckdb.DuckDBPyConnection, text: str) -> pa.Table:
    return cursor.sql(text).to_arrow_table()


def check(cursor: duckdb.DuckDBPyConnection, text: str) -> None:
    """Raise `UsageError` unless a statement is one harmless SELECT over what is public; nothing is looked up for it."""
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise UsageError("The statement is not all text: some of its bytes are no UTF-8.")
    statements = cursor.extract_statements(text)
    if len(statements) != 1:
        raise UsageError(f"{len(statements)} statements were given. {_ONLY}")
    (tree,) = cursor.execute("SELECT json_serialize_sql(?)", [text]).fetchone() or ("{}",)
    try:
        parsed = json.loads(tree)
    except RecursionError:
        raise UsageError("The statement is nested too deeply.") from None
    if parsed.get("error", True):
        raise UsageError(_ONLY)
    public = {name for (name,) in cursor.execute(_TABLES).fetchall()}
    parts = list(_parts(parsed["statements"]))
    known = {name.casefold() for name in public} | _own_names(cursor, parts)
    for part in parts:
        _check_part(part, known, public)


def _parts(tree: Any) -> Iterator[dict[str, Any]]:
    """Yield every object of a parsed statement, however deep."""
    left = [tree]
    while left:
        part = left.pop()
        if isinstance(part, dict):
            yield part
            left += part.values()
        elif isinstance(part, list):
            left += part


def _own_names(cursor: duckdb.DuckDBPyConnection, parts: list[dict[str, Any]]) -> set[str]:
    """Return what the statement itself names with WITH.

    Where such a name does not hold, another one may be meant by it: a view of the engine's, or a file. So none of
    these may be called so.
    """
    names = {entry["key"] for part in parts if "cte_map" in part for entry in part["cte_map"]["map"]}
    views = cursor.execute("SELECT view_name FROM duckdb_views() WHERE internal").fetchall()
    taken = {name.casefold() for (name,) in views}
    for name in sorted(names):
        if name.casefold() in taken or not name.isidentifier():
            raise UsageError(f"WITH cannot call something {name!r}; choose another name.")
    return {name.casefold() for name in names}


def _check_part(part: dict[str, Any], known: set[str], public: set[str]) -> None:
    kind = part.get("type")
    if "class" in part or not isinstance(kind, str):
        return
    if kind not in _NODES:
        raise UsageError(_ONLY)
    if kind == "TABLE_FUNCTION" and (name := part["function"]["function_name"].casefold()) not in _TABLE_FUNCTIONS:
        raise UsageError(f"The function {name} is not possible here. {_ONLY}")
    if kind == "SHOW_REF" and part["query"] is None and part["table_name"] != '"tables"':
        raise UsageError(_ONLY)
    if kind == "BASE_TABLE":
        _check_table(part, known, public)


def _check_table(part: dict[str, Any], known: set[str], public: set[str]) -> None:
    """Raise an error unless a table is public, or one that the statement itself makes."""
    *where, name = part["qualified_name"]["path"]
    if [word.casefold() for word in where] not in ([], ["main"], [BOOK, "main"]):
        raise UsageError(f"{'.'.join([*where, name])} is not public. {suggest(name, public)}")
    if name.casefold() not in known:
        raise UnknownNameError("table or view", name, public)


def _whole(table: pa.Table) -> pa.Table:
    """Return a table with sums of whole numbers as int64, where they fit."""
    for i, field in enumerate(table.schema):
        if pa.types.is_decimal(field.type) and field.type.scale == 0:
            try:
                table = table.set_column(i, field.name, pc.cast(table.column(i), pa.int64()))
            except pa.ArrowInvalid:
                continue
    return table
