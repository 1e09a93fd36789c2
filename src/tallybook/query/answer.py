"""The answer to a question: the statement's rows, labelled and complete in time, with their coverage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pyarrow as pa

from tallybook.model.arrow import column
from tallybook.model.schema import TIME
from tallybook.model.windows import Span
from tallybook.query.clocks.axis import Slot
from tallybook.query.clocks.compare import Comparison
from tallybook.query.clocks.time import Range
from tallybook.query.coverage import Coverage, assess, combined
from tallybook.query.grid import Cells, Grid, Group, Held, groups_of, numbers, read
from tallybook.query.labels import Labels, identity_of, labels
from tallybook.query.own import business_terms
from tallybook.query.question import Query
from tallybook.query.statement.basis import Ground, ground
from tallybook.query.statement.compile import compile_query
from tallybook.query.statement.holding import holders, lengths
from tallybook.query.statement.outer import REST_ROWS
from tallybook.query.values import column_of, plain
from tallybook.query.words import UNATTRIBUTED, is_word
from tallybook.store.base import Store

PREVIOUS = "_previous"
"""What the name of a metric ends with, of the range that it is compared with."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A question, its rows and what they rest on.

    `table` has `time` (the start of each slot on the clocks of the zone; not for the grain `total`), per dimension a
    label and, where it differs, the id under OpenAI's name, `currency` where there is money, and the metrics under the
    names asked for, each with `…_previous` beside it where two ranges are compared. Money is decimal(38, 18), counts
    are int64, means and ratios of counts double. A number is NULL where its bucket is not held at all, or where the
    provider says nothing of a newer measure.
    """

    query: Query
    table: pa.Table
    coverage: Coverage
    overall: pa.Table
    """The same groups over the whole range: what does not add up over time is right here."""
    whole: pa.Table
    """One row per currency: everything together."""
    rounding: frozenset[int] = frozenset()
    """The rows of `table`, by number, that hold no more than what rounding leaves between the bill and its split."""
    spans: tuple[Span, ...] = ()
    """The slot of each row of `table`."""
    notes: tuple[str, ...] = ()
    """Remarks on how it was computed."""


def answer(
    store: Store, query: Query, look_back: Mapping[str, int], now: int, comparison: Comparison | None = None
) -> Answer:
    """Ask the store one statement. Raises `UnanswerableError` where the range cuts a bucket that is held whole."""
    base = ground(store, query, comparison)
    text, params = compile_query(query, base.basis)
    rows = plain(store.read(text, params))
    refusals = {org: store.rows("refusals", {"org": org}, query.as_of) for org in query.orgs}
    names = labels(store.rows("directory"), query.range.end) if any(d.kind for d in query.by) else {}
    parts = {
        o: assess(query.range, query.datasets, base.runs[o], refusals[o], look_back, now) for o in query.orgs
    }  # fmt: skip
    laid = _laid_out(query, rows, base, now)
    previous, notes = _before(query, laid, base, comparison, refusals, look_back, now) if comparison else ({}, ())
    coverage = combined(parts)
    lacks = business_terms.gaps(query, base.own, now)
    coverage = replace(coverage, missing=(*coverage.missing, *lacks)) if lacks else coverage
    return replace(_answer(query, laid, previous, names, coverage), notes=(*base.notes, *notes))


@dataclass(frozen=True, slots=True)
class _Laid:
    """Numbers of one side, by metric."""

    slots: Sequence[Slot]
    groups: list[Group]
    grid: Grid
    numbers: dict[str, Cells]
    rows: Mapping[str, Sequence[Any]]


def _laid_out(query: Query, rows: dict[str, list[Any]], base: Ground, now: int) -> _Laid:
    """Return the numbers of the range that is asked for; slots that have not begun are left out."""
    _one_currency(query, rows)
    groups = groups_of(query, rows)
    slots = [s for s in base.slots if s.start < now]
    return _side(query, rows, groups, slots, base, 0)


def _side(
    query: Query, rows: Mapping[str, Sequence[Any]], groups: list[Group], slots: Sequence[Slot], base: Ground, side: int
) -> _Laid:
    keys = {s.key if query.is_timed else None: i for i, s in enumerate(slots)}
    grid = read(query, rows, keys, groups, side)
    held = Held(
        {t.name: holders(t, query.orgs, base.runs, base.own, slots) for t in query.terms},
        {t.name: lengths(t, base.runs, base.own, slots) for t in query.terms if t.fold == "mean"},
        [_owners(query, group) for group in groups],
    )
    return _Laid(slots, groups, grid, numbers(query, grid, held), rows)


def _before(
    query: Query, laid: _Laid, base: Ground, comparison: Comparison, refusals: Mapping[str, Any],
    look_back: Mapping[str, int], now: int,
) -> tuple[dict[str, Cells], tuple[str, ...]]:  # fmt: skip
    """Return the numbers of the other range, in the slots of this one; none where that is not all held, and why."""
    slots = [slot for _, slot in comparison.pairs if slot]
    other = _side(query, laid.rows, laid.groups, slots, base, 1)
    span = Range(slots[0].start, slots[-1].end)
    lacks = combined({o: assess(span, query.datasets, base.runs[o], refusals[o], look_back, now) for o in query.orgs})
    gaps = [gap.span for gap in lacks.missing]
    width, nothing = len(laid.groups), [None] * len(laid.groups)
    place = {slot.start: i for i, slot in enumerate(slots) if not any(gap.overlaps(slot) for gap in gaps)}
    meets = [place.get(b.start) if b else None for a, b in comparison.pairs if a]
    out = {}
    for name, cells in other.numbers.items():
        moved: list[Any] = []
        for i in meets[: len(laid.slots)]:
            moved += cells.cells[i * width : (i + 1) * width] if i is not None else nothing
        whole = (cells.groups, cells.whole) if lacks.complete else (nothing, [None] * len(cells.whole))
        out[name] = Cells(moved, *whole)
    why = (
        ()
        if lacks.complete
        else (f"What it is compared with is not all held, so it is not shown: {lacks.first_gap()}.",)
    )
    return out, why


def _one_currency(query: Query, rows: dict[str, list[Any]]) -> None:
    """Put counts beside the money of the same group, where all money is of one currency."""
    currencies = set(rows["currency"]) - {None}
    if len({t.is_money for t in query.terms}) > 1 and len(currencies) == 1:
        rows["currency"] = [*currencies] * len(rows["currency"])


def _owners(query: Query, group: Group) -> frozenset[str]:
    """Return the organizations that a group is of: its own, where it names one, or all."""
    for d, value in zip(query.by, group, strict=False):
        if d.name == "org" and value in query.orgs:
            return frozenset([value])
        if query.qualifies(d) and not is_word(value) and ":" in value:
            return frozenset([identity_of(value, query.orgs)[0]])
    return frozenset(query.orgs)


def _answer(query: Query, laid: _Laid, previous: Mapping[str, Cells], names: Labels, coverage: Coverage) -> Answer:
    width, groups = len(laid.groups), laid.groups
    cells = [(i, j) for i in range(len(laid.slots)) for j in range(width)]
    rest = laid.grid.columns.get(REST_ROWS)
    dropped = {j for j in range(width) if rest and _is_rest(groups[j]) and not _says(laid, previous, j)}
    kept = [(i, j) for i, j in cells if j not in dropped]
    left = [j for j in range(width) if j not in dropped]
    table = _Columns(query, names)
    shown = table.of([groups[j] for _, j in kept], [laid.slots[i] for i, _ in kept])
    at = [i * width + j for i, j in kept]
    for m in query.metrics:
        for suffix, those in _sided(laid.numbers, previous):
            shown[m.name + suffix] = column_of(m, [those[m.name].cells[p] for p in at])
    overall = table.of([groups[j] for j in left], None)
    whole: dict[str, pa.Array] = {"currency": column(laid.grid.currencies, pa.string())} if _money(query) else {}
    for m in query.metrics:
        for suffix, those in _sided(laid.numbers, previous):
            overall[m.name + suffix] = column_of(m, [those[m.name].groups[j] for j in left])
            whole[m.name + suffix] = column_of(m, those[m.name].whole)
    rounding = frozenset(
        n for n, p in enumerate(at) if rest and _is_rest(groups[kept[n][1]]) and _is_rounding(laid, rest, p)
    )
    spans = tuple(Span(laid.slots[i].start, laid.slots[i].end) for i, _ in kept)
    return Answer(query, pa.table(shown), coverage, pa.table(overall), pa.table(whole), rounding, spans)


def _sided(now: Mapping[str, Cells], before: Mapping[str, Cells]) -> list[tuple[str, Mapping[str, Cells]]]:
    return [("", now), *([(PREVIOUS, before)] if before else [])]


def _money(query: Query) -> bool:
    return any(m.has_currency for m in query.metrics)


def _is_rest(group: Group) -> bool:
    return UNATTRIBUTED in group


def _says(laid: _Laid, previous: Mapping[str, Cells], j: int) -> bool:
    """Return whether a group has anything but zeros at any time."""
    width = len(laid.groups)
    return any(any(c.cells[j::width]) for those in (laid.numbers, previous) for c in those.values())


def _is_rounding(laid: _Laid, rest: Cells, place: int) -> bool:
    """Return whether a cell holds no more than half-even rounding of its summands to 18 places can leave."""
    most = Decimal((rest.cells[place] or 0) + 1).scaleb(-18)
    return all(abs(c.cells[place] or 0) <= most for c in laid.numbers.values())


@dataclass(frozen=True, slots=True)
class _Columns:
    """The columns that say what a row is about."""

    query: Query
    names: Labels

    def of(self, groups: Sequence[Group], slots: Sequence[Slot] | None) -> dict[str, pa.Array]:
        """Return the columns for rows of these groups, in these slots of time."""
        out: dict[str, pa.Array] = {}
        if slots is not None and self.query.is_timed:
            out["time"] = column([s.label for s in slots], TIME)
        for k, d in enumerate(self.query.by):
            values = [g[k] for g in groups]
            if not d.kind:
                out[d.name] = column(values, pa.string())
                continue
            shown, ids = self._labelled(d.kind, values)
            out[d.name], out[d.column] = column(shown, pa.string()), column(ids, pa.string())
        if _money(self.query) and "currency" not in out:
            out["currency"] = column([g[-1] for g in groups], pa.string())
        return out

    def _labelled(self, kind: str, values: Sequence[str]) -> tuple[list[str], list[str | None]]:
        """Return labels and ids; values are qualified where there are several organizations, which only matters for
        what they share.
        """
        orgs, known = self.query.orgs, self.names.get(kind, {})
        ids = {v: None if not _is_id(v, orgs) else identity_of(v, orgs) for v in set(values)}
        sharers = Counter(i[1] for i in ids.values() if i)
        label = {
            v: v if i is None or (i not in known and sharers[i[1]] > 1) else known.get(i, i[1]) for v, i in ids.items()
        }
        return [label[v] for v in values], [i[1] if (i := ids[v]) else None for v in values]


def _is_id(value: str, orgs: Sequence[str]) -> bool:
    return not is_word(value) and value != "Other" and (len(orgs) == 1 or ":" in value)
