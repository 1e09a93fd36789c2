"""The front door: open a book, sync it, ask it; or fetch straight from the API without one."""

from tallybook.book.direct import fetch
from tallybook.book.front import Book, open  # noqa: A004 - `tallybook.open` reads as it should

__all__ = ["Book", "fetch", "open"]
