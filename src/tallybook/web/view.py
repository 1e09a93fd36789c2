"""What the words of an address mean for the page: its range, its grain, and what else can be chosen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from tallybook.model.errors import UnknownNameError
from tallybook.model.windows import DAY, SECONDS
from tallybook.query.clocks.axis import GRAINS
from tallybook.query.clocks.time import Range
from tallybook.query.metrics import Metric
from tallybook.query.question import can_tell
from tallybook.web.desk import Desk
from tallybook.web.naming import title
from tallybook.web.panels import TabRow, tabs_of
from tallybook.web.scope import PEOPLE
from tallybook.web.shapes import Choice, Choices, State, Zones
from tallybook.web.words import NO_COMPARISON, Asked

DEFAULT_RANGE = ("last", "28d")
_HOUR = 3600
_AUTO = ((6 * _HOUR, "minute"), (8 * DAY, "hour"), (92 * DAY, "day"), (400 * DAY, "week"))
"""Up to which length of range which grain is chosen; by month beyond."""
_LENGTHS = {"minute": 60, "hour": _HOUR, "day": DAY, "week": 7 * DAY, "month": 28 * DAY, "quarter": 90 * DAY}
_MOST_SLOTS = 1_500
"""More slots than that are wider than any screen."""
_COMMON = (
    "cost", "requests", "tokens", "input_tokens", "input_cached_tokens", "output_tokens", "cache_hit_rate",
    "active_users", "active_api_keys", "active_projects", "active_models", "cost_per_request",
)  # fmt: skip
"""What most people look at; the rest follows."""


@dataclass(frozen=True)
class View:
    """A tab in one state."""

    tab: TabRow
    asked: Asked
    """With everything said that an address may leave out, but the grain."""
    desk: Desk

    @cached_property
    def span(self) -> Range:
        """The range of the page."""
        return self.desk.span(self.asked)

    @cached_property
    def metrics(self) -> list[Metric]:
        """What is asked for."""
        return [self.desk.metric(name) for name in self.asked.metrics]

    @cached_property
    def grain(self) -> str:
        """By which time the page shows what its address asks for."""
        return self.grain_of(self.metrics)

    @cached_property
    def usage_grain(self) -> str:
        """The same of usage, which may be held by shorter time than costs."""
        return self.grain_of([self.desk.metric("requests")])

    def grain_of(self, metrics: list[Metric], span: Range | None = None) -> str:
        """Return the grain of some metrics: as the address says, else by the length of the range, as held."""
        if self.asked.grain:
            finest = "day" if any(m.has_currency for m in metrics) else self.asked.grain
            return finest if self.asked.grain in ("minute", "hour") else self.asked.grain
        length = span or self.span
        wanted = next((g for most, g in _AUTO if length.end - length.start <= most), "month")
        finest = self.finest_of(metrics)
        return wanted if GRAINS.index(wanted) >= GRAINS.index(finest) else finest

    def finest_of(self, metrics: list[Metric]) -> str:
        """Return the shortest grain by which all of the range can be told."""
        if any(m.has_currency for m in metrics):
            return "day"
        width = SECONDS[self.desk.width(metrics, self.asked, self.span)]
        return next(g for g, seconds in _LENGTHS.items() if seconds >= width)

    def state(self) -> State:
        """Return the state as the page has it."""
        a = self.asked
        compare = None if a.compare == NO_COMPARISON else a.compare
        return State(
            [*a.metrics], [*a.by], self.grain, self.span.as_dict(), a.tz, compare, [*a.where], str(self.span)
        )  # fmt: skip

    def choices(self) -> Choices:
        """Return what the page offers."""
        known = {m.name: m for m in self.desk.vocabulary.metrics}
        order = [*_COMMON, *(name for name in known if name not in _COMMON)]
        metrics = [Choice(name, title(name), known[name].unit) for name in order]
        viewer = self.desk.viewer
        by = [
            Choice(d.name, title(d.name))
            for d in self.desk.vocabulary.dimensions
            if all(can_tell(m, d) for m in self.metrics) and (viewer.people or d.name not in PEOPLE)
        ]
        orgs = [*(viewer.orgs or self.desk.book.orgs)]
        return Choices(metrics, by, self._grains(), self._zones(), orgs)

    def _grains(self) -> list[Choice]:
        finest = self.finest_of(self.metrics)
        length = self.span.end - self.span.start
        why_not = "costs are billed by the day" if any(m.has_currency for m in self.metrics) else f"held by {finest}"
        out = []
        for grain, seconds in _LENGTHS.items():
            why = (
                why_not if GRAINS.index(grain) < GRAINS.index(finest)
                else "too many for one picture" if length > _MOST_SLOTS * seconds
                else "longer than the range" if grain not in ("minute", "hour", "day") and seconds > length
                else None
            )  # fmt: skip
            out.append(Choice(grain, title(grain), "", why is None, why))
        return out

    def _zones(self) -> Zones:
        if any(m.has_currency for m in self.metrics):
            return Zones(ok=False, why="Costs are billed by UTC days.")
        if self.finest_of(self.metrics) == "day":
            return Zones(ok=False, why="This range is held by UTC days.")
        return Zones(ok=True)


def view(tab: str, asked: Asked, desk: Desk) -> View:
    """Return a tab in the state that an address says; raises `UnknownNameError` for a tab that is not there."""
    tabs = {row.id: row for row in tabs_of(desk.viewer)}
    if tab not in tabs:
        raise UnknownNameError("tab", tab, tabs)
    row = tabs[tab]
    filled = replace(
        asked,
        metrics=(row.metric,) if row.is_fixed else asked.metrics or (row.metric,),
        by=asked.by or (row.by,),
        time=asked.time or (DEFAULT_RANGE,),
        compare=asked.compare or "previous",
    )
    desk.viewer.check(asked.by)
    return View(row, filled, desk)


def empty_view(known: View) -> tuple[State, Choices]:
    """Return the same where there is no book: nothing is held, so nothing is chosen by that."""
    a = known.asked
    state = State([*a.metrics], [*a.by], "day", known.span.as_dict(), a.tz, None, [*a.where], str(known.span))
    return state, Choices([], [], [], Zones(ok=False, why="Nothing is held yet."), [*known.desk.book.orgs])
