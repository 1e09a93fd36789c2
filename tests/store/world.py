"""A tiny provider in plain dicts: per dataset, minute to rows. It answers the GETs of a sync, exactly and in order."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

import httpx2

from tallybook.model.datasets import DATASETS, HELD
from tallybook.model.windows import SECONDS

BASE = "http://127.0.0.1/v1"
DAY = SECONDS["1d"]
BEGIN = 20_500 * DAY
"""A midnight."""

BILLED = ("currency", "quantity_unit")
"""The last dimensions of whatever is money; nobody asks for them."""

DIMENSIONS = {
    "completions": ("project_id", "user_id", "model", "batch"),
    "vector_stores": ("project_id",),
    "costs": ("project_id", "line_item", *BILLED),
    "costs_by_user": ("project_id", "line_item", "user_id", *BILLED),
}
"""What tells rows of a dataset apart. What is told by user need not add up to the bill here."""

NUMBERS = {
    "completions": ("input_tokens", "output_tokens", "num_model_requests", "input_cached_tokens", "novelty"),
    "vector_stores": ("usage_bytes",),
    "costs": ("amount", "quantity"),
    "costs_by_user": ("amount", "quantity"),
}
"""`novelty` is a field that tallybook does not know."""

Key = tuple[Any, ...]
"""Values of `DIMENSIONS`."""
Numbers = tuple[Any, ...]
"""Values of `NUMBERS`; None where the provider says nothing."""
Rows = Mapping[Key, Numbers]
Minutes = Mapping[int, Rows]


def is_money(dataset: str) -> bool:
    """Return whether rows are amounts: of the bill, or of a split of it."""
    return DIMENSIONS[dataset][-2:] == BILLED


def plus(a: Any, b: Any) -> Any:
    """Add two numbers of which either may be unknown."""
    return b if a is None else a if b is None else a + b


def grouped(dataset: str, rows: Iterable[tuple[Key, Numbers]], dimensions: Iterable[str]) -> dict[Key, Numbers]:
    """Return rows added up by `dimensions`; the others are None. A quantity exists per line item only."""
    asked = {*dimensions, *BILLED}
    bare = is_money(dataset) and "line_item" not in asked
    out: dict[Key, Numbers] = {}
    for key, numbers in rows:
        kept = tuple(v if d in asked else None for d, v in zip(DIMENSIONS[dataset], key, strict=True))
        if bare:
            kept, numbers = (*kept[:-1], None), (numbers[0], None)
        before = out.get(kept, (None,) * len(numbers))
        out[kept] = tuple(map(plus, before, numbers))
    return out


def bucket(dataset: str, minutes: Minutes, start: int, width: str, dimensions: Iterable[str]) -> dict[Key, Numbers]:
    """Return the rows of one bucket."""
    end = start + SECONDS[width]
    rows = [row for minute, found in minutes.items() if start <= minute < end for row in found.items()]
    return grouped(dataset, rows, dimensions)


@dataclass
class Mood:
    """What the provider refuses or spoils for a while."""

    unknown: frozenset[str] = frozenset()
    """Datasets answered with 404."""
    refused: frozenset[str] = frozenset()
    """Values of `group_by` answered with 400."""
    earliest: int | None = None
    """Nothing before this midnight is given."""
    no_open_day: bool = False
    """Costs of a day that has not ended are refused."""
    failing: tuple[int, int] | None = None
    """Windows that touch this span are answered with 500."""
    split: bool = False
    """Each row comes as two of equal dimensions."""
    sparse: bool = False
    """Buckets without rows are left out."""


PROJECTS = ("proj_a", "proj_b")


@dataclass
class World:
    """What really happened, and how far the provider knows it."""

    minutes: dict[str, dict[int, dict[Key, Numbers]]] = field(default_factory=lambda: {d: {} for d in DIMENSIONS})
    horizon: int = 0
    """The provider knows nothing from this moment on."""
    mood: Mood = field(default_factory=Mood)
    projects: tuple[str, ...] = PROJECTS
    """What the directory lists."""
    answered: list[tuple[str, int, int, str]] = field(default_factory=list)
    """Every window answered with 200: dataset, start, end, width."""
    interrupt: Callable[[], None] | None = None
    """What happens, once, while the next answer is awaited."""

    def known(self, dataset: str) -> dict[int, dict[Key, Numbers]]:
        """Return a copy of what the provider knows now."""
        return {m: dict(rows) for m, rows in self.minutes[dataset].items() if m < self.horizon}

    def transport(self) -> httpx2.MockTransport:
        """Return the provider as a transport."""
        return httpx2.MockTransport(self._answer)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.path.removeprefix("/v1/organization/")
        asked = parse_qs(request.url.query.decode())
        name = path.removeprefix("usage/")
        if name == "costs" and "user_id" in asked.get("group_by[]", []):
            name = "costs_by_user"
        if name in DIMENSIONS:
            return self._data(name, asked)
        if name in DATASETS:
            return _error(404, "Invalid URL")
        data = [{"id": project} for project in self.projects] if path == "projects" else []
        return httpx2.Response(200, json={"object": "list", "data": data, "has_more": False})

    def _data(self, name: str, asked: dict[str, list[str]]) -> httpx2.Response:
        if interrupt := self.interrupt:
            self.interrupt = None
            interrupt()
        start, end = int(asked["start_time"][0]), int(asked["end_time"][0])
        width, dimensions = asked["bucket_width"][0], asked.get("group_by[]", [])
        if refusal := self._refusal(name, start, end, dimensions):
            return refusal
        self.answered.append((name, start, end, width))
        known = self.known(name)
        data = []
        for at in range(start, end, SECONDS[width]):
            rows = bucket(name, known, at, width, dimensions)
            if rows or not self.mood.sparse:
                parts = ((key, part) for key, numbers in rows.items() for part in self._parts(name, numbers))
                results = [_row(name, key, part) for key, part in parts]
                data.append({"object": "bucket", "start_time": at, "end_time": at + SECONDS[width], "results": results})
        body = {"object": "page", "data": data, "has_more": False, "next_page": None}
        return httpx2.Response(200, content=_text(body))

    def _parts(self, name: str, numbers: Numbers) -> list[Numbers]:
        """Return the numbers of a row, or of two; a field that is not known cannot be told to add up."""
        if not self.mood.split:
            return [numbers]
        ones = tuple(None if n is None or of == "novelty" else 1 for of, n in zip(NUMBERS[name], numbers, strict=True))
        return [tuple(n if one is None else n - one for n, one in zip(numbers, ones, strict=True)), ones]

    def _refusal(self, name: str, start: int, end: int, dimensions: list[str]) -> httpx2.Response | None:
        mood = self.mood
        if name in mood.unknown:
            return _error(404, "Invalid URL")
        if mood.failing and start < mood.failing[1] and mood.failing[0] < end:
            return _error(500, "The server had an error")
        if mood.earliest is not None and start < mood.earliest:
            date = dt.datetime.fromtimestamp(mood.earliest, dt.UTC).strftime("%Y-%m-%d")
            return _error(400, f"Earliest supported start date: {date}", code="reporting_lookback_exceeded")
        if gone := sorted(mood.refused & set(dimensions)):
            return _error(400, f"Invalid value: '{gone[0]}'", param="group_by")
        if is_money(name) and mood.no_open_day and end > self.horizon:
            return _error(400, "start date must be before end date")
        return None


def _error(status: int, message: str, **more: str) -> httpx2.Response:
    return httpx2.Response(status, json={"error": {"message": message, "type": "invalid_request_error", **more}})


def _row(name: str, key: Key, numbers: Numbers) -> dict[str, Any]:
    out: dict[str, Any] = {"object": HELD[name].result, **dict(zip(DIMENSIONS[name], key, strict=True))}
    if is_money(name):
        amount, quantity = numbers
        out["amount"] = {"value": amount, "currency": out.pop("currency")}
        out["quantity"] = quantity
        return out
    return out | {n: value for n, value in zip(NUMBERS[name], numbers, strict=True) if value is not None}


def _text(body: Any) -> bytes:
    """Return JSON in which decimals are texts, as the API has been seen to send them."""
    return json.dumps(body, default=lambda v: str(v) if isinstance(v, Decimal) else None).encode()
