"""What is held of every dataset on every UTC day: derived from coverage and refusals alone. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from tallybook.model.coverage import Run, by_day, together
from tallybook.model.datasets import HELD
from tallybook.model.windows import DAY, SECONDS, Span, ceil, floor, iso, subtract, unix
from tallybook.query.coverage import horizon_of, refused_of
from tallybook.store.base import Store

STATES = ("stable", "provisional", "open", "pending", "unobtainable", "partial", "missing")
"""What a day of a dataset can be, best first: the worst one stands for several days."""

NOT_READ = "not read"


@dataclass(frozen=True, slots=True)
class Held:
    """What is held of one dataset on one day."""

    state: str
    """One of `STATES`. Of the whole day: its least stable bucket decides; `partial` where a part of it is held,
    `pending` where all of it lies after the dataset's newest read."""
    widths: tuple[str, ...] = ()
    """Of its buckets, finest first; several where the width changes within the day."""
    reason: str = ""
    """Why something is not held: what the API said, or `not read`."""


@dataclass(frozen=True, slots=True)
class Completeness:
    """Every day of every dataset of one organization."""

    org: str
    span: Span
    """Whole UTC days."""
    datasets: Mapping[str, tuple[Held, ...]]
    """One entry per day of `span`."""

    def stretches(self, dataset: str) -> list[tuple[Span, Held]]:
        """Return the days of a dataset with equal neighbours in one."""
        out = []
        start = self.span.start
        for held, days in groupby(self.datasets[dataset]):
            end = start + DAY * len(list(days))
            out.append((Span(start, end), held))
            start = end
        return out

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-ready values; spans are half-open, and equal days are one."""
        return {
            "org": self.org,
            "start": iso(self.span.start),
            "end": iso(self.span.end),
            "datasets": [
                {
                    "dataset": name,
                    "days": dict(Counter(held.state for held in days)),
                    "runs": [_run(span, held) for span, held in self.stretches(name)],
                }
                for name, days in self.datasets.items()
            ],
        }


def _run(span: Span, held: Held) -> dict[str, Any]:
    more = {"reason": held.reason} if held.reason else {}
    return {"start": iso(span.start), "end": iso(span.end), "state": held.state, "widths": list(held.widths)} | more


def of(
    store: Store,
    org: str,
    look_back: Mapping[str, int],
    now: int,
    since: int,
    wanted: Collection[str],
    span: Span | None = None,
) -> Completeness:
    """Return the completeness of a book, by default from the first moment held, or `since`, to now.

    Datasets that are neither `wanted` nor held are left out. Raises `NotABookError`.
    """
    held = store.coverage(org, look_back)
    runs = {name: together(r, held["costs"]) if HELD[name].split else r for name, r in held.items()}
    runs = {name: r for name, r in runs.items() if r or name in wanted}
    first = min([since, *(r.start for held in runs.values() for r in held)])
    return completeness(org, runs, store.rows("refusals", {"org": org}), look_back, span or Span(first, now), now)


def completeness(
    org: str,
    runs: Mapping[str, Sequence[Run]],
    refusals: Iterable[Mapping[str, Any]],
    look_back: Mapping[str, int],
    span: Span,
    now: int,
) -> Completeness:
    """Return what is held of each dataset on each day that `span` touches, up to now."""
    whole = Span(floor(span.start, "1d"), ceil(min(span.end, now), "1d"))
    refused = list(refusals)
    datasets = {
        name: tuple(_days(whole, held, refused_of(name, refused), look_back[name], now)) for name, held in runs.items()
    }
    return Completeness(org, whole, datasets)


def _days(
    whole: Span, runs: Sequence[Run], refusals: Sequence[Mapping[str, Any]], look_back: int, now: int
) -> Iterable[Held]:
    known_until = horizon_of(runs)[0] if runs else now
    parts = by_day(runs, whole)
    # A width that is refused is not the end: a coarser one is asked for, as long as there is one.
    final = [r for r in refusals if r["dimension"] is None and r["width"] in (None, "1d")]
    refused = [(Span(unix(r["start_time"]), unix(r["end_time"])), str(r["reason"])) for r in final]
    for start in range(whole.start, whole.end, DAY):
        day = Span(start, start + DAY)
        about = [(span, reason) for span, reason in refused if span.overlaps(day)]
        yield _day(day, parts.get(start, []), about, known_until, look_back)


def _day(day: Span, runs: Sequence[Run], refused: Sequence[tuple[Span, str]], known_until: int, look_back: int) -> Held:
    """Return what is held of a day, given all runs and refusals that touch it."""
    widths = tuple(w for w in SECONDS if any(run.width == w for run in runs))
    lacking = subtract([Span(day.start, min(day.end, known_until))], [run.span for run in runs])
    unread = subtract(lacking, [span for span, _ in refused])
    if runs and not lacking:
        return Held(_stage(day, runs, known_until, look_back), widths)
    if not runs and not lacking and not refused:
        return Held("pending")
    reason = NOT_READ if unread else next(why for span, why in refused if not lacking or span.overlaps(lacking[0]))
    return Held("partial" if runs else "missing" if unread else "unobtainable", widths, reason)


def _stage(day: Span, runs: Sequence[Run], known_until: int, look_back: int) -> str:
    """Return how stable a day is that is held as far as anything is known: as its least stable bucket."""
    # The last bucket of a run is the one that was read soonest after its end.
    ages = [run.read_at - ceil(min(run.end, day.end), run.width) for run in runs]
    if known_until < day.end or min(ages) < 0:
        return "open"
    return "stable" if min(ages) >= look_back else "provisional"
