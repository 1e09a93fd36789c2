"""How complete an answer is. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tallybook.model.coverage import Run
from tallybook.model.datasets import HELD
from tallybook.model.windows import SECONDS, Span, iso, naive, subtract, unix
from tallybook.query.clocks.time import stretch

_JSON = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of a dataset that an answer lacks."""

    dataset: str
    span: Span
    reason: str
    org: str = ""
    """The organization, where an answer is about several."""

    def as_dict(self) -> dict[str, str]:
        """Return JSON-ready values; the span is half-open."""
        return ({"org": self.org} if self.org else {}) | {
            "dataset": self.dataset,
            "start": naive(self.span.start).strftime(_JSON),
            "end": naive(self.span.end).strftime(_JSON),
            "reason": self.reason,
        }

    def __str__(self) -> str:
        of = f" of {self.org}" if self.org else ""
        return f"{self.dataset}{of} {stretch(self.span)}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Coverage:
    """What an answer rests on."""

    as_of: dt.datetime | None
    """The oldest of the newest reads of the datasets involved, naive UTC; what came later is not in the answer."""
    missing: tuple[Gap, ...] = ()
    provisional_from: dt.datetime | None = None
    """From here on, recent buckets may still change; None where all that is held is stable."""

    @property
    def complete(self) -> bool:
        """Whether nothing is missing up to `as_of`. Provisional data is shown, and does not make it incomplete."""
        return not self.missing

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return {
            "complete": self.complete,
            "as_of": utc_text(self.as_of),
            "provisional_from": utc_text(self.provisional_from),
            "missing": [gap.as_dict() for gap in self.missing],
        }

    def __str__(self) -> str:
        """Return one line for people."""
        parts = ["complete" if self.complete else f"INCOMPLETE: {self.first_gap()}"]
        parts.append(f"as of {self.as_of:%Y-%m-%d %H:%M} UTC" if self.as_of else "nothing read yet")
        if self.provisional_from:
            parts.append(f"provisional from {iso(unix(self.provisional_from))}")
        return "; ".join(parts)

    def first_gap(self) -> str:
        """Return the first stretch that is missing, with its reason and how many more there are."""
        more = f" (and {len(self.missing) - 1} more)" if len(self.missing) > 1 else ""
        return f"{self.missing[0]}{more}"


def utc_text(moment: dt.datetime | None) -> str | None:
    """Return a naive UTC moment as JSON has it, or None."""
    return moment.strftime(_JSON) if moment else None


def assess(
    span: Span,
    asked: Mapping[str, Iterable[str]],
    runs: Mapping[str, Sequence[Run]],
    refusals: Iterable[Mapping[str, Any]],
    look_back: Mapping[str, int],
    now: int,
) -> Coverage:
    """Return what an answer over `span` lacks; `asked` is the dimensions needed of each dataset.

    What lies after a dataset's newest read is not missing: it is what `as_of` says. A dataset that was never read
    is missing up to now.
    """
    missing: list[Gap] = []
    newest: list[int] = []
    provisional: list[int] = []
    ranked = sorted(refusals, key=_rank)
    for dataset, dimensions in asked.items():
        held, refused = runs.get(dataset, ()), refused_of(dataset, ranked)
        horizon, read_at = horizon_of(held) if held else (now, now)
        if held:
            newest.append(horizon)
        until = min(span.end, horizon)
        spans = [Span(span.start, until)] if until > span.start else []
        # What the API refused is missing as soon as anything later could have been known.
        spans += [
            Span(max(gap.start, span.start), min(gap.end, span.end, read_at))
            for gap in _whole(refused)
            if gap.overlaps(Span(span.start, min(span.end, read_at)))
        ]
        gaps = subtract(spans, [r.span for r in held])
        missing += [Gap(dataset, gap, why(gap, refused) or "not read") for gap in gaps]
        for lacking in sorted(set(dimensions)):
            missing += [
                Gap(dataset, gap.span, why(gap.span, refused, dimension=lacking) or gap.reason)
                for gap in not_held(dataset, lacking, span, held)
            ]
        unstable = [max(r.stable_until(look_back[dataset]), span.start) for r in held if r.span.overlaps(span)]
        ends = [min(r.end, span.end) for r in held if r.span.overlaps(span)]
        provisional += [s for s, e in zip(unstable, ends, strict=True) if s < e]
    return Coverage(
        naive(min(newest)) if newest else None,
        tuple(missing),
        naive(min(provisional)) if provisional else None,
    )


def combined(parts: Mapping[str, Coverage]) -> Coverage:
    """Return what an answer over several organizations rests on, given each one's; gaps name theirs."""
    if len(parts) == 1:
        return next(iter(parts.values()))
    each = parts.values()
    return Coverage(
        min((c.as_of for c in each if c.as_of is not None), default=None),
        tuple(replace(gap, org=org) for org, c in parts.items() for gap in c.missing),
        min((c.provisional_from for c in each if c.provisional_from is not None), default=None),
    )


def horizon_of(runs: Sequence[Run]) -> tuple[int, int]:
    """Return up to which moment something is known, and when the newest read began.

    A read of older days alone, much later, does not move what is known: the days since then are missing.
    """
    latest = max(runs, key=lambda r: r.end)
    newest = max(r.read_at for r in runs)
    return (latest.end if newest - latest.end < SECONDS[latest.width] else newest), newest


def refused_of(dataset: str, refusals: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return what the API refused of a dataset; where it refuses the bill, a split of it is not even asked for."""
    bill = "costs" if HELD[dataset].split else dataset
    return [r for r in refusals if r["dataset"] == dataset or (r["dataset"] == bill and r["dimension"] is None)]


def _whole(refused: Iterable[Mapping[str, Any]]) -> list[Span]:
    """Return the spans that were refused at any width and by any dimension."""
    return [
        Span(unix(row["start_time"]), unix(row["end_time"]))
        for row in refused
        if row["dimension"] is None and row["width"] is None
    ]


def _rank(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what orders refusals, so that the one that is named does not depend on how they are stored."""
    return tuple(str(row[column] or "") for column in ("start_time", "end_time", "width", "reason"))


def joined(gaps: Iterable[Gap]) -> tuple[Gap, ...]:
    """Return gaps with neighbours of the same dataset and reason in one, in order of time."""
    out: list[Gap] = []
    for gap in sorted(gaps, key=lambda g: (g.dataset, g.reason, g.span.start)):
        last = out[-1] if out else None
        if last and (last.dataset, last.reason) == (gap.dataset, gap.reason) and gap.span.start <= last.span.end:
            out[-1] = Gap(gap.dataset, Span(last.span.start, max(last.span.end, gap.span.end)), gap.reason)
        else:
            out.append(gap)
    return tuple(sorted(out, key=lambda g: (g.dataset, g.span.start)))


def why(gap: Span, refused: Iterable[Mapping[str, Any]], dimension: str | None = None) -> str:
    """Return what the API said where it refused a stretch of a dataset, or only a dimension of it; else nothing."""
    for row in refused:
        span = Span(unix(row["start_time"]), unix(row["end_time"]))
        if row["dimension"] == dimension and span.overlaps(gap):
            return str(row["reason"])
    return ""


def not_held(dataset: str, dimension: str, span: Span, runs: Sequence[Run]) -> list[Gap]:
    """Return where a dataset is held, but not by `dimension` (a column)."""
    lacking = [r.span for r in runs if dimension not in r.dimensions and r.span.overlaps(span)]
    inside = [Span(max(s.start, span.start), min(s.end, span.end)) for s in lacking]
    reason = f"not held by {dimension}" if dimension in HELD[dataset].asked else f"never given by {dimension}"
    return [Gap(dataset, s, reason) for s in subtract(inside, [])]
