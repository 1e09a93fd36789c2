"""Control totals: what a day is found to be, compared with the same day read ungrouped. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import groupby
from typing import Any

from tallybook.collect.refusals import Failure, Outcome
from tallybook.collect.values import MONEY
from tallybook.model.coverage import Run
from tallybook.model.datasets import MEASURES, Dataset
from tallybook.model.records import Read
from tallybook.model.windows import DAY, Span, iso, subtract, unix
from tallybook.store.totals import Sum, Totals

STATES = ("equal", "healed", "differs", "not comparable")
"""What comparing a day with its control total can find; `healed` differed until it was read again."""

_LEAST = Decimal("1e-18")
"""What one amount can lose where it is kept."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A number whose sum over a day is not the control total."""

    measure: str
    currency: str | None
    held: int | Decimal
    control: int | Decimal

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-ready values; money as text."""
        exact = {name: str(n) if isinstance(n, Decimal) else n for name, n in self._numbers.items()}
        return {"measure": self.measure, "currency": self.currency, **exact}

    @property
    def _numbers(self) -> dict[str, int | Decimal]:
        return {"held": self.held, "control": self.control}

    def __str__(self) -> str:
        held, control = map(_text, self._numbers.values())
        unit = f" {self.currency}" if self.currency else ""
        return f"{self.measure}{unit} held {held}, control total {control}"


def _text(number: int | Decimal) -> str:
    text = f"{number:,f}" if isinstance(number, Decimal) else f"{number:,}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@dataclass(frozen=True, slots=True)
class Compared:
    """One day of one dataset."""

    dataset: str
    day: int
    state: str
    """One of `STATES`."""
    reason: str = ""
    """Why it is not comparable."""
    differences: tuple[Difference, ...] = ()
    """Those that were found first, where it was healed."""

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        more: dict[str, Any] = {"reason": self.reason} if self.reason else {}
        if self.differences:
            more["differences"] = [d.as_dict() for d in self.differences]
        return {"dataset": self.dataset, "day": iso(self.day), "state": self.state, **more}


@dataclass(slots=True)
class Control:
    """All days that were looked at, by dataset and in order, and the control totals that could not be had."""

    days: list[Compared] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing differs any more and every control total that was asked for was answered."""
        return not self.failures and not self.count("differs")

    def count(self, state: str, dataset: str | None = None) -> int:
        """Return how many days were found to be so."""
        return sum(day.state == state and dataset in (None, day.dataset) for day in self.days)

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-ready values: counts, and every day that differs or did."""
        return {
            **{state.replace(" ", "_"): self.count(state) for state in STATES},
            "differing": [day.as_dict() for day in self.days if day.differences],
            "failed": [
                {"dataset": f.dataset, "start": iso(f.window.start), "end": iso(f.window.end), "reason": str(f.error)}
                for f in self.failures
            ],
        }

    def runs(self) -> dict[str, list[dict[str, Any]]]:
        """Return what was found of every day, per dataset, JSON-ready: equal neighbours are one, half-open."""
        out: dict[str, list[dict[str, Any]]] = {}
        for (dataset, state, reason), group in groupby(self.days, key=lambda d: (d.dataset, d.state, d.reason)):
            days = [day.day for day in group]
            run = {"start": iso(days[0]), "end": iso(days[-1] + DAY), "state": state}
            out.setdefault(dataset, []).append(run | ({"reason": reason} if reason else {}))
        return out


def comparable(dataset: Dataset, day: int, runs: Sequence[Run], look_back: int) -> tuple[tuple[str, ...], str]:
    """Return which numbers of a day can be compared (`amount` of costs) or, where none can, why.

    `runs` are those that touch the day. A level can be compared only where the day is one bucket.
    """
    span = Span(day, day + DAY)
    if subtract([span], [run.span for run in runs]):
        return (), "held in part" if runs else "not held"
    if any(run.stable_until(look_back) < min(run.end, span.end) for run in runs):
        return (), "not stable yet"
    if dataset.is_costs:
        return ("amount",), ""
    by_day = all(run.width == "1d" for run in runs)
    names = tuple(m for m in dataset.measures if by_day or MEASURES[m].kind == "flow")
    return names, "" if names else "a level, which is compared where it is held by day"


def control_totals(dataset: Dataset, reads: Iterable[Read]) -> dict[int, Totals]:
    """Return the totals of every day that was read ungrouped; a day without rows has none."""
    out: dict[int, Totals] = {}
    for read in reads:
        out |= {day: {} for day in range(read.window.start, read.window.end, DAY)}
        for row in read.rows.to_pylist():
            numbers = {row["currency"]: row["amount"]} if dataset.is_costs else {m: row[m] for m in dataset.measures}
            into = out[unix(row["start_time"])]
            for name, n in numbers.items():
                before = into.get(name, Sum(0, 0))
                into[name] = Sum(_plus(before.value, n or 0), before.rows + 1)
    return out


def _plus(a: int | Decimal, b: int | Decimal) -> int | Decimal:
    return a + b if isinstance(a, int) and isinstance(b, int) else MONEY.add(Decimal(a), Decimal(b))


def differences(dataset: Dataset, names: Sequence[str], held: Totals, control: Totals) -> tuple[Difference, ...]:
    """Return the numbers that are not equal. NULL is 0; amounts may differ by what each row may have lost."""
    keys = sorted({*held, *control}, key=str) if dataset.is_costs else names
    out = []
    for key in keys:
        ours, theirs = held.get(key, Sum(0, 0)), control.get(key, Sum(0, 0))
        allowed = (ours.rows + 1) * _LEAST if dataset.is_costs else 0
        if MONEY.abs(MONEY.subtract(Decimal(ours.value), Decimal(theirs.value))) > allowed:
            currency = key if dataset.is_costs else None
            out.append(Difference("amount" if dataset.is_costs else str(key), currency, ours.value, theirs.value))
    return tuple(out)


def unanswered(dataset: Dataset, day: int, outcome: Outcome) -> str:
    """Return why there is no control total of a day that was asked for."""
    refused = [(r.span, r.reason) for r in outcome.refusals if r.dataset == dataset.name]
    failed = [(f.window, str(f.error)) for f in outcome.failures if f.dataset == dataset.name]
    reasons = [why for span, why in [*refused, *failed] if span.start <= day < span.end]
    return f"no control total: {reasons[0]}" if reasons else "no control total"


def stretches(days: Iterable[Compared]) -> Mapping[str, list[Span]]:
    """Return the days of each dataset with neighbours in one."""
    out: dict[str, list[Span]] = {}
    for day in days:
        spans = out.setdefault(day.dataset, [])
        start = spans.pop().start if spans and spans[-1].end == day.day else day.day
        spans.append(Span(start, day.day + DAY))
    return out
