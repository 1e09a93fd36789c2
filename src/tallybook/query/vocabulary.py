"""What a book can be asked for: every metric and every dimension, the user's own among them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tallybook.model.datasets import DATASETS
from tallybook.query.dimensions import DIMENSIONS, Dimension, offers
from tallybook.query.metrics import METRICS, Metric


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Metrics and dimensions, in the order in which people look for them."""

    metrics: tuple[Metric, ...]
    dimensions: tuple[Dimension, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return {
            "metrics": [
                {"metric": m.name, "kind": m.kind, "unit": m.unit, "datasets": list(m.datasets), "about": m.about,
                 "aliases": list(m.aliases), "is_own": m.is_own}
                for m in self.metrics
            ],
            "dimensions": [
                {"dimension": d.name, "datasets": list(offering(d)), "about": d.about, "aliases": aliases(d),
                 "is_own": d.name not in DIMENSIONS}
                for d in self.dimensions
            ],
        }  # fmt: skip


def vocabulary(own: Iterable[Metric], more: Iterable[Dimension]) -> Vocabulary:
    """Return all that can be asked for; `own` are the user's metrics, `more` the dimensions of their rules."""
    return Vocabulary((*METRICS.values(), *own), (*DIMENSIONS.values(), *more))


def aliases(known: Dimension) -> list[str]:
    """Return other names by which a dimension is understood."""
    return [known.column] if known.column != known.name else []


def offering(known: Dimension) -> tuple[str, ...]:
    """Return the datasets whose numbers can be told apart by a dimension."""
    return tuple(name for name in DATASETS if offers(name, known))


def offered_text(known: Dimension) -> str:
    """Return the same in a few words."""
    names = offering(known)
    usage = [n for n in names if not DATASETS[n].is_costs]
    if len(usage) == len(DATASETS) - 1:
        return "all" if len(names) > len(usage) else "all but costs"
    if len(names) <= _NAMED:
        return ", ".join(names)
    return f"costs and {len(usage)} others" if len(names) > len(usage) else f"{len(names)} datasets"


_NAMED = 2


def about(known: Metric) -> str:
    """Return what a metric means, and what else it is called."""
    return known.about + "".join(f" Also `{name}`." for name in known.aliases)
