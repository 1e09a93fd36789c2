"""Notes on the axis of time over HTTP: read, written and removed by whoever sees all of the book."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from tallybook.book import Book
from tallybook.book.notes import OwnNote
from tallybook.model.errors import UnknownNameError, UsageError
from tallybook.query.clocks.time import Range
from tallybook.web.scope import ForbiddenError, viewer_of
from tallybook.web.shapes import NewNote, Note, Notes

if TYPE_CHECKING:
    from tallybook.web.app import Served

_LONGEST = 8_192
_JSON = "application/json"
_FRESH = {"Cache-Control": "private, no-store"}


def notes_of(book: Book, span: Range | None = None) -> list[Note]:
    """Return the notes of a book, those of a range where there is one."""
    return [_note(n) for n in book.notes() if span is None or span.start <= n.start < span.end]


def _note(known: OwnNote) -> Note:
    return Note(known.start, known.text, known.id)


async def listed(served: Served, request: Request) -> Response:
    """Return all notes."""
    _allow(request)
    found = await run_in_threadpool(notes_of, served.book)
    return Response(msgspec.json.encode(Notes(found)), headers=_FRESH, media_type=_JSON)


async def added(served: Served, request: Request) -> Response:
    """Write a note; only JSON is taken, which no page of another origin can send without being asked for it."""
    _allow(request)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _JSON:
        raise HTTPException(415, f"Send {_JSON}.")
    try:
        wanted = msgspec.json.decode(await _body(request), type=NewNote)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise UsageError(f'A note is {{"date": "2026-11-04", "text": "…"}}: {exc}.') from exc
    made = await run_in_threadpool(served.book.add_note, wanted.date, wanted.text)
    return Response(msgspec.json.encode(_note(made)), 201, _FRESH, _JSON)


async def removed(served: Served, request: Request) -> Response:
    """Remove a note."""
    _allow(request)
    try:
        await run_in_threadpool(served.book.remove_note, request.path_params["id"])
    except UnknownNameError as exc:
        raise HTTPException(404, str(exc)) from exc
    return Response(status_code=204, headers=_FRESH)


def _allow(request: Request) -> None:
    if not viewer_of(request).sees_all:
        raise ForbiddenError("Notes are for those who see all of the book.")


async def _body(request: Request) -> bytes:
    """Return what was sent, as long as that is no more than a note can be."""
    found = b""
    async for chunk in request.stream():
        found += chunk
        if len(found) > _LONGEST:
            raise HTTPException(413, "A note is shorter than that.")
    return found
