"""Whose every id of a book is: the rules that were imported and those of the settings, over the ids that are held."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from tallybook.model.settings import Settings
from tallybook.query.own.team_files import of_settings
from tallybook.query.own.teams import GONE, Ids, Member, Rule, called, members
from tallybook.store.base import Store

_COLUMNS = {"project": "project_id", "user": "user_id", "api_key": "api_key_id"}
_FACTS = {"usage": tuple(_COLUMNS), "costs": ("project",), "internal.cost_splits": tuple(_COLUMNS)}
_MET = " UNION ".join(
    f"SELECT org, '{kind}' AS kind, {_COLUMNS[kind]} AS id FROM {table} WHERE {_COLUMNS[kind]} IS NOT NULL"
    for table, kinds in _FACTS.items()
    for kind in kinds
)


def imported(store: Store) -> list[Rule]:
    """Return the rules that the book holds, in the order in which they were given."""
    rows = store.rows("teams") if store.exists() else []
    return [_rule(row) for row in rows if row["pattern"] != GONE]


def all_rules(store: Store, settings: Settings) -> list[Rule]:
    """Return the rules of the settings, then those that the book holds; neither stands before the other."""
    return [*of_settings(settings), *imported(store)]


def held_ids(store: Store, rules: Iterable[Rule] = ()) -> Ids:
    """Return the ids of a book, per kind, with all that they are called.

    They are those of its directory; where an organization has none, those of its facts.
    """
    directory = store.rows("directory")
    orgs = store.orgs()
    found = called(directory, rules, orgs)
    if unnamed := orgs - {row["org"] for row in directory}:
        for row in store.read(_MET).to_pylist():
            if row["org"] in unnamed:
                found[row["kind"]].setdefault((row["org"], row["id"]), set())
    return found


def assignments(store: Store, settings: Settings) -> list[Member]:
    """Return what every id belongs to, in stretches of days; raises `UsageError` where rules contradict each other."""
    rules = all_rules(store, settings)
    return members(rules, held_ids(store, rules)) if rules else []


def unmatched(ids: Ids, found: Iterable[Member], kinds: Collection[str]) -> dict[str, tuple[int, int]]:
    """Return, per kind, how many ids no rule matches on any day, and how many there are."""
    have = {(m.kind, m.org, m.id) for m in found}
    return {
        kind: (sum((kind, *identity) not in have for identity in ids[kind]), len(ids[kind]))
        for kind in ids
        if kind in kinds
    }


def row(rule: Rule) -> dict[str, Any]:
    """Return a rule as the table `teams` has it."""
    return {
        "kind": rule.kind,
        "pattern": rule.pattern,
        "team": rule.team,
        "cost_center": rule.cost_center,
        "tags": json.dumps(dict(rule.tags), ensure_ascii=False) if rule.tags else None,
        "valid_from": _midnight(rule.valid_from),
        "valid_to": _midnight(rule.valid_to),
    }


def _rule(row: Mapping[str, Any]) -> Rule:
    first, last = (moment and moment.date() for moment in (row["valid_from"], row["valid_to"]))
    tags = tuple(sorted(json.loads(row["tags"] or "{}").items()))
    return Rule(row["kind"], row["pattern"], row["team"], row["cost_center"], tags, first, last, "imported")


def _midnight(day: dt.date | None) -> dt.datetime | None:
    return None if day is None else dt.datetime(day.year, day.month, day.day)  # noqa: DTZ001 - naive UTC, as at rest
