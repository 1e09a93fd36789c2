"""What the API answers with: the JSON, and by that its schema."""

from __future__ import annotations

from typing import Any

import msgspec

Value = str | int | float | None
"""Money, and counts beyond 2^53, as text with all digits; other numbers as they are; null is not known."""


class Unit(msgspec.Struct, frozen=True):
    """A metric of an answer."""

    name: str
    title: str
    unit: str
    kind: str
    says: str
    """What the number is, in a few words."""
    good: str
    """`up`, `down` or `neutral`: which way is good news."""


class Times(msgspec.Struct, frozen=True):
    """The slots of time of an answer, one entry for each."""

    start: list[int]
    """Unix seconds, inclusive; `end` is exclusive."""
    end: list[int]
    label: list[str]
    """What clocks of the zone show at its start."""


class Group(msgspec.Struct, frozen=True):
    """One group of an answer; a word in brackets and `Other` have no key."""

    key: list[str | None]
    label: list[str]
    currency: str | None
    word: str | None
    color: int | None
    """Its place among all that the book has of the dimension, so that a filter never changes its colour."""


class Whole(msgspec.Struct, frozen=True, omit_defaults=True):
    """Everything together, of one currency."""

    currency: str | None
    value: Value
    previous: Value | msgspec.UnsetType = msgspec.UNSET
    compared: Value | msgspec.UnsetType = msgspec.UNSET
    """The part of `value` that `previous` is to be compared with; it lacks what has not ended yet."""


class Dense(msgspec.Struct, frozen=True):
    """An answer in columns: per metric and group one value for each slot of time."""

    query: dict[str, Any]
    range: dict[str, str]
    comparison: str | None
    coverage: dict[str, Any]
    notes: list[str]
    metrics: list[Unit]
    time: Times
    status: list[str]
    """Per slot: stable, provisional, open or missing."""
    groups: list[Group]
    values: dict[str, list[list[Value]]]
    overall: dict[str, list[Value]]
    """Per metric and group, over the whole range."""
    whole: dict[str, list[Whole]]
    previous: dict[str, list[list[Value]]] | msgspec.UnsetType = msgspec.UNSET
    overall_previous: dict[str, list[Value]] | msgspec.UnsetType = msgspec.UNSET
    overall_compared: dict[str, list[Value]] | msgspec.UnsetType = msgspec.UNSET
    """The part of `overall` that `overall_previous` is to be compared with."""


class Column(msgspec.Struct, frozen=True):
    """A column of a table."""

    name: str
    title: str
    unit: str | None
    dimension: bool = False


class Table(msgspec.Struct, frozen=True):
    """Rows to be read one by one."""

    columns: list[Column]
    rows: list[list[Value]]
    total: int
    """How many rows there are; `rows` has the first of them."""


class Fact(msgspec.Struct, frozen=True):
    """A label and its value."""

    label: str
    value: Value
    unit: str | None = None
    tone: str | None = None
    """`good`, `warn` or `bad` where it is news."""


class Heat(msgspec.Struct, frozen=True):
    """Rows of cells, each of one of the states."""

    rows: list[str]
    label: list[str]
    """One for each cell of a row."""
    states: list[str]
    cells: list[list[int]]
    """Per row and cell, the index of its state."""
    why: list[list[str]]
    """Per row and cell, why it is so, where that is known."""


class Choice(msgspec.Struct, frozen=True):
    """Something to choose; what cannot be chosen says why."""

    name: str
    title: str
    unit: str = ""
    ok: bool = True
    why: str | None = None


class Option(msgspec.Struct, frozen=True):
    """A value of a dimension; `share` is its part of the largest metric's total."""

    id: str
    label: str
    color: int | None
    share: float | None


class Options(msgspec.Struct, frozen=True):
    """The values of a dimension, the largest first."""

    values: list[Option]


class Problem(msgspec.Struct, frozen=True):
    """What went wrong, as RFC 9457 has it, with the nearest alternatives."""

    type: str
    title: str
    status: int
    detail: str
    nearest: list[str] = []


class Panel(msgspec.Struct, frozen=True):
    """A titled answer and how it is drawn."""

    id: str
    title: str
    mark: str
    width: str
    says: str
    query: str
    """The words that ask for the same."""
    data: Any
    """`Dense`, `Table`, `Heat`, a list of `Fact` or of texts, as the mark needs; null where there is a problem."""
    problem: Problem | None


class Tab(msgspec.Struct, frozen=True):
    """A page of panels."""

    id: str
    title: str


class State(msgspec.Struct, frozen=True):
    """What the words of an address mean now."""

    metric: list[str]
    by: list[str]
    grain: str
    range: dict[str, str]
    tz: str
    compare: str | None
    where: list[str]
    words: str


class Zones(msgspec.Struct, frozen=True):
    """Whether another time zone can be chosen, or why not."""

    ok: bool
    why: str | None = None


class Choices(msgspec.Struct, frozen=True):
    """What the page offers."""

    metrics: list[Choice]
    by: list[Choice]
    grains: list[Choice]
    tz: Zones
    orgs: list[str]


class Note(msgspec.Struct, frozen=True):
    """A remark at a moment of the axis."""

    time: int
    text: str
    id: str = ""


class Notes(msgspec.Struct, frozen=True):
    """All notes, the earliest first."""

    notes: list[Note]


class NewNote(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A note to be written."""

    date: str
    """A day, or a moment."""
    text: str


class Sync(msgspec.Struct, frozen=True):
    """Whether new data can be asked for here, and how the last sync ended."""

    can: bool = False
    running: bool = False
    last: dict[str, Any] | None = None


class Empty(msgspec.Struct, frozen=True):
    """What to do where there is nothing to show."""

    title: str
    text: str
    command: str | None = None


class Board(msgspec.Struct, frozen=True):
    """All panels of a tab for one state."""

    version: str
    now: int
    as_of: int | None
    tab: str
    tabs: list[Tab]
    state: State
    choices: Choices
    panels: list[Panel]
    notes: list[Note]
    sync: Sync
    empty: Empty | None
