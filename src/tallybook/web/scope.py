"""Who looks at the page, and what they may see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tallybook.model.errors import TallybookError

PEOPLE = frozenset({"user", "api_key", "key_owner", "service_account"})
"""The dimensions that name people, or what is theirs; `user_id` and the like count as these."""


class ForbiddenError(TallybookError):
    """The viewer may not see what was asked for."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """What one viewer sees; everything by default."""

    name: str = ""
    where: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Filters that hold besides those of the request: a dimension with its values."""
    people: bool = True
    """Whether users, keys and service accounts may be told apart."""
    orgs: tuple[str, ...] = ()
    """The organizations that may be seen; empty means all."""

    @property
    def sees_all(self) -> bool:
        """Whether nothing of the book is kept from this viewer."""
        return not self.where and not self.orgs and self.people

    def chosen(self, orgs: tuple[str, ...]) -> tuple[str, ...]:
        """Return the organizations to ask, of those named; raises `ForbiddenError` for one that is not seen."""
        for org in orgs if self.orgs else ():
            if org not in self.orgs:
                raise ForbiddenError(f"This token does not show the organization {org!r}.")
        return orgs or self.orgs

    def check(self, dimensions: Iterable[str]) -> None:
        """Raise `ForbiddenError` where dimensions name people and these may not be seen."""
        if named := self.hidden(dimensions):
            raise ForbiddenError(f"This token does not show people, so not by {named}.")

    def hidden(self, dimensions: Iterable[str]) -> str | None:
        """Return one of some dimensions that names people, where these may not be seen."""
        named = {name.removesuffix("_id") for name in dimensions} & PEOPLE
        return min(named) if named and not self.people else None


EVERYONE = Viewer()
"""Who is not limited."""


def viewer_of(request: Any) -> Viewer:
    """Return who asks, as whoever guards the page has said; without a guard, everyone sees everything."""
    found = getattr(request.state, "viewer", None)
    return found if isinstance(found, Viewer) else EVERYONE
