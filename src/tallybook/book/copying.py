"""A book into another store."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from tallybook.book.stores import store_of
from tallybook.model.clock import Clock, SystemClock
from tallybook.model.errors import NotABookError, UsageError
from tallybook.store.copying import Copied
from tallybook.store.sql_store import SqlStore

if TYPE_CHECKING:
    from tallybook.collect.summary import Watch


def copy(source: str, target: str, *, clock: Clock | None = None, progress: Watch | None = None) -> Copied:
    """Copy the book at one path or URL to a new one at another, and compare both; goes on where it was cut short.

    The source stays as it is. Raises `UsageError` where the target holds something else.
    """
    from tallybook.collect.summary import Progress
    from tallybook.store.copying import copy as copied

    clock = clock or SystemClock()
    old, new = store_of(source, clock), cast("SqlStore", store_of(target, clock))
    try:
        if old.url == new.url:
            raise UsageError("A book is not copied into itself. Name another.")
        if not old.exists():
            raise NotABookError(f"There is no book at {old.url}. `tallybook sync` creates one.")
        new.migrate()
        with old.opened():
            return copied(old, new, lambda *so_far: progress(Progress("copy", "", *so_far)) if progress else None)
    finally:
        old.close()
        new.close()
