"""The HTTP face of the company: GET routes only."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tallybook.emulator import bills, buckets, cursors, directory
from tallybook.emulator.company import Company
from tallybook.emulator.problems import Problem, authorize, error
from tallybook.emulator.queries import Question, parse
from tallybook.emulator.quirks import Behaviour, Call, behaviour
from tallybook.emulator.served import DATASETS, Served
from tallybook.model.errors import TallybookError

PREFIX = "/v1/organization"
KEPT_REQUESTS = 10_000
Endpoint = Callable[[Request], Awaitable[Response]]
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_LEDGER_ENCODER = msgspec.json.Encoder(decimal_format="string")


class Log:
    """Every request line seen, with its status: the last 10,000, and counts of all."""

    def __init__(self) -> None:
        self.lines: deque[dict[str, Any]] = deque(maxlen=KEPT_REQUESTS)
        self.statuses: Counter[int] = Counter()

    def add(self, scope: Scope, status: int) -> None:
        """Note one answered request."""
        self.statuses[status] += 1
        query = scope["query_string"].decode("ascii", "replace")
        line = {"method": scope["method"], "path": scope["path"], "query": query, "status": status}
        self.lines.append(line)


class Logged:
    """Middleware that notes every request but those of the controls."""

    def __init__(self, app: ASGIApp, log: Log) -> None:
        self.app = app
        self.log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and note its status as the answer begins."""
        if scope["type"] != "http" or scope["path"].startswith("/_"):
            await self.app(scope, receive, send)
            return

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.log.add(scope, message["status"])
            await send(message)

        await self.app(scope, receive, noting)


def _json(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(_ENCODER.encode(body), status, headers, "application/json")


def page(company: Company, behaves: Behaviour, question: Question) -> dict[str, Any]:
    """Return the body of one page, before any quirk rewrites it."""
    now = company.now()
    first = cursors.resume(question, now)
    seconds = question.width.seconds
    limit = min(question.limit, behaves.page_cap or question.limit)
    edges = buckets.starts(question, first, limit, now)
    build = bills.costs if question.served.name == "costs" else buckets.usage
    rows: Iterator[list[dict[str, Any]]] = build(company, question, edges) if edges else iter(())
    data = [
        {
            "object": "bucket",
            "start_time": edge if behaves.hides_partial_start else max(edge, question.start),
            "end_time": _end(question, edge + seconds, now),
            "results": results,
        }
        for edge, results in zip(edges, rows, strict=True)
    ]
    after = edges[-1] + seconds if edges else question.end
    more = after < min(question.end, now + 1)
    token = cursors.mint(question, after, now) if more else None
    return {"object": "page", "data": data, "has_more": more, "next_page": token}


def _end(question: Question, whole: int, now: int) -> int:
    # A bucket that is still open has its full end, a closed one is cut by the end that was asked for.
    return whole if question.ends_open or question.end > now else min(whole, question.end)


def _reporting(company: Company, behaves: Behaviour, served: Served) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        authorize(request.headers.get("authorization"), "api.usage.read")
        items = request.query_params.multi_items()
        question = parse(items, served, company.now(), behaves.refuses_user_by_project)
        call = Call(company, question)
        for check in behaves.checks:
            check(call)
        body = page(company, behaves, question)
        for rewrite in behaves.rewrites:
            body = rewrite(call, body)
        if served.name == "costs":
            _spell_amounts(body, behaves)
        return _json(body)

    return endpoint


def _spell_amounts(body: dict[str, Any], behaves: Behaviour) -> None:
    raw, spell = msgspec.Raw, behaves.amount
    for bucket in body["data"]:
        for number, row in enumerate(bucket.get("results") or bucket.get("result") or ()):
            row["amount"]["value"] = raw(spell(row["amount"]["value"], number).encode())
            if isinstance(row["quantity"], Decimal):
                row["quantity"] = raw(format(row["quantity"], "f").encode())


def _listing(company: Company, pattern: str, build: Callable[[Company, str, Any, Any], dict[str, Any]]) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        authorize(request.headers.get("authorization"), "api.management.read")
        return _json(build(company, pattern, request.path_params, dict(request.query_params)))

    return endpoint


def _ledger(company: Company) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        query = request.query_params
        by = [name for name in query.get("by", "").split(",") if name]
        try:
            start, end = int(query.get("start", company.founded)), int(query.get("end", company.now() + 1))
            totals = company.ledger(start, end, query.get("dataset"), by, query.get("grain", "total"))
        except (TallybookError, ValueError) as problem:
            raise Problem(400, error(str(problem))) from None
        body = {"start": start, "end": end, "now": company.now(), "by": by, "datasets": totals}
        return Response(_LEDGER_ENCODER.encode(body), media_type="application/json")

    return endpoint


def _requests(log: Log) -> Endpoint:
    async def endpoint(_request: Request) -> Response:
        counts = {str(status): count for status, count in sorted(log.statuses.items())}
        return _json({"count": log.statuses.total(), "statuses": counts, "requests": list(log.lines)})

    return endpoint


def _routes(company: Company, behaves: Behaviour, log: Log) -> list[Route]:
    table: dict[str, Endpoint] = {"/_ledger": _ledger(company), "/_requests": _requests(log)}
    for served in DATASETS.values():
        if served.name not in behaves.absent:
            table[PREFIX + served.path] = _reporting(company, behaves, served)
    for pattern in directory.LISTS:
        table[PREFIX + pattern] = _listing(company, pattern, directory.listing)
    table[PREFIX + "/projects/{project_id}"] = _listing(company, "", directory.project)
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
    served = company.restating() if behaves.restates else company
    log = Log()
    routes = _routes(served, behaves, log)
    handlers: dict[Any, Any] = {Problem: _answer_problem, HTTPException: _answer_problem}
    app = Starlette(routes=routes, exception_handlers=handlers)
    for wrap in behaves.wrappers:
        app.add_middleware(wrap, company=served)
    app.add_middleware(Logged, log=log)
    app.state.company, app.state.log, app.state.behaviour = served, log, behaves
    return app
