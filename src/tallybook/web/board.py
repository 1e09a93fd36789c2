"""All panels of a tab, answered for one state with few statements: panels that ask the same share its answer."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

import msgspec

from tallybook.model.errors import MigrationError, NotABookError, StoreLockedError, TallybookError
from tallybook.model.windows import DAY, unix
from tallybook.show.result import Result
from tallybook.web.dense import ADDS_UP, before_in_all, beside, dense, moment_of, together, total_of
from tallybook.web.money import Billed, billed, on_the_last_day, told, whole_days
from tallybook.web.naming import title
from tallybook.web.noting import notes_of
from tallybook.web.panels import STATE, PanelRow, panels_of, tabs_of
from tallybook.web.problems import problem
from tallybook.web.shapes import Board, Dense, Empty, Panel, Sync, Tab
from tallybook.web.sources import SOURCES
from tallybook.web.tables import table_of
from tallybook.web.view import View, empty_view
from tallybook.web.words import NO_COMPARISON, Asked

FIRST_ROWS = 100
"""How many rows of a table a board has; the page asks for more."""
_IN_TIME = ("stack", "line")
_LONG = 3 * DAY
NOTHING = Empty(
    "Nothing is here yet", "The book is filled by a first sync; this page shows it as it comes.", "tallybook sync"
)


def board(view: View, version: str, sync: Sync) -> Board:
    """Return the board of a tab; a panel that cannot be answered says why, and the others are there."""
    desk = view.desk
    tabs, now = [Tab(t.id, t.title) for t in tabs_of(desk.viewer)], unix(desk.now)
    try:
        with desk.book.store.opened(still=True):
            known = billed(view)
            said, view = view, told(view, known)
            rows = panels_of(view.tab.id, desk.book.settings, desk.viewer)
            making = _Making(view, known, rows, is_instead=view is not said)
            made = [(row, making.panel(row)) for row in rows if making.fits(row)]
            panels = [panel for row, panel in made if row.own or not _is_of_nobody(panel)]
            state, choices = view.state(), view.choices()
            notes = notes_of(desk.book, view.span) if desk.viewer.sees_all else []
    except (NotABookError, MigrationError) as exc:
        state, choices = empty_view(view)
        empty = NOTHING if isinstance(exc, NotABookError) else Empty("This book has another version", str(exc))
        return Board(version, now, None, view.tab.id, tabs, state, choices, [], [], sync, empty)
    ends = [end for p in panels if isinstance(p.data, Dense) and (end := moment_of(p.data)) is not None]
    as_of = min(ends, default=None)
    return Board(version, now, as_of, view.tab.id, tabs, state, choices, panels, notes, sync, None)


def _is_of_nobody(panel: Panel) -> bool:
    """Return whether a ranking has nothing but words in brackets, as one by team has where there are no teams."""
    groups = panel.data.groups if panel.mark == "rank" and isinstance(panel.data, Dense) else []
    return bool(groups) and all(group.word for group in groups)


@dataclass
class _Making:
    """A board as it is made: its questions, each asked once."""

    view: View
    billed: Billed
    rows: list[PanelRow]
    is_instead: bool
    """Whether the page shows another metric than was asked for, which cannot be told in its range."""
    _results: dict[Asked, Result] = field(default_factory=dict)
    _answers: dict[Asked, Dense] = field(default_factory=dict)

    def fits(self, row: PanelRow) -> bool:
        """Return whether a panel of ours has anything to show: what it is by exists, and is not shown already."""
        dimensions = {d.name: d for d in self.view.desk.vocabulary.dimensions}
        if row.own or row.source:
            return True
        if any(d != STATE and d not in dimensions for d in row.by):
            return False
        return not (row.metrics == (STATE,) and row.by == self.view.asked.by)

    def panel(self, row: PanelRow) -> Panel:
        """Return a panel with its data, or with what is wrong."""
        shown = Panel(row.id, row.title, row.mark, row.width, row.says, "", None, None)
        try:
            if row.source:
                return msgspec.structs.replace(shown, data=SOURCES[row.source](self.view))
            asked = self._question(row)
            mark = "line" if row.mark == "stack" and not self._adds_up(asked) else row.mark
            title, says = self._title(row, asked), row.says or self._says(row, asked)
            shown = msgspec.structs.replace(shown, title=title, mark=mark, says=says, query=urlencode(asked.said()))
            return msgspec.structs.replace(shown, data=self._data(row, asked))
        except (NotABookError, MigrationError, StoreLockedError):
            raise
        except TallybookError as exc:
            return msgspec.structs.replace(shown, problem=problem(exc))

    def _question(self, row: PanelRow) -> Asked:
        """Return what a panel asks in the state of the page."""
        state = self.view.asked
        metrics = state.metrics if row.metrics == (STATE,) else row.metrics
        by = state.by if row.by == (STATE,) else row.by
        compare = state.compare if row.compare == STATE else row.compare
        asked = replace(
            state, metrics=metrics, by=by, top=row.top if by else None, time=row.time or state.time,
            where=(*state.where, *row.where), compare=compare, grain=None,
        )  # fmt: skip
        if row.mark == "table":
            asked = replace(asked, metrics=self._tellable(metrics) or metrics, compare=None)
        is_money = self._is_money(asked.metrics)
        if is_money and row.time:
            asked = replace(asked, tz="UTC")
        if row.mark == "kpi":
            return asked
        if is_money and not row.time:
            asked = whole_days(asked, self.view, self.billed)
        return replace(asked, grain=self._grain(row, asked))

    def _data(self, row: PanelRow, asked: Asked) -> Any:
        if row.mark == "kpi":
            return self._cards(row, asked)
        if row.mark == "table":
            return table_of(self._ask(asked), limit=FIRST_ROWS)
        if asked.grain is None and (like := self._in_time(row)):
            return total_of(self._dense(replace(asked, grain=self._grain(like, asked))))
        found = self._dense(asked)
        return before_in_all(found) if row.mark == "stack" else found

    def _in_time(self, row: PanelRow) -> PanelRow | None:
        """Return the panel that shows over time what this one shows in all, so that one answer is for both."""
        alike = replace(row, grain=STATE)
        return next(
            (
                other for other in self.rows
                if other.mark in _IN_TIME
                and replace(alike, id=other.id, title=other.title, mark=other.mark, width=other.width) == other
            ),
            None,
        )  # fmt: skip

    def _grain(self, row: PanelRow, asked: Asked) -> str | None:
        if row.grain == STATE:
            metrics = [self.view.desk.metric(name) for name in asked.metrics]
            return self.view.grain_of(metrics)
        return None if row.grain == "total" else row.grain

    def _cards(self, row: PanelRow, asked: Asked) -> Dense:
        """Return one answer of what is billed and what is used, each in its own time."""
        money = tuple(m for m in asked.metrics if self._is_money((m,)))
        rest = tuple(m for m in asked.metrics if m not in money)
        parts = []
        for metrics in (money, rest):
            if not metrics:
                continue
            part = replace(asked, metrics=metrics, by=(), top=None)
            if metrics is money and not row.time:
                part = on_the_last_day(part, self.billed)
            parts.append(self._dense(replace(part, grain=part.grain or self._spark(row, part))))
        found = together(parts)
        day = self.billed.last
        if self.billed.is_told or day is None or row.time:
            return found
        said = f"billed on {day.dates}, the last billed day"
        units = [msgspec.structs.replace(u, says=said) if u.name in money else u for u in found.metrics]
        return msgspec.structs.replace(found, metrics=units)

    def _spark(self, row: PanelRow, asked: Asked) -> str | None:
        """Return the grain of a card's course, which is too small for many points."""
        span, grain = self.view.desk.span(asked), self._grain(row, asked)
        return "day" if grain in ("minute", "hour") and span.end - span.start >= _LONG else grain

    def _dense(self, asked: Asked) -> Dense:
        """Return an answer in columns, with what it is compared with beside all of its range."""
        found = self._answers.get(asked)
        if found is None:
            result = self._ask(asked)
            found = dense(result, self.view.desk.colours)
            if result.comparison is not None and result.range != self.view.desk.span(asked):
                # What is compared lacks what has not ended; the page shows that, too.
                full = self._ask(replace(asked, compare=NO_COMPARISON))
                found = beside(dense(full, self.view.desk.colours), found)
            self._answers[asked] = found
        return found

    def _ask(self, asked: Asked) -> Result:
        found = self._results.get(asked)
        if found is None:
            found = self._results[asked] = self.view.desk.ask(asked)
        return found

    def _is_money(self, metrics: tuple[str, ...]) -> bool:
        return any(self.view.desk.metric(name).has_currency for name in metrics)

    def _tellable(self, metrics: tuple[str, ...]) -> tuple[str, ...]:
        """Return the metrics that can be told in this range."""
        return metrics if self.billed.is_told else tuple(m for m in metrics if not self._is_money((m,)))

    def _adds_up(self, asked: Asked) -> bool:
        return all(self.view.desk.metric(name).kind in ADDS_UP for name in asked.metrics)

    def _says(self, row: PanelRow, asked: Asked) -> str:
        if self.is_instead and row.metrics == (STATE,):
            return self.billed.why
        return "billed, before tax and credits" if self._is_money(asked.metrics) and row.mark != "kpi" else ""

    def _title(self, row: PanelRow, asked: Asked) -> str:
        if row.own:
            return row.title
        by = " and ".join(title(d) for d in asked.by)
        words = {"metric": title(asked.metrics[0]), "by": by[:1].lower() + by[1:] if by[1:2].islower() else by}
        return row.title.format_map(words)
