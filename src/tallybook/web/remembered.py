"""A store that knows what it has read before, for as long as what is held does not change."""

from __future__ import annotations

import datetime as dt
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from copy import copy
from typing import Any, TypeVar, cast

import pyarrow as pa

from tallybook.book import Book
from tallybook.model.coverage import Run
from tallybook.store.base import Store

_MOST = 256
_LARGEST = 4 << 20
"""Larger answers are read again."""
Found = TypeVar("Found")


class Recent:
    """What was found lately, by key; safe to use from several threads."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.Lock()

    def get(
        self, key: Hashable, find: Callable[[], Found], *, keeps: Callable[[Found], bool] = lambda _: True
    ) -> Found:
        """Return what is kept under a key, or find it, and keep it where that is worth it."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return cast("Found", self._kept[key])
        found = find()
        if not keeps(found):
            return found
        with self._lock:
            self._kept[key] = found
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return found


class Remembered:
    """A store whose small answers are kept in memory under its version; all else is the store's own."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._recent = Recent()
        self._version = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def look(self) -> str:
        """Return the version of what is held now; from here on, what was read of another one is read again."""
        self._version = self._store.version()
        return self._version

    def version(self) -> str:
        """Return the version that was seen at the last look, which may cost a question to a server."""
        return self._version or self.look()

    def read(self, text: str, params: Sequence[Any] = ()) -> pa.Table:
        """Return the answer to one statement with bound values."""
        key = (self.version(), text, tuple(params))
        return self._recent.get(key, lambda: self._store.read(text, params), keeps=lambda t: t.nbytes <= _LARGEST)

    def coverage(self, org: str, datasets: Iterable[str], as_of: dt.datetime | None = None) -> dict[str, list[Run]]:
        """Return what is held, or was held as of a moment, per dataset, in order."""
        names = tuple(datasets)
        key = (self.version(), "coverage", org, names, as_of)
        return dict(self._recent.get(key, lambda: self._store.coverage(org, names, as_of)))

    def rows(
        self, table: str, where: Mapping[str, Any] | None = None, as_of: dt.datetime | None = None
    ) -> list[dict[str, Any]]:
        """Return rows of a small table of state."""
        key = (self.version(), "rows", table, tuple((where or {}).items()), as_of)
        return list(self._recent.get(key, lambda: self._store.rows(table, where, as_of)))


def remembering(book: Book) -> tuple[Book, Remembered]:
    """Return the same book, reading what did not change from memory, and the store that does so."""
    found, store = copy(book), Remembered(book.store)
    found.store = cast("Store", store)
    return found, store
