"""Teams, said by a file, by rows or by the organization's groups, put into a book as one list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tallybook.model.errors import UsageError
from tallybook.model.records import Swap
from tallybook.model.settings import Settings
from tallybook.query.own import assignments, csv_text, team_files
from tallybook.query.own.business import definitions
from tallybook.query.own.teams import Rule, members, values
from tallybook.store.base import Store

Rows = str | Path | Iterable[Mapping[str, Any]]
"""A CSV file, or rows with the same columns."""


@dataclass(frozen=True, slots=True)
class Assigned:
    """The rules in force, and how far they reach."""

    rules: tuple[Rule, ...]
    unmatched: Mapping[str, tuple[int, int]]
    """Per kind that rules are about: how many ids of the book none matches on any day, and how many there are."""

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        counts = {kind: {"unmatched": n, "ids": of} for kind, (n, of) in self.unmatched.items()}
        return {"rules": [_plain(rule) for rule in self.rules], "unmatched": counts}


@dataclass(frozen=True, slots=True)
class Imported(Assigned):
    """What an import changed in the list that the book holds."""

    added: tuple[Rule, ...]
    removed: tuple[Rule, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        changes = {"added": self.added, "removed": self.removed}
        return {k: [_plain(rule) for rule in v] for k, v in changes.items()} | Assigned.as_dict(self)


def _plain(rule: Rule) -> dict[str, Any]:
    days = {c: d and str(d) for c, d in (("valid_from", rule.valid_from), ("valid_to", rule.valid_to))}
    about = {"kind": rule.kind, "id": rule.pattern, "team": rule.team, "cost_center": rule.cost_center}
    return about | {"tags": dict(rule.tags), **days, "from": rule.place}


def assigned(store: Store, settings: Settings) -> Assigned:
    """Return the rules in force; raises `UsageError` where they contradict each other. Never creates a book."""
    rules = assignments.all_rules(store, settings)
    return Assigned(tuple(rules), _reach(store, rules) if store.exists() else {})


def import_teams(store: Store, settings: Settings, given: Rows | None, groups: Iterable[str] | None) -> Imported:
    """Put all that is given in the place of the list that the book holds; see `Book.import_teams`."""
    if given is None and groups is None:
        raise UsageError("Say what to import: a file, or from_groups (--from-groups).")
    with store.opened():
        new = [] if given is None else team_files.of_sheet(_sheet(given))
        if groups is not None:
            new += team_files.of_groups(store.rows("directory"), tuple(groups))
        if taken := {*values(new)} & {*definitions(store)}:
            raise UsageError(f"A tag cannot be called {min(taken)!r}: that is a metric that you added. Rename it.")
        rules = [*team_files.of_settings(settings), *new]
        unmatched = _reach(store, rules)
        old = assignments.imported(store)
        store.swap(Swap("teams", tuple(assignments.row(rule) for rule in new)))
    added, removed = (tuple(r for r in these if r not in those) for these, those in ((new, old), (old, new)))
    return Imported(tuple(rules), unmatched, added, removed)


def _reach(store: Store, rules: list[Rule]) -> dict[str, tuple[int, int]]:
    """Return how many ids no rule matches; raises `UsageError` where rules contradict each other."""
    with store.opened():
        found = members(rules, assignments.held_ids(store, rules))
        return assignments.unmatched(assignments.held_ids(store), found, {rule.kind for rule in rules})


def _sheet(given: Rows) -> csv_text.Sheet:
    if not isinstance(given, str | Path):
        return team_files.as_sheet(given)
    path = Path(given)
    try:
        data = path.read_bytes()
    except OSError as exc:
        raise UsageError(f"Cannot read {path}: {exc.strerror}.") from exc
    return csv_text.read(csv_text.decoded(data, path.name), path.name)
