"""tallybook: an OpenAI organization's usage and costs as a book you own.

>>> import tallybook
>>> book = tallybook.open("tallybook.duckdb")
>>> book.sync()  # doctest: +SKIP
>>> book.query("cost", by="project", grain="month").to_pandas()  # doctest: +SKIP
>>> tallybook.fetch("completions", last="30d", group_by=["model"]).to_pandas()  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tallybook.model.version import __version__

if TYPE_CHECKING:
    from tallybook.book import Book, fetch, open  # noqa: A004
    from tallybook.model.errors import (
        ExportError,
        IncompleteError,
        ProviderError,
        QueryError,
        SettingsError,
        StoreError,
        TallybookError,
        UsageError,
    )
    from tallybook.show.result import Fetched, Result

_HOMES = {
    "Book": "tallybook.book",
    "fetch": "tallybook.book",
    "open": "tallybook.book",
    "Fetched": "tallybook.show.result",
    "Result": "tallybook.show.result",
    "ExportError": "tallybook.model.errors",
    "IncompleteError": "tallybook.model.errors",
    "ProviderError": "tallybook.model.errors",
    "QueryError": "tallybook.model.errors",
    "SettingsError": "tallybook.model.errors",
    "StoreError": "tallybook.model.errors",
    "TallybookError": "tallybook.model.errors",
    "UsageError": "tallybook.model.errors",
}

__all__ = [
    "Book",
    "ExportError",
    "Fetched",
    "IncompleteError",
    "ProviderError",
    "QueryError",
    "Result",
    "SettingsError",
    "StoreError",
    "TallybookError",
    "UsageError",
    "__version__",
    "fetch",
    "open",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `import tallybook` stays instant."""
    if name not in _HOMES:
        raise AttributeError(f"module 'tallybook' has no attribute {name!r}")
    import importlib

    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
