"""Columns that facts do not have but that follow from them: owners of keys, parts of line items, families of models.

Each is a join of a source of rows, as portable SQL with bound values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Derivation:
    """How one column is derived; `t` is the source of rows."""

    column: str
    keys: tuple[str, ...]
    """The columns of facts that it needs."""
    expression: str
    join: str = ""
    params: tuple[Any, ...] = ()
    """What the join binds."""


Derivations = Mapping[tuple[str, str], Derivation]
"""By table and column."""

_NEWEST_KEYS = """(
    SELECT org, id, NULLIF(owner_id, '') AS owner_id, owner_kind
    FROM (
        SELECT org, id, owner_id, owner_kind,
            ROW_NUMBER() OVER (PARTITION BY org, id ORDER BY last_seen DESC, first_seen DESC) AS version
        FROM internal.directory WHERE kind = 'api_key'
    ) AS k WHERE version = 1
)"""
_OWNERS = f" LEFT JOIN {_NEWEST_KEYS} AS o ON o.org = t.org AND o.id = t.api_key_id"

OWNERS = {
    "key_owner_id": Derivation("key_owner_id", ("org", "api_key_id"), "o.owner_id", _OWNERS),
    "service_account_id": Derivation(
        "service_account_id",
        ("org", "api_key_id"),
        "CASE WHEN o.owner_kind = 'service_account' THEN o.owner_id END",
        _OWNERS,
    ),
}
"""Columns that the directory derives from the key; its newest owner counts."""


def looked_up(column: str, key: str, values: Mapping[str, str | None], missing: str) -> Derivation:
    """Return a column that `values` gives by the `key` column; `missing` is the expression where they say nothing."""
    if not values:
        return Derivation(column, (key,), missing)
    alias = f"of_{column}"
    rows = ", ".join("(?, ?)" for _ in values)
    join = f" LEFT JOIN (VALUES {rows}) AS {alias}(given, said) ON {alias}.given = t.{key}"
    text = f"CASE WHEN {alias}.given IS NULL THEN {missing} ELSE NULLIF({alias}.said, '') END"
    return Derivation(column, (key,), text, join, tuple(v for k, said in values.items() for v in (k, said or "")))


def derived(rows: str, wanted: Iterable[Derivation]) -> tuple[str, list[Any]]:
    """Return a source of rows with the columns `wanted` besides its own, and what its joins bind."""
    those = list(wanted)
    joins = dict.fromkeys((d.join, d.params) for d in those if d.join)
    columns = ", ".join(f"{d.expression} AS {d.column}" for d in those)
    text = f"(SELECT t.*, {columns} FROM {rows} AS t{''.join(join for join, _ in joins)})"
    return text, [value for _, params in joins for value in params]
