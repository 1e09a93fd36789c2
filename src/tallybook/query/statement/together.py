"""Where both sides of a ratio are known: what is divided is of the same time. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tallybook.model.coverage import Run
from tallybook.model.windows import DAY, Span, subtract
from tallybook.query.clocks.time import stretch
from tallybook.query.metrics import Metric, Term
from tallybook.query.statement.holding import united

Spans = Mapping[str, Sequence[Span]]
"""By dataset or business metric, where it is known."""


def marked(known: Metric) -> Metric:
    """Return a ratio with its terms apart from those of other metrics, where its sides come from different data."""
    if known.kind != "ratio" or len({t.datasets for t in known.terms}) < 2:
        return known
    name = known.formula.name if known.formula else known.name
    of = tuple(replace(m, terms=tuple(replace(t, shared=name) for t in m.terms)) for m in known.of)
    return replace(known, of=of, terms=tuple(replace(t, shared=name) for t in known.terms))


def extents(runs: Mapping[str, Sequence[Run]]) -> dict[str, list[Span]]:
    """Return where each dataset is held, to the ends of its buckets."""
    return {name: united(run.extent for run in held) for name, held in runs.items()}


def both(terms: Sequence[Term], held: Spans, span: Span) -> tuple[list[Span], list[Span]] | None:
    """Return where all of `terms` are known, by whole UTC days, and what only some are known of; None: no difference.

    That the newest bucket of one side reaches further than that of the other is no difference.
    """
    whole = [Span(span.start, span.end)]
    names = list(dict.fromkeys(d for t in terms for d in t.datasets))
    every = {name: held[name] for name in names}
    nowhere = subtract(whole, united(s for spans in every.values() for s in spans))
    lacking = united(gap for spans in every.values() for gap in subtract(whole, spans))
    dropped = [gap for gap in subtract(lacking, nowhere) if not _is_tail(gap, every)]
    if not dropped:
        return None
    days = united(Span(gap.start // DAY * DAY, -(-gap.end // DAY) * DAY) for gap in dropped)
    return subtract(whole, days), dropped


def _is_tail(gap: Span, every: Spans) -> bool:
    """Return whether a gap is only what newest buckets of different widths leave: less than a day, at the end."""
    ends = [spans[-1].end for spans in every.values() if spans]
    return gap.end - gap.start < DAY and gap.end >= max(ends, default=0)


def remark(name: str, dropped: Sequence[Span]) -> str:
    """Return what is said of time that a ratio leaves out."""
    first = stretch(dropped[0])
    more = f" (and {len(dropped) - 1} more)" if len(dropped) > 1 else ""
    return f"{name} leaves out {first}{more}, where only one side of it is known."
