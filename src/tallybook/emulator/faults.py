"""Answers that are not answers: rate limits, server errors, cut bodies, login pages."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import random
import socket
import struct
from collections import OrderedDict
from collections.abc import Callable
from email.utils import format_datetime

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from tallybook.emulator.company import Company
from tallybook.emulator.problems import error

REMEMBERED = 10_000
"""How many failed request lines are kept, to let them pass the second time."""
HIT = "tallybook.hit"
"""Where a request's scope has whom to tell the fault that it is hit by."""
TRANSPORT = "tallybook.transport"
"""Where the state of a request's scope has the connection, to reset it."""
_JSON = "application/json"
_LOGIN = "<!doctype html><html><head><title>Sign in</title></head><body><h1>Sign in</h1></body></html>"


class _Cut(Response):
    """Promises more bytes than it sends; the server then closes the connection."""

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        length = str(len(self.body) + 1_000).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", length)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": bytes(self.body), "more_body": True})


class _Slow(Response):
    """Trickles in for longer than anybody waits, and ends without an end."""

    def __init__(self, company: Company) -> None:
        super().__init__(b" ", media_type=_JSON)
        self.company = company

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        for _ in range(8):
            # By the clock of the company, so that a pretended one makes no test wait.
            await asyncio.to_thread(self.company.clock.sleep, 5.0)
            await send({"type": "http.response.body", "body": bytes(self.body), "more_body": True})


async def reset(scope: Scope, receive: Receive, _send: Send) -> None:
    """Close the connection at once, with a reset instead of an answer."""
    transport = scope["state"][TRANSPORT]
    at_once = struct.pack("ii", 1, 0)
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
    transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass


def limited(headers: dict[str, str]) -> Response:
    """Return a refusal for too many requests."""
    body = {"error": error("Rate limit reached. Please try again later.", "requests", code="rate_limit_exceeded")}
    return Response(json.dumps(body), 429, headers, _JSON)


def after_seconds(_company: Company) -> Response:
    return limited({"retry-after": "1"})


def after_date(company: Company) -> Response:
    moment = company.clock.now() + dt.timedelta(seconds=2)
    return limited({"retry-after": format_datetime(moment.replace(microsecond=0), usegmt=True)})


def after_nothing(_company: Company) -> Response:
    return limited({})


def server_error(_company: Company) -> Response:
    body = {"error": error("The server had an error while processing your request.", "server_error")}
    return Response(json.dumps(body), 500, None, _JSON)


def unavailable(_company: Company) -> Response:
    return Response("<html><body><h1>503 Service Unavailable</h1></body></html>", 503, None, "text/html")


def cut(_company: Company) -> Response:
    return _Cut('{"object":"page","data":[{"object":"bucket","start_time":17')


def bare_string(_company: Company) -> Response:
    return Response(json.dumps({"error": "upstream connect error"}), 502, None, _JSON)


def slow(company: Company) -> Response:
    return _Slow(company)


def not_json(_company: Company) -> Response:
    return Response('{"object":"page","data":[{"object":"bucket"', 200, None, _JSON)


def not_gzip(_company: Company) -> Response:
    return Response('{"object":"page","data":[]}', 200, {"content-encoding": "gzip"}, _JSON)


def out_of_quota(_company: Company) -> Response:
    """Return a 429 that no patience helps against."""
    message = "You exceeded your current quota, please check your plan and billing details."
    body = {"error": error(message, "insufficient_quota", code="insufficient_quota")}
    return Response(json.dumps(body), 429, None, _JSON)


def login(_company: Company) -> Response:
    """Return a page for people."""
    return Response(_LOGIN, 200, None, "text/html")


KINDS: tuple[Callable[[Company], Response], ...] = (
    after_seconds,
    after_date,
    after_nothing,
    server_error,
    unavailable,
    cut,
    bare_string,
)
"""The faults in the order in which they happen."""


class Faults:
    """Middleware: one request in `number` fails, chosen by seed and count; repeated, it succeeds."""

    def __init__(self, app: ASGIApp, company: Company, number: int) -> None:
        self.app = app
        self.company = company
        self.number = number
        self.seen = 0
        self.failed = 0
        self.owed: OrderedDict[str, None] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Fail, or pass the request on."""
        app = self.app if scope["type"] != "http" or scope["path"].startswith("/_") else self._choose(scope)
        await app(scope, receive, send)

    def _choose(self, scope: Scope) -> ASGIApp:
        line = f"{scope['path']}?{scope['query_string'].decode('ascii', 'replace')}"
        self.seen += 1
        if line in self.owed:
            del self.owed[line]
            return self.app
        if random.Random(f"{self.company.seed}/faults/{self.seen}").randrange(self.number):
            return self.app
        self.owed[line] = None
        if len(self.owed) > REMEMBERED:
            self.owed.popitem(last=False)
        kind = KINDS[self.failed % len(KINDS)]
        self.failed += 1
        return kind(self.company)


class Always:
    """Middleware: one answer to everything but the controls."""

    def __init__(self, app: ASGIApp, company: Company, answer: Callable[[Company], Response]) -> None:
        self.app = app
        self.company = company
        self.answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer without asking the server."""
        control = scope["type"] != "http" or scope["path"].startswith("/_")
        await (self.app if control else self.answer(self.company))(scope, receive, send)
