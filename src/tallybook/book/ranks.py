"""Which of all there are is the largest: by it a project has the same colour in every picture."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Protocol

from tallybook.model.errors import QueryError
from tallybook.show.result import Result

_BY = (
    "cost", "requests", "tokens", "images", "characters", "audio_seconds", "sessions", "file_searches", "storage_bytes",
)  # fmt: skip
"""Metrics that rank, the first first: two of those that have the dimension, as the bill may not know every model."""
_ENOUGH = 2
_EVER = "1970-01-01"


class Ask(Protocol):
    """`Book.query`."""

    def __call__(self, *metrics: str, by: str, since: str) -> Result: ...


def with_rank(ask: Ask, result: Result) -> Result:
    """Return an answer that knows, once it is drawn, which of all there are is the largest."""
    return replace(result, rank=partial(ranked, ask))


def ranked(ask: Ask, dimension: str) -> tuple[str, ...]:
    """Return the ids of a dimension in the whole book, the largest first; names where it has no ids."""
    found: dict[str, None] = {}
    answered = 0
    for metric in _BY:
        try:
            result = ask(metric, by=dimension, since=_EVER)
        except QueryError:
            continue
        assert result.query is not None  # noqa: S101 - an answer has its question
        (known,) = result.query.by
        columns = result.table.to_pydict()
        labels = columns[known.name]
        found |= dict.fromkeys(i or label for label, i in zip(labels, columns.get(known.column, labels), strict=True))
        answered += 1
        if answered == _ENOUGH:
            break
    return tuple(found)
