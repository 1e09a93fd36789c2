"""Who holds which slots of time, as metrics need it. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence

from tallybook.model.coverage import Run
from tallybook.model.windows import SECONDS, Span, subtract
from tallybook.query.metrics import Term

Runs = Mapping[str, Mapping[str, Sequence[Run]]]
"""What is held, per organization and dataset."""
Own = Mapping[str, Sequence[Span]]
"""Where business metrics are known."""


def holders(term: Term, orgs: Sequence[str], runs: Runs, own: Own, slots: Sequence[Span]) -> list[frozenset[str]]:
    """Return, per slot, the organizations that hold at least a part of it in every dataset of a term."""
    if term.table == "business":
        flags = _touched(own[term.datasets[0]], slots)
        return [frozenset(orgs) if flag else frozenset() for flag in flags]
    touched = {org: [_touched([r.span for r in runs[org][d]], slots) for d in term.datasets] for org in orgs}
    return [frozenset(org for org in orgs if all(flags[i] for flags in touched[org])) for i in range(len(slots))]


def _touched(spans: Sequence[Span], slots: Sequence[Span]) -> list[bool]:
    starts, ends = [s.start for s in spans], [s.end for s in spans]
    return [bisect_left(starts, slot.end) > bisect_right(ends, slot.start) for slot in slots]


def lengths(term: Term, runs: Runs, own: Own, slots: Sequence[Span]) -> list[int]:
    """Return how many seconds of each slot are held by anybody: of whole buckets, an open one to its end."""
    if term.table == "business":
        return [s.end - s.start - sum(g.end - g.start for g in subtract([s], own[term.datasets[0]])) for s in slots]
    merged = united(run.extent for held in runs.values() for d in term.datasets for run in held[d])
    return [slot.end - slot.start - sum(s.end - s.start for s in subtract([slot], merged)) for slot in slots]


def united(spans: Iterable[Span]) -> list[Span]:
    """Return spans in order, those that touch as one."""
    out: list[Span] = []
    for span in sorted(spans, key=lambda s: s.start):
        if out and span.start <= out[-1].end:
            out[-1] = Span(out[-1].start, max(out[-1].end, span.end))
        else:
            out.append(Span(span.start, span.end))
    return out


def lasts(runs: Sequence[Run], slots: Sequence[Span]) -> list[int]:
    """Return the start of the last bucket held of each slot that holds any, in order."""
    out = []
    for slot in slots:
        held = [r for r in runs if r.start < slot.end and r.end > slot.start]
        if held:
            last = max(held, key=lambda r: r.start)
            width = SECONDS[last.width]
            end = min(last.extent.end, slot.end)
            out.append((end - 1) // width * width)
    return out
