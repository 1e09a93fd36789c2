"""A transaction of PostgreSQL in the likeness of a DuckDB cursor, for SQL that is portable."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

import psycopg
import pyarrow as pa

from tallybook.store import postgres_rows
from tallybook.store.postgres_words import Names, translated

_BATCH = 65_536


class PostgresSession:
    """Runs portable statements within a transaction that somebody else begins and ends."""

    def __init__(self, connection: psycopg.Connection[Any], names: Names) -> None:
        self._connection = connection
        self._cursor = psycopg.RawCursor(connection)
        self._names = names
        self._registered: set[str] = set()
        self._numbers = count()
        self._answers: list[PostgresRelation] = []

    @property
    def connection(self) -> psycopg.Connection[Any]:
        """What it runs on, for what is not portable."""
        return self._connection

    @property
    def user(self) -> str:
        """Who is connected."""
        return self._connection.info.user

    def execute(self, query: str, parameters: Any = (), /) -> PostgresSession:
        """Run a statement with bound values."""
        self._cursor.execute(translated(query, self._names), tuple(parameters) or None)
        return self

    def run(self, statements: str) -> None:
        """Run statements of PostgreSQL's own, without values."""
        self._connection.execute(statements.encode())

    def close(self) -> None:
        """Let go of answers that were not read to their end."""
        while self._answers:
            self._answers.pop().close()

    def fetchone(self) -> tuple[Any, ...] | None:
        """Return the next row; of what writes, how many rows that were."""
        if self._cursor.description is None:
            return (max(self._cursor.rowcount, 0),)
        return self._cursor.fetchone()

    def fetchall(self) -> list[Any]:
        """Return the rows that are left."""
        return self._cursor.fetchall()

    def sql(self, query: str, *, params: Any = ()) -> PostgresRelation:
        """Return the answer to a statement, as Arrow."""
        text = translated(query, self._names)
        found = PostgresRelation(self._connection, f"answer_{next(self._numbers)}", text, tuple(params) or None)
        self._answers.append(found)
        return found

    def register(self, name: str, rows: pa.Table, /) -> None:
        """Let statements read rows of Arrow as a table; another one of that name gives way."""
        self.unregister(name)
        self._cursor.execute(postgres_rows.definition(name, rows.schema))
        self._registered.add(name)
        postgres_rows.copy(self._cursor, name, rows)

    def unregister(self, name: str, /) -> None:
        """Forget them."""
        if name in self._registered:
            self._cursor.execute(f"DROP TABLE {name}")
            self._registered.discard(name)


class PostgresRelation:
    """The answer to a statement, asked for when it is read."""

    def __init__(self, connection: psycopg.Connection[Any], name: str, text: str, params: Sequence[Any] | None) -> None:
        self._connection = connection
        self._name = name
        self._text = text
        self._params = params
        self._cursor: psycopg.RawServerCursor[Any] | None = None

    def to_arrow_table(self) -> pa.Table:
        """Return all of it."""
        with psycopg.RawCursor(self._connection) as cursor:
            cursor.execute(self._text, self._params)
            rows = cursor.fetchall()
            return postgres_rows.table(rows, postgres_rows.schema(cursor.description or (), rows))

    def to_arrow_reader(self, batch_size: int = _BATCH, /) -> pa.RecordBatchReader:
        """Return it batch by batch, of which the server keeps what is not read yet."""
        cursor = self._cursor = psycopg.RawServerCursor(self._connection, self._name)
        cursor.execute(self._text, self._params)
        first = cursor.fetchmany(batch_size)
        kinds = postgres_rows.schema(cursor.description or (), first)

        def batches() -> Iterator[pa.RecordBatch]:
            rows = first
            while rows:
                yield from postgres_rows.table(rows, kinds).to_batches()
                rows = cursor.fetchmany(batch_size) if len(rows) == batch_size else []

        return pa.RecordBatchReader.from_batches(kinds, batches())

    def close(self) -> None:
        """Let go of what was not read."""
        if self._cursor is not None:
            self._cursor.close()
