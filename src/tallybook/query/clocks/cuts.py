"""Whether what is held can be told apart at the edges that a question needs. Pure."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence

from tallybook.model.coverage import Run
from tallybook.model.datasets import HELD
from tallybook.model.errors import UnanswerableError
from tallybook.model.windows import SECONDS, Span, ceil, floor, iso
from tallybook.query.clocks.axis import Slot, edges, slots
from tallybook.query.clocks.zones import at, local, offsets

_WORDS = {"1m": "minute", "1h": "hour", "1d": "day"}


def check_edges(name: str, org_text: str, runs: Sequence[Run], axis: Sequence[Slot], tz: str = "UTC") -> None:
    """Raise `UnanswerableError` where an edge of the slots cuts a bucket that is held, naming what can be asked.

    `name` is the dataset, `org_text` what follows it where there are several organizations (` of acme`). An open
    bucket may be cut where nothing of it is known yet.
    """
    wanted = edges(axis)
    uneven = {width: [e for e in wanted if e % SECONDS[width]] for width in {run.width for run in runs}}
    inside = {edge: run for run in runs for edge in _inside(run, uneven[run.width])}
    cut = {edge: run for edge, run in inside.items() if edge == wanted[0] or edge < run.end}
    if not cut:
        return
    outer = {wanted[0], wanted[-1]}
    if cut.keys() <= outer:
        edge, run = min(cut.items(), key=lambda item: item[0])
        raise UnanswerableError(_range_text(f"{name}{org_text}", run, edge, is_end=edge != wanted[0]))
    if HELD[name].is_costs:
        days = "" if tz == "UTC" else f", nor by days of {tz}"
        raise UnanswerableError(
            f"OpenAI bills by UTC day, so {name}{org_text} cannot be told apart within one{days}. "
            "Ask by day or longer, in UTC."
        )
    last = max(cut)
    newest = max(run.end for run in runs)
    first = next((s for s in axis if last < s.start < newest and s.start not in inside), None)
    raise UnanswerableError(_slots_text(f"{name}{org_text}", cut[last], last, first, tz))


def check_told(name: str, org_text: str, runs: Sequence[Run], span: Span, told: str, grain: str, tz: str) -> None:
    """Raise `UnanswerableError` where a bucket that is held has more than one value of a dimension of the clock.

    `told` is the dimension, `grain` the length of time of each of its values; the rest is as for `check_edges`, which
    comes first. Of a run of buckets longer than that the first one decides.
    """
    for run in reversed(runs):
        width, extent = SECONDS[run.width], run.extent
        start, end = max(extent.start, span.start), min(extent.end, span.end)
        if start >= end or _fits(Span(start, end), width, grain, tz):
            continue
        few = end if width <= _UNITS[grain] else min(floor(start, run.width) + width, end)
        if any(edge % width and edge < run.end for edge in edges(slots(Span(start, few), grain, tz))):
            later = f"from {iso(extent.end)} on, or " if extent.end < min(runs[-1].end, span.end) else ""
            raise UnanswerableError(
                f"{name}{org_text} is held by {run.width} until {iso(extent.end)}, which has no {told} in {tz}. "
                f"Ask {later}without {told}{'' if tz == 'UTC' else ', or in UTC'}."
            )


_UNITS = {"hour": SECONDS["1h"], "day": SECONDS["1d"]}


def _fits(span: Span, width: int, grain: str, tz: str) -> bool:
    """Return whether buckets of a width have one value each wherever clocks show it."""
    return width <= _UNITS[grain] and not any(ahead % width for _, ahead in offsets(span, tz))


def check_widths(name: str, runs: Mapping[str, Sequence[Run]], span: Span) -> None:
    """Raise `UnanswerableError` where organizations hold a level by buckets of different widths: the most of it at
    any time is found bucket by bucket.
    """
    inside = [(run, org) for org, held in runs.items() for run in held if run.extent.overlaps(span)]
    newest: dict[str, Run] = {}
    for run, org in sorted(inside, key=lambda item: item[0].start):
        for other, before in newest.items():
            if before.width != run.width and before.extent.overlaps(run.extent):
                raise UnanswerableError(
                    f"{name} is held of {other} by {before.width} and of {org} by {run.width} on "
                    f"{iso(floor(max(run.start, span.start), '1d'))}, so the most of both at one time is not known. "
                    "Ask for one organization at a time."
                )
        newest[org] = run


def _inside(run: Run, uneven: Sequence[int]) -> Sequence[int]:
    """Return those of the edges (none of which is an edge of its width) that are inside buckets of a run."""
    extent = run.extent
    return uneven[bisect_right(uneven, extent.start) : bisect_left(uneven, extent.end)]


def _range_text(whose: str, run: Run, edge: int, *, is_end: bool) -> str:
    nearest = floor(edge, run.width) if is_end else ceil(edge, run.width)
    return (
        f"{whose} is held by {run.width} around {iso(edge)}, so the range cannot {'end' if is_end else 'begin'} there. "
        f"The nearest that can be answered {'ends before' if is_end else 'begins with'} {iso(nearest)}; whole days "
        "of UTC always can."
    )


def _slots_text(whose: str, run: Run, last: int, first: Slot | None, tz: str) -> str:
    by = f"by {_WORDS[run.width]} in UTC"
    ask = f"Ask from {_said(first, tz)} on, or {by}." if first else f"Ask {by}."
    where = iso(last) if tz == "UTC" else f"{iso(last)} ({local(last, tz):%Y-%m-%d %H:%M} in {tz})"
    return (
        f"{whose} is held by {run.width} until {iso(run.extent.end)}, so what was before {where} and what "
        f"was after it cannot be told apart. {ask}"
    )


def _said(slot: Slot, tz: str) -> str:
    """Return the start of a slot as `since` takes it."""
    if at(slot.label, tz) == slot.start and slot.label.time() == dt.time():
        return f"{slot.label:%Y-%m-%d}"
    return f"{local(slot.start, tz):%Y-%m-%dT%H:%M}"
