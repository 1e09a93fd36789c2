"""Where the requests of one viewer are answered: a book, who asks, and what is looked up only once."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from tallybook.book import Book
from tallybook.book.ranks import ranked
from tallybook.model.errors import QueryError, UsageError
from tallybook.model.windows import SECONDS, Span
from tallybook.query.clocks.axis import GRAINS, slots
from tallybook.query.clocks.time import Range, resolve
from tallybook.query.metrics import Metric, asked
from tallybook.query.vocabulary import Vocabulary
from tallybook.show.result import Result
from tallybook.web.remembered import Recent
from tallybook.web.scope import Viewer
from tallybook.web.words import Asked

MOST_SHOWN = 400_000
"""The most numbers of one answer; more is no picture, and an export has it."""
MOST_EXPORTED = 4_000_000
"""The most numbers of an export over HTTP; the command line has no such limit."""
_MANY_ROWS = 50_000
"""An answer of more rows is not kept in memory."""
_MANY_SLOTS = 100
"""From so many slots on, groups are counted before they are asked for."""


class Colours:
    """The place of every id among all of its dimension. What has one keeps it for as long as this server runs."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._places: dict[str, dict[str, int]] = {}
        self._version: dict[str, str] = {}
        self._lock = threading.Lock()

    def __call__(self, dimension: str) -> Mapping[str, int]:
        """Return the place of each id, the largest first; ids that came later follow."""
        with self._lock:
            version = self._book.store.version()
            known = self._places.setdefault(dimension, {})
            if self._version.get(dimension) != version:
                for identity in ranked(self._book.query, dimension):
                    known.setdefault(identity, len(known))
                self._version[dimension] = version
            return known


@dataclass(frozen=True)
class Desk:
    """A book as one viewer sees it, at one moment."""

    book: Book
    viewer: Viewer
    now: dt.datetime
    colours: Colours = field(repr=False)
    recent: Recent = field(default_factory=Recent, repr=False)
    """Answers that were given at this moment, whoever asked the same."""

    @property
    def moment(self) -> tuple[str, int]:
        """The version of the data, and the minute: what "now" means moves on, and with it ranges and what is open."""
        return self.book.store.version(), int(self.now.timestamp()) // 60

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """All that can be asked for."""
        return self.book.vocabulary()

    def ask(self, question: Asked, most: int = MOST_SHOWN) -> Result:
        """Return the answer to a question, as far as the viewer may see it.

        Raises `ForbiddenError`, `QueryError`, `UsageError`, and `StoreError`.
        """
        said = question.arguments()
        self.viewer.check((*question.by, *(said["where"] or {})))
        said["org"] = self.orgs(question) if self.viewer.orgs else said["org"]
        within = {name: list(values) for name, values in self.viewer.where} or None

        def find() -> Result:
            self._must_be_small(question, most)
            return self.book.query(*question.metrics, within=within, **said)

        return self.recent.get((self.moment, self.viewer, question), find, keeps=lambda r: len(r) <= _MANY_ROWS)

    def orgs(self, question: Asked) -> tuple[str, ...]:
        """Return the organizations that a question is about."""
        return self.viewer.chosen(question.orgs) or self.book.orgs

    def span(self, question: Asked) -> Range:
        """Return the range that a question's words mean now."""
        return resolve(self.now, tz=question.tz, **dict(question.time))

    def metric(self, name: str) -> Metric:
        """Return what is called so, or is said by an expression."""
        return asked(name, {m.name: m for m in self.vocabulary.metrics if m.is_own})

    def width(self, metrics: list[Metric], question: Asked, span: Span) -> str:
        """Return the coarsest width in which anything of these metrics is held in a range: `1m`, `1h` or `1d`.

        Nothing can be told by any.
        """
        names = {d for m in metrics for t in m.terms if t.table == "usage" for d in t.datasets}
        held = {
            run.width
            for org in self.orgs(question)
            for runs in self.book.store.coverage(org, names).values()
            for run in runs
            if run.span.overlaps(span)
        }
        return max(held, key=SECONDS.__getitem__, default="1m")

    def _must_be_small(self, question: Asked, most_cells: int) -> None:
        """Raise `UsageError` for more numbers than anybody looks at, before they are all computed."""
        grain = question.grain or "total"
        count = len(slots(self.span(question), grain, question.tz)) if grain in GRAINS else 1
        count *= max(1, len(question.metrics))
        most = most_cells // max(count, 1)
        groups = 1
        if question.by and count > _MANY_SLOTS:
            groups = most if question.top and question.top < most else self._groups(question)
        if groups > most:
            raise UsageError(
                f"That is about {groups * count:,} numbers; at most {most_cells:,} are answered here. Ask for the "
                "largest groups with top=, by a longer grain or for less time; `tallybook query` has no such limit."
            )

    def _groups(self, question: Asked) -> int:
        from dataclasses import replace

        few = replace(question, grain=None, metrics=question.metrics[:1], compare=None, top=None)
        try:
            return len(self.ask(few))
        except QueryError:
            return 1  # the question itself says what is wrong with it
