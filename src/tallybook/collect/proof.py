"""What is behind one number of the book: the requests, the raw buckets with their hashes, and the rows in them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from tallybook.collect.evidence import Content, Numbers, Proof, Request, flows, total
from tallybook.collect.replay import Recorded, is_whole, recorded, rows_of, window_of
from tallybook.model.coverage import Run
from tallybook.model.datasets import Dataset
from tallybook.model.packing import unpacked
from tallybook.model.windows import DAY, SECONDS, Span, Window, iso, naive, unix
from tallybook.store import proofs
from tallybook.store.base import Store
from tallybook.store.ranges import expand

Matches = Callable[[Mapping[str, Any]], bool]
"""Whether a row is one of those that were asked for."""


def prove(
    store: Store, org: str, dataset: Dataset, day: int, where: Mapping[str, Sequence[str]], matches: Matches
) -> Proof:
    """Return what is behind the numbers of `dataset` on the UTC day that begins at `day`.

    `where` is only told; `matches` decides which rows are asked for.
    """
    span = naive(day), naive(day + DAY)
    kept = proofs.pages(store, org, dataset.name, *span)
    facts = [row for row in proofs.facts(store, org, dataset.name, *span) if matches(row)]
    behind = _Behind(store, org, dataset, day)
    current = {(unix(p["start_time"]), p["width"]): p for p in kept if p["replaced_at"] is None}
    contents, differs = [], []
    for start, width in _buckets(store.coverage(org, [dataset.name])[dataset.name], day):
        page = current.get((start, width))
        content = behind.found(_content(dataset, page, matches) if page else Content(start, width))
        contents.append(content)
        mine = [row for row in facts if start <= unix(row["start_time"]) < start + SECONDS[width]]
        if content.is_whole and _numbers(dataset, mine) != content.numbers:
            differs.append(iso(start))
    earlier = [_content(dataset, p, matches) for p in kept if p["replaced_at"] is not None]
    held = flows(_numbers(dataset, facts))
    return Proof(org, dataset.name, day, where, held, len(facts), tuple(contents), tuple(earlier), tuple(differs))


def _buckets(runs: Iterable[Run], day: int) -> list[tuple[int, str]]:
    """Return start and width of the held buckets that begin on a day."""
    return [
        (start, run.width)
        for run in runs
        for start in range(run.start, run.end, SECONDS[run.width])
        if day <= start < day + DAY
    ]


class _Results(msgspec.Struct):
    results: list[msgspec.Raw] | None = None
    result: list[msgspec.Raw] | None = None
    """How older answers call it."""


def _content(dataset: Dataset, page: Mapping[str, Any], matches: Matches) -> Content:
    """Return a raw bucket with its bytes hashed again and the rows in it that are asked for."""
    start, width = unix(page["start_time"]), page["width"]
    about = {k: page[k] for k in ("page", "recorded_at", "replaced_at", "reason")}
    content = Content(start, width, hash=page["hash"].hex(), is_whole=is_whole(page), **about)
    if not content.is_whole:
        return content
    found = msgspec.json.decode(unpacked(page["body"]), type=_Results)
    texts = [bytes(raw).decode() for raw in found.results or found.result or ()]
    # As if it had been read when it began, so that one that was cut short because it was open is understood.
    rows = rows_of(dataset, Window(start, start + SECONDS[width], width), start, [page]).to_pylist()
    mine = tuple(text for text in texts if matches(msgspec.json.decode(text)))
    return replace(content, rows=mine, numbers=_numbers(dataset, [row for row in rows if matches(row)]))


def _numbers(dataset: Dataset, rows: Iterable[Mapping[str, Any]]) -> Numbers:
    """Return the sums of rows: amounts per currency, quantities per unit."""
    if not dataset.is_costs:
        return total({m: row[m]} for row in rows for m in dataset.measures)
    return total(
        {f"amount {row['currency']}": row["amount"], f"quantity {row['quantity_unit'] or ''}".strip(): row["quantity"]}
        for row in rows
    )


class _Behind:
    """Finds the requests behind the contents of buckets."""

    def __init__(self, store: Store, org: str, dataset: Dataset, day: int) -> None:
        self.store = store
        span = Span(day, day + DAY)
        asked = [q for q in proofs.queries(store, org, dataset.name) if window_of(q).overlaps(span)]
        self.reads = recorded(proofs.requests(store, org, dataset.name, asked))
        self.listed = [set(read.pages or ()) for read in self.reads]
        self.requests: dict[Any, Request] = {}

    def found(self, content: Content) -> Content:
        """Return a held content with the request that gave it, and how often it was given again."""
        covering = [
            (read, listed)
            for read, listed in zip(self.reads, self.listed, strict=True)
            if read.window.width == content.width and read.window.start <= content.start < read.window.end
        ]
        if content.page is None:
            return replace(content, request=self._request(covering[-1][0].requests[0])) if covering else content
        # Later reads by fewer dimensions give the same in other bytes; before the last others, it was another content.
        while covering and content.page not in covering[-1][1]:
            covering.pop()
        others = [i for i, (_, listed) in enumerate(covering) if content.page not in listed]
        same = [read for read, _ in covering[others[-1] + 1 if others else 0 :]]
        if not same:
            return content
        again = naive(same[-1].read_at) if len(same) > 1 else None
        request = self._request(_holding(same[0], content.page))
        return replace(content, request=request, confirmed=len(same) - 1, confirmed_at=again)

    def _request(self, row: Mapping[str, Any]) -> Request:
        request = Request(row, "")
        if request.key not in self.requests:
            self.requests[request.key] = replace(request, body=self._body(row))
        return self.requests[request.key]

    def _body(self, row: Mapping[str, Any]) -> str:
        """Say whether the body, put together from its envelope and its buckets, has the hash that it had."""
        if row["pages"] is None:
            return "its buckets were not kept"
        numbers = expand(row["pages"])
        kept = {page["page"]: page for page in proofs.numbered(self.store, numbers)}
        if missing := len(set(numbers) - kept.keys()):
            return f"{missing} of its {len(numbers)} buckets are no longer kept"
        if not all(map(is_whole, kept.values())):
            return "one of its buckets is damaged"
        parts = [unpacked(kept[number]["body"]) for number in numbers]
        fits = any(hashlib.sha256(b).hexdigest() == row["sha256"] for b in bodies(row["envelope"].encode(), parts))
        return "recomputed, equal" if fits else "its buckets are kept without the spaces or names that were around them"


def _holding(read: Recorded, page: int) -> Mapping[str, Any]:
    """Return the request of a read that gave a raw bucket."""
    return next(row for row in read.requests if page in expand(row["pages"]))


_DATA = re.compile(rb'"data"\s*:\s*\[(\s*)')


def bodies(envelope: bytes, buckets: Sequence[bytes]) -> Iterable[bytes]:
    """Yield every body that an envelope and its buckets can have come from, by the white space between them."""
    if not buckets:
        yield envelope
    for place in _DATA.finditer(envelope):
        for at in range(place.start(1), place.end(1) + 1):
            before = envelope[place.start(1) : at]
            for separator in dict.fromkeys((b",", b", ", b"," + before)):
                yield envelope[:at] + separator.join(buckets) + envelope[at:]
