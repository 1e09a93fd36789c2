"""A question, checked against what there is to ask. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tallybook.model.datasets import DATASETS, Dataset
from tallybook.model.errors import UnanswerableError, UnknownNameError
from tallybook.query.metrics import DIMENSIONS, METRICS, Dimension, Metric, dimension, metric, offers, stored
from tallybook.query.splits import split_of
from tallybook.query.time import GRAINS, Range


@dataclass(frozen=True, slots=True)
class Query:
    """A question in tallybook's vocabulary, checked."""

    orgs: tuple[str, ...]
    metrics: tuple[Metric, ...]
    by: tuple[Dimension, ...]
    grain: str
    range: Range
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Column to the ids wanted; several are alternatives. Of several organizations, named ids are qualified."""
    as_of: dt.datetime | None = None
    """The moment, naive UTC, whose knowledge is asked for; None is all that the book knows."""

    @property
    def datasets(self) -> dict[str, tuple[str, ...]]:
        """The datasets involved, each with the columns that it is needed by."""
        chosen = self.where.get("dataset")
        columns = tuple(dict.fromkeys(map(stored, self.columns)))
        out = {name: columns for m in self.metrics for name in of(m, chosen)}
        if self.split:
            own = f"{self.split.split}_id"
            out |= {"costs": tuple(c for c in columns if c != own), self.split.name: columns}
        return out

    @property
    def columns(self) -> tuple[str, ...]:
        """The dimensions' columns that it groups or filters by."""
        needed = dict.fromkeys([d.column for d in self.by] + list(self.where))
        return tuple(c for c in needed if c not in ("org", "dataset"))

    @property
    def split(self) -> Dataset | None:
        """The split of the bill that money is told apart by; None where the bill itself answers."""
        return (
            split_of(self.columns)
            if any(of(m, self.where.get("dataset")) == ("costs",) for m in self.metrics)
            else None
        )

    def qualifies(self, column: str) -> bool:
        """Return whether ids of a column are told apart by organization, too: only the directory's, in several."""
        return len(self.orgs) > 1 and column in _NAMED

    def as_dict(self) -> dict[str, Any]:
        """Return the question as JSON-ready values."""
        return {
            "orgs": list(self.orgs),
            "metrics": [m.name for m in self.metrics],
            "by": [d.name for d in self.by],
            "grain": self.grain,
            "where": {column: list(values) for column, values in self.where.items()},
            "as_of": None if self.as_of is None else f"{self.as_of.isoformat()}Z",
        }


_NAMED = {d.column for d in DIMENSIONS.values() if d.kind}


def of(known: Metric, chosen: Sequence[str] | None) -> tuple[str, ...]:
    """Return the datasets a metric is summed over, where `dataset` is restricted to `chosen` or not."""
    if chosen is None:
        return known.datasets
    have = [d for d in DATASETS.values() if d.is_costs == (known.table == "costs")]
    return tuple(d.name for d in have if d.name in chosen and (d.is_costs or known.column in d.measures))


def question(
    orgs: Iterable[str],
    metrics: Iterable[str],
    by: Iterable[str],
    grain: str,
    span: Range,
    filters: Mapping[str, tuple[str, ...]],
    as_of: dt.datetime | None = None,
) -> Query:
    """Return a checked question; raises `QueryError` with the nearest names or what is possible instead.

    `filters` is column to values (see `where.checked`); `as_of` is naive UTC (see `time.known_at`).
    """
    asked = tuple(dict.fromkeys(metric(m) for m in metrics))
    if not asked:
        raise UnknownNameError("metric", "", METRICS)
    groups = tuple(dict.fromkeys(dimension(d) for d in by))
    if grain not in GRAINS:
        raise UnknownNameError("grain", grain, GRAINS)
    for name in filters.get("dataset", ()):
        if name not in DATASETS:
            raise UnknownNameError("dataset", name, DATASETS)
    for known in asked:
        datasets = of(known, filters.get("dataset"))
        if not datasets:
            raise UnanswerableError(f"{known.name} is not measured in {', '.join(filters['dataset'])}.")
        for column in [d.column for d in groups] + list(filters):
            if not any(offers(d, column) for d in datasets):
                names = [n for n, d in DIMENSIONS.items() if any(offers(held, d.column) for held in datasets)]
                why = " OpenAI bills by project and line item; a model is part of it." if known.name == "cost" else ""
                raise UnanswerableError(
                    f"{known.name} has no dimension {dimension(column).name}; it has {', '.join(names)}.{why}"
                )
    found = Query(tuple(orgs), asked, groups, grain, span, dict(filters), as_of)
    found.datasets  # noqa: B018 - raises where no split of the bill answers
    return found
