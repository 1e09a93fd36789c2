"""Projects, people and keys of the synthetic organization, the same for a seed wherever it runs."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass

EPOCH = 1_711_471_533
"""When the organization was created: 2024-03-26."""

_PROJECTS = (
    "Search assistant",
    "Support desk",
    "Checkout copilot",
    "Document intake",
    "Sales briefs",
    "Localisation",
    "Code review",
    "Voice line",
    "Catalogue images",
    "Research",
    "Onboarding pilot",
    "Summer campaign",
)
_ARCHIVED = {"Onboarding pilot": (4, 1), "Summer campaign": (9, 1)}
"""Archived projects and the day of the year on which it happened."""
_FIRST = (
    *("Ada", "Bo", "Cleo", "Dara", "Eli", "Finn", "Gia", "Hale", "Ivo", "Juno"),
    *("Kit", "Lena", "Milo", "Nia", "Oren", "Pia", "Quin", "Rhea", "Sol", "Tova"),
)
_LAST = ("Alder", "Brook", "Calder", "Dune", "Ember", "Fell", "Grove")


@dataclass(frozen=True, slots=True)
class Project:
    """A project; `archived_at` is None while it is active."""

    id: str
    name: str
    created_at: int
    archived_at: int | None


@dataclass(frozen=True, slots=True)
class Person:
    """A member of the organization."""

    id: str
    name: str
    email: str
    role: str
    added_at: int


@dataclass(frozen=True, slots=True)
class Key:
    """An API key of a project, owned by a person or by a service account."""

    id: str
    name: str
    project: Project
    person: Person | None
    """None for a service account's key."""
    service_account: str | None
    created_at: int
    access: str
    """`active`, or `inactive` once the owner lost access to the project."""
    deleted: bool
    """True when it has usage but is in no list any more."""


@dataclass(frozen=True, slots=True)
class Roster:
    """Everyone and everything that can appear in a dimension."""

    projects: tuple[Project, ...]
    people: tuple[Person, ...]
    keys: tuple[Key, ...]

    def members(self, project: Project) -> tuple[Person, ...]:
        """Return the people who own a key of `project`, each once."""
        owners = {k.person.id: k.person for k in self.keys if k.project is project and k.person is not None}
        return tuple(owners.values())

    def keys_of(self, project: Project) -> tuple[Key, ...]:
        """Return the keys of `project` that still exist."""
        return tuple(key for key in self.keys if key.project is project and not key.deleted)


def _token(rng: random.Random, length: int = 20) -> str:
    return "".join(rng.choices("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789", k=length))


def _latest(month: int, day: int, before: dt.datetime) -> int:
    """Return the last such day that lies at least 30 days before `before`: it moves once a year only."""
    limit = before - dt.timedelta(days=30)
    moment = dt.datetime(limit.year, month, day, tzinfo=dt.UTC)
    if moment > limit:
        moment = moment.replace(year=limit.year - 1)
    return int(moment.timestamp())


def _people(rng: random.Random) -> tuple[Person, ...]:
    pairs = [(first, last) for last in _LAST for first in _FIRST]
    chosen = rng.sample(pairs, 40)
    return tuple(
        Person(
            f"user-{_token(rng, 24)}",
            f"{first} {last}",
            f"{first}.{last}@example.com".lower(),
            "owner" if number < 3 else "reader",
            EPOCH + number * 86_400 * 3,
        )
        for number, (first, last) in enumerate(chosen)
    )


def _keys(rng: random.Random, projects: tuple[Project, ...], people: tuple[Person, ...]) -> tuple[Key, ...]:
    keys: list[Key] = []
    for number, project in enumerate(projects):
        owners = rng.sample(people, 4)
        # Three people's keys and two service accounts' in every project: 60 keys.
        for place in range(5):
            person = owners[place] if place < 3 else None
            account = None if person else f"svc_acct_{_token(rng, 16)}"
            owner = person.name if person else f"{project.name} service {place - 2}"
            keys.append(
                Key(
                    f"key_{_token(rng, 16)}",
                    f"{owner} key",
                    project,
                    person,
                    account,
                    project.created_at + place * 86_400,
                    "inactive" if place == 2 and number % 3 == 0 else "active",
                    number == 1 and place == 1,
                )
            )
    return tuple(keys)


def hire(seed: int, now: dt.datetime) -> Roster:
    """Return the organization's projects, people and keys."""
    rng = random.Random(f"{seed}/roster")
    projects = tuple(
        Project(
            f"proj_{_token(rng, 24)}",
            name,
            EPOCH + number * 86_400,
            _latest(*_ARCHIVED[name], now) if name in _ARCHIVED else None,
        )
        for number, name in enumerate(_PROJECTS)
    )
    people = _people(rng)
    return Roster(projects, people, _keys(rng, projects, people))
