"""The dashboard as an ASGI application: what a request is, and what goes around every answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tallybook.book import Book
from tallybook.model.errors import TallybookError
from tallybook.web import pages
from tallybook.web.cache import Answers, Kept
from tallybook.web.desk import Colours, Desk
from tallybook.web.problems import MEDIA_TYPE, of_status, problem
from tallybook.web.remembered import Recent, remembering
from tallybook.web.routes import ENCODE, JSON, ROWS, Call, Row
from tallybook.web.scope import ForbiddenError, viewer_of
from tallybook.web.shapes import Problem, Sync
from tallybook.web.words import LONGEST, read

Endpoint = Callable[[Request], Awaitable[Response]]
PRIVATE = {"Cache-Control": "private, no-cache", "Vary": "Accept-Encoding, Cookie, Authorization"}
_RETRY = {503: {"Retry-After": "1"}}


@dataclass(frozen=True)
class Served:
    """What all requests share."""

    book: Book
    """It remembers what was read at the last look."""
    look: Callable[[], str]
    """Looks whether anything has changed, and returns the version of the data."""
    sync: Callable[[], Sync] = Sync
    """Says whether a sync can be asked for here, and whether one runs."""
    answers: Answers = field(default_factory=Answers)
    colours: Colours = field(init=False)
    recent: Recent = field(default_factory=Recent)

    def __post_init__(self) -> None:
        object.__setattr__(self, "colours", Colours(self.book))

    def desk(self, request: Request) -> Desk:
        """Return where a request is answered."""
        return Desk(self.book, viewer_of(request), self.book.now(), self.colours, self.recent)

    def items(self, request: Request) -> list[tuple[str, str]]:
        """Return the words of an address; raises `HTTPException` where they are too long to be meant."""
        if len(request.scope["query_string"]) > LONGEST:
            raise HTTPException(414, f"The words of the address are longer than {LONGEST:,} characters.")
        return request.query_params.multi_items()

    async def kept(self, request: Request, row: Row) -> Kept | str:
        """Return the answer to a request, or its mark where the other side has it already."""
        items = self.items(request)
        asked = read(items, row.words, asks=row.asks)
        await run_in_threadpool(self.look)
        desk = self.desk(request)
        sync = self.sync() if desk.viewer.sees_all else Sync()
        if row.whole and not desk.viewer.sees_all:
            raise ForbiddenError("This token shows a part of the book; this is about all of it.")
        key = (desk.moment, request.url.path, tuple(items), desk.viewer, repr(sync))
        etag = self.answers.etag(key)
        if etag in request.headers.get("if-none-match", ""):
            return etag
        call, make = Call(desk, asked, desk.moment[0], sync), row.make
        assert make is not None  # noqa: S101 - the caller has seen to it
        return await run_in_threadpool(self.answers.get, key, lambda: make(call))


def create_app(
    book: Book, *, middleware: Sequence[Middleware] = (), routes: Sequence[BaseRoute] = (),
    sync: Callable[[], Sync] = Sync,
) -> Starlette:  # fmt: skip
    """Return the dashboard of a book.

    `middleware` goes around everything: a guard puts the `Viewer` of each request on `request.state.viewer`. `routes`
    come before ours. `sync` says whether "Sync now" is offered, and whether one is running.
    """
    remembered, store = remembering(book)
    served = Served(remembered, store.look, sync)
    own = [Route(row.path, _answering(served, row), methods=[row.method]) for row in ROWS]
    health = Route("/healthz", _healthy, methods=["GET"])
    handlers: dict[Any, Any] = {TallybookError: _answer_error, HTTPException: _answer_status, Exception: _answer_error}
    app = Starlette(
        routes=[*routes, *own, health, *pages.routes(served)], middleware=[*middleware], exception_handlers=handlers
    )
    app.state.served = served
    return app


def _answering(served: Served, row: Row) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        if row.endpoint is not None:
            await run_in_threadpool(served.look)
            return await row.endpoint(served, request)
        return sent(request, await served.kept(request, row))

    return endpoint


def sent(request: Request, kept: Kept | str) -> Response:
    """Return an answer as the other side takes it, or that it has it already."""
    if isinstance(kept, str):
        return Response(status_code=304, headers=PRIVATE | {"ETag": kept})
    headers = PRIVATE | {"ETag": kept.etag}
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(kept.plain(), headers=headers, media_type=kept.media_type)
    return Response(kept.body, headers=headers | {"Content-Encoding": "gzip"}, media_type=kept.media_type)


async def _healthy(_request: Request) -> Response:
    return Response(ENCODE({"status": "ok"}), media_type=JSON)


async def _answer_error(_request: Request, error: Exception) -> Response:
    return _said(problem(error))


async def _answer_status(_request: Request, error: HTTPException) -> Response:
    return _said(of_status(error.status_code, error.detail), error.headers)


def _said(found: Problem, headers: Any = None) -> Response:
    more = {"Cache-Control": "no-store", **(headers or {}), **_RETRY.get(found.status, {})}
    return Response(ENCODE(found), found.status, more, MEDIA_TYPE)
