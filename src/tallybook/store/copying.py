"""A book copied into another store, part by part; each is compared on both sides before it counts as there.

A part is a month of an organization in a table, or a small table. What is equal already is left alone, so that a copy
which was cut short goes on where it was. Until all is there, the new book says that it is unfinished, and nobody else
opens it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from tallybook.model.datasets import HELD
from tallybook.model.errors import StoreError, UsageError
from tallybook.store.base import Store, Stream, table_of
from tallybook.store.catalog import Column, columns
from tallybook.store.facts import TABLES
from tallybook.store.migrations import UNFINISHED
from tallybook.store.session import Session
from tallybook.store.sql_store import SqlStore
from tallybook.store.totals import statement, whole

_TIMES = ("start_time", "day", "recorded_at")
"""The first of these that a table with organizations has cuts it into months."""
_OWN = ("migrations", "book")
_OF_ITSELF = ("book_id", "created_at", "last_commit", "version", "last_page", "directory", "salt")
_FOREVER = 1 << 33
_BITS = 1 << 64


@dataclass(slots=True)
class Copied:
    """What a copy has done."""

    rows: dict[str, int] = field(default_factory=dict)
    """Per table, how many there are now."""
    parts: int = 0
    skipped: int = 0
    """Of them, those that were there already."""
    totals: int = 0
    """How many sums were compared at the end, all equal."""

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return {"rows": self.rows, "parts": self.parts, "skipped": self.skipped, "totals": self.totals}


@dataclass(frozen=True, slots=True)
class _Part:
    """Rows of one table that are copied together."""

    table: str
    names: tuple[str, ...]
    time: str | None = None
    org: str | None = None
    month: dt.datetime | None = None

    def where(self) -> tuple[str, list[Any]]:
        if self.time is None:
            return "", []
        month = f"date_trunc('month', {self.time})"
        return f" WHERE org IS NOT DISTINCT FROM ? AND CAST({month} AS TIMESTAMP) = ?", [self.org, self.month]

    def query(self) -> tuple[str, list[Any]]:
        where, params = self.where()
        return f"SELECT {', '.join(self.names)} FROM {self.table}{where}", params


Fingerprint = tuple[int, int]
"""How many rows, and the sum of their hashes: the same in any order."""


def copy(source: Store, target: SqlStore, progress: Callable[[int, int, int], None]) -> Copied:
    """Copy a book as it is at one moment, and tell of parts done, all parts, and rows.

    Raises `UsageError` where `target` holds another book, and `StoreError`.
    """
    done = Copied()
    target.may_be_unfinished = True
    with source.streaming() as stream, target.opened():
        about = stream("SELECT * FROM internal.book", []).read_all().to_pylist()[0]
        is_new = _begin(target, about, source.url)
        parts = _parts(stream, target)
        for n, part in enumerate(parts):
            progress(n, len(parts), sum(done.rows.values()))
            _copy(stream, target, part, done, is_new=is_new)
        done.totals = _compare(stream, target)
        if is_new:
            _finish(target, about)
    return done


def _begin(target: SqlStore, about: dict[str, Any], source: str) -> bool:
    """Mark a new book as unfinished, or go on with one; False where it is a whole copy already."""
    found = target.read("SELECT m.number, b.* FROM internal.migrations AS m CROSS JOIN internal.book AS b").to_pylist()
    if all(found[0][name] == about[name] for name in _OF_ITSELF):
        return False
    if any(row["number"] == UNFINISHED for row in found):
        if found[0]["book_id"] != about["book_id"]:
            raise UsageError(f"{target.url} is the unfinished copy of another book. Name another.")
        return True
    if target.orgs():
        raise UsageError(f"{target.url} holds a book already; a copy goes into a new one. Name another.")

    def mark(session: Session) -> None:
        now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
        session.execute("INSERT INTO internal.migrations VALUES (?, ?, ?)", [UNFINISHED, f"copy of {source}", now])
        session.execute("UPDATE internal.book SET book_id = ?", [about["book_id"]])

    target.change(mark)
    return True


def _finish(target: SqlStore, about: dict[str, Any]) -> None:
    """Let the new book be what the other one is, and say that it is whole."""

    def finish(session: Session) -> None:
        settings = ", ".join(f"{name} = ?" for name in _OF_ITSELF)
        session.execute(f"UPDATE internal.book SET {settings}", [about[name] for name in _OF_ITSELF])
        session.execute("DELETE FROM internal.migrations WHERE number = ?", [UNFINISHED])

    target.change(finish)


def _parts(stream: Stream, target: SqlStore) -> list[_Part]:
    """Return every part that either book has."""
    tables: dict[str, list[Column]] = {}
    for column in target.look(columns):
        tables.setdefault(column.table, []).append(column)
    out = []
    for table, of_table in sorted(tables.items()):
        if table in _OWN:
            continue
        names = tuple(c.name for c in of_table)
        place = f"internal.{table}" if of_table[0].is_internal else table
        time = next((t for t in _TIMES if t in names), None) if "org" in names else None
        if time is None:
            out.append(_Part(place, names))
            continue
        text = f"SELECT DISTINCT org, CAST(date_trunc('month', {time}) AS TIMESTAMP) AS month FROM {place}"
        found = [*stream(text, []).read_all().to_pylist(), *target.read(text).to_pylist()]
        keys = {(row["org"], row["month"]) for row in found}
        out += [_Part(place, names, time, *key) for key in sorted(keys, key=str)]
    return out


def _copy(stream: Stream, target: SqlStore, part: _Part, done: Copied, *, is_new: bool) -> None:
    """Bring one part over, unless it is there; compare what was written before it is committed."""
    wanted = _fingerprint(stream(*part.query()))
    held = _fingerprint(target.read(*part.query()).to_batches())
    if not (wanted[0] or held[0]):
        return
    done.parts += 1
    done.rows[part.table] = done.rows.get(part.table, 0) + wanted[0]
    if held == wanted:
        done.skipped += 1
        return
    if not is_new:
        raise StoreError(f"{part.table} is another in {target.url}, although it was copied whole. Copy into a new one.")
    where, params = part.where()
    if held[0]:
        target.change(lambda session: session.execute(f"DELETE FROM {part.table}{where}", params))

    def fill(session: Session) -> None:
        names = ", ".join(part.names)
        for batch in stream(*part.query()):
            session.register("given", pa.Table.from_batches([batch]))
            session.execute(f"INSERT INTO {part.table} ({names}) SELECT {names} FROM given")
            session.unregister("given")
        text, values = part.query()
        if _fingerprint(session.sql(text, params=values).to_arrow_table().to_batches()) != wanted:
            raise StoreError(f"Rows of {part.table} differ after they were copied; they were not kept. Try again.")

    target.change(fill)


def _fingerprint(batches: Iterable[pa.RecordBatch]) -> Fingerprint:
    rows = total = 0
    for text in _texts(batches):
        rows += 1
        total += int.from_bytes(hashlib.blake2b(text, digest_size=8).digest())
    return rows, total % _BITS


def _texts(batches: Iterable[pa.RecordBatch]) -> Iterator[bytes]:
    """Yield each row as bytes that say the same whatever engine it comes from."""
    for batch in batches:
        for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            yield repr(row).encode(errors="surrogatepass")


def _compare(stream: Stream, target: SqlStore) -> int:
    """Compare the sum of every number of every dataset, and return how many those are; raises `StoreError`."""
    count = 0
    orgs = stream("SELECT DISTINCT org FROM internal.coverage ORDER BY org", []).read_all().to_pylist()
    for org in (row["org"] for row in orgs):
        for name in HELD:
            table = TABLES[table_of(name)]
            text, params = statement(org, name, 0, _FOREVER, place=table.place, which=table.which, by_day=False)
            before = whole(name, stream(text, params).read_all().to_pylist())
            after = whole(name, target.read(text, params).to_pylist())
            if before != after:
                raise StoreError(f"The sums of {name} of {org} differ: {before} and {after}. The copy is not finished.")
            count += len(before)
    return count
