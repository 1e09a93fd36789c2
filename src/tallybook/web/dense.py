"""An answer in columns, as the page draws it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, localcontext
from typing import Any

import msgspec
import pyarrow as pa

from tallybook.model.windows import unix
from tallybook.query.answer import PREVIOUS
from tallybook.query.question import Query
from tallybook.query.words import OTHER, is_word
from tallybook.show.export.cells import text
from tallybook.show.result import Result, decimal_text
from tallybook.show.status import MISSING
from tallybook.web.naming import unit
from tallybook.web.shapes import Dense, Group, Times, Value, Whole

_EXACT = 2**53
"""Beyond, browsers lose digits of whole numbers."""
_CLOCK = ("minute", "hour")
ADDS_UP = ("flow", "level")
"""Kinds of metrics whose groups together are the whole."""
Colours = Callable[[str], Mapping[str, int]]
"""Gives the place of every id of a dimension among all of the book."""


def dense(result: Result, colours: Colours) -> Dense:
    """Return an answer of a book in columns."""
    query = result.query
    assert query is not None  # noqa: S101 - an answer has its question
    names = [m.name for m in query.metrics]
    wide = result.overall.num_rows
    columns = {name: values_of(result.table[name]) for name in result.table.column_names if _is_of(name, names)}
    compared = [n for n in names if n + PREVIOUS in columns]
    return Dense(
        query=query.as_dict(),
        range=result.range.as_dict(),
        comparison=None if result.comparison is None else str(result.comparison),
        coverage=result.coverage.as_dict() | {"text": str(result.coverage)},
        notes=list(result.notes),
        metrics=[unit(m) for m in query.metrics],
        time=_times(result, query, wide),
        status=slot_status(result.status, wide),
        groups=_groups(result.overall, query, colours),
        values={name: _by_group(columns[name], wide) for name in names},
        overall={name: values_of(result.overall[name]) for name in names},
        whole={name: _whole(result.whole, name) for name in names},
        previous={n: _by_group(columns[n + PREVIOUS], wide) for n in compared} or msgspec.UNSET,
        overall_previous={n: values_of(result.overall[n + PREVIOUS]) for n in compared} or msgspec.UNSET,
    )


def beside(full: Dense, compared: Dense) -> Dense:
    """Return an answer with what it is compared with, where only a part of it, such as whole days, is compared."""
    at = {_key(group): j for j, group in enumerate(compared.groups)}
    places = [at.get(_key(group)) for group in full.groups]
    lacking = [None] * (len(full.time.start) - len(compared.time.start))
    nothing: list[Value] = [None] * len(full.time.start)

    def over_time(values: list[list[Value]]) -> list[list[Value]]:
        return [nothing if j is None else [*values[j], *lacking] for j in places]

    def over_all(values: list[Value]) -> list[Value]:
        return [None if j is None else values[j] for j in places]

    more: dict[str, Any] = {}
    if compared.previous is not msgspec.UNSET and compared.overall_previous is not msgspec.UNSET:
        more["previous"] = {name: over_time(v) for name, v in compared.previous.items()}
        more["overall_previous"] = {name: over_all(v) for name, v in compared.overall_previous.items()}
        more["overall_compared"] = {name: over_all(v) for name, v in compared.overall.items()}
    before = {name: {w.currency: w for w in wholes} for name, wholes in compared.whole.items()}
    whole = {name: [_beside(w, before[name].get(w.currency)) for w in wholes] for name, wholes in full.whole.items()}
    notes = list(dict.fromkeys([*full.notes, *compared.notes]))
    return msgspec.structs.replace(full, comparison=compared.comparison, whole=whole, notes=notes, **more)


def _key(group: Group) -> tuple[Any, ...]:
    return (*group.key, group.word, group.currency)


def _beside(now: Whole, part: Whole | None) -> Whole:
    return now if part is None else Whole(now.currency, now.value, part.previous, part.value)


def before_in_all(found: Dense) -> Dense:
    """Return an answer with what was before told for all groups together, where they add up: a stack needs no more.

    It stands at the first group of each currency; those of the others are empty.
    """
    if found.previous is msgspec.UNSET or any(m.kind not in ADDS_UP for m in found.metrics):
        return found
    first = {group.currency: j for j, group in reversed([*enumerate(found.groups)])}
    previous = {
        name: [_summed(rows, found.groups, j, first) for j in range(len(rows))] for name, rows in found.previous.items()
    }
    return msgspec.structs.replace(found, previous=previous)


def _summed(rows: list[list[Value]], groups: Sequence[Group], j: int, first: Mapping[str | None, int]) -> list[Value]:
    if first[groups[j].currency] != j:
        return []
    alike = [row for row, group in zip(rows, groups, strict=True) if group.currency == groups[j].currency]
    return [_sum(cells) for cells in zip(*alike, strict=True)]


def _sum(cells: Sequence[Value]) -> Value:
    """Return the exact sum of what is known; money, and what is larger than browsers hold, is text."""
    known = [cell for cell in cells if cell is not None]
    if not known:
        return None
    if any(isinstance(cell, str) for cell in known):
        with localcontext(prec=60):
            return decimal_text(sum((Decimal(cell) for cell in known), Decimal(0)))
    return sum(cell for cell in known if not isinstance(cell, str))


def total_of(found: Dense) -> Dense:
    """Return the same answer over its whole range, in one slot of time."""
    if not found.time.start:
        return found
    time = Times([found.time.start[0]], [found.time.end[-1]], [found.time.label[0]])
    worst = next((s for s in ("open", "provisional", "stable") if s in found.status), MISSING)
    more: dict[str, Any] = {}
    if found.overall_previous is not msgspec.UNSET:
        more["previous"] = {name: [[v] for v in values] for name, values in found.overall_previous.items()}
    values = {name: [[v] for v in of_groups] for name, of_groups in found.overall.items()}
    query = found.query | {"grain": "total"}
    return msgspec.structs.replace(found, query=query, time=time, status=[worst], values=values, **more)


def together(parts: Sequence[Dense]) -> Dense:
    """Return several answers without groups as one; each metric keeps a course of its own."""
    first, *rest = parts
    texts = {p.coverage["text"]: p.coverage for p in parts}
    worst = next((c for c in texts.values() if not c["complete"]), first.coverage)
    notes = list(dict.fromkeys(n for p in parts for n in p.notes))
    metrics = [m for p in parts for m in p.metrics]
    merged: dict[str, Any] = {
        name: _merged([getattr(p, name) for p in parts]) for name in ("values", "overall", "whole", "previous")
    }
    longest = max(parts, key=lambda p: len(p.time.start))
    query = first.query | {"metrics": [m.name for m in metrics], "grain": longest.query["grain"]}
    return msgspec.structs.replace(
        longest, query=query, coverage=worst, notes=notes, metrics=metrics,
        comparison=next((p.comparison for p in (*rest, first) if p.comparison), None), **merged,
    )  # fmt: skip


def _merged(each: Sequence[Any]) -> Any:
    found = {name: value for part in each if part is not msgspec.UNSET for name, value in part.items()}
    return found or msgspec.UNSET


def _is_of(column: str, names: Sequence[str]) -> bool:
    return column.removesuffix(PREVIOUS) in names or column in names


def values_of(column: pa.ChunkedArray) -> list[Value]:
    """Return numbers as JSON has them: money as text, and whole numbers beyond what browsers hold."""
    if pa.types.is_decimal(column.type):
        return [v for chunk in column.chunks for v in text(chunk).to_pylist()]
    found: list[Value] = column.to_pylist()
    if pa.types.is_integer(column.type):
        return [str(v) if isinstance(v, int) and abs(v) > _EXACT else v for v in found]
    return found


def _by_group(values: Sequence[Value], wide: int) -> list[list[Value]]:
    """Return values, which are by slot and within it by group, by group."""
    return [list(values[j::wide]) for j in range(wide)]


def _times(result: Result, query: Query, wide: int) -> Times:
    spans = result.spans[:: wide or 1]
    if query.is_timed:
        shown = result.table["time"].to_pylist()[:: wide or 1]
        form = "%Y-%m-%dT%H:%M" if query.grain in _CLOCK else "%Y-%m-%d"
        labels = [f"{moment:{form}}" for moment in shown]
    else:
        labels = [result.range.dates for _ in spans]
    return Times([s.start for s in spans], [s.end for s in spans], labels)


def slot_status(status: Sequence[str], wide: int) -> list[str]:
    """Return what each slot is: missing only where it is that for every group."""
    slots = [status[i : i + wide] for i in range(0, len(status), wide)] if wide else []
    return [next((s for s in slot if s != MISSING), MISSING) for slot in slots]


def _groups(overall: pa.Table, query: Query, colours: Colours) -> list[Group]:
    labels = [overall[d.name].to_pylist() for d in query.by]
    ids = [overall[d.column].to_pylist() if d.kind else labels[i] for i, d in enumerate(query.by)]
    has_currency = "currency" in overall.column_names
    currencies = overall["currency"].to_pylist() if has_currency else [None] * overall.num_rows
    places = colours(query.by[0].name) if len(query.by) == 1 else {}
    out = []
    for j, currency in enumerate(currencies):
        shown, key = [column[j] for column in labels], [column[j] for column in ids]
        word = next((w for w in map(word_of, shown, key) if w), None)
        known = [None if word_of(*pair) else pair[1] for pair in zip(shown, key, strict=True)]
        color = places.get(str(known[0])) if len(known) == 1 and known[0] is not None else None
        out.append(Group(known, shown, currency, word, color))
    return out


def word_of(label: str | None, key: str | None) -> str | None:
    """Return the word that a group is instead of a value: `other`, `none`, `not held`, …"""
    if label is None or (key is not None and key != label):
        return None
    if label == OTHER:
        return OTHER.lower()
    return label.strip("()") if is_word(label) and label.endswith(")") else None


def _whole(whole: pa.Table, name: str) -> list[Whole]:
    currencies = whole["currency"].to_pylist() if "currency" in whole.column_names else [None] * whole.num_rows
    before = values_of(whole[name + PREVIOUS]) if name + PREVIOUS in whole.column_names else None
    now = values_of(whole[name])
    return [Whole(c, now[i], before[i] if before else msgspec.UNSET) for i, c in enumerate(currencies)]


def moment_of(found: Dense) -> int | None:
    """Return until when all of an answer is known, Unix seconds."""
    import datetime as dt

    text_of = found.coverage["as_of"]
    return None if text_of is None else unix(dt.datetime.fromisoformat(text_of))
