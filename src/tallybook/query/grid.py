"""The rows of a statement as numbers by slot of time and group, with their sums over either. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tallybook.query.metrics import Term
from tallybook.query.question import Query
from tallybook.query.statement.outer import NO_GROUP, NO_TIME, REST_ROWS
from tallybook.query.statement.terms import GROUPED, in_the_end, rows_of, summed
from tallybook.query.words import OTHER, is_word

Group = tuple[Any, ...]
"""The values of `by`, then the currency or None."""
Number = Any
"""An exact number, or None where it is not known."""


@dataclass(frozen=True, slots=True)
class Cells:
    """The numbers of one term, or of one metric."""

    cells: list[Number]
    """By slot, and within it by group."""
    groups: list[Number]
    """By group, over the whole range."""
    whole: list[Number]
    """By currency, over everything."""


@dataclass(frozen=True, slots=True)
class Grid:
    """What a statement says of one side, laid out."""

    slots: int
    groups: list[Group]
    currencies: list[str | None]
    columns: Mapping[str, Cells] = field(default_factory=dict)
    """By column of the statement."""


def groups_of(query: Query, rows: Mapping[str, Sequence[Any]]) -> list[Group]:
    """Return every group: the largest of the first metric over the whole range first, then `Other`, then words in
    brackets; weekdays and hours in their own order.
    """
    keys = [d.name for d in query.by] + ["currency"]
    ranked = query.named(query.metrics[0].terms[-1])
    sizes = rows[in_the_end(ranked) if ranked.fold == "last" else ranked.name]
    no_time, no_group = rows.get(NO_TIME), rows.get(NO_GROUP)
    sides = rows.get("side")
    found: dict[Group, Decimal] = {}
    for r, group in enumerate(zip(*(rows[k] for k in keys), strict=True)):
        if no_group is not None and no_group[r]:
            continue
        counts = (no_time is None or no_time[r]) and (sides is None or sides[r] == 0)
        found[group] = found.get(group, Decimal(0)) + ((sizes[r] or 0) if counts else 0)
    if not query.by and not found:
        return [(None,)]
    is_ordered = any(d.order for d in query.by)

    def rank(group: Group) -> tuple[Any, ...]:
        words = [str(g) for g in group[:-1]]
        own = [d.order.index(w) if w in d.order else len(d.order) for d, w in zip(query.by, words, strict=True)]
        is_bracketed = any(map(is_word, words))
        return is_bracketed, OTHER in words, own if is_ordered else [], -abs(found[group]), tuple(map(str, group))

    return sorted(found, key=rank)


def read(
    query: Query, rows: Mapping[str, Sequence[Any]], slots: Mapping[Any, int], groups: Sequence[Group], side: int
) -> Grid:
    """Return the grid of a side; `rows` are columns of the statement, `slots` says which time is which slot."""
    keys = [d.name for d in query.by] + ["currency"]
    width, group_at = len(groups), {g: j for j, g in enumerate(groups)}
    currencies = list(dict.fromkeys(g[-1] for g in groups)) or [None]
    at: list[tuple[int, int, int]] = []  # level, place, row
    timed = rows["time"] if query.is_timed else None
    sides, no_time, no_group = (rows.get(flag) for flag in ("side", NO_TIME, NO_GROUP))
    for r, group in enumerate(zip(*(rows[k] for k in keys), strict=True)):
        if sides is not None and sides[r] != side:
            continue
        is_whole_time = timed is None or (no_time is not None and no_time[r])
        if no_group is not None and no_group[r]:
            at += [(2, currencies.index(group[-1]), r)] if is_whole_time else []
        elif no_time is not None and no_time[r]:
            at.append((1, group_at[group], r))
        elif (slot := slots.get(timed[r] if timed is not None else None)) is not None:
            at.append((0, slot * width + group_at[group], r))
    sizes = (len(slots) * width, width, len(currencies))
    columns, apart = {}, _apart(query)
    counts = {t.name for t in query.terms if t.fold == "count"}
    for name in _columns(query, rows):
        # A count of 0 is no more than no rows: whether that is 0 depends on what is held.
        values = [v or None for v in rows[name]] if name in counts else rows[name]
        levels: list[list[Number]] = [[None] * size for size in sizes]
        for level, place, r in at:
            if not level or name in apart:
                levels[level][place] = _added(levels[level][place], values[r])
        columns[name] = Cells(*levels)
    grid = Grid(len(slots), list(groups), currencies, columns)
    _add_up(query, grid)
    return grid


def _columns(query: Query, rows: Mapping[str, Sequence[Any]]) -> list[str]:
    return [c for t in query.terms for c in (summed(t) or [t.name])] + [c for c in rows if c == REST_ROWS]


def _apart(query: Query) -> set[str]:
    """Return the columns whose sums mean nothing: the statement has their totals."""
    return {t.name for t in query.terms if t.fold in GROUPED}


def _added(one: Number, other: Number) -> Number:
    return other if one is None else one if other is None else one + other


def _add_up(query: Query, grid: Grid) -> None:
    """Fill in the sums over time and groups, of what adds up; what does not came with the statement."""
    kept = _apart(query)
    width = len(grid.groups)
    for name, column in grid.columns.items():
        if name not in kept:
            for place, value in enumerate(column.cells):
                column.groups[place % width] = _added(column.groups[place % width], value)
        elif not query.is_timed:
            column.groups[:] = column.cells
        if name not in kept or not query.by:
            for j, group in enumerate(grid.groups):
                k = grid.currencies.index(group[-1])
                column.whole[k] = _added(column.whole[k], column.groups[j])


@dataclass(frozen=True, slots=True)
class Held:
    """Who holds what of the slots."""

    slots: Mapping[str, Sequence[frozenset[str]]]
    """By name of term, the organizations that hold at least a part of each slot in all of its datasets."""
    seconds: Mapping[str, Sequence[int]]
    """By name of a level's term, how long each slot is held."""
    owners: Sequence[frozenset[str]]
    """The organizations that each group is of: its own, where it names one, or all."""


def numbers(query: Query, grid: Grid, held: Held) -> dict[str, Cells]:
    """Return each metric's numbers: 0 where the buckets are held and say nothing, None where they are not known."""
    terms = {t.name: _filled(query, grid, t, held) for t in query.terms}
    out = {}
    for m in query.metrics:
        own = [terms[query.named(t).name] for t in m.terms]
        levels = (zip(*each, strict=True) for each in zip(*((c.cells, c.groups, c.whole) for c in own), strict=True))
        out[m.name] = Cells(*([m.value(parts) for parts in level] for level in levels))
    return out


def _filled(query: Query, grid: Grid, term: Term, held: Held) -> Cells:
    column, unknown = grid.columns[term.name], grid.columns.get(rows_of(term))
    width, holders = len(grid.groups), held.slots[term.name]
    any_holder = frozenset().union(*holders) if holders else frozenset()
    several = len(set(grid.currencies) - {None}) > 1 and len({t.is_money for t in query.terms}) > 1

    def belongs(currency: str | None) -> bool:
        return not several or term.is_money == (currency is not None)

    def zero(j: int, whose: frozenset[str]) -> Number:
        return 0 if belongs(grid.groups[j][-1]) and held.owners[j] <= whose else None

    cells = [
        zero(i % width, holders[i // width]) if value is None and not more else value
        for i, (value, more) in enumerate(zip(column.cells, _counts(unknown, "cells", column), strict=True))
    ]
    last = grid.columns[in_the_end(term)] if term.fold == "last" else column
    groups = [
        zero(j, any_holder) if value is None and not more else value
        for j, (value, more) in enumerate(zip(last.groups, _counts(unknown, "groups", column), strict=True))
    ]
    whole = [
        0 if value is None and not more and any_holder and belongs(currency) else value
        for currency, value, more in zip(grid.currencies, last.whole, _counts(unknown, "whole", column), strict=True)
    ]
    if term.fold != "mean":
        return Cells(cells, groups, whole)
    seconds = held.seconds[term.name]
    total = sum(seconds)
    return Cells(
        [_per(v, seconds[i // width]) for i, v in enumerate(cells)],
        [_per(v, total) for v in groups],
        [_per(v, total) for v in whole],
    )


def _counts(unknown: Cells | None, level: str, like: Cells) -> list[Number]:
    """Return how many rows say nothing of a term that they could have, where there are such."""
    found: list[Number] = getattr(unknown, level) if unknown else [0] * len(getattr(like, level))
    return found


def _per(value: Number, seconds: int) -> Number:
    return None if value is None or not seconds else Fraction(value) / seconds
