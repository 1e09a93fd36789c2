"""A question, and what the bodies that were served say to it: every row of facts that counts, with its groups."""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import Any

from tests.query.served import teams
from tests.query.served.clocks import WEEKDAYS, Slot, local, moment, slots
from tests.query.served.held import Bucket, Held, Row
from tests.query.served.metrics import BILLED, COLUMNS, FAMILIES, KINDS, LINE_ITEMS, METRICS, OWN, Part
from tests.query.served.provider import DAY, DIMENSIONS, NUMBERS, Served

NONE, NOT_HELD, UNATTRIBUTED, OTHER = "(none)", "(not held)", "(unattributed)", "Other"
ALWAYS: Mapping[str, Sequence[str]] = {
    "org": ("usage", "costs"), "dataset": ("usage", "costs"), "weekday": ("usage", "costs"), "hour": ("usage",),
    "currency": ("costs",),
}  # fmt: skip
"""Dimensions that every row has."""

Value = str | tuple[str, str]
"""A value of a dimension: text, or an organization and an id in it."""


class ImpossibleError(Exception):
    """There is no right number."""


@dataclass(frozen=True)
class Question:
    """What is asked; `syncs` is how many of them are known, None for all."""

    metrics: tuple[str, ...]
    by: tuple[str, ...] = ()
    grain: str = "total"
    since: str = ""
    until: str = ""
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tz: str = "UTC"
    top: int | None = None
    orgs: tuple[str, ...] = ()
    syncs: int | None = None
    compare: str | None = None

    @property
    def start(self) -> int:
        return moment(self.since, self.tz)

    @property
    def end(self) -> int:
        return moment(self.until, self.tz, is_end=True)

    @property
    def dimensions(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys([*self.by, *(d for d in self.where if d not in ("dataset", "org"))]))

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The parts of all metrics, in the datasets that are asked for."""
        return tuple(dict.fromkeys(p for m in self.metrics for p in self.parts_of(m)))

    def parts_of(self, metric: str) -> tuple[Part, ...]:
        chosen = self.where.get("dataset")
        every = OWN.get(metric) or METRICS[metric]
        parts = every if chosen is None else tuple(_within(p, chosen) for p in every)
        if len({p.datasets for p in parts}) == 1:
            return parts
        among = tuple(dict.fromkeys(d for p in parts for d in p.datasets))
        return tuple(replace(p, among=among) for p in parts)


def _within(part: Part, chosen: Sequence[str]) -> Part:
    columns = {*part.columns, *part.needs}
    have = {d for d in DIMENSIONS if (d == "costs") == part.is_money and columns & {*DIMENSIONS[d], *NUMBERS[d]}}
    names = tuple(d for d in DIMENSIONS if d in have and any(fnmatch.fnmatchcase(d, c) for c in chosen))
    if not names:
        raise ImpossibleError("not measured there")
    return Part(part.fold, part.columns, names, part.only)


@dataclass(frozen=True, slots=True)
class Fact:
    """One row that counts."""

    bucket: Bucket
    row: Row
    sign: int = 1
    word: str | None = None
    """What stands for whoever the bill is not told apart by."""

    @property
    def dataset(self) -> str:
        return "costs" if self.bucket.dataset.startswith("costs") else self.bucket.dataset


class Names:
    """What the directories that were served say."""

    def __init__(self, served: Sequence[Served]) -> None:
        self.names: dict[tuple[str, str, str], str] = {}
        """By kind, organization and id."""
        self.listed: set[tuple[str, str, str]] = set()
        self.owners: dict[tuple[str, str], tuple[str, str]] = {}
        """By organization and key, the kind of owner and its id."""
        for answer in served:
            for item in json.loads(answer.text)["data"] if answer.path in ("projects", "users") else ():
                self._hear(answer.org, answer.path.removesuffix("s"), item)
            for item in json.loads(answer.text)["data"] if answer.path.endswith("/api_keys") else ():
                self._hear(answer.org, "api_key", item)
                kind = item["owner"]["type"]
                self._hear(answer.org, kind, item["owner"][kind])
                self.owners[answer.org, item["id"]] = (kind, item["owner"][kind]["id"])
            if answer.path not in ("projects", "users") and not answer.path.startswith("projects/"):
                for kind in ("project", "user", "api_key"):
                    rows = [r for b in json.loads(answer.text)["data"] for r in b["results"]]
                    self.listed |= {(kind, answer.org, r[f"{kind}_id"]) for r in rows if r.get(f"{kind}_id")}

    def _hear(self, org: str, kind: str, item: Mapping[str, Any]) -> None:
        for said in (kind, "key_owner") if kind in ("user", "service_account") else (kind,):
            self.listed.add((said, org, item["id"]))
            if item.get("name"):
                self.names[said, org, item["id"]] = item["name"]


@dataclass(eq=False)
class Asked:
    """A question put to what is held."""

    question: Question
    held: Held
    names: Names
    now: int

    @cached_property
    def orgs(self) -> tuple[str, ...]:
        return self.question.orgs

    @cached_property
    def slots(self) -> list[Slot]:
        q = self.question
        return [s for s in slots(q.start, q.end, q.grain, q.tz) if s.start < self.now]

    @cache  # noqa: B019 - lives as long as a question
    def buckets(self, org: str, dataset: str) -> list[Bucket]:
        """Return what is held of the range, in order."""
        found = sorted(self.held.get((org, dataset), {}).values(), key=lambda b: b.start)
        return [b for b in found if self.question.start < b.end and b.start < self.question.end]

    @cached_property
    def split(self) -> str | None:
        """Return the split that money is told apart by."""
        if not any(p.is_money for p in self.question.parts):
            return None
        columns = {c for d in self.question.dimensions for c in _columns(d, "costs")}
        found = columns & {"user_id", "api_key_id"}
        if len(found) > 1:
            raise ImpossibleError("by key and by user at once")
        return f"costs_by_{found.pop().removesuffix('_id')}" if found else None

    def check(self) -> None:
        """Raise where there is no right number."""
        q = self.question
        for part in q.parts:
            for d in q.dimensions:
                if not any(offers(dataset, d) for dataset in part.datasets):
                    raise ImpossibleError("has no dimension")
        names = {d for p in q.parts for d in p.datasets} | ({self.split} if self.split else set())
        grains = [q.grain, *(g for d, g in (("hour", "hour"), ("weekday", "day")) if d in q.dimensions)]
        edges = {e for g in grains for s in slots(q.start, q.end, g, q.tz) for e in (s.start, s.end)}
        for org in self.orgs:
            for name in names:
                for b in self.buckets(org, name):
                    # Of a split, only what was read with the bill is held at all, day by day as the bill is.
                    if any(b.start < e < b.end and (e == q.start or e < b.known_until) for e in edges):
                        raise ImpossibleError("is cut")
        if any(p.fold == "max" for p in q.parts):
            self._check_widths()
        for d, values in q.where.items():
            self._check_names(d, values)

    def _check_widths(self) -> None:
        """Raise where levels of two organizations cannot be added up bucket by bucket."""
        every = [b for org in self.orgs for b in self.buckets(org, "vector_stores")]
        for a in every:
            if any(a.start < b.end and b.start < a.end and a.end - a.start != b.end - b.start for b in every):
                raise ImpossibleError("other widths")

    def _check_names(self, d: str, values: Sequence[str]) -> None:
        kind = KINDS.get(d)
        if kind is None or not any(k == kind and org in self.orgs for k, org, _ in self.names.names):
            return
        known = {i for k, org, i in self.names.listed if k == kind and org in self.orgs}
        known |= {n for (k, org, _), n in self.names.names.items() if k == kind and org in self.orgs}
        for value in values:
            plain = value.removeprefix("!")
            if "*" not in plain and not plain.startswith("(") and plain not in known:
                raise ImpossibleError("nobody is called so")

    def facts(self, part: Part) -> Iterator[Fact]:
        """Yield the rows that count for a part, as far as the question goes."""
        for org in self.orgs:
            left_out = self._left_out(org, part.among)
            for dataset in part.datasets:
                for b in self.buckets(org, dataset):
                    if b.start // DAY in left_out:
                        continue
                    for fact in self._told_apart(b):
                        wanted = all(self._takes(d, fact) for d in self.question.where if d not in ("dataset", "org"))
                        if wanted and (part.only is None or self.value(part.only[0], fact) in part.only[1]):
                            yield fact

    @cache  # noqa: B019 - lives as long as a question
    def _left_out(self, org: str, among: Sequence[str]) -> set[int]:
        """Return the days, by number, of which only some datasets are known, but not that the newest ends earlier."""
        known = [{m for b in self.buckets(org, d) for m in range(b.start, b.end, 60)} for d in among]
        every, some = set.intersection(*known) if known else set(), set().union(*known)
        stretches: list[list[int]] = []
        for minute in sorted(some - every):
            if not self.question.start <= minute < self.question.end:
                continue
            if stretches and stretches[-1][-1] == minute - 60:
                stretches[-1].append(minute)
            else:
                stretches.append([minute])
        ends = [max(b.end for b in held.values()) for d in among if (held := self.held.get((org, d)))]
        dropped = [s for s in stretches if len(s) * 60 >= DAY or s[-1] + 60 < max(ends)]
        return {minute // DAY for stretch in dropped for minute in stretch}

    def _told_apart(self, bill: Bucket) -> Iterator[Fact]:
        if bill.dataset != "costs" or self.split is None:
            yield from (Fact(bill, row) for row in bill.rows)
            return
        split = self.held.get((bill.org, self.split), {}).get(bill.start)
        columns = {c for d in self.question.dimensions for c in _columns(d, "costs")}
        columns |= {c for p in self.question.parts if p.is_money for n in p.needs for c in _columns(n, "costs")}
        asked = {"project_id", "line_item", f"{self.split.removeprefix('costs_by_')}_id"}
        if split is None or split.sync < bill.sync or not columns & asked <= split.asked:
            yield from (Fact(bill, row, word=NOT_HELD) for row in bill.rows)
            return
        yield from (Fact(split, row) for row in split.rows)
        yield from (Fact(bill, row, word=UNATTRIBUTED) for row in bill.rows)
        yield from (Fact(split, row, sign=-1, word=UNATTRIBUTED) for row in split.rows)

    def _takes(self, d: str, fact: Fact) -> bool:
        value, given = self.value(d, fact), self.question.where[d]
        texts = self._texts(d, value)
        wanted = [v for v in given if not v.startswith("!")]
        unwanted = [v[1:] for v in given if v.startswith("!")]
        return (not wanted or _any(wanted, texts)) and not _any(unwanted, texts)

    def _texts(self, d: str, value: Value) -> list[str]:
        if isinstance(value, str):
            return [value]
        return [value[1], self.names.names.get((KINDS[d], *value), value[1])]

    def value(self, d: str, fact: Fact) -> Value:
        """Return the group of a row by one dimension."""
        b, row = fact.bucket, fact.row
        if d in ALWAYS:
            return self._always(d, fact)
        if not offers(fact.dataset, d):
            return NOT_HELD
        columns = _columns(d, fact.dataset)
        if fact.word and f"{str(self.split).removeprefix('costs_by_')}_id" in columns:
            return fact.word
        if not fact.word and not set(columns) <= b.asked:
            return NOT_HELD
        if fact.dataset == "costs" and d in BILLED:
            text = row.get("line_item")
            said = LINE_ITEMS.get(text)
            return said.get(d, NONE) if said is not None else str(text)
        if d == "team":
            when = local(b.start, "UTC")
            return teams.team(row, when, lambda key: self.names.owners.get((b.org, key)))
        (column,) = columns
        raw = row.get(column)
        if raw is None:
            return NONE
        if d in ("key_owner", "service_account"):
            kind, owner = self.names.owners.get((b.org, raw), (None, None))
            return (b.org, owner) if owner and (d == "key_owner" or kind == d) else NONE
        if d == "model_family":
            return FAMILIES[raw]
        if isinstance(raw, bool):
            return str(raw).lower()
        return (b.org, raw) if d in KINDS else str(raw)

    def _always(self, d: str, fact: Fact) -> str:
        is_money = fact.dataset == "costs"
        if ("costs" if is_money else "usage") not in ALWAYS[d]:
            return NOT_HELD
        when = local(fact.bucket.start, self.question.tz)
        return {
            "org": fact.bucket.org,
            "dataset": fact.dataset,
            "currency": str(fact.row.get("currency")),
            "weekday": WEEKDAYS[when.weekday()],
            "hour": f"{when.hour:02}",
        }[d]


def _any(patterns: Sequence[str], texts: Sequence[str]) -> bool:
    found = [re.compile(".*".join(map(re.escape, p.split("*")))) for p in patterns]
    return any(f.fullmatch(text) for f in found for text in texts)


def _columns(d: str, dataset: str) -> tuple[str, ...]:
    """Return the columns of facts that a dimension is told from; none where it always is."""
    if d in ALWAYS:
        return ()
    if dataset == "costs" and d in BILLED:
        return ("line_item",)
    if d == "team":
        billed = ("user_id",) if dataset == "costs" else ()
        return tuple(c for c in teams.COLUMNS if c in DIMENSIONS[dataset] and c not in billed)
    return COLUMNS.get(d, (d,))


def offers(dataset: str, d: str) -> bool:
    """Return whether rows of a dataset can have a dimension."""
    if d in ALWAYS:
        return ("costs" if dataset == "costs" else "usage") in ALWAYS[d]
    return dataset in DIMENSIONS and set(_columns(d, dataset) or (d,)) <= {*DIMENSIONS[dataset]}
