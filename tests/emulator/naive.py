"""Clients as people write them: right against the documented API, wrong or broken under its quirks.

`notebook` behaves like OpenAI's cookbook example: it follows `next_page` and nothing else, writes the cursor into
the caller's parameters, and takes whatever it has when an answer is not a 200. The others are twenty lines each.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import requests

HEADERS = {"Authorization": "Bearer sk-admin-test", "Content-Type": "application/json"}
PATIENCE = 40
MEASURES = (
    "input_tokens",
    "output_tokens",
    "input_cached_tokens",
    "input_audio_tokens",
    "output_audio_tokens",
    "num_model_requests",
)
DIMENSIONS = ("project_id", "user_id", "api_key_id", "model", "batch")
TIMES = ("start_datetime", "end_datetime", "start_time", "end_time")


class EndlessError(Exception):
    """Where the original would never return."""


def notebook(url: str, params: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the buckets of all pages, or of those before the first error."""
    buckets: list[dict[str, Any]] = []
    cursor = None
    for _ in range(PATIENCE):
        if cursor:
            params["page"] = cursor
        answer = requests.get(url, headers=HEADERS, params=params)
        if answer.status_code != 200:
            print(f"Error: {answer.status_code}")  # noqa: T201 - all that the example does about it
            return buckets
        body = answer.json()
        buckets.extend(body.get("data", []))
        cursor = body.get("next_page")
        if not cursor:
            return buckets
    raise EndlessError


def usage_frame(buckets: list[dict[str, Any]]) -> pd.DataFrame:
    """Return the example's 15 columns in its order."""
    records = [
        {
            **{name: bucket.get(name) for name in TIMES[2:]},
            **{name: result.get(name, 0) for name in MEASURES},
            **{name: result.get(name) for name in DIMENSIONS},
        }
        for bucket in buckets
        for result in bucket.get("results", [])
    ]
    return _dated(records)[[*TIMES, *MEASURES, *DIMENSIONS]]


def cost_frame(buckets: list[dict[str, Any]]) -> pd.DataFrame:
    """Return amounts as the JSON has them."""
    records = [
        {
            **{name: bucket.get(name) for name in TIMES[2:]},
            "amount_value": result.get("amount", {}).get("value", 0),
            "currency": result.get("amount", {}).get("currency", "usd"),
            "line_item": result.get("line_item"),
            "project_id": result.get("project_id"),
        }
        for bucket in buckets
        for result in bucket.get("results", [])
    ]
    return _dated(records)


def _dated(records: list[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(records)
    for name in ("start", "end"):
        frame[f"{name}_datetime"] = pd.to_datetime(frame[f"{name}_time"], unit="s")
    return frame


def people(base: str) -> set[str]:
    """Return the ids of all users that the directory lists."""
    answer = requests.get(f"{base}/organization/users", headers=HEADERS, params={"limit": 100})
    answer.raise_for_status()
    return {user["id"] for user in answer.json()["data"]}


def project_names(base: str, key: str = "sk-admin-test") -> dict[str, str]:
    """Return names in capitals by id; none where the key may not read them, as the message says."""
    headers = {"Authorization": f"Bearer {key}"}
    answer = requests.get(f"{base}/organization/projects", headers=headers, params={"include_archived": "true"})
    if answer.status_code == 403 and "Missing scopes" in answer.json()["error"]["message"]:
        return {}
    answer.raise_for_status()
    return {project["id"]: project["name"].upper() for project in answer.json()["data"]}


def one_page_or_all(url: str, params: dict[str, Any], most: int) -> list[dict[str, Any]]:
    """Ask for everything at once, and page only where the server says that this is too much."""
    answer = requests.get(url, headers=HEADERS, params=params)
    if answer.status_code == 400:
        return list(cursor_loop(url, {**params, "limit": most}))
    return answer.json()["data"]


def cursor_loop(url: str, params: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield buckets until the cursor is null."""
    cursor: str | None = "first"
    while cursor is not None:
        page = {} if cursor == "first" else {"page": cursor}
        answer = requests.get(url, headers=HEADERS, params={**params, **page})
        answer.raise_for_status()
        yield from answer.json()["data"]
        cursor = answer.json()["next_page"]


def one_page(url: str, params: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the first page, taken for the whole because the limit covers the window."""
    answer = requests.get(url, headers=HEADERS, params=params)
    answer.raise_for_status()
    return answer.json()["data"]


def until_short(url: str, params: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield buckets until a page has fewer than were asked for."""
    while True:
        answer = requests.get(url, headers=HEADERS, params=params)
        answer.raise_for_status()
        buckets = answer.json()["data"]
        yield from buckets
        if len(buckets) < params["limit"]:
            return
        params = {**params, "start_time": buckets[-1]["end_time"]}


@dataclass
class Upserts:
    """A table with the key (bucket, dimensions): the last one written wins. Takes whole days only."""

    dimensions: tuple[str, ...]
    rows: dict[tuple[Any, ...], dict[str, Any]] = field(default_factory=dict)

    def load(self, url: str, params: dict[str, Any]) -> None:
        """Read all pages and write their rows."""
        for bucket in cursor_loop(url, params):
            if bucket["end_time"] - bucket["start_time"] == 86_400:
                for row in bucket["results"]:
                    self.rows[bucket["start_time"], *(row[name] for name in self.dimensions)] = row

    def total(self, measure: str) -> int:
        """Return the sum over the table."""
        return sum(row[measure] for row in self.rows.values())


@dataclass
class EmbeddingsRow:
    """A row with exactly the documented fields."""

    object: str
    input_tokens: int
    num_model_requests: int
    project_id: str | None
    user_id: str | None
    api_key_id: str | None
    model: str | None
