"""Daily sums of a book as a report embeds them, from which a page answers its own questions. Pure but for questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import msgspec

from tallybook.model.errors import QueryError
from tallybook.model.windows import DAY, iso
from tallybook.query.clocks.time import Range
from tallybook.query.dimensions import DIMENSIONS
from tallybook.query.metrics import Metric
from tallybook.query.question import can_tell
from tallybook.query.vocabulary import Vocabulary
from tallybook.show.result import Result
from tallybook.web.dense import Colours, slot_status, values_of, word_of
from tallybook.web.desk import Desk
from tallybook.web.shapes import Value
from tallybook.web.words import Asked

_USAGE = ("project", "model", "model_family", "dataset", "service_tier", "batch", "api_source", "size", "source")
_BILL = ("project", "model", "model_family", "product", "line_item", "token_kind", "service_tier", "dataset")
_WHOSE = ("user", "api_key", "service_account")
_SPLITS = (("project", "api_key", "service_account", "model", "product"), ("project", "user", "model", "product"))
"""How costs are told apart by people: by their keys, or by themselves; never by both at once."""


_NOTHING = (None, 0, "0")


class Entity(msgspec.Struct, frozen=True):
    """A value of a dimension."""

    key: str | None
    label: str
    word: str | None
    color: int | None


class Rows(msgspec.Struct, frozen=True):
    """What each row of a cube is about, as places in its lists."""

    day: list[int]
    currency: list[int]
    dims: dict[str, list[int]]


class Edges(msgspec.Struct, frozen=True):
    """A range in Unix seconds, half-open."""

    start: int
    end: int


class Missing(msgspec.Struct, frozen=True):
    """A stretch of time that is not held, and why."""

    start: int
    end: int
    text: str


class Cube(msgspec.Struct, frozen=True):
    """Sums by day, currency and some dimensions."""

    days: list[int]
    """When each day starts, Unix seconds; days follow each other."""
    status: list[str]
    currencies: list[str | None]
    dims: dict[str, list[Entity]]
    rows: Rows
    values: dict[str, list[Value]]
    held: dict[str, list[int]]
    """Per metric and day, 1 where the book holds it."""
    through: int
    """What is later may still grow, and is compared with nothing."""
    before: Edges | None
    """What the whole range is compared with."""
    missing: list[Missing]
    """What of the whole range is not held."""


class Compared(NamedTuple):
    """What a cube knows of its whole range; see there."""

    through: int
    before: Edges | None
    missing: list[Missing]


@dataclass(frozen=True)
class Cubing:
    """The range of a report and what it is restricted to, for all of its cubes."""

    desk: Desk
    asked: Asked
    span: Range

    def cubes(self) -> list[Cube]:
        """Return every cube, those that define totals first. Raises `QueryError` where none can be made."""
        found, errors = [], []
        for metrics, by in specs(self.desk.vocabulary, people=self.desk.viewer.people):
            try:
                found.append(self._cube(metrics, by))
            except QueryError as exc:  # what is not held that way is not in the report, which says so when asked
                errors.append(exc)
        if not found:
            raise errors[0]
        return [cube for cube in found if cube.rows.day]

    def _cube(self, metrics: Sequence[str], by: tuple[str, ...]) -> Cube:
        own = (d.name for d in self.desk.vocabulary.dimensions if d.name not in DIMENSIONS)
        several = ("org",) if len(self.desk.orgs(self.asked)) > 1 else ()
        by = tuple(d for d in (*by, *several, *own) if self._tells(metrics, d))
        whole = self._ask(metrics, (), self.asked.time, "previous")
        compared = whole.comparison
        before = compared.before if compared else None
        first = min(self.span.start - back(self.span), before.start if before else self.span.start)
        time = (("since", iso(max(first, 0))), ("until", iso(self.span.end - DAY)))
        result = self._ask(metrics, by, time, None)
        through = compared.now.end if compared and compared.now else 0
        edges = Edges(before.start, before.end) if before else None
        missing = [Missing(gap.span.start, gap.span.end, str(gap)) for gap in whole.coverage.missing]
        return _cube_of(result, metrics, self.desk.colours, Compared(through, edges, missing))

    def _tells(self, metrics: Sequence[str], name: str) -> bool:
        known = next((d for d in self.desk.vocabulary.dimensions if d.name == name), None)
        return known is not None and all(can_tell(self.desk.metric(m), known) for m in metrics)

    def _ask(
        self, metrics: Sequence[str], by: tuple[str, ...], time: tuple[tuple[str, str], ...], compare: str | None
    ) -> Result:
        asked = replace(self.asked, by=by, grain="day", time=time, compare=compare, top=None)
        return self.desk.book.query(*metrics, **asked.arguments())


def back(span: Range) -> int:
    """Return how many seconds before a range lies what it is compared with, in whole weeks."""
    return -(-(span.end - span.start) // (7 * DAY)) * 7 * DAY


def specs(known: Vocabulary, *, people: bool) -> list[tuple[list[str], tuple[str, ...]]]:
    """Return which metrics are told apart by which dimensions: of the bill, of usage that has the same ones, and,
    where people may be seen, of the splits of the bill.
    """
    wanted = (*_USAGE, *(_WHOSE if people else ()))
    dimensions = [d for d in known.dimensions if d.name in wanted]
    found: dict[tuple[str, ...], list[str]] = {}
    for metric in filter(is_summed, known.metrics):
        found.setdefault(tuple(d.name for d in dimensions if can_tell(metric, d)), []).append(metric.name)
    splits = [(["cost"], by) for by in _SPLITS] if people else []
    return [(["cost"], _BILL), *((metrics, by) for by, metrics in found.items()), *splits]


def is_summed(known: Metric) -> bool:
    """Return whether a metric is a plain sum of usage, so that its sums by day say all."""
    (*_, term) = known.terms
    return known.kind == "flow" and not known.is_own and term.table == "usage" and known.formula is None


def _cube_of(result: Result, metrics: Sequence[str], colours: Colours, whole: Compared) -> Cube:
    """Return an answer by day as a cube of the rows that say anything."""
    wide = result.overall.num_rows
    columns = {m: values_of(result.table[m]) for m in metrics}
    columns = {m: values for m, values in columns.items() if any(v not in _NOTHING for v in values)}
    days = [s.start for s in result.spans[:: wide or 1]]
    held = {
        m: [int(any(v is not None for v in values[i * wide : (i + 1) * wide])) for i in range(len(days))]
        for m, values in columns.items()
    }
    kept = [n for n in range(len(result)) if any(_says(c[n], held[m][n // wide]) for m, c in columns.items())]
    entities, places = _places(result, colours)
    money = "currency" in result.overall.column_names
    currencies = result.overall["currency"].to_pylist() if money else [None] * wide
    known = list(dict.fromkeys(currencies))
    at = [n % wide for n in kept]
    rows = Rows(
        [n // wide for n in kept],
        [known.index(currencies[j]) for j in at],
        {name: [place[j] for j in at] for name, place in places.items()},
    )
    values = {m: [c[n] for n in kept] for m, c in columns.items()}
    return Cube(days, slot_status(result.status, wide), known, entities, rows, values, held, *whole)


def _says(value: Value, is_held: int) -> bool:
    """Return whether a number says more than that nothing was used: that it is not known does."""
    return value not in _NOTHING or (value is None and bool(is_held))


def _places(result: Result, colours: Colours) -> tuple[dict[str, list[Entity]], dict[str, list[int]]]:
    """Return the values of every dimension that tells anything apart, and for each group of an answer which it has."""
    query = result.query
    assert query is not None  # noqa: S101 - an answer has its question
    entities: dict[str, list[Entity]] = {}
    places: dict[str, list[int]] = {}
    for known in query.by:
        labels = result.overall[known.name].to_pylist()
        ids = result.overall[known.column].to_pylist() if known.kind else labels
        hues = colours(known.name)
        order = {pair: i for i, pair in enumerate(dict.fromkeys(zip(ids, labels, strict=True)))}
        entities[known.name] = [_entity(key, label, hues) for key, label in order]
        places[known.name] = [order[pair] for pair in zip(ids, labels, strict=True)]
    told = [name for name, known in entities.items() if len(known) != 1 or not known[0].word]
    return {name: entities[name] for name in told}, {name: places[name] for name in told}


def _entity(key: str | None, label: str, hues: Mapping[str, int]) -> Entity:
    word = word_of(label, key)
    return Entity(None, label, word, None) if word else Entity(key, label, None, hues.get(str(key)))
