"""Whether what a row says is final. Pure."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from tallybook.model.windows import naive
from tallybook.query.coverage import Coverage

if TYPE_CHECKING:
    from tallybook.show.result import Result

STABLE, PROVISIONAL, OPEN, MISSING = "stable", "provisional", "open", "missing"


def statuses(result: Result) -> tuple[str, ...]:
    """Return for each row `missing` where none of its numbers is held, else what its time is.

    `open` where it ends after the newest read, `provisional` where it may still change, or `stable`. Of a dataset
    that was fetched directly, a row's time is its bucket.
    """
    if result.query is None:
        ends, held = result.table["end_time"].to_pylist(), [True] * len(result)
    else:
        ends, held = [naive(span.end) for span in result.spans], _held(result)
    known = {end: _of(end, result.coverage) for end in set(ends)}
    return tuple(known[end] if here else MISSING for end, here in zip(ends, held, strict=True))


def _of(end: dt.datetime, coverage: Coverage) -> str:
    if coverage.as_of is None or end > coverage.as_of:
        return OPEN
    return PROVISIONAL if coverage.provisional_from is not None and end > coverage.provisional_from else STABLE


def _held(result: Result) -> list[bool]:
    assert result.query is not None  # noqa: S101 - the caller has seen to it
    numbers = [result.table[m.name].is_valid().to_pylist() for m in result.query.metrics]
    return [any(row) for row in zip(*numbers, strict=True)]
