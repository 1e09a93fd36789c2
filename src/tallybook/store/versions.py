"""What stood at an earlier moment: a table and its history as one source of rows. Portable SQL, bound values."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

_PUBLIC = ("usage", "costs")
_WITH_ABSENCES = (*_PUBLIC, "cost_splits")
"""Their history also marks where a row was not there yet."""

VERSIONED = {
    "coverage": ("org", "dataset", "start_time", "end_time", "width", "dimensions", "read_at", "recorded_at"),
    "refusals": (
        "org", "dataset", "start_time", "end_time", "width", "dimension", "reason", "tries", "learned_at",
        "expires_at", "recorded_at",
    ),
}  # fmt: skip
"""The columns of versioned tables that are not facts."""


def source(table: str, columns: Iterable[str], as_of: dt.datetime | None) -> tuple[str, list[Any]]:
    """Return what follows FROM, without an alias, and its values: the table, or `columns` of it as of a moment.

    `as_of` is naive UTC. A version stands from the commit that wrote it until the commit that replaced it.
    """
    held = table if table in _PUBLIC else f"internal.{table}"
    if as_of is None:
        return held, []
    names = ", ".join(columns)
    present = " AND NOT absent" if table in _WITH_ABSENCES else ""
    text = (
        f"(SELECT {names} FROM {held} WHERE recorded_at <= ? UNION ALL SELECT {names} FROM internal.{table}_history "
        f"WHERE recorded_at <= ? AND replaced_at > ?{present})"
    )
    return text, [as_of] * 3
