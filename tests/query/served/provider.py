"""Two small organizations that serve JSON like OpenAI's, and a record of every body that went out.

What really happened is a list of events; a bucket's rows are those events added up by what was asked for.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import httpx2

DAY, HOUR = 86_400, 3_600
BEGIN = 1_792_454_400
"""Tuesday, 20 October 2026: clocks in Berlin are put back on the sixth day, November begins with the thirteenth."""
DAYS = 15
WIDTHS = {"1m": 60, "1h": HOUR, "1d": DAY}

DIMENSIONS: Mapping[str, tuple[str, ...]] = {
    "completions": ("project_id", "user_id", "api_key_id", "model", "batch", "service_tier", "api_source"),
    "embeddings": ("project_id", "user_id", "api_key_id", "model"),
    "moderations": ("project_id", "user_id", "api_key_id", "model"),
    "file_search_calls": ("project_id", "user_id", "api_key_id", "vector_store_id"),
    "web_search_calls": ("project_id", "user_id", "api_key_id", "model", "context_level", "api_source"),
    "vector_stores": ("project_id",),
    "images": ("project_id", "user_id", "api_key_id", "model", "size", "source"),
    "audio_speeches": ("project_id", "user_id", "api_key_id", "model"),
    "audio_transcriptions": ("project_id", "user_id", "api_key_id", "model"),
    "code_interpreter_sessions": ("project_id",),
    "costs": ("project_id", "line_item", "api_key_id", "user_id"),
}
"""What can be grouped by, in the order of an event's key."""

NUMBERS: Mapping[str, tuple[str, ...]] = {
    "completions": (
        "input_tokens", "output_tokens", "num_model_requests", "input_cached_tokens", "input_uncached_tokens",
    ),
    "embeddings": ("input_tokens", "num_model_requests"),
    "moderations": ("input_tokens", "num_model_requests"),
    "file_search_calls": ("num_requests",),
    "web_search_calls": ("num_requests", "num_model_requests"),
    "vector_stores": ("usage_bytes",),
    "images": ("images", "num_model_requests"),
    "audio_speeches": ("characters", "num_model_requests"),
    "audio_transcriptions": ("seconds", "num_model_requests"),
    "code_interpreter_sessions": ("num_sessions",),
    "costs": ("amount",),
}  # fmt: skip

_RESULTS = {"file_search_calls": "file_searches", "web_search_calls": "web_searches"}

PROJECTS = {"acme": ("proj_a", "proj_b"), "beta": ("proj_c", "proj_d")}
NAMES = {
    "proj_a": "Search", "proj_b": "Shop", "proj_c": "Chat", "user_1": "Ann", "user_2": "Ben",
    "key_a": "batch jobs", "key_b": "web", "sa_1": "robot",
}  # fmt: skip
"""Who has a name, in either organization; `proj_d`, `user_3` and `key_c` have none."""
OWNERS = {"key_a": ("service_account", "sa_1"), "key_b": ("user", "user_1")}
"""Whose a key is; nobody lists `key_c`."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, as the provider says it in some syncs."""

    org: str
    dataset: str
    hour: int
    """After `BEGIN`, the first time."""
    key: tuple[Any, ...]
    """Values of `DIMENSIONS`; money has its currency last."""
    numbers: tuple[Any, ...]
    """Values of `NUMBERS`; None where the provider says nothing."""
    first: int = 0
    """The first sync in which it is served."""
    last: int = 9
    """The last one."""
    in_split: bool = True
    """Of money: whether the splits by key and by user have it, too."""
    times: int = 1
    step: int = 1
    """How often it happens, and after how many hours each time."""

    @property
    def moments(self) -> range:
        """When it happens."""
        return range(BEGIN + self.hour * HOUR, BEGIN + (self.hour + self.times * self.step) * HOUR, self.step * HOUR)


@dataclass(frozen=True, slots=True)
class Served:
    """One answer, as it went out."""

    org: str
    sync: int
    at: int
    """When it was asked for, Unix seconds."""
    path: str
    """Below `/organization/`."""
    params: tuple[tuple[str, str], ...]
    text: str

    def __getitem__(self, name: str) -> str:
        return dict(self.params)[name]

    @property
    def group_by(self) -> tuple[str, ...]:
        return tuple(value for name, value in self.params if name == "group_by[]")


@dataclass(frozen=True, slots=True)
class Mood:
    """What is refused in one sync."""

    refused: tuple[str, str] | None = None
    """A dataset and a dimension that it cannot be grouped by."""
    key_floor: int = 0
    """The day from which on costs are told by API key."""
    no_users: bool = False
    """Whether costs are not told by user at all."""
    users_alone: bool = False
    """Whether costs by user are not told by project, too."""


@dataclass
class Provider:
    """What happened, and the moods of each sync."""

    events: Sequence[Event]
    moods: Sequence[Mood]
    now: int = 0
    """What the clock says; nothing later is known."""
    sync: int = 0
    served: list[Served] = field(default_factory=list)

    def transport(self) -> httpx2.MockTransport:
        return httpx2.MockTransport(self._answer)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        org, _, path = request.url.path.removeprefix("/").partition("/v1/organization/")
        params = tuple(parse_qsl(request.url.query.decode()))
        name = path.removeprefix("usage/")
        if name not in DIMENSIONS:
            body: Any = {"object": "list", "data": list(directory(org, path)), "has_more": False}
        elif error := self._refusal(name, params):
            return httpx2.Response(
                400, json={"error": {"message": "Refused", "type": "invalid_request_error", **error}}
            )
        else:
            body = {"object": "page", "data": self._data(org, name, params), "has_more": False, "next_page": None}
        text = json.dumps(body)
        self.served.append(Served(org, self.sync, self.now, path, params, text))
        return httpx2.Response(200, content=text.encode())

    def _refusal(self, name: str, params: Iterable[tuple[str, str]]) -> dict[str, str] | None:
        mood = self.moods[self.sync]
        asked = [value for key, value in params if key == "group_by[]"]
        start = int(dict(params)["start_time"])
        gone = [mood.refused[1]] if mood.refused and mood.refused[0] == name else []
        if name == "costs" and "user_id" in asked:
            gone += ["user_id"] * mood.no_users + ["project_id"] * mood.users_alone
        if refused := [d for d in gone if d in asked]:
            return {"param": "group_by", "message": f"Cannot group by {refused[0]}"}
        floor = BEGIN + mood.key_floor * DAY
        if name == "costs" and "api_key_id" in asked and start < floor:
            return {"param": "start_time", "message": f"start_time must be at least {floor}"}
        return None

    def _data(self, org: str, name: str, params: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
        said = dict(params)
        step = WIDTHS[said["bucket_width"]]
        asked = [value for key, value in params if key == "group_by[]"]
        out = []
        for start in range(int(said["start_time"]), int(said["end_time"]), step):
            rows = self._rows(org, name, start, start + step, asked)
            out.append({"object": "bucket", "start_time": start, "end_time": start + step, "results": rows})
        return out

    def _rows(self, org: str, name: str, start: int, end: int, asked: Sequence[str]) -> list[dict[str, Any]]:
        found: dict[tuple[Any, ...], list[Any]] = {}
        for e in self.events:
            n = sum(start <= at < min(end, self.now) for at in e.moments) if (e.org, e.dataset) == (org, name) else 0
            if not n:
                continue
            if not e.first <= self.sync <= e.last or not (e.in_split or not {"api_key_id", "user_id"} & {*asked}):
                continue
            key = (*(v if d in asked else None for d, v in zip(DIMENSIONS[name], e.key, strict=False)), *e.key[-1:])
            key = key if name == "costs" else key[:-1]
            for _ in range(n):
                found[key] = [*map(_plus, found.get(key, [None] * len(e.numbers)), e.numbers)]
        return [_row(name, key, numbers) for key, numbers in found.items()]


def _plus(a: Any, b: Any) -> Any:
    return b if a is None else a if b is None else a + b


def _row(name: str, key: tuple[Any, ...], numbers: Sequence[Any]) -> dict[str, Any]:
    dimensions = dict(zip(DIMENSIONS[name], key, strict=False))
    if name == "costs":
        amount = {"value": str(numbers[0]), "currency": key[-1]}
        return {"object": "organization.costs.result", "amount": amount, **dimensions}
    said = {n: v for n, v in zip(NUMBERS[name], numbers, strict=True) if v is not None}
    return {"object": f"organization.usage.{_RESULTS.get(name, name)}.result", **dimensions, **said}


def directory(org: str, path: str) -> Iterator[dict[str, Any]]:
    """Yield the items of one of the directory's lists."""
    first, _, rest = path.partition("/")
    project, _, what = rest.partition("/")
    if path == "projects":
        yield from ({"id": p, "name": NAMES.get(p)} for p in PROJECTS[org])
    elif path == "users":
        yield from ({"id": u, "name": NAMES[u]} for u in ("user_1", "user_2"))
    elif first == "projects" and what == "api_keys" and project == PROJECTS[org][0]:
        for key, (kind, identity) in OWNERS.items():
            owner = {"type": kind, kind: {"id": identity, "name": NAMES[identity]}}
            yield {"id": key, "name": NAMES[key], "owner": owner}


def money(units: int) -> Decimal:
    """Return an amount that needs all 18 places."""
    return (Decimal(units) / 7).quantize(Decimal("1e-18"))
