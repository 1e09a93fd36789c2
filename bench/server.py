"""The emulator in a process of its own. It builds an answer once and then serves it from memory.

What is measured is therefore the client: the second time anybody asks the same, the answer costs next to nothing.
Prints the base URL, and ends when its standard input does. Besides the controls of the emulator there are `/_counts`
and, as `/_stage?quirks=a,b&remembers=1` and `/_clock?now=…`, other behaviour and another time.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections import Counter
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tallybook.emulator import Company, create_app, running
from tallybook.model.clock import SystemClock


class SetClock(SystemClock):
    """A clock that stands where it was set, so that every run anywhere sees the same organization."""

    def __init__(self, now: str) -> None:
        self.set(now)

    def set(self, now: str) -> None:
        """Stand at `now` from now on."""
        self._now = dt.datetime.fromisoformat(now)

    def now(self) -> dt.datetime:
        """Return the one moment."""
        return self._now


class Stage:
    """Serves the company with some quirks; where it `remembers`, answers (HTTP 200) are kept and served again."""

    def __init__(self, company: Company, clock: SetClock) -> None:
        self.company, self.clock = company, clock
        self.counts: Counter[str] = Counter()
        self.answers: dict[tuple[str, dt.datetime, str, bytes], list[Message]] = {}
        self.controls = {"/_counts": self._count, "/_stage": self._stage, "/_clock": self._set_clock}
        self._stage()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer from memory, or let the emulator answer and keep that."""
        path = scope["path"]
        if path in self.controls:
            said = self.controls[path](**dict(parse_qsl(scope["query_string"].decode())))
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": json.dumps(said).encode()})
            return
        if path.startswith("/_"):
            await self.app(scope, receive, send)
            return
        self.counts["data" if "/usage/" in path or path.endswith("/costs") else "names"] += 1
        if self.remembers:
            await self._remember(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _remember(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = (self.quirks, self.clock.now(), scope["path"], scope["query_string"])
        answer = self.answers.get(key)
        if answer is None:
            answer = []
            await self.app(scope, receive, _appending(answer))
            if answer[0]["status"] == 200:
                self.answers[key] = answer
        for message in answer:
            await send(message)

    def _count(self) -> Counter[str]:
        return self.counts

    def _stage(self, quirks: str = "", remembers: str = "1") -> str:
        self.app: ASGIApp = create_app(self.company, quirks.split(",") if quirks else [])
        self.remembers = remembers == "1"
        self.quirks = quirks
        return quirks

    def _set_clock(self, now: str) -> str:
        self.clock.set(now)
        return now


def _appending(answer: list[Message]) -> Send:
    async def append(message: Message) -> None:
        answer.append(message)

    return append


def main(options: str) -> None:
    """Serve the company that `options` (JSON: now, seed, days, requests_per_day) describes."""
    given = json.loads(options)
    clock = SetClock(given.pop("now"))
    with running(Stage(Company(**given, clock=clock), clock)) as url:
        print(url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1])
