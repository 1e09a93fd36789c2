"""Teams, cost centers and tags as dimensions: whose a row is, by its key, user, service account or project."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tallybook.model.errors import UnknownNameError
from tallybook.query.dimensions import Dimension
from tallybook.query.filters import Filter, is_pattern
from tallybook.query.own.teams import Member, Rule, values
from tallybook.query.statement.derive import Derivation, Derivations
from tallybook.query.words import UNASSIGNED, is_word

_WAYS = (
    ("api_key", "api_key_id", "api_key"),
    ("user", "user_id", "user"),
    ("user", "api_key_id", "owner"),
    ("service_account", "api_key_id", "account"),
    ("project", "project_id", "project"),
)
"""In order of strength: the kind of rule, the column of facts that it goes by, and what the join is called."""
_BILLED = ("api_key_id", "project_id")
"""The columns by which the bill can be told apart at once."""


def dimensions(rules: Iterable[Rule]) -> list[Dimension]:
    """Return the dimensions that rules define; team and cost center exist without any."""
    found = list(rules)
    kinds = {rule.kind for rule in found} or {"project"}
    keys = tuple(dict.fromkeys(column for kind, column, _ in _WAYS if kind in kinds))
    billed = tuple(c for c in _BILLED if c in keys)
    about = {"team": "teams, by your rules", "cost_center": "cost centers, by your rules"}
    return [
        Dimension(name, name, about.get(name, "a tag of your rules"), keys=keys, billed_by=billed, blank=UNASSIGNED)
        for name in values(found)
    ]


def check_values(filters: Iterable[Filter], rules: Iterable[Rule]) -> None:
    """Raise `UnknownNameError` for a value that no rule gives: its total of nothing would look like an answer."""
    given = [rule.values for rule in rules]
    for known in filters:
        name = known.dimension.name
        values_of = {each[name] for each in given if name in each}
        for value in known.values:
            if value not in values_of and not is_word(value) and not is_pattern(value):
                raise UnknownNameError(name, value, [*values_of, UNASSIGNED])


def derivations(
    wanted: Iterable[Dimension], members: Sequence[Member], directory: Iterable[Mapping[str, Any]]
) -> Derivations:
    """Return how usage and the bill are told apart by the dimensions `wanted`, which rules define."""
    stretches = _stretches(members, directory)
    out = {}
    for known in wanted:
        for table, keys in (("usage", known.keys), ("costs", known.billed_by)):
            out[table, known.column] = _column(known.name, keys, stretches)
    return out


def _stretches(members: Sequence[Member], directory: Iterable[Mapping[str, Any]]) -> dict[str, list[Member]]:
    """Return, by way, what ids of its column belong to; keys belong where their owners do."""
    out: dict[str, list[Member]] = {way: [m for m in members if m.kind == kind] for kind, _, way in _WAYS}
    keys: dict[tuple[str, str, str], list[str]] = {}
    newest = {(r["org"], r["id"]): r for r in sorted(directory, key=lambda r: r["last_seen"]) if r["kind"] == "api_key"}
    for (org, key), row in newest.items():
        keys.setdefault((org, str(row["owner_kind"]), str(row["owner_id"])), []).append(key)
    for way, kind in (("owner", "user"), ("account", "service_account")):
        out[way] = [replace(m, id=key) for m in out[way] for key in keys.get((m.org, kind, m.id), ())]
    return out


def _column(name: str, keys: Sequence[str], stretches: Mapping[str, Sequence[Member]]) -> Derivation:
    """Return a column with what the strongest rule of a row says of a dimension, NULL where it says nothing."""
    joins, cases = [], []
    params: list[Any] = []
    for _, column, way in _WAYS:
        those = stretches[way]
        if column not in keys or not those:
            continue
        alias = f"{way}_{name}"
        rows = ", ".join("(?, ?, ?, ?, ?)" for _ in those)
        joins.append(
            f" LEFT JOIN (VALUES {rows}) AS {alias}(org, given, since, until, said) ON {alias}.org = t.org "
            f"AND {alias}.given = t.{column} AND t.start_time >= {alias}.since AND t.start_time < {alias}.until"
        )
        cases.append(f"WHEN {alias}.given IS NOT NULL THEN NULLIF({alias}.said, '')")
        params += [v for m in those for v in (m.org, m.id, m.valid_from, m.valid_to, m.values.get(name, ""))]
    text = f"CASE {' '.join(cases)} END" if cases else "CAST(NULL AS VARCHAR)"
    return Derivation(name, ("org", "start_time", *keys), text, "".join(joins), tuple(params))
