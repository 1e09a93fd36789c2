"""Raw bucket objects, cut from the body of an answer to be kept as proof. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial

import msgspec

from tallybook.collect.answers import decode_page
from tallybook.collect.http import Reply
from tallybook.model.packing import packed
from tallybook.model.records import Fetch, Page, Read
from tallybook.model.settings import Keep
from tallybook.model.version import __version__


class _Start(msgspec.Struct):
    start_time: int


_START = msgspec.json.Decoder(_Start)


Allow = Callable[[bytes], bytes]
"""From JSON text as it came to what may be kept of it."""


def keeper(keep: Keep, allow: Allow) -> Callable[[Reply], Fetch]:
    """Return what makes of an answer the record of it, for a book that keeps raw buckets like this."""
    return partial(used if keep == "none" else kept, allow=allow)


def used(reply: Reply, allow: Allow) -> Fetch:
    """Return what the book keeps of an answer that rows were made of: all but its buckets."""
    return replace(reply.answer, envelope=allow(_envelope(reply)).decode(), parsed_by=__version__)


def kept(reply: Reply, allow: Allow) -> Fetch:
    """Return what the book keeps of an answer with its buckets."""
    pages = tuple(_page(allow(bytes(raw))) for raw in reply.data["data"])
    return replace(used(reply, allow), pages=pages)


def _page(raw: bytes) -> Page:
    return Page(_START.decode(raw).start_time, *packed(raw))


def _envelope(reply: Reply) -> bytes:
    """Return the body without the buckets, each byte before and behind them as it came."""
    body, buckets = reply.body, [bytes(raw) for raw in reply.data["data"]]
    if not buckets:
        return bytes(body)
    rest = {**reply.data, "data": []}
    # The same bytes may stand elsewhere, too; the right place is the one without which there are no buckets.
    return next(around for around in _without(body, buckets) if decode_page(around) == rest)


def _without(body: bytes | bytearray, buckets: Sequence[bytes]) -> Iterator[bytes]:
    """Yield the body without these parts, one after another, wherever they begin."""
    start = body.find(buckets[0])
    while start >= 0:
        end = start
        for bucket in buckets:
            end = body.index(bucket, end) + len(bucket)
        yield bytes(body[:start] + body[end:])
        start = body.find(buckets[0], start + 1)


def others(answers: Iterable[Fetch], reads: Iterable[Read]) -> tuple[list[Fetch], list[Fetch]]:
    """Return the answers that belong to no read, and those that may yet belong to one that is not written now."""
    mine = Counter(fetch for got in reads for fetch in got.fetches)
    loose: list[Fetch] = []
    waiting: list[Fetch] = []
    for answer in answers:
        if mine[answer]:
            mine[answer] -= 1
        else:
            (waiting if answer.status == 200 else loose).append(answer)
    return loose, waiting
