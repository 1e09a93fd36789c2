"""The page itself: the built bundle, with the first board in the HTML so that it is painted without another request."""

from __future__ import annotations

import gzip
import mimetypes
from importlib import resources
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tallybook.model.errors import TallybookError

if TYPE_CHECKING:
    from tallybook.web.app import Served

_HEAD = b"</head>"
_LASTING = {"Cache-Control": "public, max-age=31536000, immutable"}
_FRESH = {"Cache-Control": "private, no-cache"}
_PACKED = {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
_LEVEL = 1
"""Of what is packed for each request; files are packed once, and well."""
_MISSING = (
    b"<!doctype html><title>tallybook</title><p>This copy of tallybook was built without its page. "
    b"The API is at api/board; `make web` builds the page."
)


def routes(served: Served) -> list[Route]:
    """Return the routes of the page and its files; only files that are there by name can be had."""
    files = {name: found.read_bytes() for name, found in _files(_static(), "").items()}
    index = files.pop("index.html", _MISSING)
    packed = {name: gzip.compress(body, mtime=0) for name, body in files.items()}

    async def page(request: Request) -> Response:
        body, headers = await _with_board(served, request, index), dict(_FRESH)
        if _takes_gzip(request):
            body, headers = gzip.compress(body, _LEVEL, mtime=0), headers | _PACKED
        return Response(body, headers=headers, media_type="text/html")

    async def file(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in files:
            raise HTTPException(404, "There is no such file.")
        is_hashed = name.startswith("assets/")
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        headers = dict(_LASTING if is_hashed else _FRESH)
        if _takes_gzip(request):
            return Response(packed[name], headers=headers | _PACKED, media_type=kind)
        return Response(files[name], headers=headers, media_type=kind)

    return [Route("/", page, methods=["GET"]), Route("/{name:path}", file, methods=["GET"])]


def _takes_gzip(request: Request) -> bool:
    return "gzip" in request.headers.get("accept-encoding", "")


def _static() -> Traversable:
    return resources.files("tallybook.web") / "static"


def _files(folder: Traversable, prefix: str) -> dict[str, Traversable]:
    found: dict[str, Traversable] = {}
    for entry in folder.iterdir() if folder.is_dir() else ():
        name = f"{prefix}{entry.name}"
        found |= _files(entry, f"{name}/") if entry.is_dir() else {name: entry}
    return found


async def _with_board(served: Served, request: Request, index: bytes) -> bytes:
    """Return the page with the board that its address asks for; without one where it cannot be answered."""
    from tallybook.web.cache import Kept
    from tallybook.web.routes import BOARD, ENCODE

    try:
        kept = await served.kept(request, BOARD)
    except (TallybookError, HTTPException):
        return index  # the page asks itself, and shows what is wrong
    if not isinstance(kept, Kept):
        return index
    head = ENCODE({"words": request.url.query})[:-1] + b',"board":'
    text = (head + kept.plain() + b"}").replace(b"<", b"\\u003c")
    script = b'<script type="application/json" id="first-board">' + text + b"</script>"
    return index.replace(_HEAD, script + _HEAD, 1)
