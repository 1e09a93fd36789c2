"""A clock for tests: it stands still until it is told to move."""

from __future__ import annotations

import datetime as dt
import threading


class VirtualClock:
    """Implements `tallybook.model.clock.Clock`; sleeping takes no time. Safe to share between threads."""

    def __init__(self, now: dt.datetime) -> None:
        """Start at `now`, which must be aware."""
        if now.tzinfo is None:
            msg = "a clock needs an aware datetime, such as datetime(2026, 11, 23, tzinfo=UTC)"
            raise ValueError(msg)
        self._now = now.astimezone(dt.UTC)
        self._monotonic = 1_000.0
        self._lock = threading.Lock()

    def now(self) -> dt.datetime:
        """Return the pretended moment, aware, in UTC."""
        return self._now

    def monotonic(self) -> float:
        """Return the pretended stopwatch."""
        return self._monotonic

    def sleep(self, seconds: float) -> None:
        """Let the pretended time pass at once."""
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass."""
        with self._lock:
            self._now += dt.timedelta(seconds=seconds)
            self._monotonic += seconds

    def jump(self, seconds: float) -> None:
        """Set the clock on the wall forward or back; the stopwatch does not notice."""
        with self._lock:
            self._now += dt.timedelta(seconds=seconds)
