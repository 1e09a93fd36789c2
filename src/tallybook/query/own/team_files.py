"""Rules of teams from tables of text, from the settings and from OpenAI's groups, and back to a table. Pure."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tallybook.model.errors import UnknownNameError, UsageError, suggest
from tallybook.model.settings import Settings
from tallybook.query.labels import Identity, labels
from tallybook.query.own.csv_text import Line, Sheet, written
from tallybook.query.own.teams import KINDS, OWN, Rule, check_tag, checked, values

_NEEDED = ("kind", "id", "team")
_DAYS = ("valid_from", "valid_to")
COLUMNS = (*_NEEDED, "cost_center", *_DAYS)
"""The columns of a table of rules that are no tags."""


def of_sheet(sheet: Sheet) -> list[Rule]:
    """Return the rules of a table; raises `UsageError` that names line and column."""
    columns = {column: column.lower() for column in sheet.columns or _NEEDED}
    if len({*columns.values()}) < len(columns):
        raise UsageError(f"{sheet.name}: two columns differ in capitals only.")
    if lacking := [name for name in _NEEDED if name not in columns.values()]:
        raise UsageError(
            f"{sheet.name} has no column {lacking[0]!r}. It needs kind, id and team; cost_center, valid_from, valid_to "
            "and any further column, a tag, may follow."
        )
    for column, name in columns.items():
        if name not in COLUMNS:
            check_tag(name, f"{sheet.name}, column {column!r}")
    return checked(_rule(line, {columns[c]: v for c, v in line.cells.items()}, sheet.name) for line in sheet.lines)


def _rule(line: Line, cells: Mapping[str, str], name: str) -> Rule:
    for column in _NEEDED:
        if not cells[column]:
            raise UsageError(f"{name}, line {line.number}, column {column}: it is empty.")
    kind = cells["kind"].lower().replace(" ", "_").replace("-", "_")
    if kind not in KINDS:
        raise UsageError(
            f"{name}, line {line.number}, column kind: {cells['kind']!r} is no kind of id. {suggest(kind, KINDS)}"
        )
    first, last = (_day(cells.get(column, ""), f"{name}, line {line.number}, column {column}") for column in _DAYS)
    tags = tuple(sorted((c, v) for c, v in cells.items() if c not in COLUMNS and v))
    place = f"line {line.number} of {name}"
    return Rule(kind, cells["id"], cells["team"], cells.get("cost_center") or None, tags, first, last, place)


def _day(text: str, place: str) -> dt.date | None:
    if not text:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{place}: {text!r} is not a day. Write 2026-01-31.") from None


def as_sheet(rows: Iterable[Mapping[str, Any]]) -> Sheet:
    """Return rows of Python as a table of text, their numbers as lines."""
    given = [{str(k): "" if v is None else str(v).strip() for k, v in row.items()} for row in rows]
    columns = tuple(dict.fromkeys(name for row in given for name in row))
    lines = tuple(Line(i, dict.fromkeys(columns, "") | row) for i, row in enumerate(given, 1))
    return Sheet("the rows given", columns, lines)


def text_of(rules: Sequence[Rule]) -> str:
    """Return rules as the CSV that gives them again."""
    tags = [name for name in values(rules) if name not in OWN]
    rows = [
        [
            rule.kind,
            rule.pattern,
            rule.team,
            rule.cost_center,
            *(dict(rule.tags).get(tag) for tag in tags),
            *(str(day or "") for day in (rule.valid_from, rule.valid_to)),
        ]
        for rule in rules
    ]
    return written((*_NEEDED, "cost_center", *tags, *_DAYS), rows)


def of_settings(settings: Settings) -> list[Rule]:
    """Return the rules of `[teams]`; raises `UsageError`."""
    out = []
    for name, team in settings.teams.items():
        place = f"[teams.{name}] in {settings.path}"
        first, last = (_day(getattr(team, c), f"{place}: {c}") for c in _DAYS)
        tags = tuple(sorted(team.tags.items()))
        for kind in KINDS:
            patterns: tuple[str, ...] = getattr(team, f"{kind}s")
            rule = Rule(kind, "", name, team.cost_center or None, tags, first, last, place)
            out += [replace(rule, pattern=pattern) for pattern in patterns]
    return checked(out)


def of_groups(rows: Iterable[Mapping[str, Any]], chosen: Collection[str] = ()) -> list[Rule]:
    """Return a rule for each user of the organization's groups, or of those `chosen` by name or id.

    `rows` is the directory. Raises `UsageError` where there are no groups, or where a user is in two of them.
    """
    every = list(rows)
    groups = _groups(every, chosen)
    lists = {(r["org"], r["id"]): r["details"] for r in every if r["kind"] == "group_members" and not r["replaced_at"]}
    homes: dict[str, dict[str, None]] = {}
    for identity, name in groups.items():
        for user in json.loads(lists.get(identity) or "{}").get("members", ()):
            homes.setdefault(user, {})[name] = None
    people = {identity[1]: label for identity, label in labels(every).get("user", {}).items()}
    if torn := [user for user, names in homes.items() if len(names) > 1]:
        who, names = people.get(torn[0], torn[0]), " and ".join(map(repr, homes[torn[0]]))
        more = f" ({len(torn)} users are in several.)" if len(torn) > 1 else ""
        raise UsageError(
            f"{who} ({torn[0]}) is in the groups {names}, and a user has one team. Choose with --group NAME the groups "
            f"that are teams.{more}"
        )
    return checked(
        Rule("user", user, next(iter(names)), place=f"group {next(iter(names))!r}") for user, names in homes.items()
    )


def _groups(rows: Sequence[Mapping[str, Any]], chosen: Collection[str]) -> dict[Identity, str]:
    """Return the groups of the newest list of each organization with their names."""
    found = [r for r in rows if r["kind"] == "group" and not r["replaced_at"]]
    newest = {org: max(r["last_seen"] for r in found if r["org"] == org) for org in {r["org"] for r in found}}
    names = labels(rows).get("group", {})
    groups = {
        (r["org"], r["id"]): names.get((r["org"], r["id"]), r["id"])
        for r in found
        if r["last_seen"] == newest[r["org"]]
    }
    if not groups:
        raise UsageError(
            "The book knows no groups. `tallybook sync` reads them once a day, with a key that has the scope "
            "api.management.read."
        )
    for name in chosen:
        if not any(name in (identity[1], label) for identity, label in groups.items()):
            raise UnknownNameError("group", name, groups.values())
    return {i: label for i, label in groups.items() if not chosen or {i[1], label} & {*chosen}}
