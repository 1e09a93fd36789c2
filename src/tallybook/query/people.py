"""People that a book knows, by id, e-mail or name, in all versions of its directory."""

from __future__ import annotations

from dataclasses import dataclass, field

from tallybook.model.errors import UsageError, near
from tallybook.store.base import Store

_USERS = "SELECT id, name, email FROM internal.directory WHERE kind = 'user' ORDER BY last_seen DESC"
_FACTS = ("usage", "internal.usage_history", "internal.cost_splits", "internal.cost_splits_history")
_MET = " UNION ".join(f"SELECT user_id AS id FROM {table} WHERE user_id IS NOT NULL" for table in _FACTS)


@dataclass(frozen=True, slots=True)
class Person:
    """One user with all that was ever known of them."""

    id: str
    names: list[str] = field(default_factory=list)
    """The newest first, as are the e-mails."""
    emails: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """Say id, newest name and e-mail."""
        known = ", ".join([*self.names[:1], *self.emails[:1]])
        return f"{self.id} ({known})" if known else self.id


def people(store: Store) -> dict[str, Person]:
    """Return everyone whom the book knows, in any of its organizations, by id."""
    found: dict[str, Person] = {}
    for row in store.read(_USERS).to_pylist():
        person = found.setdefault(row["id"], Person(row["id"]))
        for value, known in ((row["name"], person.names), (row["email"], person.emails)):
            if value and value not in known:
                known.append(value)
    for row in store.read(_MET).to_pylist():
        found.setdefault(row["id"], Person(row["id"]))
    return found


def find(store: Store, text: str) -> Person:
    """Return the user whose id, e-mail or name this is, in any case.

    Raises `UsageError` where there is none, and with the ids where there are several.
    """
    known = people(store)
    if text in known:
        return known[text]
    wanted = text.casefold()
    found = [p for p in known.values() if wanted in map(str.casefold, [*p.names, *p.emails])]
    if not found:
        words = [name for p in known.values() for name in (p.id, *p.names, *p.emails)]
        raise UsageError(f"No user has the id, e-mail or name {text!r}. {near(text, words)}".rstrip())
    if len(found) > 1:
        ids = ", ".join(sorted(p.id for p in found))
        raise UsageError(f"{len(found)} users are called {text!r}: {ids}. Say which one by the id.")
    return found[0]
