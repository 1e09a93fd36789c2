"""What the answer must be: plain Python over what the emulator's ledger says, never over a store."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from decimal import Decimal
from functools import cache
from typing import Any

from tallybook.emulator.served import DATASETS
from tests.emulator.wire import DAY, Org

NONE, NOT_HELD = "(none)", "(not held)"
BILL = ("project_id", "line_item", "api_key_id", "user_id")
"""A book holds costs by these, the last two one at a time."""
DERIVED = ("key_owner_id", "service_account_id")
"""What the directory knows of an API key."""
SUMMED = {
    "input_tokens": ("completions", "embeddings", "moderations"),
    "num_model_requests": (
        "completions", "embeddings", "moderations", "images", "audio_speeches", "audio_transcriptions",
    ),
    "num_requests": ("file_search_calls", "web_search_calls"),
    "images": ("images",),
    "characters": ("audio_speeches",),
    "seconds": ("audio_transcriptions",),
    "num_sessions": ("code_interpreter_sessions",),
    "cost": ("costs",),
}  # fmt: skip
"""Where a metric is summed, written by hand; all others are of completions alone. Decisions are never added."""


def datasets(metric: str) -> tuple[str, ...]:
    return SUMMED.get(metric, ("completions",))


def dimensions(dataset: str) -> tuple[str, ...]:
    held = BILL if dataset == "costs" else tuple(DATASETS[dataset].dimensions)
    return held + (DERIVED if "api_key_id" in held else ())


class Oracle:
    """Answers from the ledger of one organization over days `[start, end)`."""

    def __init__(self, org: Org, start: int, end: int) -> None:
        self.org, self.start, self.end = org, start, end
        now = org.company.now()
        listed = [k for k in org.company.roster.keys if k.exists(now) and k.project.archived_at is None]
        self.owners = {k.id: (k.person.id if k.person else k.service_account, k.service_account) for k in listed}

    @cache  # noqa: B019 - lives as long as the tests
    def _rows(self, dataset: str) -> list[dict[str, Any]]:
        by = [name for name in dimensions(dataset) if name not in DERIVED]
        return self.org.company.ledger(self.start, self.end, dataset, by, "day")[dataset]

    def answer(self, metric: str, column: str | None = None, grain: str = "total") -> dict[tuple[Any, ...], Any]:
        """Return (time, group) to the total, without zeros."""
        out: dict[tuple[Any, ...], Any] = defaultdict(Decimal if metric == "cost" else int)
        for dataset in datasets(metric):
            for row in self._rows(dataset):
                value = row["amount" if metric == "cost" else metric]
                out[bucket(row["start_time"], grain), self._group(dataset, row, column)] += value
        return {key: value for key, value in out.items() if value}

    def _group(self, dataset: str, row: dict[str, Any], column: str | None) -> str | None:
        if column is None:
            return None
        if column in ("org", "dataset"):
            return {"org": "default", "dataset": dataset}[column]
        if column not in dimensions(dataset):
            return NOT_HELD
        if column in DERIVED:
            return self.owners.get(row["api_key_id"], (None, None))[DERIVED.index(column)] or NONE
        value = row[column]
        return NONE if value is None else str(value).lower() if isinstance(value, bool) else value


def bucket(second: int, grain: str) -> dt.datetime | None:
    if grain == "total":
        return None
    day = dt.datetime.fromtimestamp(second // DAY * DAY, dt.UTC).replace(tzinfo=None)
    return day.replace(day=1) if grain == "month" else day
