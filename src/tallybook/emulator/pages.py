"""One page of an answer: buckets built, bent by quirks and encoded one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec

from tallybook.emulator import bills, buckets, cursors
from tallybook.emulator.behaviour import Behaviour, Body, Call
from tallybook.emulator.queries import Question

ENCODER = msgspec.json.Encoder(decimal_format="number")


def page(call: Call, behaves: Behaviour) -> Body:
    """Return the body of one page, its buckets encoded already: a long page is held as bytes only."""
    question, now = call.question, call.company.now()
    first = cursors.resume(question, now)
    seconds = question.width.seconds
    edges = buckets.starts(question, first, min(question.limit, behaves.page_cap or question.limit), now)
    data = [msgspec.Raw(ENCODER.encode(bucket)) for bucket in _buckets(call, behaves, edges, now)]
    after = edges[-1] + seconds if edges else question.end
    more = after < min(question.end, now + 1)
    token = cursors.mint(question, after, now) if more else None
    body: Body = {"object": "page", "data": data, "has_more": more, "next_page": token}
    for rewrite in behaves.page_rewrites:
        body = rewrite(call, body)
    return body


def _buckets(call: Call, behaves: Behaviour, edges: list[int], now: int) -> Iterator[Body]:
    question = call.question
    costs = question.served.name == "costs"
    build = bills.costs if costs else buckets.usage
    rows: Iterator[list[Body]] = build(call.company, question, edges) if edges else iter(())
    for edge, results in zip(edges, rows, strict=True):
        if not results and behaves.skips_empty:
            continue
        bucket: Body = {
            "object": "bucket",
            "start_time": edge if behaves.hides_partial_start else max(edge, question.start),
            "end_time": _end(question, behaves, edge + question.width.seconds, now),
            "results": results,
        }
        for rewrite in behaves.bucket_rewrites:
            bucket = rewrite(call, bucket)
        if costs:
            _spell_amounts(bucket.get("results") or bucket.get("result") or [], behaves)
        yield bucket


def _end(question: Question, behaves: Behaviour, whole: int, now: int) -> int:
    if behaves.open_ends_now and whole > now:
        return now + 1
    # A bucket that is still open has its full end, a closed one is cut by the end that was asked for.
    full = question.ends_open or question.end > now or behaves.hides_partial_end
    return whole if full else min(whole, question.end)


def _spell_amounts(rows: list[Body], behaves: Behaviour) -> None:
    raw, spell = msgspec.Raw, behaves.amount
    for number, row in enumerate(rows):
        amount: dict[str, Any] = row["amount"]
        amount["value"] = raw(spell(amount["value"], number).encode())
        if isinstance(row["quantity"], Decimal):
            row["quantity"] = raw(format(row["quantity"], "f").encode())
