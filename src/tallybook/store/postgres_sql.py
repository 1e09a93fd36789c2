"""Somebody's own SELECT over the public tables and views of a book on PostgreSQL, and nothing else.

The server keeps it in bounds: it runs with the rights of the reader role, in a transaction that cannot write. Functions
by which a statement could get at other rights or out of the database are refused before.
"""

from __future__ import annotations

import re
from typing import Any

import psycopg
import pyarrow as pa

from tallybook.model.errors import UsageError
from tallybook.store import postgres_rows
from tallybook.store.postgres_schema import READER

_BEGINS = re.compile(r"\s*(SELECT|WITH|VALUES|TABLE|\()", re.IGNORECASE)
_KEPT = re.compile(r"""\$(\w*)\$.*?\$\1\$|'(?:[^']|'')*'|/\*.*?\*/|--[^\n]*""", re.DOTALL)
_BEYOND = re.compile(r"\b(set_config|current_setting|pg_\w+|lo_\w+|dblink\w*|\w+_to_xml\w*)\b|\bU&", re.IGNORECASE)
_ONLY = "Only one SELECT over the public tables and views is possible here; docs/schema.md lists them."


def ask(connection: psycopg.Connection[Any], user: str, text: str) -> pa.Table:
    """Return the answer to a statement of the user's, within the caller's transaction."""
    if not _BEGINS.match(_KEPT.sub(" ", text)):
        raise UsageError(_ONLY)
    if beyond := _BEYOND.search(_KEPT.sub(" ", text)):
        raise UsageError(f"{beyond[0]} is not possible here. {_ONLY}")
    try:
        connection.execute(f"SET LOCAL ROLE {READER}")
    except psycopg.Error as exc:
        raise UsageError(
            f"SQL of your own runs with the rights of the role {READER}, which this user has not. A DBA types: "
            f"GRANT {READER} TO {user}; `tallybook migrate --sql` prints how the role is made."
        ) from exc
    try:
        with psycopg.RawCursor(connection) as cursor:
            cursor.execute(text.encode(), binary=True)  # as one statement
            rows = cursor.fetchall()
            found = postgres_rows.schema(cursor.description or (), rows)
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction) as exc:
        raise UsageError(f"{_said(exc)}. {_ONLY}") from exc
    except (psycopg.ProgrammingError, psycopg.DataError) as exc:
        raise UsageError(_said(exc)) from exc
    if twice := [name for name in found.names if found.names.count(name) > 1]:
        raise UsageError(f"Two columns of the answer are called {twice[0]!r}; name them apart with AS.")
    return postgres_rows.table(rows, found)


def _said(error: psycopg.Error) -> str:
    return error.diag.message_primary or str(error).splitlines()[0]
