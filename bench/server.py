"""The emulator in a process of its own. It builds an answer once and then serves it from memory.

What is measured is therefore the client: the second time anybody asks the same, the answer costs next to nothing.
Prints the base URL, and ends when its standard input does.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections import Counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tallybook.emulator import Company, create_app, running
from tallybook.model.clock import SystemClock


class PinnedClock(SystemClock):
    """A clock that stands still, so that every run anywhere sees the same organization."""

    def __init__(self, now: str) -> None:
        self._now = dt.datetime.fromisoformat(now)

    def now(self) -> dt.datetime:
        """Return the one moment."""
        return self._now


class Remembering:
    """Middleware that serves each answer (HTTP 200) again from memory, and counts at `/_counts`."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.answers: dict[tuple[str, bytes], list[Message]] = {}
        self.counts: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer from memory, or let the emulator answer and keep that."""
        path = scope["path"]
        if path == "/_counts":
            body = json.dumps(self.counts).encode()
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": body})
            return
        if path.startswith("/_"):
            await self.app(scope, receive, send)
            return
        self.counts["data" if "/usage/" in path or path.endswith("/costs") else "names"] += 1
        key = (path, scope["query_string"])
        answer = self.answers.get(key)
        if answer is None:
            answer = await self._ask(scope, receive)
            if answer[0]["status"] == 200:
                self.answers[key] = answer
        self.counts["bytes"] += sum(len(message.get("body", b"")) for message in answer)
        for message in answer:
            await send(message)

    async def _ask(self, scope: Scope, receive: Receive) -> list[Message]:
        answer: list[Message] = []

        async def keep(message: Message) -> None:
            answer.append(message)

        await self.app(scope, receive, keep)
        return answer


def main(options: str) -> None:
    """Serve the company that `options` (JSON: now, seed, days, requests_per_day) describes."""
    given = json.loads(options)
    clock = PinnedClock(given.pop("now"))
    with running(Remembering(create_app(Company(**given, clock=clock)))) as url:
        print(url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1])
