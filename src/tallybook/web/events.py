"""Server-sent events: the version of the data whenever it changes, so that a page asks again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

if TYPE_CHECKING:
    from tallybook.web.app import Served

LOOK_SECONDS = 1.0
"""How often the book is looked at: two calls that read the time of a file."""
ALIVE_SECONDS = 15.0
"""After so long without news a comment is sent, so that proxies keep the connection."""
MEDIA_TYPE = "text/event-stream"


async def events(served: Served, request: Request) -> Response:
    """Return a stream that tells of new data until the other side goes."""
    served.items(request)  # of a proper length, as everywhere
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(told(served), headers=headers, media_type=MEDIA_TYPE)


async def told(
    served: Served, look_seconds: float = LOOK_SECONDS, alive_seconds: float = ALIVE_SECONDS
) -> AsyncIterator[str]:
    """Yield an event with the version at first and whenever it, or whether a sync runs, is another."""
    known: tuple[str, bool] | None = None
    quiet = 0.0
    yield "retry: 3000\n\n"
    while True:
        now = (await run_in_threadpool(served.look), served.sync().running)
        if now != known:
            known, quiet = now, 0.0
            yield f"event: version\ndata: {now[0]}\n\n"
        elif quiet >= alive_seconds:
            quiet = 0.0
            yield ": still here\n\n"
        await asyncio.sleep(look_seconds)
        quiet += look_seconds
