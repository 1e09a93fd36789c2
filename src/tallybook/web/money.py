"""Where a range can be told in money: costs are whole UTC days, and those of the last days are not billed yet."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tallybook.model.windows import DAY, ceil, floor, iso
from tallybook.query.clocks.closed import billed_through
from tallybook.query.clocks.time import Range
from tallybook.web.view import View
from tallybook.web.words import Asked

_LEAST = 2 * DAY
_INSTEAD = "tokens"
_WHOLE = "Costs are billed by whole UTC days, so this shows tokens."
_RECENT = "What was billed in the last day or two is not known yet, so this shows tokens."


@dataclass(frozen=True, slots=True)
class Billed:
    """What of a range can be told in money."""

    is_told: bool
    """Whether all of the range can be: whole days, and more than the last ones, which are not billed yet."""
    why: str = ""
    """Why not."""
    last: Range | None = None
    """The last billed day, up to the end of the range."""


def billed(view: View) -> Billed:
    """Return what of a view's range can be told in money. Raises `NotABookError`."""
    store, span = view.desk.book.store, view.span
    orgs = view.desk.orgs(view.asked)
    ends = [billed_through(store, org, store.coverage(org, ["costs"])["costs"]) for org in orgs]
    through = min((end for end in ends if end is not None), default=None)
    if through is None:
        return Billed(is_told=True)  # the bill is not held: its panels say so
    end = min(through, floor(span.end, "1d"))
    last = Range(end - DAY, end)
    if span.start % DAY or span.end % DAY:
        return Billed(False, _WHOLE, last)
    is_told = span.end - span.start >= _LEAST or span.end <= through
    return Billed(is_told, "" if is_told else _RECENT, last)


def told(view: View, known: Billed) -> View:
    """Return a view that shows tokens where its metric cannot be told in money."""
    if known.is_told or view.tab.is_fixed or not any(m.has_currency for m in view.metrics):
        return view
    left = tuple(m.name for m in view.metrics if not m.has_currency) or (_INSTEAD,)
    return replace(view, asked=replace(view.asked, metrics=left))


def on_the_last_day(asked: Asked, known: Billed) -> Asked:
    """Return a question about the last billed day instead of its range."""
    if known.is_told or known.last is None:
        return asked
    return replace(asked, time=_time(known.last.start, known.last.end), grain="day", tz="UTC")


def whole_days(asked: Asked, view: View, known: Billed) -> Asked:
    """Return a question about the whole UTC days that its range touches."""
    span = view.span
    if known.is_told or not (span.start % DAY or span.end % DAY):
        return asked
    return replace(asked, time=_time(floor(span.start, "1d"), ceil(span.end, "1d")), tz="UTC")


def _time(start: int, end: int) -> tuple[tuple[str, str], ...]:
    return (("since", iso(start)), ("until", iso(end - DAY)))
