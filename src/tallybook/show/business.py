"""Business metrics as text."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from tallybook.model.windows import Span
from tallybook.query.clocks.time import stretch
from tallybook.query.own.business import Definition
from tallybook.show.tables import Column, table_text, terminal_width
from tallybook.show.text import render


def added_text(
    what: Definition, rows: int, replaced: int, span: Span, total: Decimal, *, width: int | None = None
) -> str:
    """Return what became of a frame."""
    instead = f", in the place of {replaced:,}" if replaced else ""
    adds_up = f" They add up to {_number(total)}." if what.kind == "flow" else ""
    return render(
        f"{what.name}: {what}.",
        f"{rows:,} rows, {stretch(span)}{instead}.{adds_up}",
        width=width or terminal_width(),
    )


def metrics_text(found: Sequence[tuple[Definition, int, Sequence[Span]]], *, width: int | None = None) -> str:
    """Return the business metrics of a book, one a line."""
    width = width or terminal_width()
    if not found:
        return render(
            "No metrics were added. `tallybook metrics add orders.csv --name orders --time day` adds one.", width=width
        )
    columns = [
        Column("metric", [d.name for d, _, _ in found], is_label=True),
        Column("kind", [d.kind for d, _, _ in found]),
        Column("per", [d.grain for d, _, _ in found]),
        Column("by", [", ".join(d.columns) for d, _, _ in found], is_label=True),
        Column("in", [d.currency or d.unit for d, _, _ in found], is_label=True),
        Column("rows", [f"{rows:,}" for _, rows, _ in found], is_number=True),
        Column("known", [stretch(Span(spans[0].start, spans[-1].end)) for _, _, spans in found]),
        Column("gaps", [f"{len(spans) - 1:,}" for _, _, spans in found], is_number=True),
    ]
    return table_text(columns, width)


def _number(amount: Decimal) -> str:
    text = f"{amount:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
