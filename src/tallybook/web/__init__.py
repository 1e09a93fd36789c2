"""The dashboard: an HTTP API beside the page that shows it. Nothing here is imported before it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from tallybook.book import Book


def create_app(book: Book, **options: Any) -> Starlette:
    """Return the dashboard of a book as an ASGI application, to be served or mounted; see `tallybook.web.app`.

    Raises `MissingExtraError` where Starlette is not installed.
    """
    try:
        import starlette  # noqa: F401 - asked for before anything of ours imports it
    except ImportError as exc:
        from tallybook.model.errors import MissingExtraError

        raise MissingExtraError("The dashboard", "dashboard") from exc
    from tallybook.web.app import create_app as create

    return create(book, **options)
