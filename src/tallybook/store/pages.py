"""The proof in a book: every request that was answered, and the raw buckets that came with it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import islice
from typing import Any

import pyarrow as pa

from tallybook.model import arrow
from tallybook.model.packing import unpacked
from tallybook.model.records import Fetch, Page, Read
from tallybook.model.windows import naive
from tallybook.store import requests
from tallybook.store.base import Batch
from tallybook.store.facts import TABLES
from tallybook.store.ranges import compact
from tallybook.store.rows import insert
from tallybook.store.session import Session

_TIME = pa.timestamp("us")
_KEYS = pa.schema(
    [("n", pa.int64()), ("dataset", pa.string()), ("width", pa.string()), ("start_time", _TIME), ("hash", pa.binary())]
)
_NEW = pa.schema([*_KEYS, ("page", pa.int64()), ("body", pa.binary()), ("used", pa.bool_())])
_KEPT = "page, dataset, width, start_time, hash, body"
_SPANS = pa.schema([("dataset", pa.string()), ("start_time", _TIME), ("end_time", _TIME)])
_NUMBERS = pa.schema([("page", pa.int64())])
_RECORD = tuple(f.name for f in fields(Fetch) if f.name not in ("pages", "began_at"))


@dataclass(slots=True)
class _Offer:
    """A raw bucket of a read."""

    dataset: str
    width: str
    body: Page
    page: int | None = None
    """Its number in the book."""
    used: bool = False
    """Whether its rows were written; False for what says the same with fewer dimensions, or had not begun."""
    later: bool = False
    """Whether the book has another content of the bucket already."""

    def row(self, n: int) -> dict[str, Any]:
        return {
            "n": n,
            "dataset": self.dataset,
            "width": self.width,
            "start_time": naive(self.body.start),
            "hash": self.body.hash,
            "page": self.page,
            "body": self._body(),
            "used": self.used,
        }

    def _body(self) -> bytes:
        """Return what is stored. Contents of one bucket lie near each other in the table and differ little, so that it
        packs them better than each could be by itself: a bill that comes late takes less than half (measured 2026-11).
        """
        return unpacked(self.body.body) if self.later else self.body.body


def file(session: Session, batch: Batch, written: Sequence[Read], at: dt.datetime) -> None:
    """Write the requests of `batch`, and keep the raw buckets of its reads as far as it says.

    `written` is what was written of the reads; what it replaced is in history already.
    """
    offers = [_Offer(r.dataset, r.window.width, page) for r in batch.reads for f in r.fetches for page in f.pages]
    spans = [
        {"dataset": r.dataset, "start_time": naive(r.window.start), "end_time": naive(r.window.end)}
        for r in written
        if r.rows is not None
    ]
    session.register("spans", arrow.table(spans, _SPANS))
    if offers:
        _look_up(session, batch.org, offers)
        _add(session, batch, offers, at)
    if spans:
        _replace(session, batch.org, [o.page for o in offers if o.used], at)
    outdated = "" if batch.keep == "none" else " AND replaced_at IS NOT NULL AND reason <> 'restated'"
    if batch.keep != "all":
        session.execute(f"DELETE FROM internal.pages WHERE org = ?{outdated}", [batch.org])
        requests.thin(session, batch.org, at)
    insert(session, "fetches", list(_rows(batch, offers, at)))


_WITHIN = "{0}.dataset = s.dataset AND {0}.start_time >= s.start_time AND {0}.start_time < s.end_time"


def _look_up(session: Session, org: str, offers: Sequence[_Offer]) -> None:
    """Note which contents the book has already, and which are those of what was written."""
    session.register("offered", arrow.table([o.row(n) for n, o in enumerate(offers)], _KEYS))
    starts = [o.body.start for o in offers]
    same = " AND ".join(f"p.{c} = o.{c}" for c in ("dataset", "width", "start_time"))
    found = session.execute(
        f"SELECT o.n, max(p.page) FILTER (WHERE p.hash = o.hash), max(s.dataset) IS NOT NULL, count(p.page) > 0 "
        f"FROM offered AS o LEFT JOIN spans AS s ON {_WITHIN.format('o')} "
        f"LEFT JOIN (SELECT * FROM internal.pages WHERE org = ? AND start_time BETWEEN ? AND ?) AS p ON {same} "
        "GROUP BY o.n",
        [org, naive(min(starts)), naive(max(starts))],
    ).fetchall()
    for n, page, used, later in found:
        offers[n].page, offers[n].used, offers[n].later = page, used, later


def _add(session: Session, batch: Batch, offers: Sequence[_Offer], at: dt.datetime) -> None:
    """Number the contents that are new and keep them; what was not written only where all is kept."""
    new = [o for o in offers if o.page is None]
    text = "UPDATE internal.book SET last_page = last_page + ? RETURNING last_page"
    (last,) = session.execute(text, [len(new)]).fetchone() or (0,)
    for number, offer in enumerate(new, last - len(new) + 1):
        offer.page = number
    kept = [o for o in new if o.used or batch.keep == "all"]
    session.register("new_pages", arrow.table([o.row(n) for n, o in enumerate(kept)], _NEW))
    session.execute(
        f"INSERT INTO internal.pages ({_KEPT}, org, recorded_at, replaced_at, reason) SELECT {_KEPT}, ?::TEXT, "
        "?::TIMESTAMP, CASE WHEN NOT used THEN ?::TIMESTAMP END, CASE WHEN NOT used THEN 'unused' END FROM new_pages",
        [batch.org, at, at],
    )
    session.unregister("new_pages")


_CHANGED = " UNION ALL ".join(
    f"SELECT {t.dataset} AS dataset, n.start_time, n.reason FROM {t.history} AS n WHERE n.org = ? AND n.replaced_at = ?"
    for t in TABLES.values()
)
"""The buckets of which rows have just become history."""


def _replace(session: Session, org: str, pages: Iterable[int | None], at: dt.datetime) -> None:
    """Make `pages` the current ones of the spans that were written."""
    session.register("current_pages", arrow.table([{"page": page} for page in pages], _NUMBERS))
    session.execute(
        f"""UPDATE internal.pages AS p SET replaced_at = ?, reason = g.reason
        FROM (
            SELECT p.page, coalesce(min(c.reason), 'equal') AS reason FROM internal.pages AS p
            JOIN spans AS s ON {_WITHIN.format("p")}
            LEFT JOIN ({_CHANGED}) AS c ON c.dataset = p.dataset AND c.start_time = p.start_time
            WHERE p.org = ? AND p.replaced_at IS NULL
                AND NOT EXISTS (SELECT 1 FROM current_pages AS n WHERE n.page = p.page)
            GROUP BY p.page
        ) AS g WHERE g.page = p.page""",
        [at, *[org, at] * len(TABLES), org],
    )
    session.execute(
        "UPDATE internal.pages AS p SET replaced_at = NULL, reason = NULL FROM current_pages AS n "
        "WHERE n.page = p.page AND p.replaced_at IS NOT NULL"
    )


def _rows(batch: Batch, offers: Iterable[_Offer], at: dt.datetime) -> Iterator[dict[str, Any]]:
    """Yield the rows of the requests, each with the numbers of its buckets."""
    numbers = iter([o.page or 0 for o in offers])
    for fetch in [f for r in batch.reads for f in r.fetches] + list(batch.fetches):
        pages = compact(islice(numbers, len(fetch.pages)))
        yield {
            "org": batch.org,
            "sync_id": batch.sync_id,
            **{name: getattr(fetch, name) for name in _RECORD},
            "began_at": fetch.began_at.replace(tzinfo=None),
            "pages": pages if fetch.envelope is not None and batch.keep != "none" else None,
            "recorded_at": at,
        }
