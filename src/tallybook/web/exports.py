"""Answers as files, and feeds for programs that are none of ours: exact rows, whole."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from tallybook.model.errors import UnknownNameError
from tallybook.show.export.content import of_result
from tallybook.show.export.forms import FORMS, Form
from tallybook.show.result import Result
from tallybook.web.desk import MOST_EXPORTED, Desk
from tallybook.web.words import Asked, read

if TYPE_CHECKING:
    from tallybook.web.app import Served

MEDIA = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "jsonl": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "markdown": "text/markdown; charset=utf-8",
}
"""Form of a file to its media type."""
FEEDS = ("csv", "json")
TOKEN = "token"  # noqa: S105 - what it is called
"""The word of an address that is for whoever guards the page."""
_CHUNK = 1 << 16
_NUMBERS = msgspec.json.Encoder(decimal_format="number").encode
_PRIVATE = {"Cache-Control": "private, no-store"}


async def export(served: Served, request: Request) -> Response:
    """Return an answer as a file."""
    form = _form(request, FORMS)
    asked = read(served.items(request))
    out = await run_in_threadpool(_written, served.desk(request), asked, form)
    words = ["".join(c for c in w if (c.isalnum() and c.isascii()) or c == "_") for w in (*asked.metrics, *asked.by)]
    name = "-".join(["tallybook", *words])[:100] + form.suffixes[0]
    headers = _PRIVATE | {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(_chunks(out), headers=headers, media_type=MEDIA[form.name])


async def feed(served: Served, request: Request) -> Response:
    """Return the rows of a saved question, flat: numbers as JSON has them, with all digits, and ISO times."""
    form = _form(request, FEEDS)
    name, feeds = request.path_params["name"], served.book.settings.feeds
    if name not in feeds:
        raise HTTPException(404, f"There is no feed {name!r} in the settings.")
    for word, _ in served.items(request):
        if word != TOKEN:
            raise UnknownNameError("word", word, [TOKEN])
    asked = read(feeds[name].items())
    desk = served.desk(request)
    body = await run_in_threadpool(lambda: _flat(desk.ask(asked, most=MOST_EXPORTED), form))
    return Response(body, headers=_PRIVATE, media_type=MEDIA[form.name])


def _form(request: Request, known: Any) -> Form:
    name = request.path_params["form"]
    if name not in known:
        raise UnknownNameError("format", name, known)
    return FORMS[name]


def _written(desk: Desk, asked: Asked, form: Form) -> BinaryIO:
    """Return an open file with the answer, read from its start; it is gone when it is closed."""
    result = desk.ask(asked, most=MOST_EXPORTED)
    out = cast("BinaryIO", tempfile.NamedTemporaryFile(prefix="tallybook-"))  # noqa: SIM115 - whoever sends it closes it
    try:
        form.write(out, of_result(result))
        out.flush()
        out.seek(0)
    except BaseException:
        out.close()
        raise
    return out


def _chunks(out: BinaryIO) -> Iterator[bytes]:
    with out:
        while chunk := out.read(_CHUNK):
            yield chunk


def _flat(result: Result, form: Form) -> bytes:
    if form.name != "json":
        with tempfile.SpooledTemporaryFile(max_size=_CHUNK) as out:
            form.write(cast("BinaryIO", out), of_result(result))
            out.seek(0)
            return out.read()
    query = result.query
    assert query is not None  # noqa: S101 - an answer has its question
    zone = "Z" if query.tz == "UTC" else ""
    rows = result.table.to_pylist()
    for row, status in zip(rows, result.status, strict=True):
        if "time" in row:
            row["time"] = f"{row['time']:%Y-%m-%dT%H:%M:%S}{zone}"
        row["status"] = status
    return _NUMBERS(rows)
