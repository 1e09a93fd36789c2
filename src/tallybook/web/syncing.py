"""Syncing while the dashboard is served: again and again, and when somebody asks for it; one at a time."""

from __future__ import annotations

import datetime as dt
import logging
import os
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tallybook.book import Book
from tallybook.model.clock import Clock
from tallybook.model.errors import TallybookError, UsageError
from tallybook.model.settings import Settings
from tallybook.web.routes import ENCODE, JSON
from tallybook.web.scope import ForbiddenError, viewer_of
from tallybook.web.shapes import Sync

log = logging.getLogger(__name__)

_JOIN_SECONDS = 10.0
_TICK = 1.0


class _EndedError(Exception):
    """The server ends while a sync runs."""


class Syncing:
    """A thread that syncs a book every so many seconds, and when it is asked to. A context manager."""

    def __init__(
        self,
        book: Book,
        clock: Clock,
        every: float | None = None,
        failed: Callable[[str], None] = lambda _: None,
        sync: Mapping[str, Any] | None = None,
    ) -> None:
        """`failed` is told why a sync failed; `sync` are further arguments of `Book.sync`."""
        self._book, self._clock, self._every, self._failed = book, clock, every, failed
        self._arguments = dict(sync or {})
        self._can = "key" in self._arguments or has_keys(book.settings)
        self._changed = threading.Condition()
        self._asked = self._running = self._ending = False
        self._next = clock.monotonic()
        self._last: dict[str, Any] | None = None
        self._thread = threading.Thread(target=self._loop, name="tallybook-sync", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._ending = True
            self._changed.notify_all()
        self._thread.join(_JOIN_SECONDS)  # what was read until then is kept

    def state(self) -> Sync:
        """Return whether a sync can be asked for, whether one runs, and how the last one ended."""
        with self._changed:
            return Sync(self._can, self._running or self._asked, self._last)

    def ask(self) -> None:
        """Have it sync now; one that runs already is what was asked for."""
        if not self._can:
            raise UsageError("No key of an organization is here, so nothing can be read. Set OPENAI_ADMIN_KEY.")
        with self._changed:
            self._asked = not self._running
            self._changed.notify_all()

    def turn(self) -> bool:
        """Sync where that is due; return whether it was."""
        with self._changed:
            is_due = self._every is not None and self._clock.monotonic() >= self._next
            if not is_due and not self._asked:
                return False
            self._asked, self._running = False, True
        try:
            self._sync()
        finally:
            with self._changed:
                self._running = False
                self._next = self._clock.monotonic() + (self._every or 0)
        return True

    def _loop(self) -> None:
        while not self._ending:
            if not self.turn():
                with self._changed:
                    if not self._ending and not self._asked:
                        self._changed.wait(None if self._every is None else _TICK)

    def _sync(self) -> None:
        began, problem = self._clock.now(), None
        try:
            summary = self._book.sync(progress=self._watch, **self._arguments)
            if not summary.ok:
                problem = summary.error or f"{len(summary.failures)} windows failed; the next sync reads them again."
        except _EndedError:
            return
        except TallybookError as exc:
            problem = str(exc)
        except Exception:
            log.exception("a sync failed")
            problem = "A sync failed in a way that was not foreseen; the log has it."
        self._last = {
            "began_at": _text(began),
            "ended_at": _text(self._clock.now()),
            "ok": problem is None,
            "problem": problem,
        }
        if problem:
            self._failed(problem)

    def _watch(self, _progress: object) -> None:
        if self._ending:
            raise _EndedError("The server ends.")


def has_keys(settings: Settings) -> bool:
    """Return whether every organization says where its key is; a command is not run for it."""
    return all(org.key_source != "key_env" or os.environ.get(org.key_env) for org in settings.org)


def routes(syncing: Syncing) -> list[Route]:
    """Return the route by which somebody asks for a sync."""

    async def ask(request: Request) -> Response:
        if not viewer_of(request).sees_all:
            raise ForbiddenError("This token only shows what is held.")
        syncing.ask()
        return Response(ENCODE(syncing.state()), 202, {"Cache-Control": "no-store"}, JSON)

    return [Route("/api/sync", ask, methods=["POST"])]


def _text(moment: dt.datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
