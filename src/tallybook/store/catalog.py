"""Which tables and columns a book has: the same question to every engine. Portable SQL."""

from __future__ import annotations

from dataclasses import dataclass

from tallybook.store.session import Session

_COLUMNS = """SELECT c.table_schema, c.table_name, c.column_name, c.data_type
FROM information_schema.columns AS c JOIN information_schema.tables AS t
    ON t.table_catalog = c.table_catalog AND t.table_schema = c.table_schema AND t.table_name = c.table_name
WHERE c.table_catalog = current_database() AND t.table_type = 'BASE TABLE'
    AND c.table_schema IN (current_schema(), 'internal', current_schema() || '_internal')
ORDER BY 1, 2, c.ordinal_position"""
_TEXT = ("VARCHAR", "text")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table."""

    schema: str
    table: str
    name: str
    kind: str

    @property
    def place(self) -> str:
        """Its table, as SQL names it."""
        return f"{self.schema}.{self.table}"

    @property
    def is_internal(self) -> bool:
        """Whether its table is not public."""
        return self.schema.endswith("internal")

    @property
    def is_text(self) -> bool:
        """Whether it holds text."""
        return self.kind in _TEXT


def columns(session: Session) -> list[Column]:
    """Return every column of every table, but not of views."""
    return [Column(*row) for row in session.execute(_COLUMNS).fetchall()]
