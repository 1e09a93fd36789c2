"""What the SQL of a store runs on: DuckDB's own cursors, and those of other engines in their likeness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import pyarrow as pa


class Relation(Protocol):
    """The answer to a statement."""

    def to_arrow_table(self) -> pa.Table:
        """Return all of it."""
        ...

    def to_arrow_reader(self, batch_size: int = ..., /) -> pa.RecordBatchReader:
        """Return it batch by batch."""
        ...


class Session(Protocol):
    """A connection within a transaction.

    Statements are portable: values are `?`, tables of ours are `usage`, `costs` and `internal.*`, `rowid` tells rows of
    one table apart while nobody writes them.
    """

    def execute(self, query: str, parameters: Any = ..., /) -> Session:
        """Run a statement with bound values."""
        ...

    def fetchone(self) -> tuple[Any, ...] | None:
        """Return the next row; of what writes, how many rows that were."""
        ...

    def fetchall(self) -> list[Any]:
        """Return the rows that are left."""
        ...

    def sql(self, query: str, *, params: Any = ...) -> Relation:
        """Return the answer to a statement, as Arrow."""
        ...

    def register(self, name: str, rows: Any, /) -> Any:
        """Let statements read rows of Arrow as a table; another one of that name gives way."""
        ...

    def unregister(self, name: str, /) -> Any:
        """Forget them."""
        ...


def schema_of(session: Session, table: str) -> pa.Schema:
    """Return the columns of a table."""
    return session.sql(f"SELECT * FROM {table} LIMIT 0").to_arrow_table().schema


def number(session: Session, text: str, params: Sequence[Any] = ()) -> int:
    """Return the one number that a statement answers, such as how many rows it wrote."""
    row = session.execute(text, params).fetchone()
    return int(row[0]) if row else 0


def same(columns: Mapping[str, Any] | Sequence[str], a: str, b: str) -> str:
    """Return the condition that two rows are equal in `columns`; NULL equals NULL."""
    return " AND ".join(f"{a}.{c} IS NOT DISTINCT FROM {b}.{c}" for c in columns)
