"""Teams: which ids are whose, by dated rules. Pure.

A rule names an id, or ids by a pattern of their id, name or e-mail. Days are UTC and half-open. Of the rules that match
an id on a day one decides: its id before its name, its name before a pattern, a longer pattern before a shorter one.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from fnmatch import translate
from itertools import combinations, groupby, pairwise
from typing import Any

from tallybook.model.errors import UnknownNameError, UsageError, suggest
from tallybook.query.dimensions import dimension
from tallybook.query.labels import Identity, bare, labels
from tallybook.query.metrics import metric

KINDS = ("api_key", "user", "service_account", "project")
"""What a rule may be about. Of the ids of a row, the first kind that has a team decides."""
OWN = ("team", "cost_center")
"""The dimensions that rules define besides their tags."""
ALWAYS = (dt.date(1970, 1, 1), dt.date(9999, 12, 31))
"""From when to when a rule without days holds."""
GONE = "(forgotten)"
"""What stands in a rule where somebody was forgotten; it matches nobody."""

Ids = Mapping[str, Mapping[Identity, Collection[str]]]
"""Per kind, each id with all that it is called: its label, name and e-mail."""

_TAG = re.compile(r"[a-z][a-z0-9_]{0,62}")
_GLOB = re.compile(r"[*?\[]")
_RESERVED = frozenset({"time", "currency", "status", "kind", "id", "tag", "grain", "valid_from", "valid_to"})


@dataclass(frozen=True, slots=True)
class Rule:
    """Who belongs to a team, from when to when."""

    kind: str
    pattern: str
    """An id, a name, an e-mail, or a pattern of one with `*`, `?` or `[…]`."""
    team: str
    cost_center: str | None = None
    tags: tuple[tuple[str, str], ...] = ()
    """Further dimensions with their values, sorted."""
    valid_from: dt.date | None = None
    valid_to: dt.date | None = None
    """The first day that it does not hold any more."""
    place: str = field(default="", compare=False)
    """Where it is written, for people: `line 3 of teams.csv`."""

    @property
    def days(self) -> tuple[dt.date, dt.date]:
        """From when to when it holds, half-open."""
        return self.valid_from or ALWAYS[0], self.valid_to or ALWAYS[1]

    @property
    def values(self) -> dict[str, str]:
        """Dimension to value, of those that it sets."""
        own = {"team": self.team} | ({"cost_center": self.cost_center} if self.cost_center else {})
        return own | dict(self.tags)

    def __str__(self) -> str:
        """Say who, which team and where that is written."""
        days = "" if self.days == ALWAYS else f" from {self.valid_from or 'ever'} to {self.valid_to or 'now on'}"
        return f"{self.kind} {self.pattern!r} in {self.team!r}{days}" + (f" ({self.place})" if self.place else "")


@dataclass(frozen=True, slots=True)
class Member:
    """An id that has these values in a stretch of days; the stretches of an id never overlap."""

    org: str
    kind: str
    id: str
    valid_from: dt.datetime
    """Naive UTC, as facts have time; never NULL, nor is `valid_to`."""
    valid_to: dt.datetime
    """Exclusive."""
    values: Mapping[str, str]
    """By dimension (`team`, `cost_center`, a tag), those that are set."""


def values(rules: Iterable[Rule]) -> tuple[str, ...]:
    """Return every dimension that rules define: team, cost center, then tags in order."""
    tags = {name for rule in rules for name, _ in rule.tags}
    return (*OWN, *sorted(tags - {*OWN}))


def checked(rules: Iterable[Rule]) -> list[Rule]:
    """Return rules that make sense each by itself and do not contradict each other; raises `UsageError`."""
    found = list(rules)
    for rule in found:
        if rule.kind not in KINDS:
            raise UsageError(f"{rule}: {rule.kind!r} is no kind of id. {suggest(rule.kind, KINDS)}")
        if not rule.pattern.strip() or not rule.team.strip():
            raise UsageError(f"{rule}: a rule has an id and a team, neither of them empty.")
        if rule.days[0] >= rule.days[1]:
            raise UsageError(f"{rule}: it ends before it begins. valid_to is the first day that it does not hold.")
        for name, _ in rule.tags:
            check_tag(name, rule.place)
    _refuse_contradictions(found)
    return found


def check_tag(name: str, place: str = "") -> None:
    """Raise `UsageError` where a tag cannot be called so."""
    where = f"{place}: " if place else ""
    if is_taken(name):
        raise UsageError(f"{where}a tag cannot be called {name!r}: that is a metric or dimension already. Rename it.")
    if not _TAG.fullmatch(name):
        plain = re.sub(r"[^a-z0-9]+", "_", name.strip().lower()).strip("_")
        better = f" such as {plain!r}" if _TAG.fullmatch(plain) else ""
        raise UsageError(f"{where}a tag has a name of small letters, digits and underscores{better}, not {name!r}.")


def is_taken(name: str) -> bool:
    """Return whether a metric, a dimension or something else in an answer is called so already."""
    if name in _RESERVED or name in OWN:
        return True
    finders: tuple[Callable[[str], object], ...] = (metric, dimension)
    for find in finders:
        with suppress(UnknownNameError):
            find(name)
            return True
    return False


def called(rows: Iterable[Mapping[str, Any]], rules: Iterable[Rule] = (), orgs: Iterable[str] = ()) -> dict[str, Any]:
    """Return the ids of a directory with all that they are called now, as `members` takes them.

    A rule may name an id that no directory lists: it is taken to be one, in each of `orgs`.
    """
    every = list(rows)
    out: dict[str, dict[Identity, set[str]]] = {kind: {} for kind in KINDS}
    of_kinds = [row for row in every if row["kind"] in out]
    for row in sorted(of_kinds, key=lambda row: row["last_seen"]):
        out[row["kind"]][row["org"], row["id"]] = {text for text in (row["name"], row["email"]) if text}
    for kind, known in labels(every).items():
        for identity, label in known.items() if kind in out else ():
            out[kind][identity] |= {label, bare(identity, label)}
    for rule in rules:
        for org in () if _GLOB.search(rule.pattern) else orgs:
            out[rule.kind].setdefault((org, rule.pattern), set())
    return out


def members(rules: Iterable[Rule], ids: Ids) -> list[Member]:
    """Return what each id belongs to, in stretches of days that do not overlap.

    Raises `UsageError` that names both rules where two could decide alike and say different things.
    """
    found = checked(rules)
    out: list[Member] = []
    for kind in KINDS:
        matching = _Matching([rule for rule in found if rule.kind == kind])
        for identity, names in ids.get(kind, {}).items():
            if those := matching.of(identity[1], names):
                out += _stretches(kind, identity, those)
    return out


_Ranked = tuple[tuple[int, int], Rule]
"""How strong a rule is for an id, and the rule."""


class _Matching:
    """The rules of one kind, made ready to be asked for thousands of ids."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.exact: dict[str, list[Rule]] = {}
        for rule in rules:
            self.exact.setdefault(rule.pattern, []).append(rule)
        self.globs = [(re.compile(translate(r.pattern)).match, r) for r in rules if _GLOB.search(r.pattern)]

    def of(self, identity: str, names: Collection[str]) -> list[_Ranked]:
        """Return the rules that match an id or anything that it is called."""
        found: list[_Ranked] = [((2, 0), rule) for rule in self.exact.get(identity, ())]
        found += [((1, 0), rule) for name in names for rule in self.exact.get(name, ())]
        texts = (identity, *names)
        found += [((0, len(r.pattern)), r) for matches, r in self.globs if any(map(matches, texts))]
        return found


def _stretches(kind: str, identity: Identity, those: Sequence[_Ranked]) -> list[Member]:
    """Return the stretches of one id, each with the values of the strongest rule; equal neighbours are one."""
    edges = sorted({day for _, rule in those for day in rule.days})
    decided = []
    for start, end in pairwise(edges):
        holding = [(rank, rule) for rank, rule in those if rule.days[0] <= start < rule.days[1]]
        if not holding:
            continue
        strongest = max(rank for rank, _ in holding)
        best = [rule for rank, rule in holding if rank == strongest]
        for other in best[1:]:
            if other.values != best[0].values:
                on = "" if start == ALWAYS[0] else f" on {start}"
                raise UsageError(
                    f"Two rules are as good for {kind} {identity[1]!r}{on}: {best[0]}, and {other}. "
                    "Write a longer pattern, the id itself, or days that do not overlap."
                )
        decided.append((start, end, best[0].values))
    out: list[Member] = []
    for start, end, what in decided:
        first = _midnight(start)
        if out and out[-1].valid_to == first and out[-1].values == what:
            first = out.pop().valid_from
        out.append(Member(identity[0], kind, identity[1], first, _midnight(end), what))
    return out


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime(day.year, day.month, day.day)  # noqa: DTZ001 - naive UTC, as at rest


def _refuse_contradictions(rules: Iterable[Rule]) -> None:
    """Raise `UsageError` where two rules of the same ids overlap and say different things."""
    ordered = sorted(rules, key=lambda rule: (rule.kind, rule.pattern, rule.days))
    for _, group in groupby(ordered, key=lambda rule: (rule.kind, rule.pattern)):
        for one, other in combinations(group, 2):
            if other.days[0] < one.days[1] and one.values != other.values:
                raise UsageError(f"Two rules overlap: {one}, and {other}. Give them days (valid_from, valid_to) apart.")
