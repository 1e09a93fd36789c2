"""Whose the rows of a frame are: values of its columns to ids of the book. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tallybook.model.errors import UsageError, near
from tallybook.query.labels import Identity
from tallybook.query.own.teams import Ids


@dataclass(frozen=True, slots=True)
class Record:
    """One row of a frame."""

    place: str
    """For people: `orders.csv, line 4`, `row 3`."""
    time: Any
    amount: Any
    values: Mapping[str, Any]
    """By dimension."""


class Resolver:
    """Values of dimensions to what is stored, each different one once."""

    def __init__(self, ids: Ids, by: Mapping[str, str]) -> None:
        self.ids, self.by = ids, by
        self.orgs = {org for known in ids.values() for org, _ in known}
        self.found: dict[tuple[str, Any], list[Identity]] = {}

    def values(self, record: Record) -> tuple[str | None, ...]:
        """Return the organization, then the value of every other dimension in order."""
        orgs: set[str] = set()
        out: list[str | None] = []
        said = self._text(record.values.get("org"))
        if said is not None:
            if said not in self.orgs:
                raise UsageError(f"{self._place(record, 'org')}: there is no organization {said!r} in the book.")
            orgs.add(said)
        for name in self.by:
            if name != "org":
                org, value = self._value(name, record, said)
                orgs |= {org} if org is not None else set()
                out.append(value)
        if len(orgs) > 1:
            raise UsageError(
                f"{record.place}: its ids belong to different organizations, {' and '.join(sorted(orgs))}."
            )
        return (orgs.pop() if orgs else None, *out)

    def _value(self, name: str, record: Record, org: str | None) -> tuple[str | None, str | None]:
        text = self._text(record.values.get(name))
        if text is None or not self.ids.get(name):
            return None, text
        found = [identity for identity in self._ids(name, text) if org in (None, identity[0])]
        if not found:
            words = [text for names in self.ids[name].values() for text in names]
            why = near(text, words) or "Run `tallybook sync` if it is new."
            raise UsageError(f"{self._place(record, name)}: the book knows no {name} {text!r}. {why}")
        if len(found) > 1:
            each = ", ".join(sorted(f"{i} of {o}" if len(self.orgs) > 1 else i for o, i in found))
            raise UsageError(f"{self._place(record, name)}: {text!r} may be {each}. Write the id.")
        return found[0]

    def _ids(self, name: str, text: str) -> list[Identity]:
        key = (name, text)
        if key not in self.found:
            known = self.ids[name]
            exact = [identity for identity in known if identity[1] == text]
            self.found[key] = exact or [identity for identity, names in known.items() if text in names]
        return self.found[key]

    def _place(self, record: Record, name: str) -> str:
        return f"{record.place}, column {self.by[name]}"

    @staticmethod
    def _text(value: Any) -> str | None:
        return None if value is None or value == "" else str(value)
