"""Whose rows are, by a few rules that contradict each other only across kinds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

RULES: list[dict[str, str]] = [
    {"kind": "api_key", "id": "key_a", "team": "Batch", "valid_to": "2026-10-30"},
    {"kind": "user", "id": "Ann", "team": "People", "valid_from": "2026-10-23"},
    {"kind": "service_account", "id": "sa_1", "team": "Robots"},
    {"kind": "project", "id": "proj_a", "team": "Core"},
    {"kind": "project", "id": "proj_*", "team": "Rest", "valid_to": "2026-10-28"},
]
COLUMNS = ("api_key_id", "user_id", "project_id")
"""What they go by; the bill is told apart by keys and projects alone."""
UNASSIGNED = "(unassigned)"
_ANN = "user_1"


def team(row: Mapping[str, Any], when: dt.datetime, owner: Callable[[str], tuple[str, str] | None]) -> str:
    """Return the team of a row; `owner` says whose a key is."""
    day = f"{when:%Y-%m-%d}"
    key, user, project = (row.get(column) for column in COLUMNS)
    kind, whose = (owner(key) if key else None) or ("", "")
    if key == "key_a" and day < "2026-10-30":
        return "Batch"
    if day >= "2026-10-23" and _ANN in (user, whose if kind == "user" else None):
        return "People"
    if (kind, whose) == ("service_account", "sa_1"):
        return "Robots"
    if project == "proj_a":
        return "Core"
    return "Rest" if project and day < "2026-10-28" else UNASSIGNED
