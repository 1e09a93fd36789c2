"""Who is logged in, for how long; and how often somebody may try."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable

from tallybook.book.tokens import digest

Monotonic = Callable[[], float]

SECONDS = 12 * 3600
"""How long a session lives without being used."""
MOST = 1_000
"""Sessions kept at once; the one that was not used for longest goes first."""
TRIES, WITHIN = 10, 300.0
"""How many wrong tokens in how many seconds, from one address."""


class Sessions:
    """Random ids that stand for the tokens with which somebody logged in. Only hashes are kept, of both."""

    def __init__(self, monotonic: Monotonic) -> None:
        self._now = monotonic
        self._held: dict[str, tuple[str, float]] = {}

    def begin(self, token_hash: str) -> str:
        """Return the id of a new session."""
        while len(self._held) >= MOST:
            del self._held[next(iter(self._held))]
        identity = secrets.token_urlsafe(32)
        self._held[digest(identity)] = (token_hash, self._now() + SECONDS)
        return identity

    def token(self, identity: str) -> str | None:
        """Return the hash of the token behind a session that lives, and let it live on."""
        key = digest(identity)
        found = self._held.pop(key, None)
        if found is None or found[1] <= self._now():
            return None
        self._held[key] = (found[0], self._now() + SECONDS)  # now the last that would go
        return found[0]


class Tries:
    """Wrong tokens, counted by the address that they came from."""

    def __init__(self, monotonic: Monotonic) -> None:
        self._now = monotonic
        self._wrong: dict[str, deque[float]] = {}

    def wait(self, peer: str) -> int:
        """Return how many seconds `peer` has to wait before its next try; 0 where it need not."""
        self._forget()
        times = self._wrong.get(peer)
        return int(times[0] + WITHIN - self._now()) + 1 if times and len(times) >= TRIES else 0

    def wrong(self, peer: str) -> None:
        """Count a wrong token."""
        self._wrong.setdefault(peer, deque(maxlen=TRIES)).append(self._now())

    def _forget(self) -> None:
        old = self._now() - WITHIN
        for peer, times in list(self._wrong.items()):
            while times and times[0] <= old:
                times.popleft()
            if not times:
                del self._wrong[peer]
