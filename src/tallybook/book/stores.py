"""The address of a book to the store that keeps it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from tallybook.model.clock import Clock
from tallybook.model.errors import MissingExtraError, UsageError
from tallybook.store.base import Store


def _duckdb(url: str, clock: Clock) -> Store:
    from tallybook.store.duckdb import DuckDBStore

    return DuckDBStore(Path(url.removeprefix("duckdb://")).expanduser(), clock)


def _postgres(url: str, clock: Clock) -> Store:
    try:
        import psycopg  # noqa: F401 - whether it is there
    except ImportError:
        raise MissingExtraError("A book on PostgreSQL", "postgres") from None
    from tallybook.store.postgres import PostgresStore

    return PostgresStore(url, clock)


_KINDS: Mapping[str, Callable[[str, Clock], Store]] = MappingProxyType(
    {"": _duckdb, "duckdb": _duckdb, "postgresql": _postgres, "postgres": _postgres}
)


def store_of(url: str, clock: Clock) -> Store:
    """Return the store of a path or URL; raises `UsageError` where it is of no known kind."""
    scheme, separator, _ = url.partition("://")
    kind = scheme if separator else ""
    if kind not in _KINDS:
        raise UsageError(
            f"{scheme}:// is not a kind of book that this version has. Use a path, duckdb:///path or "
            "postgresql://USER@HOST/DATABASE."
        )
    return _KINDS[kind](url, clock)
