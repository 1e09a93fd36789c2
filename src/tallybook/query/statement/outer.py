"""The outer half of a statement: parts put together, the top groups told apart, totals that cannot be added up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tallybook.query.metrics import Term
from tallybook.query.question import Query
from tallybook.query.statement.terms import by_of, in_the_end, summed
from tallybook.query.words import OTHER

REST_ROWS = "rest rows"
"""The column that counts the summands of what a split leaves of the bill."""
NO_TIME, NO_GROUP = "no time", "no group"
"""Columns that are 1 where a row stands for the whole range, or for all groups; only where sums would be wrong."""


@dataclass(frozen=True, slots=True)
class _Names:
    """The columns of the parts."""

    before: list[str]
    """Those of time: side and time."""
    by: list[str]
    inner: list[str]
    """What is grouped by within a group: ids that are counted, buckets of a level."""
    sums: list[str]

    @property
    def folded(self) -> list[str]:
        """What is `Other` beyond the top; amounts in several currencies are never added."""
        return [n for n in self.by if n != "currency"]

    @property
    def keys(self) -> list[str]:
        return list(dict.fromkeys([*self.before, *self.by, "currency"]))


def outer(query: Query, parts: str, params: list[Any], *, sides: int, has_rest: bool) -> tuple[str, list[Any]]:
    """Return the whole statement over the text of its parts."""
    names = _Names(
        [*(["side"] if sides > 1 else []), *(["time"] if query.is_timed else [])],
        [d.name for d in query.by],
        [by_of(t) for t in query.terms if t.fold in ("count", "max")],
        [*(name for t in query.terms for name in summed(t)), *([REST_ROWS] if has_rest else [])],
    )
    text, first = f"({parts}) AS parts", ""
    if query.top is not None and names.by:
        first, text = _topped(query, names, text, sides=sides)
        params = [*params, *[query.top] * len(names.folded)]
    peaks = [t for t in query.terms if t.fold == "max"]
    if peaks:
        text = _added_up(names, text)
    return first + _final(query, names, text, is_added_up=bool(peaks)), params


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{n}"' for n in names)


def _sums(names: Iterable[str]) -> list[str]:
    return [f'SUM("{n}") AS "{n}"' for n in names]


def _added_up(names: _Names, text: str) -> str:
    """Return the parts with everything of a bucket added up, by group and for all groups."""
    inner = [*names.before, *(["currency"] if "currency" not in names.by else []), *names.inner]
    sets = [[*names.by, *inner], inner] if names.by else [inner]
    flag = [f'GROUPING("{names.by[0]}") AS "{NO_GROUP}"'] if names.by else []
    selected = [*(f'"{n}"' for n in (*names.by, *inner)), *flag, *_sums(names.sums)]
    grouping = ", ".join(f"({_quoted(s)})" for s in sets)
    return f"(SELECT {', '.join(selected)} FROM {text} GROUP BY GROUPING SETS ({grouping})) AS added"


def _final(query: Query, names: _Names, text: str, *, is_added_up: bool) -> str:
    values = []
    for t in query.terms:
        if t.fold == "count":
            values.append(f'COUNT(DISTINCT "{by_of(t)}") AS "{t.name}"')
        if t.fold == "max":
            values.append(f'MAX("{t.name}") AS "{t.name}"')
    peaks = {t.name for t in query.terms if t.fold == "max"}
    values += _sums(n for n in names.sums if n not in peaks)
    keys = names.keys
    if not names.inner:
        listed = _quoted(keys)
        return f"SELECT {', '.join([listed, *values])} FROM {text} GROUP BY {listed} ORDER BY {listed}"
    flags, sets = [], [keys]
    if query.is_timed:
        flags.append(f'GROUPING("time") AS "{NO_TIME}"')
        sets.append([k for k in keys if k != "time"])
    if names.by and is_added_up:
        flags.append(f'"{NO_GROUP}"')
        sets = [[*s, NO_GROUP] for s in sets]
    elif names.by:
        flags.append(f'GROUPING("{names.by[0]}") AS "{NO_GROUP}"')
        sets.append([k for k in keys if k not in names.by and k != "time"])
    grouping = ", ".join(f"({_quoted(s)})" for s in sets)
    return f"SELECT {', '.join([_quoted(keys), *flags, *values])} FROM {text} GROUP BY GROUPING SETS ({grouping})"


def _topped(query: Query, names: _Names, text: str, *, sides: int) -> tuple[str, str]:
    """Return what a statement begins with, and the parts with every group beyond the top as `Other`.

    Words in brackets neither rank nor fold. The statement binds how many groups there are, once for each of `folded`.
    """
    ranked = query.named(query.metrics[0].terms[-1])
    bracketed = [f"\"{n}\" LIKE '(%'" for n in names.by]
    listed = _quoted(names.by)
    conditions = [f"NOT {b}" for b in bracketed] + (['"side" = 0'] if sides > 1 else [])
    value, source = _rank(ranked, names, f"(SELECT * FROM parts WHERE {' AND '.join(conditions)}) AS plain")
    size = f"ABS({value})"
    keyed = _quoted(dict.fromkeys([*names.by, "currency"]))
    places = (
        f"SELECT {listed}, MIN(place) AS place FROM (SELECT {listed}, ROW_NUMBER() OVER "
        f"(PARTITION BY currency ORDER BY {size} DESC, {listed}) AS place FROM {source} "
        f"GROUP BY {keyed} HAVING {value} IS NOT NULL) AS ranked GROUP BY {listed}"
    )
    kept = " OR ".join([*(f"p.{b}" for b in bracketed), "places.place <= ?"])
    shown = [f'CASE WHEN {kept} THEN p."{n}" ELSE \'{OTHER}\' END AS "{n}"' for n in names.folded]
    others = [n for n in (*names.keys, *names.inner, *names.sums) if n not in names.folded]
    joined = " AND ".join(f'places."{n}" = p."{n}"' for n in names.by)
    selected = ", ".join([*shown, *(f'p."{n}"' for n in others)])
    topped = f"(SELECT {selected} FROM parts AS p LEFT JOIN places ON {joined}) AS topped"
    return f"WITH parts AS (SELECT * FROM {text}), places AS ({places}) ", topped


def _rank(ranked: Term, names: _Names, source: str) -> tuple[str, str]:
    """Return how large a group is, and the rows to see it in."""
    listed = _quoted(dict.fromkeys([*names.by, "currency"]))
    if ranked.fold == "count":
        return f'NULLIF(COUNT(DISTINCT "{by_of(ranked)}"), 0)', source
    if ranked.fold == "max":
        summed_up = f'SUM("{ranked.name}") AS "{ranked.name}"'
        inner = f'SELECT {listed}, {summed_up} FROM {source} GROUP BY {listed}, "{by_of(ranked)}"'
        return f'MAX("{ranked.name}")', f"({inner}) AS buckets"
    return f'SUM("{in_the_end(ranked) if ranked.fold == "last" else ranked.name}")', source
