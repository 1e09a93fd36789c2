"""Finding a person, and forgetting them while no sync runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack

from tallybook.collect import forget as erasing
from tallybook.model.clock import Clock
from tallybook.query.people import Person, find
from tallybook.store.base import Store


def forget(
    store: Store, orgs: Iterable[str], user: str, clock: Clock, confirm: Callable[[Person], bool] | None
) -> erasing.Forgetting | None:
    """Erase `user` from all organizations of a book; see `Book.forget`."""
    person = find(store, user)
    if confirm is not None and not confirm(person):
        return None
    with ExitStack() as locks:
        for org in sorted({*orgs, *(row["org"] for row in store.rows("orgs"))}):
            locks.enter_context(store.syncing(org))
        return erasing.forget(store, person.id, person.names, person.emails, clock.now().replace(tzinfo=None))
