"""Projects, people and keys of the synthetic organization: who came, who left, what was deleted and when."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

from tallybook.emulator.products import DEPARTMENTS, PRODUCTS, Product
from tallybook.emulator.timeline import DAY, HOUR, Timeline, latest

EPOCH = 1_711_471_533
"""When the organization was created: 2024-03-26."""
NEVER = 2**62

_FIRST = (
    *("Ada", "Bo", "Cleo", "Dara", "Eli", "Finn", "Gia", "Hale", "Ivo", "Juno"),
    *("Kit", "Lena", "Milo", "Nia", "Oren", "Pia", "Quin", "Rhea", "Sol", "Tova"),
)
_LAST = ("Alder", "Brook", "Calder", "Dune", "Ember", "Fell", "Grove")
_PURPOSES = ("dev", "notebook", "cli")


@dataclass(frozen=True, slots=True)
class Project:
    """A project; `archived_at` is None while it is active."""

    id: str
    name: str
    product: Product
    created_at: int
    archived_at: int | None


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who has worked in the organization, or will."""

    id: str
    name: str
    email: str
    role: str
    department: str
    added_at: int
    left_at: int

    def present(self, at: int) -> bool:
        """Return whether the directory lists this person at a moment."""
        return self.added_at <= at < self.left_at


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
    deleted_at: int
    access: str
    """`active`, or `inactive` once the owner lost access to the project."""

    def exists(self, at: int) -> bool:
        """Return whether the directory lists this key at a moment; usage of a deleted key stays."""
        return self.created_at <= at < self.deleted_at


@dataclass(frozen=True, slots=True)
class Roster:
    """Everyone and everything that can appear in a dimension, at any time."""

    projects: tuple[Project, ...]
    people: tuple[Person, ...]
    keys: tuple[Key, ...]

    def present(self, at: int) -> tuple[Person, ...]:
        """Return the people in the organization at a moment."""
        return tuple(person for person in self.people if person.present(at))

    def keys_of(self, project: Project, at: int) -> tuple[Key, ...]:
        """Return the keys of `project` that exist at a moment."""
        return tuple(key for key in self.keys if key.project is project and key.exists(at))

    def members(self, project: Project, at: int) -> tuple[Person, ...]:
        """Return the people who own a key of `project` at a moment, each once."""
        owners = {key.person.id: key.person for key in self.keys_of(project, at) if key.person is not None}
        return tuple(owners.values())


def _token(rng: random.Random, length: int = 20) -> str:
    return "".join(rng.choices("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789", k=length))


def _people(rng: random.Random, when: Timeline) -> tuple[Person, ...]:
    """Return everyone, by department; the last to join and the one before, who leaves, are in the largest ones."""
    names = rng.sample([(first, last) for last in _LAST for first in _FIRST], sum(DEPARTMENTS.values()))
    joined = {
        "Shop": when.ago(7, 3),
        "Customer Care": when.ago(4, 14),
        "Engineering": when.ago(1, 5),
        "Operations": when.ago(-1, 4),
    }
    left = {
        "Customer Care": when.ago(9, 15),
        "Marketing": when.ago(5, 28),
        "Engineering": when.ago(2, 20),
        "Data Science": when.ago(-1, 12),
    }
    people: list[Person] = []
    for department, size in DEPARTMENTS.items():
        for place in range(size):
            number = len(people)
            first, last = names[number]
            people.append(
                Person(
                    f"user-{_token(rng, 24)}",
                    f"{first} {last}",
                    f"{first}.{last}@example.com".lower(),
                    "owner" if place == 0 and department in ("Engineering", "Shop", "Finance") else "reader",
                    department,
                    joined.get(department, EPOCH) + 9 * HOUR if place == size - 1 else EPOCH + number * 3 * DAY,
                    left.get(department, NEVER) + 17 * HOUR if place == size - 2 else NEVER,
                )
            )
    return tuple(people)


class _Keys:
    """Makes the keys of all projects."""

    def __init__(self, rng: random.Random, when: Timeline) -> None:
        self.rng = rng
        self.when = when
        self.made: list[Key] = []

    def machine(self, project: Project, name: str, created_at: int, deleted_at: int = NEVER) -> None:
        """Add a key of a service account."""
        account = f"svc_acct_{_token(self.rng, 16)}"
        key = Key(f"key_{_token(self.rng, 16)}", name, project, None, account, created_at, deleted_at, "active")
        self.made.append(key)

    def personal(self, project: Project, person: Person, purpose: str, access: str = "active") -> None:
        """Add a key of a person, made a day after both are there and deleted when the person leaves."""
        created_at = max(project.created_at, person.added_at) + DAY
        name = f"{person.name.split()[0].lower()}-{purpose}"
        key_id = f"key_{_token(self.rng, 16)}"
        self.made.append(Key(key_id, name, project, person, None, created_at, person.left_at, access))


def _keys(rng: random.Random, projects: tuple[Project, ...], people: tuple[Person, ...], when: Timeline) -> _Keys:
    keys = _Keys(rng, when)
    for number, project in enumerate(projects):
        slug = project.name.lower().replace(" ", "-")
        team = [person for person in people if person.department == project.product.department]
        veterans = team[:-1] if len(team) > 3 else team
        # Whoever leaves or has just come works on the department's largest product.
        owners = [*rng.sample(veterans[:-1], 2), veterans[-1]]
        for place, person in enumerate(owners):
            lost = place == 1 and number % 3 == 0
            keys.personal(project, person, _PURPOSES[place], "inactive" if lost else "active")
        _machines(keys, project, slug)
    newcomers = [person for person in people if person.added_at > EPOCH + 365 * DAY]
    largest: Mapping[str, Project] = {p.product.department: p for p in reversed(projects)}
    for person in newcomers:
        keys.personal(largest[person.department], person, "dev")
    return keys


def _machines(keys: _Keys, project: Project, slug: str) -> None:
    when, made = keys.when, project.created_at + 3 * DAY
    keys.machine(project, f"{slug}-staging", made)
    if project.name == "Search assistant":  # rotated: two keys of one name
        changed = when.ago(5, 12, 10)
        keys.machine(project, f"{slug}-prod", made, changed + DAY)
        keys.machine(project, f"{slug}-prod", changed)
        return
    keys.machine(project, f"{slug}-prod", made)
    if project.name == "Code review":
        end = when.runaway[1]
        keys.machine(project, f"{slug}-nightly", when.ago(6, 2, 8), end + 2 * HOUR + 720)
        keys.machine(project, f"{slug}-nightly", end + 5 * HOUR)


def hire(seed: int, when: Timeline) -> Roster:
    """Return the organization's projects, people and keys, the same for a seed and a month wherever it runs."""
    rng = random.Random(f"{seed}/roster")
    projects = tuple(
        Project(
            f"proj_{_token(rng, 24)}",
            product.name,
            product,
            EPOCH + number * DAY,
            latest(*product.archived, when.made) if product.archived else None,
        )
        for number, product in enumerate(PRODUCTS)
    )
    people = _people(rng, when)
    return Roster(projects, people, tuple(_keys(rng, projects, people, when).made))
