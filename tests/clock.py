"""A clock that moves only when a test says so."""

from __future__ import annotations

import datetime as dt

from tallybook.emulator import VirtualClock


class FakeClock(VirtualClock):
    """A virtual clock that records in `slept` how long somebody wanted to sleep."""

    def __init__(self, now: dt.datetime) -> None:
        super().__init__(now)
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        """Record the wish and let the pretended time pass at once."""
        self.slept.append(seconds)
        super().sleep(seconds)
