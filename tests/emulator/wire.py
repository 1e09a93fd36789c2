"""Plain HTTP against a running emulator: no code of ours between the test and the wire."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import requests
from starlette.applications import Starlette

from tallybook.emulator import Company, create_app, running
from tests.clock import FakeClock

NOW = dt.datetime(2026, 11, 23, 15, 30, 20, tzinfo=dt.UTC)
DAY = 86_400
MIDNIGHT = int(NOW.timestamp()) // DAY * DAY
ADMIN = {"Authorization": "Bearer sk-admin-test"}


@dataclass
class Org:
    """A running emulator and all that a test wants to know of it."""

    base: str
    app: Starlette
    clock: FakeClock

    @property
    def company(self) -> Company:
        return self.app.state.company

    def get(self, path: str, params: Any = (), key: str | None = "sk-admin-test") -> requests.Response:
        """GET below /v1/organization."""
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        return requests.get(f"{self.base}/organization{path}", params=params, headers=headers, timeout=20)

    def control(self, path: str, **params: Any) -> Any:
        answer = requests.get(self.base.removesuffix("/v1") + path, params=params, timeout=20)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def walk(self, path: str, **params: Any) -> Iterator[dict[str, Any]]:
        """Yield the buckets of all pages, with exact numbers."""
        while True:
            answer = self.get(path, params)
            assert answer.status_code == 200, answer.text
            body = answer.json(parse_float=Decimal)
            yield from body["data"]
            if not body["has_more"]:
                assert body["next_page"] is None
                return
            params["page"] = body["next_page"]


@contextmanager
def organization(*quirks: str, **company: Any) -> Iterator[Org]:
    """Run a small organization with a clock that stands still."""
    clock = FakeClock(NOW)
    made = Company(**{"seed": 7, "days": 380, "requests_per_day": 60, "clock": clock, **company})
    app = create_app(made, quirks)
    with running(app) as base:
        yield Org(base, app, clock)
