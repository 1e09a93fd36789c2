"""Numbers from facts, one cell at a time: nothing is added up that was added up before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cache, cached_property
from typing import Any

from tests.query.served.asked import OTHER, Asked, Fact, Value
from tests.query.served.clocks import WEEKDAYS, Slot
from tests.query.served.metrics import SCALE, Part

Group = tuple[Any, ...]
"""The values of `by`, then the currency or None."""
Number = Any


def is_word(value: Value) -> bool:
    return isinstance(value, str) and value.startswith("(")


@dataclass(eq=False)
class Naive:
    """The answer to a question."""

    asked: Asked

    @cached_property
    def _facts(self) -> dict[Part, list[Fact]]:
        return {part: list(self.asked.facts(part)) for part in self.asked.question.parts}

    @cached_property
    def _stated(self) -> list[Fact]:
        """Return every row that some part is about, also those that it does not count."""
        whole = {Part("sum", p.columns, p.datasets) for p in self.asked.question.parts}
        return [fact for part in whole for fact in self.asked.facts(part)]

    @cached_property
    def _currencies(self) -> list[str]:
        return sorted({f.row["currency"] for f in self._stated if f.dataset == "costs"})

    @cached_property
    def _mixed(self) -> bool:
        return len({p.is_money for p in self.asked.question.parts}) > 1

    def _currency(self, fact: Fact) -> str | None:
        if fact.dataset == "costs":
            return str(fact.row["currency"])
        return self._currencies[0] if self._mixed and len(self._currencies) == 1 else None

    def _group(self, fact: Fact) -> Group:
        return (*(self.asked.value(d, fact) for d in self.asked.question.by), self._currency(fact))

    @cached_property
    def _kept(self) -> set[tuple[Value, ...]] | None:
        """Return the groups that are told apart; None is all."""
        top, by = self.asked.question.top, self.asked.question.by
        if top is None or not by:
            return None
        part = self.asked.question.parts_of(self.asked.question.metrics[0])[-1]
        sizes: dict[Group, list[Fact]] = {}
        for fact in self._facts[part]:
            group = self._group(fact)
            if not any(map(is_word, group[:-1])):
                sizes.setdefault(group, []).append(fact)
        kept: set[tuple[Value, ...]] = set()
        for currency in {g[-1] for g in sizes}:
            known = {g: n for g, f in sizes.items() if g[-1] == currency and (n := self._size(part, f)) is not None}
            order = sorted(known, key=lambda g: (-abs(known[g]), tuple(map(text, g[:-1]))))
            kept |= {g[:-1] for g in order[:top]}
        return kept

    def _size(self, part: Part, facts: Sequence[Fact]) -> Number:
        return self._raw(part, facts, self._ending([Slot(self.start, self.end, self.asked.slots[0].label)]))

    @property
    def start(self) -> int:
        return self.asked.question.start

    @property
    def end(self) -> int:
        return self.asked.question.end

    def group(self, fact: Fact) -> Group:
        """Return the group that a row is shown in."""
        found = self._group(fact)
        if self._kept is None or any(map(is_word, found[:-1])) or found[:-1] in self._kept:
            return found
        return (
            *(v if d == "currency" else OTHER for d, v in zip(self.asked.question.by, found, strict=False)),
            found[-1],
        )

    @cached_property
    def groups(self) -> list[Group]:
        """Return all groups in the order in which they are shown."""
        found = {self.group(fact) for fact in self._stated}
        if not found and not self.asked.question.by:
            return [(None,)]
        part = self.asked.question.parts_of(self.asked.question.metrics[0])[-1]
        sizes = {g: self._size(part, self._of(part, g)) or 0 for g in found}

        def rank(group: Group) -> Any:
            own = [_order(d, v) for d, v in zip(self.asked.question.by, group, strict=False)]
            is_ordered = {"weekday", "hour"} & {*self.asked.question.by}
            words = any(map(is_word, group[:-1]))
            return words, OTHER in group, own if is_ordered else [], -abs(sizes[group]), tuple(map(text, group))

        return sorted(found, key=rank)

    @cached_property
    def _by_group(self) -> dict[tuple[Part, Group], list[Fact]]:
        out: dict[tuple[Part, Group], list[Fact]] = {}
        for part, facts in self._facts.items():
            for fact in facts:
                out.setdefault((part, self.group(fact)), []).append(fact)
        return out

    def _of(self, part: Part, group: Group | None, currency: Any = ...) -> list[Fact]:
        if group is not None:
            return self._by_group.get((part, group), [])
        return [f for f in self._facts[part] if self._currency(f) == currency]

    def _ending(self, slots: Sequence[Slot]) -> set[tuple[str, int]]:
        """Return organization and start of the last bucket held of each slot."""
        out = set()
        for org in self.asked.orgs:
            for slot in slots:
                inside = [b for b in self.asked.buckets(org, "vector_stores") if slot.start < b.known_until]
                inside = [b for b in inside if b.start < slot.end]
                out |= {(org, max(b.start for b in inside))} if inside else set()
        return out

    def _raw(self, part: Part, facts: Iterable[Fact], ending: set[tuple[str, int]]) -> Number:
        """Return what rows say together; None where they say nothing."""
        those = list(facts)
        if part.fold == "count":
            values = {self.asked.value(_dimension(part.columns[0]), f) for f in those}
            return len({v for v in values if not is_word(v)}) or None
        if part.fold == "last":
            those = [f for f in those if (f.bucket.org, f.bucket.start) in ending]
        known = [(f, n) for f in those if (n := _number(part, f)) is not None]
        if not known:
            return None
        if part.fold == "mean":
            return sum(n * (f.bucket.end - f.bucket.start) for f, n in known)
        if part.fold == "max":
            moments = {f.bucket.start for f, _ in known}
            return max(sum(n for f, n in known if f.bucket.start <= at < f.bucket.end) for at in moments)
        return sum(n for _, n in known)

    def _part(self, part: Part, slots: Sequence[Slot], group: Group | None, currency: Any = ...) -> Number:
        """Return a part's number for a group, or everything of a currency, in some slots of time."""
        inside = [f for f in self._of(part, group, currency) if any(s.start <= f.bucket.start < s.end for s in slots)]
        ending = self._ending([Slot(slots[0].start, slots[-1].end, slots[0].label)]) if slots else set()
        number = self._raw(part, inside, ending)
        if number is None:
            if part.may_be_unknown and inside:
                return None
            number = 0 if self._is_known(part, slots, group, currency) else None
        if part.fold == "mean":
            seconds = self._seconds(part, slots)
            return None if number is None or not seconds else Fraction(number) / seconds
        return number

    def _is_known(self, part: Part, slots: Sequence[Slot], group: Group | None, currency: Any) -> bool:
        """Return whether nothing said is 0: whoever it may be of has read at least a part of the time."""
        of = currency if group is None else group[-1]
        if self._mixed and len(self._currencies) > 1 and part.is_money != (of is not None):
            return False
        holders = {o for o in self.asked.orgs for s in slots if all(self._holds(o, d, s) for d in part.datasets)}
        return bool(holders) if group is None else self._owners(group) <= holders

    def _holds(self, org: str, dataset: str, slot: Slot) -> bool:
        return any(b.start < slot.end and slot.start < b.known_until for b in self.asked.buckets(org, dataset))

    def _owners(self, group: Group) -> set[str]:
        for d, value in zip(self.asked.question.by, group, strict=False):
            if d == "org" and value in self.asked.orgs:
                return {value}
            if isinstance(value, tuple):
                return {value[0]}
        return {*self.asked.orgs}

    def _seconds(self, part: Part, slots: Sequence[Slot]) -> int:
        """Return how long somebody holds, minute by minute; an open bucket to its end."""
        return 60 * sum(len(self._minutes(part) & {*range(s.start, s.end, 60)}) for s in slots)

    @cache  # noqa: B019 - lives as long as a question
    def _minutes(self, part: Part) -> set[int]:
        held = [b for o in self.asked.orgs for d in part.datasets for b in self.asked.buckets(o, d)]
        return {at for b in held for at in range(b.start, b.end, 60)}

    def metric(self, metric: str, slots: Sequence[Slot], group: Group | None, currency: Any = ...) -> Number:
        """Return a metric's exact number, or None."""
        over, *under = (self._part(p, slots, group, currency) for p in self.asked.question.parts_of(metric))
        if not under:
            return over
        return None if over is None or not under[0] else Fraction(over) * SCALE.get(metric, 1) / Fraction(under[0])


def _dimension(column: str) -> str:
    return column.removesuffix("_id")


def _number(part: Part, fact: Fact) -> Number:
    if len(part.columns) > 1:
        return sum(fact.row.get(c) or 0 for c in part.columns)
    value = fact.row.get(part.columns[0])
    return None if value is None else value * fact.sign


def _order(dimension: str, value: Value) -> int:
    own = {"weekday": list(WEEKDAYS), "hour": [f"{h:02}" for h in range(24)]}.get(dimension, [])
    return own.index(str(value)) if value in own else len(own)


def text(value: Any) -> str:
    """Return a value as ids are written that belong to an organization."""
    return ":".join(value) if isinstance(value, tuple) else str(value)


def shown(metric: str, number: Number) -> Any:
    """Return a number as an answer has it: money, and what is the user's own, to 18 places, half-even; means and
    ratios as double.
    """
    if number is None:
        return None
    if metric.startswith("cost") or metric == "orders":
        units = round(Fraction(number) * 10**18)
        return Decimal((int(units < 0), tuple(map(int, str(abs(units)))), -18))
    if metric in (
        "storage_bytes",
        "cache_hit_rate",
        "output_share",
        "batch_share",
        "tokens_per_request",
        "requests / orders",
    ):
        return float(number)
    return int(number)
