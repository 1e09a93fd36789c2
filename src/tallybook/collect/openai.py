"""The usage and costs endpoints: one window asked for, all its pages, parsed.

Cursor rules follow what clients of the live API have reported (docs/adr/0003): the query never changes while
paging, a repeated or missing cursor is an error, an expired one starts the window again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec import Raw

from tallybook.collect.answers import decode, decode_page
from tallybook.collect.http import Http, Query, Reply
from tallybook.collect.parse import buckets, parse
from tallybook.collect.values import quoted
from tallybook.model.datasets import FILTERS, Dataset
from tallybook.model.errors import RequestRefusedError, UnexpectedResponseError
from tallybook.model.records import Fetch, Read, Told
from tallybook.model.windows import Window, unix

Filters = Mapping[str, Sequence[str] | bool]
"""Dimension (as in `group_by`) to the values wanted; `batch` takes one boolean."""

Keep = Callable[[Reply], Fetch]
"""From an answer that rows were made of to what the book keeps of it."""

_RESTARTS = 2
_EMPTY_PAGES = 10


def read(
    http: Http,
    dataset: Dataset,
    window: Window,
    dimensions: Sequence[str],
    filters: Filters | None = None,
    *,
    keep: Keep | None = None,
    keep_buckets: bool = False,
    limit: int | None = None,
) -> Read:
    """Return one window of `dataset`, read whole; raises a `ProviderError` otherwise.

    `keep` says what the read carries of its answers, where it is to be written; `limit` is the most buckets that a
    page may ask for, where the server has said so.
    """
    replies = fetch(http, dataset, window, dimensions, filters or {}, limit)
    read_at = unix(replies[0].began_at)
    pages = [r.data for r in replies]
    told: set[Told] = set()
    rows, notes = parse(dataset, window, pages, read_at, told)
    return Read(
        dataset.name,
        window,
        tuple(sorted(dimensions)),
        read_at,
        rows,
        tuple(map(keep, replies)) if keep else (),
        notes,
        tuple(sorted(told)),
        tuple(buckets(pages)) if keep_buckets else (),
    )


def query(
    dataset: Dataset, window: Window, dimensions: Sequence[str], filters: Filters, limit: int | None = None
) -> list[tuple[str, str]]:
    """Return the query string's pairs, arrays with brackets as the official client sends them."""
    pairs = [
        ("start_time", str(window.start)),
        ("end_time", str(window.end)),
        ("bucket_width", window.width),
        ("limit", str(limit or dataset.limit(window.width))),
    ]
    pairs += [("group_by[]", d) for d in sorted(dimensions)]
    for dimension, wanted in sorted(filters.items()):
        if isinstance(wanted, bool):
            pairs.append((FILTERS[dimension], str(wanted).lower()))
        else:
            pairs += [(f"{FILTERS[dimension]}[]", value) for value in wanted]
    return pairs


def fetch(
    http: Http,
    dataset: Dataset,
    window: Window,
    dimensions: Sequence[str],
    filters: Filters,
    limit: int | None = None,
) -> list[Reply]:
    """Return all pages of a window, from the first, in order; their buckets are `msgspec.Raw`."""
    pairs = query(dataset, window, dimensions, filters, limit)
    for _ in range(_RESTARTS):
        try:
            return _walk(http, dataset, window, pairs)
        except _CursorRefusedError:
            continue
    try:
        return _walk(http, dataset, window, pairs)
    except _CursorRefusedError as exc:
        raise exc.error from None


class _CursorRefusedError(Exception):
    def __init__(self, error: RequestRefusedError) -> None:
        super().__init__(str(error))
        self.error = error


def _walk(http: Http, dataset: Dataset, window: Window, pairs: Query) -> list[Reply]:
    replies: list[Reply] = []
    seen: set[str] = set()
    empty = 0
    cursor: str | None = None
    while True:
        try:
            query = [*pairs, ("page", cursor)] if cursor else pairs
            reply = http.get(dataset.path, query, decode_page, dataset=dataset.name)
        except RequestRefusedError as exc:
            if cursor and (exc.param == "page" or "page token" in str(exc)):
                raise _CursorRefusedError(exc) from None
            raise
        replies.append(reply)
        if (kind := reply.data.get("object", "page")) != "page":
            raise _broken(dataset, window, f"is {quoted(kind)} where 'page' belongs")
        data = reply.data.get("data")
        if not isinstance(data, list):
            raise _broken(dataset, window, "has no list of buckets")
        empty = 0 if data else empty + 1
        cursor = _next(dataset, window, reply, data)
        if cursor is None:
            return replies
        if cursor in seen:
            raise _broken(dataset, window, "repeats a page cursor")
        if empty > _EMPTY_PAGES or len(replies) > window.buckets + _EMPTY_PAGES:
            raise _broken(dataset, window, "has pages without end")
        seen.add(cursor)


def _next(dataset: Dataset, window: Window, reply: Reply, data: list[object]) -> str | None:
    """Return the cursor of the next page, or None where the window is whole.

    A server may claim more beyond the end that was asked for; what was asked for is whole all the same.
    """
    cursor = reply.data.get("next_page") or None
    said = reply.data.get("has_more")
    more = said if isinstance(said, bool) else cursor is not None
    last = decode(data[-1]) if data and isinstance(data[-1], Raw) else None
    reached = last.get("end_time") if isinstance(last, dict) else None
    if not more or (isinstance(reached, int) and reached >= window.end):
        return None
    if not isinstance(cursor, str):
        raise _broken(dataset, window, "says that there is more but not where")
    return cursor


def _broken(dataset: Dataset, window: Window, what: str) -> UnexpectedResponseError:
    return UnexpectedResponseError(
        f"The answer for {dataset.name}, {window}, {what}. Nothing of it was used.", dataset=dataset.name
    )
