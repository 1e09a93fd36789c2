"""Prove what is held: compare stable days with control totals, read again what differs, and say what still does.

A control total is a day read ungrouped. It is compared and forgotten: only ordinary reads change the book.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tallybook.collect.control import (
    Compared,
    Control,
    comparable,
    control_totals,
    differences,
    stretches,
    unanswered,
)
from tallybook.collect.refusals import Ask, Outcome
from tallybook.collect.summary import Policy
from tallybook.collect.wanted import asks
from tallybook.model.coverage import Run, by_day
from tallybook.model.datasets import DATASETS, REACH, Dataset
from tallybook.model.windows import DAY, Span, Window, cut, floor, iso, naive, unix
from tallybook.store.base import Store

KIND = "control"
"""Of the notes about days that are not their control total."""

Look = Callable[[list[Ask]], Outcome]
"""Reads windows and writes nothing."""
Reread = Callable[[list[Ask]], None]
"""Reads windows as every sync does, and writes them."""


@dataclass(frozen=True, slots=True)
class _Day:
    """A day to compare: by which numbers, or why not."""

    start: int
    names: tuple[str, ...]
    obstacle: str


class Prover:
    """Compares days of one organization with control totals."""

    def __init__(self, store: Store, org: str, policy: Policy, now: int, look: Look, reread: Reread) -> None:
        self.store, self.org, self.policy, self.now = store, org, policy, now
        self.look, self.reread = look, reread

    def prove(self) -> Control:
        """Compare all days within the policy's bounds that the API still gives."""
        return self._prove(dict.fromkeys(self.policy.datasets))

    def prove_if_due(self) -> Control | None:
        """Compare, once a UTC day, as many of the newest days of each dataset as one request gives."""
        today = floor(self.now, "1d")
        held = self.store.rows("controls", {"org": self.org})
        done = {row["dataset"] for row in held if floor(unix(row["checked_at"]), "1d") == today}
        control = self._prove({d: DATASETS[d].limit("1d") for d in self.policy.datasets if d not in done})
        rows = [self._row(name, control) for name in stretches(control.days)]
        self.store.put("controls", rows, key=("org", "dataset"))
        return control if rows else None

    def _row(self, dataset: str, control: Control) -> dict[str, Any]:
        return {
            "org": self.org,
            "dataset": dataset,
            "checked_at": naive(self.now),
            "equal": control.count("equal", dataset),
            "healed": control.count("healed", dataset),
            "differing": control.count("differs", dataset),
            "not_comparable": control.count("not comparable", dataset),
        }

    def _prove(self, most: Mapping[str, int | None]) -> Control:
        coverage = self.store.coverage(self.org, most)
        found = {name: self._days(DATASETS[name], coverage[name], n) for name, n in most.items()}
        outcome = self.look([a for name, days in found.items() for a in _asks(DATASETS[name], days)])
        days = [c for name, some in found.items() for c in self._judge(DATASETS[name], some, outcome)]
        control = Control(days, outcome.failures)
        self._heal(control, found)
        self._remark(control)
        return control

    def _days(self, dataset: Dataset, runs: Sequence[Run], most: int | None) -> list[_Day]:
        """Return the days that have ended since the first one held; with `most` so many up to the last comparable."""
        if not runs:
            return []
        start = max(floor(self.now - REACH, "1d"), floor(min(r.start for r in runs), "1d"), self.policy.since or 0)
        span = Span(floor(start, "1d"), floor(min(self.now, self.policy.until or self.now), "1d"))
        look_back = self.policy.costs_look_back if dataset.is_costs else self.policy.look_back
        parts = by_day(runs, span)
        days = [
            _Day(day, *comparable(dataset, day, parts.get(day, []), look_back))
            for day in range(span.start, span.end, DAY)
        ]
        if most is None:
            return days
        last = max((d.start for d in days if d.names), default=0)
        return [d for d in days if last - most * DAY < d.start <= last]

    def _judge(self, dataset: Dataset, days: Sequence[_Day], outcome: Outcome) -> Iterable[Compared]:
        control = control_totals(dataset, (r for r in outcome.reads if r.dataset == dataset.name))
        held = {}
        if control and days:
            held = self.store.daily_totals(self.org, dataset.name, days[0].start, days[-1].start + DAY)
        for day in days:
            if not day.names:
                yield Compared(dataset.name, day.start, "not comparable", day.obstacle)
            elif day.start not in control:
                yield Compared(dataset.name, day.start, "not comparable", unanswered(dataset, day.start, outcome))
            else:
                found = differences(dataset, day.names, held.get(day.start, {}), control[day.start])
                yield Compared(dataset.name, day.start, "differs" if found else "equal", differences=found)

    def _heal(self, control: Control, days: Mapping[str, Sequence[_Day]]) -> None:
        """Read again, in full, the days that differ, and compare them once more with totals of the same moment."""
        wrong = {(c.dataset, c.day): c for c in control.days if c.state == "differs"}
        if not wrong:
            return
        spans = stretches(wrong.values())
        coverage = self.store.coverage(self.org, self.policy.held)
        full = replace(self.policy, full=True, history_width="1d")
        self.reread(
            [
                a
                for name, some in spans.items()
                for span in some
                for a in asks(
                    replace(full, datasets=(name,), since=span.start, until=span.end),
                    coverage,
                    (),
                    self.now,
                    first_phase=False,
                )
            ]
        )
        left = {name: [d for d in days[name] if (name, d.start) in wrong] for name in spans}
        outcome = self.look([a for name, some in left.items() for a in _asks(DATASETS[name], some)])
        again = {
            (c.dataset, c.day): c for name, some in left.items() for c in self._judge(DATASETS[name], some, outcome)
        }
        control.days = [_after(c, again.get((c.dataset, c.day))) for c in control.days]

    def _remark(self, control: Control) -> None:
        """Note the days that differ all the same, and of those noted before which are equal now."""
        notes = self.store.rows("notes", {"org": self.org, "kind": KIND})
        before = {(n["dataset"], unix(n["start_time"])): n["text"] for n in notes}
        rows = []
        for c in control.days:
            text = before.get((c.dataset, c.day), "")
            if c.state == "differs":
                new = "differs from its control total: " + "; ".join(map(str, c.differences))
            elif c.state != "not comparable" and text.startswith("differs"):
                new = f"differed from its control total; equal when compared on {iso(floor(self.now, '1d'))}"
            else:
                continue
            if new != text:
                rows.append(_note(self.org, c, new, self.now))
        self.store.put("notes", rows, key=("org", "dataset", "start_time", "end_time", "kind"))


def _asks(dataset: Dataset, days: Sequence[_Day]) -> list[Ask]:
    """Return the ungrouped windows in which there is a day to compare."""
    wanted = [d.start for d in days if d.names]
    if not wanted:
        return []
    windows = cut(Window(wanted[0], wanted[-1] + DAY, "1d"), dataset.limit("1d"))
    return [Ask(dataset, w, ()) for w in windows if any(w.start <= day < w.end for day in wanted)]


def _after(before: Compared, again: Compared | None) -> Compared:
    """Return what a day is found to be once it was read again."""
    if again is None or again.state == "not comparable":
        return before
    return replace(before, state="healed") if again.state == "equal" else again


def _note(org: str, day: Compared, text: str, now: int) -> dict[str, Any]:
    return {
        "org": org,
        "dataset": day.dataset,
        "start_time": naive(day.day),
        "end_time": naive(day.day + DAY),
        "kind": KIND,
        "text": text,
        "recorded_at": naive(now),
    }
