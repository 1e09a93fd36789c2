"""A book made again from its own proof: every read in the order of the commits, through today's parser."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from tallybook.collect.replay import Recorded, is_whole, recorded, rows_of
from tallybook.collect.summary import Progress, Watch
from tallybook.model.clock import SystemClock
from tallybook.model.records import Fetch, Page, Read
from tallybook.model.version import __version__
from tallybook.model.windows import DAY, SECONDS, Window, floor, iso, unix
from tallybook.store import proofs
from tallybook.store.base import Batch, Mismatch, Provable, Store

_AT_ONCE = 200
"""Commits whose requests are held in memory at once."""
ALTERED = "altered by hand"
Days = set[tuple[str, str, int]]
"""Organization, dataset and midnight."""
Bucket = tuple[str, str, str, int]
"""Organization, dataset, width and start."""


class ReplayClock(SystemClock):
    """A clock that stands at the commit that is made again."""

    def __init__(self) -> None:
        self.moment = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

    def now(self) -> dt.datetime:
        """Return the moment that was set."""
        return self.moment


@dataclass(frozen=True, slots=True)
class Difference:
    """Rows of one bucket that are not what its raw bucket gives."""

    org: str
    dataset: str
    start: int
    """Of the bucket, Unix seconds."""
    table: str
    """`usage`, `costs`, `cost_splits`, their history, or `coverage`."""
    cause: str
    held: tuple[Mapping[str, Any], ...]
    """What the book holds and the proof does not give."""
    given: tuple[Mapping[str, Any], ...]
    """What the proof gives and the book does not hold."""

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-ready values; rows without what is null."""
        sides = {
            side: [{k: str(v) for k, v in row.items() if v is not None} for row in rows]
            for side, rows in (("held", self.held), ("given", self.given))
        }
        about = {"org": self.org, "dataset": self.dataset, "start": iso(self.start), "table": self.table}
        return about | {"cause": self.cause} | sides


@dataclass(slots=True)
class Rebuilt:
    """What came of making a book again."""

    commits: int = 0
    reads: int = 0
    compared: int = 0
    """Held buckets whose rows were made again from their raw bucket."""
    unproved: int = 0
    """Held buckets of which no whole raw bucket is kept; they stay as they are."""
    days: int = 0
    """Days of a dataset of which everything that was ever read is kept, so that their history was compared, too."""
    damaged: list[Bucket] = field(default_factory=list)
    """Raw buckets whose bytes are not those that were hashed; what they gave stays as it is."""
    differences: list[Difference] = field(default_factory=list)
    applied: bool = False
    """Whether the book holds now what its proof gives."""

    @property
    def is_equal(self) -> bool:
        """Whether the book holds what its proof gives, and no byte of the proof is damaged."""
        return not self.damaged and (self.applied or not self.differences)

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        damaged = [{"org": o, "dataset": d, "width": w, "start": iso(at)} for o, d, w, at in self.damaged]
        counts = {
            k: getattr(self, k) for k in ("commits", "reads", "compared", "unproved", "days", "applied", "is_equal")
        }
        return counts | {"damaged": damaged, "differences": [d.as_dict() for d in self.differences]}


def rebuild(old: Store, watch: Watch | None = None, *, apply: bool = False) -> Rebuilt:
    """Make `old` again beside it, compare, and with `apply` put back what its proof gives, in one transaction.

    The caller sees to it that nothing is written meanwhile.
    """
    clock = ReplayClock()
    with old.beside(clock) as new, old.opened():
        new.migrate()
        with new.opened():
            replay = _Replay(old, new, clock, watch or (lambda _: None))
            replay.run()
            provable = replay.provable()
            out = replay.out
        held, out.compared = old.comparable(new, provable)
        out.unproved, out.days = held - out.compared, len(provable.days)
        out.differences = _differences(old.mismatches(new, provable), replay.parsed_by)
        if apply and out.differences:
            old.mend(new, provable)
        out.applied = apply
    return out


class _Replay:
    def __init__(self, old: Store, new: Store, clock: ReplayClock, watch: Watch) -> None:
        self.old, self.new, self.clock, self.watch = old, new, clock, watch
        self.out = Rebuilt()
        self.rows = 0
        self.current: dict[Bucket, int | None] = {}
        """The number of the raw bucket that was applied last."""
        self.place: dict[int, Bucket] = {}
        self.parsed_by: dict[Bucket, str] = {}
        self.touched: Days = set()
        self.incomplete: Days = set()

    def run(self) -> None:
        commits = proofs.commits(self.old)
        done: dict[tuple[str, str], set[dt.datetime]] = {}
        progress = Progress("rebuild", total=len(commits))
        for i in range(0, len(commits), _AT_ONCE):
            some = commits[i : i + _AT_ONCE]
            rows = proofs.committed(self.old, some[0], some[-1])
            for at, group in groupby(rows, key=lambda row: row["recorded_at"]):
                mine = list(group)
                self._commit(at, mine)
                for row in mine:
                    done.setdefault((row["org"], row["dataset"]), set()).add(at)
                progress.done += 1
                progress.rows = self.rows
                self.watch(progress)
        self.out.commits = len(commits)
        for row in proofs.covered(self.old):
            days = _days(row["org"], row["dataset"], unix(row["start_time"]), unix(row["end_time"]))
            self.touched |= days
            if row["recorded_at"] not in done.get((row["org"], row["dataset"]), ()):
                self.incomplete |= days

    def provable(self) -> Provable:
        """Return what of the book was made again with all its history."""
        whole = {(org, name) for org, name, _ in self.touched} - {(org, name) for org, name, _ in self.incomplete}
        return Provable(frozenset(self.touched - self.incomplete), frozenset(whole))

    def _commit(self, at: dt.datetime, rows: Sequence[Mapping[str, Any]]) -> None:
        self.clock.moment = at.replace(tzinfo=dt.UTC)
        reads = recorded(rows)
        unknown = {n for read in reads for n in read.pages or () if self.current.get(self.place.get(n, _NOWHERE)) != n}
        pages = {page["page"]: page for page in proofs.numbered(self.old, unknown)} if unknown else {}
        parts = [part for read in reads for part in self._parts(read, pages)]
        self.new.replace(Batch(rows[0]["org"], rows[0]["sync_id"], tuple(parts), keep="all"))
        self.out.reads += len(reads)
        self.rows += sum(part.rows.num_rows for part in parts if part.rows is not None)

    def _parts(self, read: Recorded, pages: Mapping[int, Mapping[str, Any]]) -> Iterator[Read]:
        """Yield a read in parts: buckets that were given again as they are held, and those that bring other rows."""
        found, is_complete = self._found(read, pages)
        window, step = read.window, SECONDS[read.window.width]
        days = _days(read.org, read.dataset.name, window.start, window.end)
        self.touched |= days
        self.incomplete |= set() if is_complete else days
        verdicts = [(at, self._verdict(read, at, found, is_complete)) for at in range(window.start, window.end, step)]
        fetches = tuple(_fetch(row, read, found) for row in read.requests)
        for brings, group in groupby(verdicts, key=lambda verdict: verdict[1] is not None):
            some = list(group)
            part = Window(some[0][0], some[-1][0] + step, window.width)
            rows = None
            if brings:
                given = [page for _, page in some if page]
                rows = rows_of(read.dataset, part, read.read_at, given)
            yield Read(read.dataset.name, part, read.dimensions, read.read_at, rows, fetches)
            fetches = ()

    def _found(self, read: Recorded, pages: Mapping[int, Mapping[str, Any]]) -> tuple[dict[int, Any], bool]:
        """Return the start of a bucket to its number and, where it has to be applied, its page; and whether all are
        there.
        """
        numbers = read.pages
        found: dict[int, Any] = {}
        lost = 0
        for number in numbers or ():
            page = pages.get(number)
            if page is not None and not is_whole(page):
                self._damaged((read.org, read.dataset.name, page["width"], unix(page["start_time"])))
                found[unix(page["start_time"])] = (None, None)
            elif page is not None:
                found[unix(page["start_time"])] = (number, page)
            elif self.current.get(self.place.get(number, _NOWHERE)) == number:
                found[self.place[number][3]] = (number, None)
            else:
                lost += 1
        return found, numbers is not None and not lost

    def _damaged(self, bucket: Bucket) -> None:
        if bucket not in self.out.damaged:
            self.out.damaged.append(bucket)
        self.incomplete.add((bucket[0], bucket[1], floor(bucket[3], "1d")))

    def _verdict(self, read: Recorded, at: int, found: Mapping[int, Any], is_complete: bool) -> Any:
        """Return the page to apply, an empty one for a bucket that was left out; None where nothing is to be changed:
        the bucket was given as it is held, or it is not known what was given.
        """
        bucket = (read.org, read.dataset.name, read.window.width, at)
        self.parsed_by[bucket] = read.requests[0]["parsed_by"]
        number, page = found.get(at, (None, None))
        if page is None and (at in found or not is_complete):
            return None
        self.current[bucket] = number
        if number is not None:
            self.place[number] = bucket
        return page or {}


_NOWHERE: Bucket = ("", "", "", 0)


def _days(org: str, dataset: str, start: int, end: int) -> Days:
    return {(org, dataset, day) for day in range(floor(start, "1d"), end, DAY)}


def _fetch(row: Mapping[str, Any], read: Recorded, found: Mapping[int, Any]) -> Fetch:
    """Return the record of a request, with the hashes of what is applied."""
    pages = tuple(
        Page(at, page["hash"], b"") for at, (_, page) in sorted(found.items()) if page and row is read.requests[0]
    )
    names = ("dataset", "path", "query", "seconds", "attempts", "status", "bytes", "sha256", "request_id", "envelope")
    about = {name: row[name] for name in names}
    return Fetch(**about, began_at=row["began_at"].replace(tzinfo=dt.UTC), parsed_by=row["parsed_by"], pages=pages)


def _differences(found: Iterable[Mismatch], parsed_by: Mapping[Bucket, str]) -> list[Difference]:
    out = []
    for key, group in groupby(sorted(found, key=lambda m: m.key), key=lambda m: m.key):
        org, dataset, start, table = key
        rows = list(group)
        versions = {v for w in SECONDS if (v := parsed_by.get((org, dataset, w, floor(start, w)))) is not None}
        other = sorted(versions - {__version__})
        cause = f"tallybook {other[-1]} made other rows of it" if other else ALTERED
        sides = (tuple(m.row for m in rows if m.is_held is side) for side in (True, False))
        out.append(Difference(org, dataset, start, table, cause, *sides))
    return out
