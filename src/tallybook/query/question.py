"""A question, checked against what there is to ask. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from tallybook.model.datasets import DATASETS, Dataset
from tallybook.model.errors import UnanswerableError, UnknownNameError, UsageError
from tallybook.query.clocks.axis import GRAINS
from tallybook.query.clocks.time import Range
from tallybook.query.dimensions import DIMENSIONS, Dimension, needed, offers
from tallybook.query.filters import Filter
from tallybook.query.metrics import METRICS, Metric, Term, asked
from tallybook.query.statement.derive import Derivations
from tallybook.query.statement.splits import split_of
from tallybook.query.statement.together import marked


@dataclass(frozen=True)
class Query:
    """A question in tallybook's vocabulary, checked. What follows from it is worked out once."""

    orgs: tuple[str, ...]
    metrics: tuple[Metric, ...]
    """Each under the name by which it was asked for."""
    by: tuple[Dimension, ...]
    grain: str
    range: Range
    where: Mapping[str, Filter] = field(default_factory=dict)
    """By column. Of several organizations, ids that have names are qualified."""
    within: Mapping[str, Filter] = field(default_factory=dict)
    """The same, holding besides: what the one who asks may see at all."""
    as_of: dt.datetime | None = None
    """The moment, naive UTC, whose knowledge is asked for; None is all that the book knows."""
    top: int | None = None
    """How many groups are told apart; None is all."""
    tz: str = "UTC"
    compare: str | None = None
    """`previous` or `year`."""
    own: Derivations = field(default_factory=dict)
    """How dimensions of the user's own are derived."""

    @cached_property
    def datasets(self) -> dict[str, tuple[str, ...]]:
        """The datasets involved, each with the columns that it is needed by."""
        out: dict[str, tuple[str, ...]] = {}
        for term in (t for t in self.terms if t.table != "business"):
            for name in term.datasets:
                columns = [c for d in self.dimensions if not d.tables for c in needed(d, name) or (d.column,)]
                out[name] = tuple(dict.fromkeys([*out.get(name, ()), *columns, *term.needs_of(name)]))
        if self.split:
            own = f"{self.split.split}_id"
            out |= {"costs": tuple(c for c in out["costs"] if c != own), self.split.name: out["costs"]}
        return out

    @cached_property
    def terms(self) -> tuple[Term, ...]:
        """What has to be added up or counted, each once and with a name."""
        found = dict.fromkeys(t for m in self.metrics for t in m.terms)
        return tuple(replace(t, name=f"t{i}") for i, t in enumerate(found))

    def named(self, term: Term) -> Term:
        """Return a metric's term under its name in the statement."""
        return next(t for t in self.terms if t == term)

    @property
    def filters(self) -> tuple[Filter, ...]:
        """Everything that rows must fit."""
        return (*self.where.values(), *self.within.values())

    @cached_property
    def dimensions(self) -> tuple[Dimension, ...]:
        """What it groups or filters by."""
        return tuple(dict.fromkeys([*self.by, *(f.dimension for f in self.filters)]))

    @cached_property
    def split(self) -> Dataset | None:
        """The split of the bill that money is told apart by; None where the bill itself answers."""
        if not any(t.table == "costs" for t in self.terms):
            return None
        return split_of(c for known in self.dimensions for c in needed(known, "costs"))

    @property
    def is_timed(self) -> bool:
        """Whether the answer is by time."""
        return self.grain != "total"

    def qualifies(self, known: Dimension) -> bool:
        """Return whether ids are told apart by organization, too: only the directory's, in several."""
        return len(self.orgs) > 1 and known.kind is not None

    def as_dict(self) -> dict[str, Any]:
        """Return the question as JSON-ready values."""
        return {
            "orgs": list(self.orgs),
            "metrics": [m.name for m in self.metrics],
            "by": [d.name for d in self.by],
            "grain": self.grain,
            "where": {column: known.as_list() for column, known in self.where.items()},
            "top": self.top,
            "compare": self.compare,
            "tz": self.tz,
            "as_of": None if self.as_of is None else f"{self.as_of.isoformat()}Z",
        }


def question(
    orgs: Iterable[str],
    metrics: Iterable[str],
    by: Iterable[Dimension],
    grain: str,
    span: Range,
    filters: Mapping[str, Filter],
    *,
    as_of: dt.datetime | None = None,
    top: int | None = None,
    tz: str = "UTC",
    compare: str | None = None,
    more: Mapping[str, Metric] | None = None,
    within: Mapping[str, Filter] | None = None,
) -> Query:
    """Return a checked question; raises `QueryError` with the nearest names or what is possible instead.

    `filters` is column to filter (see `where.checked`); `as_of` is naive UTC (see `time.known_at`); `more` are
    business metrics by name; `within` are filters that hold besides.
    """
    wanted = tuple(asked(m, more) for m in dict.fromkeys(metrics))
    if not wanted:
        raise UnknownNameError("metric", "", METRICS)
    groups = tuple(dict.fromkeys(by))
    if grain not in GRAINS:
        raise UnknownNameError("grain", grain, GRAINS)
    if top is not None and top < 1:
        raise UsageError(f"top is how many groups to tell apart, at least 1; it was given {top}.")
    if compare not in (None, "previous", "year"):
        raise UnknownNameError("compare", str(compare), ["previous", "year"])
    chosen = _chosen(filters.get("dataset"))
    found = Query(
        tuple(orgs), tuple(marked(_within(m, chosen)) for m in wanted), groups, grain, span,
        {c: f for c, f in filters.items() if c != "dataset"}, within or {}, as_of, top, tz, compare,
    )  # fmt: skip
    for known in found.metrics:
        _offered(known, found)
    found.datasets  # noqa: B018 - raises where no split of the bill answers
    return found


def _chosen(known: Filter | None) -> tuple[str, ...] | None:
    """Return the datasets that a filter takes, None where there is no filter."""
    if known is None:
        return None
    for name in known.values:
        if "*" not in name and name not in DATASETS:
            raise UnknownNameError("dataset", name, DATASETS)
    return tuple(name for name in DATASETS if known.takes(name))


def _within(known: Metric, chosen: tuple[str, ...] | None) -> Metric:
    """Return a metric taken from the datasets of `chosen` that have it, instead of the usual ones."""
    if chosen is None:
        return known
    if known.of:
        parts = tuple(_within(m, chosen) for m in known.of)
        return replace(known, of=parts, terms=tuple(dict.fromkeys(t for m in parts for t in m.terms)))
    terms = tuple(replace(t, datasets=_having(t, chosen)) for t in known.terms)
    if not all(t.datasets for t in terms):
        raise UnanswerableError(f"{known.name} is not measured in {', '.join(chosen) or 'any such dataset'}.")
    return replace(known, terms=terms)


def _having(term: Term, chosen: Sequence[str]) -> tuple[str, ...]:
    if term.table != "usage":
        return tuple(d for d in term.datasets if d in chosen)
    columns = {*term.columns, *term.needs}
    have = [d for d in DATASETS.values() if d.name in chosen and not d.is_costs]
    return tuple(d.name for d in have if columns & {*d.measures, *d.dimensions})


def _offered(known: Metric, query: Query) -> None:
    """Raise where a metric cannot be told by a dimension of the question."""
    for d in query.dimensions:
        if not can_tell(known, d):
            shared = [name for name, other in DIMENSIONS.items() if can_tell(known, other)]
            raise UnanswerableError(f"{known.name} has no dimension {d.name}; it has {', '.join(shared)}.")


def can_tell(known: Metric, by: Dimension) -> bool:
    """Return whether a metric can be told apart by a dimension."""
    return all(_has(term, by) for term in known.terms)


def _has(term: Term, known: Dimension) -> bool:
    if term.table == "business":
        return known.name in dict(term.own) or "business" in known.tables
    return any(offers(name, known) for name in term.datasets)
