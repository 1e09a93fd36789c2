"""What a sync asks for, given what is wanted, held and refused. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tallybook.collect.plan import Want, plan
from tallybook.collect.refusals import Ask
from tallybook.collect.summary import Policy
from tallybook.model.coverage import Run, together
from tallybook.model.datasets import DATASETS, HELD, REACH, Dataset
from tallybook.model.windows import SECONDS, Span, Window, cut, subtract, unix

_FIRST = ("costs", "completions")
"""What people ask for first."""


def asks(
    policy: Policy,
    coverage: Mapping[str, Sequence[Run]],
    refused: Iterable[Mapping[str, Any]],
    now: int,
    *,
    first_phase: bool,
    committed: int | None = None,
) -> list[Ask]:
    """Return what to read: in the first phase long gaps by day, then everything at the width wanted. Pure.

    The second phase is planned from the coverage that the first has left; `committed` is the newest commit before
    both (see `newest_commit`), so that nothing is read twice in one sync.
    """
    stands = [r for r in refused if policy.full is False and (r["expires_at"] is None or unix(r["expires_at"]) > now)]
    known = {name: [r for r in stands if r["dataset"] == name] for name in policy.held}

    def windows(name: str, runs: Sequence[Run]) -> list[Window]:
        mine = known[name]
        want = _want(policy, HELD[name], now, committed, {r["width"] for r in mine if r["dimension"] is None})
        width = "1d" if first_phase else want.width
        return plan(want, runs, _whole(mine, width), now, first_phase=first_phase)

    out: list[Ask] = []
    for name in policy.datasets:
        found = windows(name, coverage.get(name, ()))
        dataset, splits = DATASETS[name], policy.splits if DATASETS[name].is_costs else ()
        if splits:
            bill = coverage.get(name, ())
            found += [w for split in splits for w in windows(split, together(coverage.get(split, ()), bill))]
            found = _joined(dataset, found, _whole(known[name], "1d"))
        out += [_ask(dataset, window, known, splits) for window in found]
    return sorted(out, key=lambda a: (a.dataset.name not in _FIRST, -a.window.start))


def _joined(dataset: Dataset, windows: Iterable[Window], refused: Iterable[Span]) -> list[Window]:
    """Return the days that the bill or a split of it is wanted for, without those that the bill is refused for."""
    days = subtract(windows, refused)
    return [w for day in days for w in cut(Window(day.start, day.end, "1d"), dataset.limit("1d"))]


def _ask(
    dataset: Dataset, window: Window, refused: Mapping[str, Sequence[Mapping[str, Any]]], splits: Iterable[str]
) -> Ask:
    parts = tuple(
        Ask(HELD[s], part, _dimensions(HELD[s], part, refused[s]))
        for s in splits
        for span in subtract([window], _whole(refused[s], "1d"))
        for part in [Window(span.start, span.end, "1d")]
    )
    return Ask(dataset, window, _dimensions(dataset, window, refused[dataset.name]), splits=parts)


def _whole(refused: Iterable[Mapping[str, Any]], width: str) -> list[Span]:
    """Return what is refused whole, not only by a dimension, at `width`."""
    return [_span(r) for r in refused if r["dimension"] is None and r["width"] in (None, width)]


def newest_commit(coverage: Mapping[str, Sequence[Run]]) -> int:
    """Return when the newest of what is held was committed, microseconds since 1970; 0 where nothing is held."""
    return max((run.recorded_at for runs in coverage.values() for run in runs), default=0)


def _want(policy: Policy, dataset: Dataset, now: int, committed: int | None, refused_widths: set[str]) -> Want:
    """Return what is wanted of a dataset; where its width is refused, the next coarser one until that verdict ends."""
    start = policy.since if policy.since is not None else now - REACH
    end = policy.until if policy.until is not None else now
    width, look_back = policy.history_width, policy.look_back
    if dataset.is_costs:
        width, look_back = "1d", policy.costs_look_back
    width = next((w for w in SECONDS if SECONDS[w] >= SECONDS[width] and w not in refused_widths), "1d")
    return Want(dataset, start, end, width, look_back, policy.full, committed)


def _span(row: Mapping[str, Any]) -> Span:
    return Span(unix(row["start_time"]), unix(row["end_time"]))


def _dimensions(dataset: Dataset, window: Window, refused: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return what to group by: everything but what was refused for these dates."""
    gone = {r["dimension"] for r in refused if r["dimension"] and _span(r).overlaps(window)}
    return tuple(d for d in dataset.asked if d not in gone)
