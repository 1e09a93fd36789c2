"""Which token opens what: the owner's, and those that the book keeps."""

from __future__ import annotations

import hmac
import threading
from contextlib import suppress
from dataclasses import dataclass

from tallybook.book import Book
from tallybook.book.tokens import Token, tokens, used
from tallybook.model.errors import StoreError
from tallybook.web.scope import EVERYONE, Viewer


@dataclass(frozen=True, slots=True)
class Pass:
    """What somebody may see."""

    viewer: Viewer = EVERYONE
    feed: str | None = None
    """The one feed that may be read, and nothing else."""

    def opens(self, path: str) -> bool:
        """Return whether it is good for a path."""
        return self.feed is None or path in {f"/feeds/{self.feed}.csv", f"/feeds/{self.feed}.json"}


class Doors:
    """Looks tokens up by their hash, in the book as it is now: what was revoked is closed at once."""

    def __init__(self, book: Book, owner: str | None) -> None:
        self._book, self._owner = book, owner
        self._lock = threading.Lock()
        self._seen: tuple[str, list[Token]] = ("", [])

    def pass_of(self, token_hash: str) -> Pass | None:
        """Return what the token with this hash opens; None where there is none, or it has expired.

        Raises `StoreError` where the book cannot be read.
        """
        if self._owner is not None and hmac.compare_digest(self._owner, token_hash):
            return Pass()
        now = self._book.now().replace(tzinfo=None)
        for token in self._tokens():
            if hmac.compare_digest(token.hash, token_hash) and token.holds(now):
                with suppress(StoreError):  # it is not worth refusing somebody
                    used(self._book.store, token, now)
                viewer = Viewer(token.name, tuple(token.where.items()), token.people, token.orgs)
                return Pass(viewer, token.feed)
        return None

    def _tokens(self) -> list[Token]:
        version = self._book.store.version()
        with self._lock:
            if self._seen[0] != version:
                # As of before they are read: what is written meanwhile has another version.
                self._seen = (version, tokens(self._book.store))
            return self._seen[1]
