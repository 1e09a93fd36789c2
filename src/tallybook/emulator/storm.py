"""A storm: faults of every kind, drawn at random, instead of an answer or inside it."""

from __future__ import annotations

import datetime as dt
import random
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tallybook.emulator import cursors, faults, problems
from tallybook.emulator.company import Company
from tallybook.emulator.queries import Question, Rules, parse
from tallybook.emulator.served import DATASETS
from tallybook.emulator.timeline import DAY

Body = dict[str, Any]
_DECODER = msgspec.json.Decoder(Body, float_hook=Decimal)
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_ANY = Rules(user_by_project=True)
_SERVED = {served.path: served for served in DATASETS.values()}


@dataclass(frozen=True, slots=True)
class Hit:
    """A request that is hit."""

    company: Company
    draw: random.Random
    question: Question | None
    """What it asks; None where it is not about usage or costs, or is wrong by itself."""

    @property
    def asked(self) -> Question:
        """What it asks, where that is known."""
        assert self.question is not None  # noqa: S101 - kinds are chosen by what they apply to
        return self.question


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault."""

    answer: Callable[[Hit], ASGIApp] | None = None
    """What comes instead of the answer."""
    bend: Callable[[Hit, Body], Body | None] | None = None
    """From the body of the answer to another one; None where this body cannot be bent so."""
    applies: Callable[[Question], bool] | None = None
    """Which questions it can hit; None: every request, also of the directory."""

    def hits(self, question: Question | None) -> bool:
        """Return whether it can hit this request."""
        return self.applies is None or (question is not None and self.applies(question))


def _plain(make: Callable[[Company], Response]) -> Callable[[Hit], ASGIApp]:
    return lambda hit: make(hit.company)


def _refuse(make: Callable[[Hit], problems.Problem]) -> Callable[[Hit], ASGIApp]:
    def answer(hit: Hit) -> ASGIApp:
        problem = make(hit)
        return Response(_ENCODER.encode(problem.body), problem.status, problem.headers, "application/json")

    return answer


def _listed(names: Any) -> str:
    return f"Supported values are: {', '.join(repr(name) for name in sorted(names))}."


def _look_back(hit: Hit) -> problems.Problem:
    """Claim that history begins later, inside of what was asked for."""
    first = hit.asked.start // DAY + 1
    day = hit.draw.randint(first, max(first, hit.asked.end // DAY))
    return problems.too_old((dt.date(1970, 1, 1) + dt.timedelta(days=day)).isoformat())


def _group_by(hit: Hit) -> problems.Problem:
    name = hit.draw.choice(sorted(hit.asked.group_by))
    others = set(hit.asked.served.dimensions) - {name}
    return problems.refused(f"Invalid value: '{name}'. {_listed(others)}", "group_by", "invalid_value")


def _width(_hit: Hit) -> problems.Problem:
    return problems.refused(f"Invalid value. {_listed({'1d'})}", "bucket_width", "invalid_value")


def _limit(hit: Hit) -> problems.Problem:
    limit = hit.asked.limit
    text = f"Invalid limit provided: {limit}. Limit must be less than or equal to {limit // 2}."
    return problems.refused(text, "limit")


def _same_day(_hit: Hit) -> problems.Problem:
    return problems.refused("start_time and end_time must not be on the same date (UTC).", "end_time")


def _user(_hit: Hit) -> problems.Problem:
    text = "Grouping costs by user_id together with project_id is not supported for this organization."
    return problems.refused(text, "group_by")


def _key_floor(hit: Hit) -> problems.Problem:
    floor = hit.draw.randrange(hit.asked.start // DAY + 1, hit.asked.end // DAY + 1) * DAY
    text = f"group_by api_key_id is only supported for start_time on or after {floor}."
    return problems.refused(text, "start_time")


def _unknown(_hit: Hit) -> problems.Problem:
    return problems.refused("Something about this request is not right.")


def _not_found(_hit: Hit) -> problems.Problem:
    return problems.not_found("Invalid URL, or a method other than GET.")


def _empty_page(hit: Hit, body: Body) -> Body:
    now = hit.company.now()
    cursor = cursors.mint(hit.asked, cursors.resume(hit.asked, now), now)
    return {**body, "data": [], "has_more": True, "next_page": cursor}


def _repeated_cursor(hit: Hit, body: Body) -> Body | None:
    return {**body, "next_page": hit.asked.page} if body["has_more"] else None


def _lost_cursor(_hit: Hit, body: Body) -> Body | None:
    return {**body, "next_page": None} if body["has_more"] else None


def _out_of_order(hit: Hit, body: Body) -> Body | None:
    data = list(body["data"])
    if len(data) < 2:
        return None
    place = hit.draw.randrange(len(data) - 1)
    data[place : place + 2] = data[place + 1], data[place]
    return {**body, "data": data}


def _repeated_bucket(hit: Hit, body: Body) -> Body | None:
    data = list(body["data"])
    if not data:
        return None
    place = hit.draw.randrange(len(data))
    data.insert(place, data[place])
    return {**body, "data": data}


def _rows(bucket: Body) -> list[Body]:
    rows: list[Body] = bucket.get("results") or bucket.get("result") or []
    return rows


def _wrong_type(hit: Hit, body: Body) -> Body:
    """Spoil one value, somewhere: of the page, of a bucket, of a row, or of an entry of the directory."""
    spots: list[tuple[Body, str, Any]] = [(body, "data", {})]
    for item in body["data"]:
        spots += [(item, name, [item[name]]) for name in ("id", "start_time", "end_time") if name in item]
        spots += [(row, name, [value]) for row in _rows(item) for name, value in row.items() if value is not None]
    place, name, value = hit.draw.choice(spots)
    place[name] = value
    return body


def _unknown_object(hit: Hit, body: Body) -> Body:
    """Make a bucket, a row or all of it something else; a list of something else has nothing for whoever asked."""
    rows = [row for bucket in body["data"] for row in _rows(bucket)]
    place = hit.draw.choice([body, hit.draw.choice(body["data"] or [body]), hit.draw.choice(rows or [body])])
    place["object"] = "organization.surprise"
    return {**body, "data": [], "has_more": False} if place is body else body


def _always(_question: Question) -> bool:
    return True


def _costs_by(*names: str) -> Callable[[Question], bool]:
    return lambda question: question.served.name == "costs" and question.group_by >= set(names)


def _is_costs(question: Question) -> bool:
    return question.served.name == "costs"


def _has_page(question: Question) -> bool:
    return question.page is not None


KINDS: Mapping[str, Kind] = {
    "rate limit, seconds": Kind(_plain(faults.after_seconds)),
    "rate limit, date": Kind(_plain(faults.after_date)),
    "rate limit, silent": Kind(_plain(faults.after_nothing)),
    "no quota": Kind(_plain(faults.out_of_quota)),
    "server error": Kind(_plain(faults.server_error)),
    "unavailable": Kind(_plain(faults.unavailable)),
    "bare string": Kind(_plain(faults.bare_string)),
    "cut": Kind(_plain(faults.cut)),
    "slow": Kind(_plain(faults.slow)),
    "reset": Kind(lambda _hit: faults.reset),
    "html": Kind(_plain(faults.login)),
    "not json": Kind(_plain(faults.not_json)),
    "not gzip": Kind(_plain(faults.not_gzip)),
    "look-back": Kind(_refuse(_look_back), applies=_always),
    "group_by": Kind(_refuse(_group_by), applies=lambda question: bool(question.group_by)),
    "width": Kind(_refuse(_width), applies=lambda question: question.width.seconds < DAY),
    "limit": Kind(_refuse(_limit), applies=lambda question: question.limit > 1),
    "same-day costs": Kind(_refuse(_same_day), applies=_is_costs),
    "user": Kind(_refuse(_user), applies=_costs_by("user_id", "project_id")),
    "key floor": Kind(_refuse(_key_floor), applies=_costs_by("api_key_id")),
    "cursor": Kind(_refuse(lambda _hit: problems.invalid_token()), applies=_has_page),
    "unknown 400": Kind(_refuse(_unknown)),
    "404": Kind(_refuse(_not_found)),
    "empty page": Kind(bend=_empty_page, applies=_always),
    "repeated cursor": Kind(bend=_repeated_cursor, applies=_has_page),
    "lost cursor": Kind(bend=_lost_cursor, applies=_always),
    "out of order": Kind(bend=_out_of_order, applies=_always),
    "repeated bucket": Kind(bend=_repeated_bucket, applies=_always),
    "wrong type": Kind(bend=_wrong_type),
    "unknown object": Kind(bend=_unknown_object, applies=_always),
}
"""Every kind by name."""


class Storm:
    """Middleware: each request is hit with a chance of one in `number`, also when it comes again.

    What hits it follows from the seed, the request and how often it has come.
    """

    def __init__(self, app: ASGIApp, company: Company, number: int) -> None:
        self.app = app
        self.company = company
        self.number = number
        self.times: OrderedDict[str, int] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hit the request, or pass it on."""
        if scope["type"] != "http" or scope["path"].startswith("/_"):
            await self.app(scope, receive, send)
            return
        query = scope["query_string"].decode("ascii", "replace")
        draw = self._draw(f"{scope['path']}?{query}")
        if draw.randrange(self.number):
            await self.app(scope, receive, send)
            return
        hit = Hit(self.company, draw, self._question(scope["path"], query))
        name = draw.choice([name for name, kind in KINDS.items() if kind.hits(hit.question)])
        kind = KINDS[name]
        if kind.answer is not None:
            scope[faults.HIT](name)
            await kind.answer(hit)(scope, receive, send)
        else:
            await self._bend(name, hit, (scope, receive, send))

    def _draw(self, line: str) -> random.Random:
        times = self.times.pop(line, 0)
        self.times[line] = times + 1
        if len(self.times) > faults.REMEMBERED:
            self.times.popitem(last=False)
        return random.Random(f"{self.company.seed}/storm/{times}/{line}")

    def _question(self, path: str, query: str) -> Question | None:
        served = _SERVED.get(path.removeprefix("/v1/organization"))
        try:
            return parse(parse_qsl(query), served, self.company.now(), _ANY) if served else None
        except problems.Problem:
            return None

    async def _bend(self, name: str, hit: Hit, request: tuple[Scope, Receive, Send]) -> None:
        scope, receive, send = request
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        await self.app(scope, receive, keep)
        bend = KINDS[name].bend
        bent = bend(hit, page) if bend and (page := _page(messages)) else None
        if bent is None:
            for message in messages:
                await send(message)
            return
        scope[faults.HIT](name)
        await Response(_ENCODER.encode(bent), media_type="application/json")(scope, receive, send)


def _page(messages: Sequence[Message]) -> Body:
    """Return the body of an answer that lists something; nothing of any other."""
    if messages[0]["status"] != 200:
        return {}
    page = _DECODER.decode(b"".join(message.get("body", b"") for message in messages[1:]))
    return page if isinstance(page.get("data"), list) else {}
