"""The routes of the API: each a row of a table, from which the server and its description are made."""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from tallybook.model.errors import UnknownNameError, UsageError
from tallybook.web import exports, noting
from tallybook.web.board import board
from tallybook.web.dense import dense
from tallybook.web.desk import Desk
from tallybook.web.events import MEDIA_TYPE as EVENTS
from tallybook.web.events import events
from tallybook.web.options import options
from tallybook.web.shapes import Board, Dense, NewNote, Note, Notes, Options, Sync, Table
from tallybook.web.tables import table_of
from tallybook.web.view import view
from tallybook.web.words import ASKED, FORMAT, LISTED, TAB, TIMES, Asked, Word

if TYPE_CHECKING:
    from tallybook.web.app import Served

JSON, CSV = "application/json", "text/csv; charset=utf-8"
ENCODE = msgspec.json.Encoder(decimal_format="string").encode
_FORMS = {"json": JSON, "rows": JSON, "csv": CSV}
_MOST_ROWS = 5_000
_ROWS = 500


@dataclass(frozen=True)
class Call:
    """A request, understood as far as its words go."""

    desk: Desk
    asked: Asked
    version: str
    """Of the data."""
    sync: Sync


Made = tuple[bytes, str]
"""A body and its media type."""
Endpoint = Callable[["Served", Request], Awaitable[Response]]


@dataclass(frozen=True, kw_only=True)
class Row:
    """A route: where, what it is for, the words that it takes, and what it answers."""

    path: str
    name: str
    says: str
    make: Callable[[Call], Made] | None = None
    """Answers from the book; what it answers is kept by data version and words."""
    endpoint: Endpoint | None = None
    """Answers in a way of its own."""
    answer: Any = None
    """The shape of the JSON; None where it is something else."""
    words: tuple[Word, ...] = ()
    """Those besides a question's."""
    asks: bool = True
    """Whether it takes the words of a question."""
    media: tuple[str, ...] = (JSON,)
    whole: bool = False
    """Whether it tells of the book as a whole, so that nobody who sees a part of it sees this."""
    method: str = "GET"
    body: Any = None
    """The shape of what is sent."""
    status: int = 200


def _board(call: Call) -> Made:
    shown = view(call.asked.more.get("tab", "overview"), call.asked, call.desk)
    return ENCODE(board(shown, call.version, call.sync)), JSON


def _query(call: Call) -> Made:
    form = call.asked.more.get("format", "json")
    if form not in _FORMS:
        raise UnknownNameError("format", form, _FORMS)
    result = call.desk.ask(_with_metric(call.asked))
    if form == "json":
        return ENCODE(dense(result, call.desk.colours)), JSON
    out = io.BytesIO()
    result.write(out, format="json" if form == "rows" else form)
    return out.getvalue(), _FORMS[form]


def _table(call: Call) -> Made:
    result = call.desk.ask(_with_metric(call.asked))
    more = call.asked.more
    limit = call.asked.number("limit", _ROWS, _MOST_ROWS)
    return ENCODE(table_of(result, limit=limit, sort=more.get("sort", ""), search=more.get("search", ""))), JSON


def _options(call: Call) -> Made:
    limit = call.asked.number("limit", _ROWS, _MOST_ROWS)
    return ENCODE(Options(options(call.desk, call.asked, limit, call.asked.more.get("search", "")))), JSON


def _status(call: Call) -> Made:
    return _of_orgs([call.desk.book.status(org).as_dict() for org in call.desk.orgs(call.asked)])


def _coverage(call: Call) -> Made:
    said = dict(call.asked.time)
    return _of_orgs([call.desk.book.coverage(org=org, **said).as_dict() for org in call.desk.orgs(call.asked)])


def _openapi(_call: Call) -> Made:
    from tallybook.web.openapi import described

    return ENCODE(described(ROWS)), JSON


def _of_orgs(each: Sequence[Mapping[str, Any]]) -> Made:
    """Return what JSON has of one organization as it is, and of several in a list, as the command line does."""
    return ENCODE({"organizations": each} if len(each) > 1 else each[0]), JSON


def _with_metric(asked: Asked) -> Asked:
    if not asked.metrics:
        raise UsageError("Say what is asked for: metric=cost, for example.")
    return asked


async def _unkeyed(_served: Served, _request: Request) -> Response:
    """Answer where nothing syncs; where something does, its own route comes first (see `tallybook.web.syncing`)."""
    raise HTTPException(404, "Nothing syncs here: `tallybook dashboard` does, where the key is.")


_ORG = ASKED["org"]
_RANGE = tuple(ASKED[name] for name in TIMES)
_ALL_MEDIA = tuple(dict.fromkeys(exports.MEDIA.values()))
_FEED_MEDIA = tuple(exports.MEDIA[form] for form in exports.FEEDS)

BOARD = Row(path="/api/board", name="board", says="All panels of a tab.", make=_board, answer=Board, words=(TAB,))
ROWS: tuple[Row, ...] = (
    BOARD,
    Row(path="/api/query", name="query", says="An answer, in columns or rows.", make=_query, answer=Dense,
        words=(FORMAT,), media=(JSON, CSV)),
    Row(path="/api/table", name="table", says="An answer's rows, sorted and searched.", make=_table, answer=Table,
        words=tuple(LISTED.values())),
    Row(path="/api/export.{form}", name="export", says="An answer as a csv, xlsx, parquet, json, jsonl or md file.",
        endpoint=exports.export, media=_ALL_MEDIA),
    Row(path="/api/options", name="options", says="The values of a dimension, the largest first.", make=_options,
        answer=Options, words=(TAB, LISTED["limit"], LISTED["search"])),
    Row(path="/api/status", name="status", says="What the book holds, and what is missing.", make=_status,
        answer=dict[str, Any], words=(_ORG,), asks=False, whole=True),
    Row(path="/api/coverage", name="coverage", says="What is held of every dataset on every day.", make=_coverage,
        answer=dict[str, Any], words=(_ORG, *_RANGE), asks=False, whole=True),
    Row(path="/api/events", name="events", says="An event with the version of the data whenever that changes.",
        endpoint=events, asks=False, media=(EVENTS,)),
    Row(path="/api/notes", name="notes", says="The notes on the axis of time.", endpoint=noting.listed, answer=Notes,
        asks=False),
    Row(path="/api/notes", name="addNote", says="Write a note on a day or at a moment.", endpoint=noting.added,
        answer=Note, asks=False, method="POST", body=NewNote, status=201),
    Row(path="/api/notes/{id}", name="removeNote", says="Remove a note.", endpoint=noting.removed, asks=False,
        method="DELETE", status=204, media=()),
    Row(path="/api/sync", name="sync", says="Ask for a sync, where the server has the key.", endpoint=_unkeyed,
        answer=Sync, asks=False, method="POST", status=202),
    Row(path="/api/openapi.json", name="openapi", says="This description.", make=_openapi, answer=dict[str, Any],
        asks=False),
    Row(path="/feeds/{name}.{form}", name="feed", says="The rows of a question saved in the settings: csv or json.",
        endpoint=exports.feed, asks=False, words=(Word("token", "The token of this feed.", "…"),), media=_FEED_MEDIA,
        answer=list[dict[str, Any]]),
)  # fmt: skip
"""Every route of the API."""
