"""The values of a dimension, the largest first: what a filter offers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

from tallybook.model.errors import QueryError, UsageError
from tallybook.query.dimensions import dimension
from tallybook.query.question import can_tell
from tallybook.query.words import NONE, OTHER, is_word
from tallybook.show.result import Result
from tallybook.web.desk import Desk
from tallybook.web.shapes import Option
from tallybook.web.view import DEFAULT_RANGE
from tallybook.web.words import Asked

_BY = ("cost", "requests", "tokens", "images", "characters", "audio_seconds", "sessions", "storage_bytes")
"""Metrics that rank where the page's own cannot be told by the dimension, or not in its range."""
_MOST = 2_000


def options(desk: Desk, asked: Asked, limit: int, search: str = "") -> list[Option]:
    """Return the values of the one dimension asked for; filters on itself do not count, so that others can be added."""
    if len(asked.by) != 1:
        raise UsageError("Say one dimension whose values are wanted: by=project, for example.")
    known = dimension(asked.by[0], desk.vocabulary.dimensions)
    kept = tuple(
        w for w in asked.where if w.partition("=")[0].removesuffix("!").strip() not in (known.name, known.column)
    )
    bare = replace(asked, where=kept, grain=None, compare=None, top=None, time=asked.time or (DEFAULT_RANGE,))
    result = _first(desk, bare)
    places = desk.colours(known.name)
    found = [
        Option(identity, label, places.get(identity), share)
        for identity, label, share in _values(result, known.name, known.column if known.kind else known.name)
        if search.casefold() in label.casefold() or search.casefold() in identity.casefold()
    ]
    return found[: min(limit, _MOST)]


def _first(desk: Desk, asked: Asked) -> Result:
    """Return the answer by the first metric that can be told by the dimension in that range."""
    by = dimension(asked.by[0], desk.vocabulary.dimensions)
    refused: QueryError | UsageError | None = None
    for name in dict.fromkeys([*asked.metrics, *_BY]):
        if not can_tell(desk.metric(name), by):
            continue
        try:
            return desk.ask(replace(asked, metrics=(name,)))
        except (QueryError, UsageError) as exc:
            refused = refused or exc
    raise refused or UsageError(f"Nothing is told by {by.name}.")


def _values(result: Result, label: str, column: str) -> Iterator[tuple[str, str, float | None]]:
    """Yield id, label and share of every value; of the words in brackets, the one that can be filtered by."""
    query = result.query
    assert query is not None  # noqa: S101 - an answer has its question
    rows = result.rows()
    name = query.metrics[0].name
    total = sum((abs(Fraction(row[name])) for row in rows if row[name] is not None), Fraction(0))
    seen = set()
    for row in rows:
        identity = row[column] if row[column] is not None else row[label]
        is_value = row[label] != OTHER and (identity != row[label] or not is_word(row[label]) or row[label] == NONE)
        if is_value and identity not in seen:
            seen.add(identity)
            yield identity, row[label], _share(row[name], total)


def _share(value: Any, total: Fraction) -> float | None:
    return None if value is None or not total else float(abs(Fraction(value)) / total)
