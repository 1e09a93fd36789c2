"""Whose key it is: an organization is who its projects say it is.

No two organizations share a project. So one project that is held proves whose the key is, and a list without any that
is held, that it is somebody else's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pyarrow.compute as pc

from tallybook.collect.http import Http
from tallybook.collect.lists import by_last_id, follow
from tallybook.collect.refusals import Ask, ask
from tallybook.model.datasets import DATASETS, REACH
from tallybook.model.errors import AuthenticationError, ProviderError, WrongOrganizationError
from tallybook.model.windows import DAY, Window, cut

Ids = set[str]


@dataclass(slots=True)
class Identity:
    """Lets nothing be written of a key before it is known to be of the organization that the book holds as `org`."""

    http: Http
    org: str
    held: Callable[[], Mapping[str, Ids]]
    """Gives the ids of projects that the book holds, by organization."""
    may_list: bool = True
    """Whether the list of projects may be asked for; it is not where no directory is wanted."""
    known: bool = False
    error: WrongOrganizationError | None = None
    """Why nothing is to be written."""
    told: Ids | None = None
    """What the API said when it was asked."""

    def check(self, met: Ids, now: int) -> None:
        """Raise `WrongOrganizationError` where the key is of another one, or `org` is a new name for one that is held.

        `met` are ids of projects that were read with the key. Only where these do not tell, the API is asked, once.
        """
        if self.error is None and not self.known:
            self._judge(met, now)
        if self.error is not None:
            raise self.error

    def _judge(self, met: Ids, now: int) -> None:
        held = self.held()
        own = held.get(self.org, set())
        others = {i: name for name, ids in held.items() if name != self.org for i in ids}
        proof = own or others.keys()
        ids = met
        if proof and not met & proof:
            self.told = (self._listed() or _billed(self.http, now)) if self.told is None else self.told
            ids = met | self.told
        holder = next((others[i] for i in sorted(ids) if i in others), None)
        if own and ids and not ids & own:
            self.error = WrongOrganizationError(_another(self.org, ids, own, holder))
        elif holder and not own:
            self.error = WrongOrganizationError(_new(self.org, holder))
        # Where there is no project at all, nothing can be taken for somebody else's, and the next read may tell.
        self.known = self.error is None and bool(ids or not proof)

    def _listed(self) -> Ids:
        """Return the organization's projects, or none where they may not be listed."""
        if not self.may_list:
            return set()
        query = [("include_archived", "true"), ("limit", "100")]
        try:
            found = follow(self.http, "projects", "organization/projects", query, by_last_id)
        except AuthenticationError:
            raise
        except ProviderError:
            return set()
        return {str(project["id"]) for project in found}


def _new(org: str, holder: str) -> str:
    return (
        f"{org!r} is new in this book, but its projects are held as {holder!r} already; nothing was written. To go on "
        f"under the new name type: tallybook org rename {holder} {org}. If they are two organizations, {org!r} has the "
        "wrong key."
    )


def _another(org: str, ids: Ids, own: Ids, holder: str | None) -> str:
    if holder:
        return (
            f"The key of {org!r} is of the organization that this book holds as {holder!r}; nothing was written. Put "
            "the keys in the settings right."
        )
    return (
        f"The key of {org!r} is of another organization: none of its {len(ids)} projects is among the {len(own)} that "
        f"this book holds as {org!r}; nothing was written. Put the key right, or give the other organization an "
        "[[org]] with a name of its own."
    )


def _billed(http: Http, now: int) -> Ids:
    """Return the projects that the organization has costs of, in the year that the API gives."""
    end = now // DAY * DAY
    costs = DATASETS["costs"]
    found: Ids = set()
    for window in cut(Window(end - REACH, end, "1d"), costs.limit("1d")):
        for got in ask(http, Ask(costs, window, ("project_id",)), now=now).reads:
            found.update(i for i in pc.unique(got.rows["project_id"]).to_pylist() if i)
    return found
