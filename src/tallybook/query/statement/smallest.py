"""Which table of usage answers a question: the smallest that says the same. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from tallybook.model.windows import DAY, Span
from tallybook.query.dimensions import dimension, stored
from tallybook.query.question import Query
from tallybook.query.statement.compile import Basis
from tallybook.store.rollups import smallest

FACTS = "usage"


def usage_table(query: Query, basis: Basis) -> str:
    """Return the daily sums that answer, or the facts: as of a moment, within days, for levels at one time."""
    is_whole = (
        query.as_of is None
        and query.grain not in ("minute", "hour")
        and not any(d.column == "hour" for d in query.dimensions)
        and not any(t.fold in ("max", "last") for t in query.terms)
        and all(_by_days(side.span, (*side.shifts, *side.local)) for side in basis.sides)
        and _are_days(span for spans in basis.not_held.values() for span in spans)
        and _are_days(span for of in basis.shared.values() for spans in of.values() for span in spans)
    )
    found = smallest(_columns(query)) if is_whole else None
    return found.place if found else FACTS


def _columns(query: Query) -> set[str]:
    known = [*query.dimensions, *(dimension(name) for t in query.terms if t.table == "usage" for name in t.needs)]
    names = [n for t in query.terms if t.table == "usage" for n in t.datasets]
    return {c for d in known if not d.tables for name in names for c in stored(d, name)} - {"org", "dataset"}


def _by_days(span: Span, shifts: Iterable[tuple[int | None, int]]) -> bool:
    return _are_days([span]) and not any(seconds % DAY for _, seconds in shifts)


def _are_days(spans: Iterable[Span]) -> bool:
    return not any(span.start % DAY or span.end % DAY for span in spans)
