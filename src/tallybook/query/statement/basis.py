"""What a statement rests on: what is held, by which table it is answered, what has to be looked up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from tallybook.model.coverage import Run, together
from tallybook.model.datasets import HELD
from tallybook.model.windows import Span, subtract
from tallybook.query.clocks.axis import Slot, clock_pieces, shift_pieces, slots
from tallybook.query.clocks.compare import Comparison
from tallybook.query.clocks.cuts import check_edges, check_told, check_widths
from tallybook.query.clocks.time import Range
from tallybook.query.coverage import not_held
from tallybook.query.own import business_terms
from tallybook.query.own.business import definitions
from tallybook.query.question import Query
from tallybook.query.statement.compile import Basis, Side
from tallybook.query.statement.holding import lasts
from tallybook.query.statement.lookups import derivations
from tallybook.query.statement.pieces import Shifts
from tallybook.query.statement.smallest import usage_table
from tallybook.query.statement.splits import Split, usable
from tallybook.query.statement.together import both, extents, remark
from tallybook.store.base import Store

Runs = dict[str, dict[str, list[Run]]]


@dataclass(frozen=True, slots=True)
class Ground:
    """What is held of a question's datasets, and what its statement rests on."""

    runs: Runs
    """Per organization and dataset."""
    slots: list[Slot]
    basis: Basis
    own: dict[str, list[Span]]
    """Where business metrics are known."""
    notes: tuple[str, ...] = ()
    """What ratios leave out."""


def ground(store: Store, query: Query, comparison: Comparison | None) -> Ground:
    """Return what the statement of a question rests on; raises `UnanswerableError` where a held bucket is cut."""
    runs = {org: store.coverage(org, query.datasets, query.as_of) for org in query.orgs}
    split = _split(query, runs)
    axis = slots(query.range, query.grain, query.tz)
    sides = [_side(query, query.range, axis, runs, shift_pieces(query.range, query.grain, query.tz))]
    whole = query.range
    before: list[Slot] = []
    if comparison:
        before = [slot for _, slot in comparison.pairs if slot]
        span = Span(before[0].start, before[-1].end)
        sides.append(_side(query, span, before, runs, comparison.shift_pieces))
        whole = Range(min(span.start, whole.start), whole.end)
    _check(query, runs, sides, (axis, before))
    own = business_terms.known(store, query)
    if own:
        defined = [d for n, d in definitions(store).items() if n in own]
        for those in filter(None, (axis, before)):
            business_terms.check(defined, own, those)
            for d in (d for d in query.dimensions if d.grain):
                business_terms.check_told(defined, own, Span(those[0].start, those[-1].end), d, query.tz)
    shared, notes = _shared(query, runs, own, whole)
    basis = Basis(
        tuple(sides), _lacking(query, runs, whole), split, derivations(store, query) | dict(query.own), shared=shared
    )
    return Ground(runs, axis, replace(basis, usage=usage_table(query, basis)), own, notes)


def _check(query: Query, runs: Runs, sides: Sequence[Side], axes: Sequence[Sequence[Slot]]) -> None:
    """Raise `UnanswerableError` where what is held cannot be told apart, or put together, as the question needs it."""
    for axis, org, name in product(filter(None, axes), runs, query.datasets):
        whose = f" of {org}" if len(runs) > 1 else ""
        check_edges(name, whose, runs[org][name], axis, query.tz)
        for d in (d for d in query.dimensions if d.grain):
            check_told(name, whose, runs[org][name], Span(axis[0].start, axis[-1].end), d.name, d.grain, query.tz)
    levels = {d for t in query.terms if t.fold == "max" and t.table == "usage" for d in t.datasets}
    for side, name in product(sides, levels):
        check_widths(name, {org: held[name] for org, held in runs.items()}, side.span)


def _shared(
    query: Query, runs: Runs, own: dict[str, list[Span]], span: Range
) -> tuple[dict[str, dict[str, Sequence[Span]]], tuple[str, ...]]:
    """Return where terms count whose ratio needs all of them, and remarks on what that leaves out."""
    out: dict[str, dict[str, Sequence[Span]]] = {}
    notes = []
    for name in dict.fromkeys(t.shared for t in query.terms if t.shared):
        terms = [t for t in query.terms if t.shared == name]
        found = {org: both(terms, {**extents(held), **own}, span) for org, held in runs.items()}
        if not any(found.values()):
            continue
        whole = [Span(span.start, span.end)]
        where: dict[str, Sequence[Span]] = {org: known[0] if known else whole for org, known in found.items()}
        if any(t.table == "business" for t in terms):
            gaps = [gap for spans in where.values() for gap in subtract(whole, spans)]
            where = dict.fromkeys(where, subtract(whole, gaps))
        out |= dict.fromkeys((t.name for t in terms), where)
        notes.append(remark(name, next(known[1] for known in found.values() if known)))
    return out, tuple(notes)


def _split(query: Query, runs: Runs) -> Split | None:
    """Return where the split that a question needs answers it; only what was written with the bill counts."""
    if query.split is None:
        return None
    name = query.split.name
    for held in runs.values():
        held[name] = together(held[name], held["costs"])
    return usable(query.split, query.datasets[name], {org: held[name] for org, held in runs.items()})


def _side(query: Query, span: Span, slots: Sequence[Slot], runs: Runs, shifts: Shifts) -> Side:
    levels = [t for t in query.terms if t.fold == "last"]
    ends = {org: lasts(held[levels[0].datasets[0]], slots) for org, held in runs.items()} if levels else {}
    return Side(span, shifts, clock_pieces(span, query.tz), ends)


def _lacking(
    query: Query, runs: Mapping[str, Mapping[str, Sequence[Run]]], span: Range
) -> dict[tuple[str, str, str], list[Span]]:
    """Return, by organization, dataset and column, where a dataset is held without a dimension that it offers."""
    return {
        (org, name, column): [gap.span for gap in not_held(name, column, span, held[name])]
        for org, held in runs.items()
        for name, columns in query.datasets.items()
        for column in columns
        if column in HELD[name].asked
    }
