"""What the answer must be: plain Python over what the emulator's ledger says, never over a store."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from decimal import Decimal
from functools import cache
from typing import Any

from tallybook.emulator.served import DATASETS
from tallybook.model.line_item import parse
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
    "tokens": ("completions", "embeddings", "moderations"),
    "requests": ("completions", "embeddings", "moderations", "images", "audio_speeches", "audio_transcriptions"),
    "audio_seconds": ("audio_transcriptions",),
    "sessions": ("code_interpreter_sessions",),
    "file_searches": ("file_search_calls",),
    "web_searches": ("web_search_calls",),
}  # fmt: skip
"""Where a metric is summed, written by hand; all others are of completions alone. Decisions are never added."""


COLUMNS = {
    "cost": ("amount",),
    "tokens": ("input_tokens", "output_tokens"),
    "requests": ("num_model_requests",),
    "audio_seconds": ("seconds",),
    "sessions": ("num_sessions",),
    "file_searches": ("num_requests",),
    "web_searches": ("num_requests",),
}
"""What a metric adds up, where it has a name of its own."""
BILLED = ("model", "model_family", "product", "token_kind", "service_tier")
"""What the texts of line items say."""


def family(model: str) -> str:
    """Written apart from the product: no date at the end, and of a fine-tune what it was made from."""
    if model.startswith(("ft:", "ft-")):
        model = model[3:].split(":")[0]
    parts = model.split("-")
    if len(parts) > 3 and all(p.isdigit() for p in parts[-3:]) and len(parts[-3]) == 4:
        parts = parts[:-3]
    elif len(parts) > 1 and parts[-1].isdigit() and len(parts[-1]) == 4:
        parts = parts[:-1]
    return "-".join(parts)


def datasets(metric: str) -> tuple[str, ...]:
    return SUMMED.get(metric, ("completions",))


def dimensions(dataset: str) -> tuple[str, ...]:
    held = BILL if dataset == "costs" else tuple(DATASETS[dataset].dimensions)
    derived = (*(DERIVED if "api_key_id" in held else ()), *(BILLED if dataset == "costs" else ()))
    return held + derived + (("model_family",) if "model" in held else ())


class Oracle:
    """Answers from the ledger of one organization over days `[start, end)`."""

    def __init__(self, org: Org, start: int, end: int) -> None:
        self.org, self.start, self.end = org, start, end
        now = org.company.now()
        listed = [k for k in org.company.roster.keys if k.exists(now) and k.project.archived_at is None]
        self.owners = {k.id: (k.person.id if k.person else k.service_account, k.service_account) for k in listed}

    @cache  # noqa: B019 - lives as long as the tests
    def _rows(self, dataset: str) -> list[dict[str, Any]]:
        by = [
            name
            for name in dimensions(dataset)
            if name not in (*DERIVED, "model_family") and (dataset != "costs" or name not in BILLED)
        ]
        return self.org.company.ledger(self.start, self.end, dataset, by, "day")[dataset]

    def answer(self, metric: str, column: str | None = None, grain: str = "total") -> dict[tuple[Any, ...], Any]:
        """Return (time, group) to the total, without zeros."""
        out: dict[tuple[Any, ...], Any] = defaultdict(Decimal if metric == "cost" else int)
        for dataset in datasets(metric):
            for row in self._rows(dataset):
                value = sum(row[c] or 0 for c in COLUMNS.get(metric, (metric,)) if c in row)
                out[bucket(row["start_time"], grain), self._group(dataset, row, column)] += value
        return {key: value for key, value in out.items() if value}

    def _group(self, dataset: str, row: dict[str, Any], column: str | None) -> str | None:
        if column is None:
            return None
        if column in ("org", "dataset"):
            return {"org": "default", "dataset": dataset}[column]
        if column in ("currency", "weekday", "hour"):
            return self._always(row, column)
        if column not in dimensions(dataset):
            return NOT_HELD
        if dataset == "costs" and column in BILLED:
            return self._billed(row["line_item"], column)
        if column == "model_family":
            return NONE if row["model"] is None else family(row["model"])
        if column in DERIVED:
            return self.owners.get(row["api_key_id"], (None, None))[DERIVED.index(column)] or NONE
        value = row[column]
        return NONE if value is None else str(value).lower() if isinstance(value, bool) else value

    def _always(self, row: dict[str, Any], column: str) -> str:
        when = dt.datetime.fromtimestamp(row["start_time"], dt.UTC)
        return {"currency": row.get("currency"), "weekday": f"{when:%A}", "hour": f"{when:%H}"}[column]

    def _billed(self, text: str | None, column: str) -> str:
        if text is None:
            return NONE
        item = parse(text)
        if not item.parsed:
            return text
        model = self._tuned().get(item.model, item.model) if item.model else None
        said = {
            "model": model,
            "model_family": model and family(model),
            "product": item.product or ("models" if model or item.token_kind else None),
            "token_kind": item.token_kind,
            "service_tier": item.tier or ("default" if model or item.token_kind else None),
        }
        return said[column] or NONE

    @cache  # noqa: B019 - lives as long as the tests
    def _tuned(self) -> dict[str, str]:
        models = {row["model"] for d in ("completions", "embeddings") for row in self._rows(d) if row["model"]}
        spelled = {m: f"ft-{m.split(':')[1]}" for m in models if m.startswith("ft:")}
        return {s: m for m, s in spelled.items() if list(spelled.values()).count(s) == 1}


def bucket(second: int, grain: str) -> dt.datetime | None:
    if grain == "total":
        return None
    day = dt.datetime.fromtimestamp(second // DAY * DAY, dt.UTC).replace(tzinfo=None)
    return {
        "day": day,
        "week": day - dt.timedelta(days=day.weekday()),
        "month": day.replace(day=1),
        "quarter": day.replace(day=1, month=1 + 3 * ((day.month - 1) // 3)),
        "year": day.replace(day=1, month=1),
    }[grain]
