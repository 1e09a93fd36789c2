"""What a picture shows: panels of one unit each, with series over slots; and what is folded into Other. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from tallybook.query.words import OTHER

Number = Decimal | int | float
Role = Literal["plain", "other", "word"]
State = Literal["stable", "provisional", "missing"]
_ORDER: tuple[Role, ...] = ("plain", "other", "word")


@dataclass(frozen=True, slots=True)
class Entity:
    """Something that has numbers: a project, a model, a metric, or what is left."""

    key: str
    """Its id, or its name where it has none; what its colour follows."""
    label: str
    role: Role = "plain"
    """`other` is what was folded together, `word` what the provider names nothing for, such as `(none)`."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A place along the axis: a stretch of time, an entity, or the whole."""

    entity: Entity | None = None
    start: dt.datetime | None = None
    end: dt.datetime | None = None
    state: State = "stable"


@dataclass(frozen=True, slots=True)
class Series:
    """The numbers of an entity, slot by slot."""

    entity: Entity
    values: tuple[Number | None, ...]
    """None is not known."""
    previous: tuple[Number | None, ...] = ()
    """The same of the range that was compared with."""
    total: Number | None = None
    """Of the whole range; None where it is not known, as with a ratio whose parts are not here."""
    before: Number | None = None
    """The same of the range that was compared with."""
    members: tuple[Series, ...] = ()
    """What was folded together, the largest first."""

    @property
    def size(self) -> Decimal:
        """What ranks it."""
        if self.total is not None:
            return abs(Decimal(self.total))
        return max((abs(Decimal(v)) for v in self.values if v is not None), default=Decimal(0))


@dataclass(frozen=True, slots=True)
class Panel:
    """What shares an axis of numbers: one unit, one currency."""

    metrics: tuple[str, ...]
    unit: str
    currency: str | None
    adds_up: bool
    """Whether the parts of a slot add up to it."""
    grain: str
    slots: tuple[Slot, ...]
    series: tuple[Series, ...]
    dimension: str | None = None
    """What the colours of its series follow; None for metrics, and for pairs."""
    axis: str | None = None
    """The dimension along its axis, where that is not time."""
    is_ordered: bool = False
    """Whether its series have an order of their own, such as hours, and none is folded."""
    is_axis_ordered: bool = False
    """The same of its slots."""
    total: Number | None = None
    """Everything together over the whole range."""
    left_out: int = 0
    """How many series are not shown because such numbers cannot be added up to Other."""

    @property
    def is_compared(self) -> bool:
        """Whether there is something to compare with."""
        return any(v is not None for s in self.series for v in s.previous)


def added(values: Iterable[Number | None]) -> Number | None:
    """Return the sum of what is known, exactly; None where nothing is."""
    known = [v for v in values if v is not None]
    if not known:
        return None
    if all(isinstance(v, int) for v in known):
        return sum(known)
    return sum((v if isinstance(v, Decimal) else Decimal(v) for v in known), Decimal(0))


def ordered(series: Iterable[Series]) -> tuple[Series, ...]:
    """Return series with the largest first, then Other, then what the provider names nothing for."""
    return tuple(sorted(series, key=lambda s: (_ORDER.index(s.entity.role), -s.size, s.entity.label)))


def folded(panel: Panel, top: int) -> Panel:
    """Return a panel with the `top` largest series; the rest is Other, or left out where it cannot be added up."""
    plain = [s for s in panel.series if s.entity.role == "plain"]
    few = [] if panel.is_ordered else plain[top:]
    if len(few) < 2 and not (few and not panel.adds_up):
        return panel  # a single one keeps its name
    if not panel.adds_up:
        kept = tuple(s for s in panel.series if s not in few)
        return replace(panel, series=kept, left_out=panel.left_out + len(few))
    return replace(panel, series=with_other(panel.series, few))


def with_other(series: Sequence[Series], few: Sequence[Series]) -> tuple[Series, ...]:
    """Return series of which `few` are one, together with what was Other before."""
    names = {s.entity for s in few}
    before = [s for s in series if s.entity.role == "other"]
    kept = [s for s in series if s.entity not in names and s.entity.role != "other"]
    parts = [*before, *few]
    label = f"{OTHER} ({len(few)})" if not before else OTHER
    rest = Series(
        Entity(OTHER, label, "other"),
        tuple(map(added, zip(*(s.values for s in parts), strict=True))),
        tuple(map(added, zip(*(s.previous for s in parts), strict=True))) if any(s.previous for s in parts) else (),
        added(s.total for s in parts),
        added(s.before for s in parts),
        ordered(few),
    )
    return ordered([*kept, rest])


def folded_slots(panel: Panel, top: int) -> Panel:
    """Return a panel with the `top` largest slots along an axis of entities; the rest is Other where it adds up."""
    if panel.is_axis_ordered or panel.axis is None:
        return panel
    roles = [slot.entity.role if slot.entity else "plain" for slot in panel.slots]
    sizes = [sum(abs(Decimal(s.values[i] or 0)) for s in panel.series) for i in range(len(panel.slots))]
    plain = sorted((i for i, role in enumerate(roles) if role == "plain"), key=lambda i: -sizes[i])
    kept, few = plain[:top], plain[top:]
    before = [i for i, role in enumerate(roles) if role == "other"]
    words = [i for i, role in enumerate(roles) if role == "word"]
    if len(few) == 1 or not panel.adds_up:
        few = few if not panel.adds_up else []
        order = sorted({*plain, *before, *words} - {*few}, key=lambda i: (_ORDER.index(roles[i]), -sizes[i]))
        return _regrouped(panel, [(panel.slots[i], [i]) for i in order], left_out=len(few))
    label = OTHER if before or not few else f"{OTHER} ({len(few)})"
    other = [(Slot(Entity(OTHER, label, "other")), [*before, *few])] if before or few else []
    return _regrouped(panel, [*((panel.slots[i], [i]) for i in kept), *other, *((panel.slots[i], [i]) for i in words)])


def _regrouped(panel: Panel, groups: Sequence[tuple[Slot, Sequence[int]]], left_out: int = 0) -> Panel:
    """Return a panel whose slots are groups of what were its slots."""

    def at(values: Sequence[Number | None]) -> tuple[Number | None, ...]:
        return tuple(added(values[i] for i in which) for _, which in groups) if values else ()

    series = tuple(replace(s, values=at(s.values), previous=at(s.previous)) for s in panel.series)
    slots = tuple(slot for slot, _ in groups)
    return replace(panel, slots=slots, series=series, left_out=panel.left_out + left_out)
