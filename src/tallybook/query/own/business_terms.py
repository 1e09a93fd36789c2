"""Business metrics as metrics of a question: where they are known, and at which edges they can be told apart."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence

from tallybook.model.errors import UnanswerableError
from tallybook.model.windows import Span, iso, naive, subtract
from tallybook.query.clocks.axis import Slot, edges, slots
from tallybook.query.coverage import Gap
from tallybook.query.dimensions import Dimension
from tallybook.query.metrics import Fold, Metric, Term
from tallybook.query.own.business import Definition, coverage
from tallybook.query.question import Query
from tallybook.store.base import Store

_MIDNIGHT = dt.time()
_EDGES: dict[str, Callable[[dt.datetime], bool]] = {
    "hour": lambda at: not at.minute and not at.second,
    "day": lambda at: at.time() == _MIDNIGHT,
    "week": lambda at: at.time() == _MIDNIGHT and not at.weekday(),
    "month": lambda at: at.time() == _MIDNIGHT and at.day == 1,
}
"""By grain, whether a moment (naive UTC) is an edge of its buckets."""


def metrics(definitions: Mapping[str, Definition]) -> dict[str, Metric]:
    """Return business metrics as what can be asked for."""
    return {name: _metric(known) for name, known in definitions.items()}


def _metric(known: Definition) -> Metric:
    fold: Fold = "mean" if known.kind == "level" else "sum"
    own = tuple(sorted(known.columns.items()))
    term = Term(("amount",), "business", (known.name,), fold, own=own, is_money=known.currency is not None)
    return Metric(known.name, known.kind, known.unit, (term,), f"Yours: {known}.")


Known = Mapping[str, Sequence[Span]]
"""Where each business metric of a question is known."""


def known(store: Store, query: Query) -> dict[str, list[Span]]:
    """Return where the business metrics of a question are known."""
    return {n: coverage(store, n) for t in query.terms if t.table == "business" for n in t.datasets}


def check(definitions: Iterable[Definition], where: Known, axis: Sequence[Slot]) -> None:
    """Raise `UnanswerableError` where an edge of a slot cuts a bucket of a business metric."""
    for each in definitions:
        if cut := _cut(each, where, axis):
            raise UnanswerableError(
                f"{each.name} is known by {each.grain} (UTC), so it cannot be told apart at {iso(cut[0])}. "
                f"Ask by {each.grain} or longer, for whole ones."
            )


def check_told(definitions: Iterable[Definition], where: Known, span: Span, told: Dimension, tz: str) -> None:
    """Raise `UnanswerableError` where a bucket of a business metric has more than one value of `told`, a dimension of
    the clock.
    """
    axis = slots(span, told.grain, tz)
    for each in definitions:
        if _cut(each, where, axis):
            raise UnanswerableError(
                f"{each.name} is known by {each.grain} (UTC), which has no {told.name} in {tz}. "
                f"Ask without {told.name}{'' if tz == 'UTC' else ', or in UTC'}."
            )


def _cut(known: Definition, where: Known, axis: Sequence[Slot]) -> list[int]:
    """Return the edges of slots that are inside buckets of a business metric."""
    inside = [e for span in where.get(known.name, ()) for e in edges(axis) if span.start < e < span.end]
    return [edge for edge in inside if not _EDGES[known.grain](naive(edge))]


def gaps(query: Query, where: Known, until: int) -> tuple[Gap, ...]:
    """Return what an answer about business metrics themselves lacks; ratios leave it out, and say so."""
    names = dict.fromkeys(n for m in query.metrics for t in m.terms if t.table == "business" and not t.shared
                          for n in t.datasets)  # fmt: skip
    whole = Span(query.range.start, min(query.range.end, until))
    return tuple(
        Gap(name, gap, "not known; add it with `tallybook metrics add`")
        for name in names
        for gap in _lacking(whole, where[name])
    )


def _lacking(whole: Span, spans: Sequence[Span]) -> list[Span]:
    return subtract([whole], spans) if whole.end > whole.start else []
