"""A clock that moves only when a test says so."""

from __future__ import annotations

import datetime as dt
import threading


class FakeClock:
    """Implements `tallybook.model.clock.Clock`; sleeping takes no time and is recorded in `slept`."""

    def __init__(self, now: dt.datetime) -> None:
        if now.tzinfo is None:
            msg = "FakeClock needs an aware datetime"
            raise ValueError(msg)
        self._now = now.astimezone(dt.UTC)
        self._monotonic = 1_000.0
        self.slept: list[float] = []
        self._lock = threading.Lock()

    def now(self) -> dt.datetime:
        """Return the pretended moment, aware, in UTC."""
        return self._now

    def monotonic(self) -> float:
        """Return the pretended stopwatch."""
        return self._monotonic

    def sleep(self, seconds: float) -> None:
        """Record the wish and let the pretended time pass at once."""
        self.slept.append(seconds)
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
