"""What a book must hold: one dict from minute to the bucket that the newest successful read put there."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tallybook.model.datasets import DATASETS, MEASURES
from tallybook.model.records import Read
from tallybook.model.windows import SECONDS, ceil
from tests.store.world import DIMENSIONS, NUMBERS, Key, Minutes, Numbers, Rows, bucket, is_money, plus

MINUTE = 60


@dataclass(frozen=True, eq=False)
class Bucket:
    """One bucket as it was read last. Two are the same only if they are one object."""

    dataset: str
    start: int
    width: str
    dimensions: tuple[str, ...]
    read_at: int
    rows: Rows
    minutes: Minutes
    """What the provider knew when the rows were read."""

    @property
    def end(self) -> int:
        return self.start + SECONDS[self.width]

    @property
    def ended(self) -> bool:
        """Whether it had ended when it was read."""
        return self.read_at >= self.end


class Oracle:
    """Rules 1 to 5, 7 and 8 in plain Python, minute by minute."""

    def __init__(self) -> None:
        self.held: dict[str, dict[int, Bucket]] = {d: {} for d in DIMENSIONS}
        self.history: Counter[Any] = Counter()
        """(dataset, start, width, key, numbers or None for an absent row, reason)."""
        self.notes: set[tuple[str, int, int, str]] = set()
        """(dataset, start, end, kind)."""
        self.seen: Counter[str] = Counter()
        self.commits = 0
        self.restated: Counter[Any] = Counter()
        """(commit, dataset, day, what) to a number: how many rows `changed`, `vanished` or `appeared`, or the sum of
        the first number of those rows `before` and `after`, told apart by currency."""

    def apply(self, reads: Iterable[Read], known: Mapping[str, Minutes]) -> None:
        """Take in what one transaction wrote; `known` is what the provider knew."""
        self.commits += 1
        for read in reads:
            step = SECONDS[read.window.width]
            for start in range(read.window.start, min(read.window.end, ceil(read.read_at, read.window.width)), step):
                self._bucket(read, start, known[read.dataset])

    def _bucket(self, read: Read, start: int, minutes: Minutes) -> None:
        name, width = read.dataset, read.window.width
        held = self.held[name]
        rows = bucket(name, minutes, start, width, read.dimensions)
        new = Bucket(name, start, width, read.dimensions, read.read_at, rows, minutes)
        olds = {id(held[m]): held[m] for m in range(start, new.end, MINUTE) if m in held}
        for old in olds.values():
            assert SECONDS[old.width] >= SECONDS[width], "the book coarsened by itself"
            if old.width == width:
                new = self._same_width(old, new)
            else:
                self._finer(old, new)
        for minute in range(start, new.end, MINUTE):
            held[minute] = new

    def _finer(self, old: Bucket, new: Bucket) -> None:
        """A finer bucket takes the place of all of a coarser one; later ones find no trace of it."""
        held = self.held[old.dataset]
        for minute in range(old.start, old.end, MINUTE):
            if held.get(minute) is old:
                del held[minute]
        self.history.update(self._event(old, key, numbers, "rewidened") for key, numbers in old.rows.items())
        self.seen["rewidened"] += 1
        if not old.ended:
            self.seen["an open bucket rewidened"] += 1
        elif _flows(old.dataset, old.rows) != self._flows_inside(old, new):
            self.notes.add((old.dataset, old.start, old.end, "rewidened"))
            self.seen["rewidened with another total"] += 1

    def _flows_inside(self, old: Bucket, new: Bucket) -> dict[Any, Any]:
        return _flows(old.dataset, bucket(old.dataset, new.minutes, old.start, old.width, ()))

    def _same_width(self, old: Bucket, new: Bucket) -> Bucket:
        if not set(old.dimensions) <= set(new.dimensions):
            if _total(old, new, old.rows) == _total(old, new, new.rows):
                self.seen["fewer dimensions, equal total"] += 1
                return replace(new, rows=old.rows, dimensions=old.dimensions, minutes=old.minutes)
            self.notes.add((old.dataset, old.start, old.end, "regrouped"))
            self.seen["fewer dimensions, another total"] += 1
        reason = "regrouped" if old.dimensions != new.dimensions else "restated" if old.ended else "open"
        for key, numbers in old.rows.items():
            if new.rows.get(key) != numbers:
                self.history[self._event(old, key, numbers, reason)] += 1
                self.seen[f"{reason}: {'changed' if key in new.rows else 'vanished'}"] += 1
        for key in new.rows.keys() - old.rows.keys():
            if reason == "restated":
                self.history[self._event(old, key, None, reason)] += 1
            self.seen[f"{reason}: appeared"] += 1
        if reason == "restated":
            self._restated(old, new)
        return new

    def _restated(self, old: Bucket, new: Bucket) -> None:
        where = (self.commits, old.dataset, old.start - old.start % SECONDS["1d"])
        for key in old.rows.keys() | new.rows.keys():
            before, after = old.rows.get(key), new.rows.get(key)
            if before == after:
                continue
            what = "appeared" if before is None else "vanished" if after is None else "changed"
            self.restated[*where, what] += 1
            currency = key[-2] if is_money(old.dataset) else None
            for side, numbers in (("before", before), ("after", after)):
                self.restated[*where, (side, currency)] += (numbers or (0,))[0] or 0

    @staticmethod
    def _event(old: Bucket, key: Key, numbers: Numbers | None, reason: str) -> Any:
        return (old.dataset, old.start, old.width, key, numbers, reason)

    def buckets(self, dataset: str) -> list[Bucket]:
        """Return the buckets held, in order."""
        return sorted({id(b): b for b in self.held[dataset].values()}.values(), key=lambda b: b.start)

    def facts(self) -> Counter[Any]:
        """Return every row of facts that must be there: (dataset, start, end, width, key, numbers)."""
        return Counter(
            (name, b.start, b.end, b.width, key, numbers)
            for name in self.held
            for b in self.buckets(name)
            for key, numbers in b.rows.items()
        )

    def coverage(self, dataset: str) -> dict[int, tuple[int, str, tuple[str, ...], int]]:
        """Return bucket start to (end of what is known, width, dimensions, read at)."""
        return {b.start: (min(b.end, b.read_at), b.width, b.dimensions, b.read_at) for b in self.buckets(dataset)}

    def sums(self, dataset: str, step: int) -> dict[Any, Any]:
        """Return the sum of every number per `step` seconds and tuple that cannot be added, minute by minute.

        It is taken from what happened, not from buckets, so it says what the sum of any bucketing must be.
        """
        out: dict[Any, Any] = {}
        for minute, b in self.held[dataset].items():
            for key, numbers in b.minutes.get(minute, {}).items():
                group = (minute - minute % step, *_apart(dataset, b.dimensions, key))
                if "line_item" not in b.dimensions and is_money(dataset):
                    numbers = (numbers[0], None)
                out[group] = tuple(map(plus, out.get(group, (None,) * len(numbers)), numbers))
        return {k: tuple(n or 0 for n in v) for k, v in out.items()}


def _apart(dataset: str, dimensions: tuple[str, ...], key: Key) -> Key:
    """Return what may not be added: the currency, and the unit of a quantity where there is one."""
    if not is_money(dataset):
        return ()
    return (key[-2], key[-1] if "line_item" in dimensions else None)


def _flows(dataset: str, rows: Rows) -> dict[Any, Any]:
    out: dict[Any, Any] = {}
    for numbers in rows.values():
        for name, n in zip(NUMBERS[dataset], numbers, strict=True):
            if name in MEASURES and MEASURES[name].kind == "flow":
                out[name] = out.get(name, 0) + (n or 0)
    return {k: v for k, v in out.items() if v}


def _total(old: Bucket, new: Bucket, rows: Rows) -> dict[Any, Any]:
    """Return what two reads of a bucket can both know: the sum of all numbers, apart by currency and unit."""
    both = tuple(set(old.dimensions) & set(new.dimensions))
    out: dict[Any, Any] = {}
    for key, numbers in rows.items():
        for name, n in zip(NUMBERS[old.dataset], numbers, strict=True):
            if not is_money(old.dataset):
                if name in DATASETS[old.dataset].measures:
                    out[name] = out.get(name, 0) + (n or 0)
            elif name == "amount":
                out[name, key[-2]] = out.get((name, key[-2]), 0) + (n or 0)
            elif "line_item" in both:
                out[name, *key[-2:]] = out.get((name, *key[-2:]), 0) + (n or 0)
    return {k: v for k, v in out.items() if v}


def dataset_of(row: Mapping[str, Any]) -> str:
    """Return the dataset, or the split of the bill, that a row of facts belongs to."""
    return f"costs_by_{row['split']}" if "split" in row else row.get("dataset", "costs")


def table_rows(rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, Key, Numbers]]:
    """Yield (dataset, key, numbers) of rows of a table of facts, as the world spells them."""
    for row in rows:
        name = dataset_of(row)
        values = dict(row)
        extra = json.loads(values.get("extra") or "{}")
        values["novelty"] = extra.pop("novelty", None)
        assert not extra, "a field that nobody sent"
        yield name, tuple(values[d] for d in DIMENSIONS[name]), tuple(values[n] for n in NUMBERS[name])
