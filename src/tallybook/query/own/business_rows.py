"""Rows of a frame to the buckets of a business metric: times, amounts and ids, each refused by row. Pure."""

from __future__ import annotations

import datetime as dt
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import reduce
from typing import Any

from tallybook.model.errors import UsageError
from tallybook.model.windows import Span, merge, unix
from tallybook.query.own.business import GRAINS, Definition
from tallybook.query.own.business_ids import Record, Resolver
from tallybook.query.own.teams import Ids

_MONEY = Decimal(1).scaleb(-18)
_CONTEXT = Context(prec=50, rounding=ROUND_HALF_EVEN)
_LARGEST = Decimal(10) ** 20
"""Money has 20 digits before the point."""
_YEARS = range(1970, 9999)
_NUMBER = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]{1,3})?")
_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")
_WEEK = re.compile(r"[0-9]{4}-?W[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Columns:
    """What the columns of a frame are called, for errors."""

    time: str
    amount: str
    by: Mapping[str, str]
    """Dimension to column."""


@dataclass(frozen=True, slots=True)
class Bucketed:
    """What a frame says of a metric."""

    rows: list[dict[str, Any]]
    """As the table `business` has them, without metric, currency and the time of writing."""
    span: Span
    """From the first bucket to the end of the last."""
    coverage: list[Span]
    """Where the frame says something; a flow that is not named in a bucket between two others is 0 there."""
    total: Decimal


@dataclass(frozen=True, slots=True)
class Moment:
    """The time of a row."""

    at: dt.datetime
    """Naive UTC."""
    said: str | None = None
    """The grain that the text itself names, such as `2026-10`."""


_START: dict[str, Callable[[dt.datetime], dt.datetime]] = {
    "hour": lambda t: t.replace(minute=0, second=0, microsecond=0),
    "day": lambda t: t.replace(hour=0, minute=0, second=0, microsecond=0),
    "week": lambda t: _START["day"](t) - dt.timedelta(days=t.weekday()),
    "month": lambda t: _START["day"](t).replace(day=1),
}
_NEXT: dict[str, Callable[[dt.datetime], dt.datetime]] = {
    "hour": lambda t: t + dt.timedelta(hours=1),
    "day": lambda t: t + dt.timedelta(days=1),
    "week": lambda t: t + dt.timedelta(days=7),
    "month": lambda t: (t + dt.timedelta(days=31)).replace(day=1),
}


def moments(records: Iterable[Record], column: str) -> list[Moment]:
    """Return the time of every row; raises `UsageError` that names the row."""
    return [_moment(r.time, f"{r.place}, column {column}") for r in records]


def fits(found: Iterable[Moment], grain: str) -> bool:
    """Return whether every time is the beginning of an hour, a day, a week or a month."""
    return all(_START[grain](moment.at) == moment.at for moment in found)


def grain_of(found: Sequence[Moment]) -> str:
    """Return the coarsest grain whose edges all times are on: one day says `day`, first days of months say `month`.

    Raises `UsageError` where not even hours fit.
    """
    said = {moment.said for moment in found}
    if len(said) == 1 and None not in said:
        return str(said.pop())
    several = len({moment.at for moment in found}) > 1
    for grain in reversed(GRAINS):
        if (several or grain in ("hour", "day")) and fits(found, grain):
            return grain
    raise UsageError("The times are not those of whole hours. Say what to add them up by: grain (--grain) hour, day, …")


def bucketed(
    what: Definition, records: Sequence[Record], times: Sequence[Moment], columns: Columns, ids: Ids
) -> Bucketed:
    """Return the buckets of a metric, equal ones added up; raises `UsageError` that names the row.

    `ids` are those of the book with all that they are called; a value is an id or a name that only one of them has.
    """
    start_of, next_of = _START[what.grain], _NEXT[what.grain]
    resolver = Resolver(ids, columns.by)
    sums: dict[tuple[Any, ...], Decimal] = {}
    for record, moment in zip(records, times, strict=True):
        start = start_of(moment.at)
        if what.kind == "level" and start != moment.at:
            raise UsageError(
                f"{record.place}, column {columns.time}: {moment.at} is not the beginning of a {what.grain}; levels of "
                "different times cannot be added."
            )
        key = (start, *resolver.values(record))
        amount = _amount(record.amount, f"{record.place}, column {columns.amount}")
        sums[key] = _CONTEXT.add(sums[key], amount) if key in sums else amount
    names = ("org", *(what.columns[d] for d in columns.by if d != "org"))
    rows = []
    for (start, *values), amount in sums.items():
        end = next_of(start)
        row = {"start_time": start, "end_time": end, "amount": _fitting(amount, what.name)}
        if what.kind == "level":
            lasting = _CONTEXT.multiply(amount, Decimal(unix(end) - unix(start)))
            row["amount_seconds"] = _fitting(lasting, what.name)
        rows.append(row | dict(zip(names, values, strict=True)))
    starts = [row["start_time"] for row in rows]
    span = Span(unix(min(starts)), unix(next_of(max(starts))))
    whole = [span] if what.kind == "flow" else merge(Span(unix(s), unix(next_of(s))) for s in {*starts})
    return Bucketed(rows, span, whole, reduce(_CONTEXT.add, (row["amount"] for row in rows)))


def _moment(value: Any, place: str) -> Moment:
    try:
        if isinstance(value, dt.datetime):
            return Moment(_utc(value))
        if isinstance(value, dt.date):
            return Moment(_utc(dt.datetime(value.year, value.month, value.day)))  # noqa: DTZ001
        if isinstance(value, str):
            text = value.strip()
            if _MONTH.fullmatch(text):
                return Moment(_utc(dt.datetime.fromisoformat(f"{text}-01")), "month")
            if _WEEK.fullmatch(text):
                return Moment(_utc(dt.datetime.fromisoformat(f"{text}-1" if "-W" in text else f"{text}1")), "week")
            return Moment(_utc(dt.datetime.fromisoformat(text)))
    except (ValueError, OverflowError):
        pass
    raise UsageError(f"{place}: {_shown(value)} is not a time. Write 2026-10-31, 2026-10-31T17:00Z or 2026-10.")


def _utc(moment: dt.datetime) -> dt.datetime:
    """Return a moment as naive UTC; one without a zone is UTC already."""
    plain = moment if moment.tzinfo is None else moment.astimezone(dt.UTC)
    if plain.year not in _YEARS:
        raise ValueError(plain.year)
    return dt.datetime(*plain.timetuple()[:6], plain.microsecond)  # noqa: DTZ001 - a plain one, not a subclass


def _amount(value: Any, place: str) -> Decimal:
    if value is None or value == "":
        raise UsageError(f"{place}: there is no number.")
    number: Decimal | None = None
    if isinstance(value, float):
        number = Decimal(repr(float(value)))
    elif isinstance(value, Decimal):
        number = value
    elif isinstance(value, str):
        number = Decimal(value.strip()) if _NUMBER.fullmatch(value.strip()) else None
    elif hasattr(value, "__index__") and not isinstance(value, bool):
        number = Decimal(operator.index(value))
    if number is None or not number.is_finite():
        raise UsageError(f"{place}: {_shown(value)} is not a number. Write 1234.5.")
    if number.copy_abs() >= _LARGEST:
        raise UsageError(f"{place}: {_shown(value)} is too large; a number has at most 20 digits before the point.")
    return number.quantize(_MONEY, context=_CONTEXT)


def _fitting(amount: Decimal, name: str) -> Decimal:
    """Return an amount that can be kept; raises `UsageError`."""
    if amount.copy_abs() >= _LARGEST:
        raise UsageError(f"{name} adds up to {amount:.3e} in one bucket, which is too large to be kept.")
    return amount


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, str) else "nothing" if value is None else str(value)


def records(rows: Iterable[tuple[str, Mapping[str, Any]]], columns: Columns) -> Iterator[Record]:
    """Yield rows, each with its place, as what their columns mean."""
    for place, row in rows:
        yield Record(place, row[columns.time], row[columns.amount], {d: row[c] for d, c in columns.by.items()})
