"""A limit on the rate of requests, as the real API has one that it does not publish."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from tallybook.emulator.company import Company
from tallybook.emulator.faults import limited

MINUTE = 60


class Throttle:
    """Middleware: after `number` requests in a minute of the company's clock the rest of it is refused."""

    def __init__(self, app: ASGIApp, company: Company, number: int) -> None:
        self.app = app
        self.company = company
        self.number = number
        self.minute = 0
        self.seen = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or say how long to wait."""
        app = self.app if scope["type"] != "http" or scope["path"].startswith("/_") else self._choose()
        await app(scope, receive, send)

    def _choose(self) -> ASGIApp:
        minute, second = divmod(self.company.now(), MINUTE)
        if minute != self.minute:
            self.minute, self.seen = minute, 0
        self.seen += 1
        if self.seen <= self.number:
            return self.app
        return limited({"retry-after": str(MINUTE - second)})
