"""Answers that were given: compressed, by data version and request, the least recently used thrown away first."""

from __future__ import annotations

import gzip
import hashlib
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

_MOST_BYTES = 32 << 20
_LEVEL = 1
"""62 KB instead of 151 at 2 ms; higher levels save little."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as it is sent."""

    body: bytes
    """Compressed."""
    media_type: str
    etag: str

    def plain(self) -> bytes:
        """Return it for whoever takes nothing compressed."""
        return gzip.decompress(self.body)


class Answers:
    """What is kept; safe to use from several threads, and an answer wanted by several is made once."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most = most_bytes
        self._size = 0
        self._kept: OrderedDict[Hashable, Kept] = OrderedDict()
        self._making: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()
        self._own = secrets.token_hex(4)
        """Another server may answer otherwise: other settings, another version."""

    def etag(self, key: Hashable) -> str:
        """Return what tells an answer from others."""
        return f'"{hashlib.blake2b(repr((self._own, key)).encode(), digest_size=12).hexdigest()}"'

    def get(self, key: Hashable, make: Callable[[], tuple[bytes, str]]) -> Kept:
        """Return the answer to a request, made by `make` where it is not kept."""
        with self._lock:
            if (found := self._found(key)) is not None:
                return found
            making = self._making.setdefault(key, threading.Lock())
        with making:
            try:
                with self._lock:
                    if (found := self._found(key)) is not None:
                        return found
                body, media_type = make()
                made = Kept(gzip.compress(body, _LEVEL, mtime=0), media_type, self.etag(key))
                with self._lock:
                    self._keep(key, made)
                return made
            finally:
                with self._lock:
                    self._making.pop(key, None)

    def _found(self, key: Hashable) -> Kept | None:
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def _keep(self, key: Hashable, made: Kept) -> None:
        if (before := self._kept.pop(key, None)) is not None:
            self._size -= len(before.body)
        self._kept[key] = made
        self._size += len(made.body)
        while self._size > self._most and len(self._kept) > 1:
            _, gone = self._kept.popitem(last=False)
            self._size -= len(gone.body)
