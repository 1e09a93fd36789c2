"""What stands around the dashboard: which requests come in, whose they are, and what every answer tells the browser."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Mapping

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tallybook.book import Book
from tallybook.book.tokens import digest
from tallybook.model.errors import StoreError
from tallybook.web.access import Access, Caller
from tallybook.web.doors import Doors, Pass
from tallybook.web.login import Login, again
from tallybook.web.problems import MEDIA_TYPE, of_status, problem
from tallybook.web.routes import ENCODE
from tallybook.web.scope import Viewer
from tallybook.web.sessions import Monotonic
from tallybook.web.shapes import Problem

log = logging.getLogger(__name__)

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""What every answer tells the browser."""
OPEN = frozenset({"/healthz"})
"""Paths that say nothing of the book, and ask nobody who they are."""

Rule = Callable[[Caller, Receive], Awaitable[Response | None]]


class Guard:
    """ASGI middleware that lets requests through by rules, and says of each whose it is (`request.state.viewer`)."""

    def __init__(self, app: ASGIApp, book: Book, access: Access, monotonic: Monotonic = time.monotonic) -> None:
        self._app, self._access = app, access
        self._doors = Doors(book, access.owner)
        self._login = Login(access, self._doors, monotonic)
        self._rules: tuple[Rule, ...] = (self._host, self._exposed, self._origin, self._login.answer, self._identity)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or let it through."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        caller = Caller(scope, self._access)
        inside = _placed(caller)
        answer = await self._refused(caller, receive)
        await (answer or self._app)(inside, receive, _telling(caller, send))

    async def _refused(self, caller: Caller, receive: Receive) -> Response | None:
        for rule in self._rules:
            if (answer := await rule(caller, receive)) is not None:
                return answer
        return None

    async def _host(self, caller: Caller, _receive: Receive) -> Response | None:
        if caller.is_host_known:
            return None
        advice = f" Where the name is yours, start it with --allow-host {caller.host}." if caller.host else ""
        return _said(of_status(421, f"This page does not answer to that name of a host.{advice}"))

    async def _exposed(self, caller: Caller, _receive: Receive) -> Response | None:
        text = "A proxy passes this on, but no token is asked for. Start it with --token-file, or --trusted-proxy."
        return _said(of_status(403, text)) if caller.is_exposed else None

    async def _origin(self, caller: Caller, _receive: Receive) -> Response | None:
        return _said(of_status(403, "A page of another origin may change nothing here.")) if caller.is_foreign else None

    async def _identity(self, caller: Caller, _receive: Receive) -> Response | None:
        if caller.path in OPEN:
            return None
        try:
            found = await run_in_threadpool(self._pass_of, caller)
        except StoreError as exc:
            return _said(problem(exc))
        if found is None or not found.opens(caller.path):
            return self._stranger(caller)
        caller.scope.setdefault("state", {})["viewer"] = found.viewer
        return None

    def _pass_of(self, caller: Caller) -> Pass | None:
        """Return what the sender may see; a token that is said and wrong is not made good by anything else."""
        if caller.bearer is not None:
            return self._doors.pass_of(digest(caller.bearer))
        if caller.path.startswith("/feeds/") and (token := caller.word("token")):
            found = self._doors.pass_of(digest(token))
            return found if found and found.feed else None  # what logs people in is never part of an address
        if (token_hash := self._login.token(caller)) is not None:
            return self._doors.pass_of(token_hash)
        if caller.user is not None:
            return Pass(Viewer(caller.user))
        return Pass() if self._access.owner is None else None

    def _stranger(self, caller: Caller) -> Response:
        """Return the way in, for a person; else what is missing."""
        if not caller.is_page or caller.bearer is not None:
            text = "Send a token that is good for this: Authorization: Bearer TOKEN."
            return _said(of_status(401, text), {"WWW-Authenticate": "Bearer"})
        if caller.headers.get("sec-fetch-site") == "cross-site":
            # Whoever follows a link from elsewhere comes without the cookie; once more from here, it is sent.
            return again()
        return RedirectResponse(self._login.address(caller), 303, {"Cache-Control": "no-store"})


def _placed(caller: Caller) -> Scope:
    """Return the request as it is below where a proxy shows the page, without what no log shows."""
    scope, root = caller.scope, caller.access.root_path
    scope["state"] = dict(scope.get("state") or {})
    query = caller.without_secrets().encode("latin-1")
    return {**scope, "root_path": root, "path": root + caller.path, "query_string": query}


def _telling(caller: Caller, send: Send) -> Send:
    """Return what sends an answer with our headers, and logs it."""

    async def tell(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.update(HEADERS)
            log.info("%s %s %d", caller.peer or "?", caller.line, message["status"])
        await send(message)

    return tell


def _said(found: Problem, more: Mapping[str, str] | None = None) -> Response:
    return Response(ENCODE(found), found.status, {"Cache-Control": "no-store", **(more or {})}, MEDIA_TYPE)
