"""The HTTP face of the company: GET routes only."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tallybook.emulator import directory
from tallybook.emulator.behaviour import Behaviour, Call
from tallybook.emulator.company import Company
from tallybook.emulator.faults import HIT
from tallybook.emulator.habits import FOREVER
from tallybook.emulator.pages import ENCODER, page
from tallybook.emulator.problems import Problem, authorize, error
from tallybook.emulator.queries import parse
from tallybook.emulator.quirks import behaviour
from tallybook.emulator.served import DATASETS, Served
from tallybook.model.errors import TallybookError

PREFIX = "/v1/organization"
KEPT_REQUESTS = 10_000
Endpoint = Callable[[Request], Awaitable[Response]]
_LEDGER_ENCODER = msgspec.json.Encoder(decimal_format="string")


class Log:
    """Every request line seen, with its status and fault: the last 10,000, and counts of all."""

    def __init__(self) -> None:
        self.lines: deque[dict[str, Any]] = deque(maxlen=KEPT_REQUESTS)
        self.count = 0
        self.statuses: Counter[int] = Counter()
        self.faults: Counter[str] = Counter()

    def add(self, scope: Scope) -> dict[str, Any]:
        """Note a request as it comes; status 0 stands until it is answered."""
        self.count += 1
        query = scope["query_string"].decode("ascii", "replace")
        line = {"method": scope["method"], "path": scope["path"], "query": query, "status": 0}
        self.lines.append(line)
        return line

    def answer(self, line: dict[str, Any], status: int) -> None:
        """Note the status of an answer as it begins."""
        self.statuses[status] += 1
        line["status"] = status

    def hit(self, line: dict[str, Any], fault: str) -> None:
        """Note the fault that a request is hit by, before it is."""
        self.faults[fault] += 1
        line["fault"] = fault


class Logged:
    """Middleware that notes every request but those of the controls."""

    def __init__(self, app: ASGIApp, log: Log) -> None:
        self.app = app
        self.log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and note what becomes of it."""
        if scope["type"] != "http" or scope["path"].startswith("/_"):
            await self.app(scope, receive, send)
            return
        line = self.log.add(scope)
        scope[HIT] = partial(self.log.hit, line)

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.log.answer(line, message["status"])
            await send(message)

        await self.app(scope, receive, noting)


def _json(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(ENCODER.encode(body), status, headers, "application/json")


def _reporting(company: Company, behaves: Behaviour, served: Served) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        authorize(request.headers.get("authorization"), "api.usage.read", behaves.denied)
        items = request.query_params.multi_items()
        question = parse(items, served, company.now(), behaves.rules)
        call = Call(company, question, request.url.query)
        for check in behaves.checks:
            check(call)
        return _json(page(call, behaves))

    return endpoint


def _listing(company: Company, behaves: Behaviour, pattern: str, build: directory.Build) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        authorize(request.headers.get("authorization"), "api.management.read", behaves.denied)
        body = build(company, pattern, request.path_params, dict(request.query_params))
        for rewrite in behaves.list_rewrites:
            body = rewrite(body)
        return _json(body)

    return endpoint


def _ledger(company: Company) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        query = request.query_params
        by = [name for name in query.get("by", "").split(",") if name]
        try:
            start, end = int(query.get("start", company.founded)), int(query.get("end", company.now() + 1))
            known_at = _known_at(query.get("known_at"))
            totals = company.ledger(start, end, query.get("dataset"), by, query.get("grain", "total"), known_at)
        except (TallybookError, ValueError) as problem:
            raise Problem(400, error(str(problem))) from None
        body = {"start": start, "end": end, "now": company.now(), "by": by, "datasets": totals}
        return Response(_LEDGER_ENCODER.encode(body), media_type="application/json")

    return endpoint


def _known_at(text: str | None) -> int | None:
    return FOREVER if text == "final" else int(text) if text else None


def _requests(log: Log) -> Endpoint:
    async def endpoint(_request: Request) -> Response:
        statuses = {str(status): count for status, count in sorted(log.statuses.items())}
        faults = dict(sorted(log.faults.items()))
        return _json({"count": log.count, "statuses": statuses, "faults": faults, "requests": list(log.lines)})

    return endpoint


def _routes(company: Company, behaves: Behaviour, log: Log) -> list[Route]:
    table: dict[str, Endpoint] = {"/_ledger": _ledger(company), "/_requests": _requests(log)}
    for served in DATASETS.values():
        if served.name not in behaves.absent:
            table[PREFIX + served.path] = _reporting(company, behaves, served)
    for pattern in directory.LISTS:
        table[PREFIX + pattern] = _listing(company, behaves, pattern, directory.listing)
    table[PREFIX + "/projects/{project_id}"] = _listing(company, behaves, "", directory.project)
    return [Route(path, endpoint, methods=["GET"]) for path, endpoint in table.items()]


async def _answer_problem(_request: Request, problem: Exception) -> Response:
    if isinstance(problem, Problem):
        return _json(problem.body, problem.status, problem.headers)
    status = problem.status_code if isinstance(problem, HTTPException) else 500
    message = "Invalid URL, or a method other than GET." if status in (404, 405) else "The server had an error."
    return _json({"error": error(message)}, status)


def create_app(company: Company, quirks: Sequence[str] = ()) -> Starlette:
    """Return the server; `app.state` has `company` (the one served), `log` and `behaviour`."""
    behaves = behaviour(quirks)
    served = company.twin() if behaves.twists else company
    for twist in behaves.twists:
        twist(served)
    log = Log()
    routes = _routes(served, behaves, log)
    handlers: dict[Any, Any] = {Problem: _answer_problem, HTTPException: _answer_problem}
    app = Starlette(routes=routes, exception_handlers=handlers)
    for wrap in behaves.wrappers:
        app.add_middleware(wrap, company=served)
    app.add_middleware(Logged, log=log)
    app.state.company, app.state.log, app.state.behaviour = served, log, behaves
    return app
