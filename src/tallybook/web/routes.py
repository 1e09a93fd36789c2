"""The routes that answer from the book: each a row of a table, from which the server and its description are made."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tallybook.model.errors import UnknownNameError, UsageError
from tallybook.web.board import board
from tallybook.web.dense import dense
from tallybook.web.desk import Desk
from tallybook.web.shapes import Board, Dense, Sync, Table
from tallybook.web.tables import table_of
from tallybook.web.view import view
from tallybook.web.words import FORMAT, LISTED, TAB, Asked, Word

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
    path: dict[str, str] = field(default_factory=dict)


Made = tuple[bytes, str]
"""A body and its media type."""


@dataclass(frozen=True)
class Row:
    """A route: where, what it is for, the words that it takes besides those of a question, and what it answers."""

    path: str
    says: str
    make: Callable[[Call], Made]
    answer: Any = None
    """The shape of the JSON; None where it is something else."""
    words: tuple[Word, ...] = ()
    asks: bool = True
    """Whether it takes the words of a question."""
    media: tuple[str, ...] = (JSON,)
    whole: bool = False
    """Whether it tells of the book as a whole, so that nobody who sees a part of it sees this."""


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
    found = table_of(
        result, limit=call.asked.number("limit", _ROWS, _MOST_ROWS), sort=more.get("sort", ""),
        search=more.get("search", ""),
    )  # fmt: skip
    return ENCODE(found), JSON


def _with_metric(asked: Asked) -> Asked:
    if not asked.metrics:
        raise UsageError("Say what is asked for: metric=cost, for example.")
    return asked


BOARD = Row("/api/board", "All panels of a tab.", _board, Board, (TAB,))
ROWS: tuple[Row, ...] = (
    BOARD,
    Row("/api/query", "An answer, in columns or rows.", _query, Dense, (FORMAT,), media=(JSON, CSV)),
    Row("/api/table", "An answer's rows, sorted and searched.", _table, Table, tuple(LISTED.values())),
)
"""Every route that answers from the book."""
