"""Serving the dashboard on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tallybook.web import create_app

if TYPE_CHECKING:
    from tallybook.book import Book


def serve(book: Book, port: int = 8788, host: str = "127.0.0.1") -> None:
    """Serve until interrupted."""
    import uvicorn

    uvicorn.run(create_app(book), host=host, port=port, log_level="warning", access_log=False)
