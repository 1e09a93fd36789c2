"""What the API has refused, and until when that stands. Pure, shared by all stores."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from tallybook.model.records import Read, Refusal
from tallybook.model.windows import Span, naive, subtract, unix

RETRY = (dt.timedelta(hours=24), dt.timedelta(days=7))
"""How long a refusal stands at first, and once it has been repeated."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A row of the table `refusals`, without its org; times are naive UTC."""

    dataset: str
    start_time: dt.datetime
    end_time: dt.datetime
    width: str | None
    dimension: str | None
    reason: str
    tries: int
    learned_at: dt.datetime
    expires_at: dt.datetime | None
    """None: never worth asking again."""

    @property
    def span(self) -> Span:
        """What it is about."""
        return Span(unix(self.start_time), unix(self.end_time))

    def without(self, holes: Iterable[Span]) -> list[Verdict]:
        """Return what is left of it."""
        return [replace(self, start_time=naive(s.start), end_time=naive(s.end)) for s in subtract([self.span], holes)]


def settle(
    held: Sequence[Verdict], reads: Sequence[Read], refusals: Iterable[Refusal], at: dt.datetime
) -> list[Verdict]:
    """Return the verdicts that stand once `reads` were given and `refusals` learned, at `at`.

    What was given is no longer refused. A new refusal takes the place of older ones of the same thing where they
    overlap, and counts their tries; final ones that touch become one.
    """
    out = [left for verdict in held for left in _without_given(verdict, reads)]
    for refusal in refusals:
        out = _learn(out, refusal, at)
    return sorted(out, key=lambda v: (v.dataset, v.start_time, v.end_time, v.width or "", v.dimension or ""))


def _without_given(verdict: Verdict, reads: Sequence[Read]) -> list[Verdict]:
    given = [
        r.window
        for r in reads
        if r.dataset == verdict.dataset
        and verdict.width in (None, r.window.width)
        and (verdict.dimension is None or verdict.dimension in r.dimensions)
        and r.window.overlaps(verdict.span)
    ]
    return verdict.without(given) if given else [verdict]


def _learn(held: Iterable[Verdict], refusal: Refusal, at: dt.datetime) -> list[Verdict]:
    out: list[Verdict] = []
    new, about = refusal.span, (refusal.dataset, refusal.width, refusal.dimension)
    tries = 1
    for verdict in held:
        old = verdict.span
        if (verdict.dataset, verdict.width, verdict.dimension) != about or old.start > new.end or new.start > old.end:
            out.append(verdict)
            continue
        if old.overlaps(refusal.span):
            tries = max(tries, verdict.tries + 1)
        if refusal.final and verdict.expires_at is None and verdict.reason == refusal.reason:
            new = Span(min(old.start, new.start), max(old.end, new.end))
        else:
            out += verdict.without([refusal.span])
    times = naive(new.start), naive(new.end)
    expires = _expiry(refusal, tries, at)
    return [*out, Verdict(refusal.dataset, *times, *about[1:], refusal.reason, tries, at, expires)]


def _expiry(refusal: Refusal, tries: int, at: dt.datetime) -> dt.datetime | None:
    if refusal.final:
        return None
    if refusal.expires_at is not None:
        return naive(refusal.expires_at)
    return at + RETRY[min(tries, len(RETRY)) - 1]
