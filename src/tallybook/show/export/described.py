"""What a product says of itself: its tables and columns, what it covers, and how to read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from tallybook.model.datasets import DIMENSIONS, MEASURES
from tallybook.model.version import __version__
from tallybook.query.reports.products import FACTS, NAMED, PARTS, Whole

_COLUMNS = {
    "org": "Your short name of the organization.",
    "dataset": "OpenAI's endpoint: completions, embeddings, …",
    "split": "What the dollars are told apart by: api_key or user.",
    "start_time": "When the bucket begins, UTC.",
    "end_time": "When the bucket ends, exclusive, UTC.",
    "day": "The UTC day.",
    "width": "The length of the bucket: 1m, 1h or 1d.",
    "line_item": "OpenAI's text for what was billed.",
    "amount": "Money, in `currency`, exact.",
    "currency": "As OpenAI writes it, such as usd; never add two up.",
    "quantity": "How much was billed, in `quantity_unit`.",
    "quantity_unit": "The unit of `quantity`.",
    "extra": "JSON of fields that tallybook does not know yet.",
    "recorded_at": "When this was written into the book, UTC.",
    "status": "stable, provisional (OpenAI may still change it) or open (the bucket had not ended).",
    "usage_bytes_seconds": "Bytes x the seconds for which they were held.",
    "kind": "Of what it is the id: project, user, api_key, …",
    "id": "OpenAI's id.",
    "reason": "Why it is not held.",
    "name": "What is said.",
    "value": "Text, or JSON.",
    "label": "The newest name, with the end of the id where several have it.",
}
OTHERS = {
    "usage_daily": "Usage by UTC day: what the views on usage are made of.",
    "names": "Names of ids, one row each.",
    "line_items": "What the text of each line item says.",
    "missing": "What is not held of the range; nothing is missing where this is empty.",
    "about": "What this is, and what it rests on.",
}
"""Tables of a snapshot besides those of facts."""


def meaning(name: str) -> str:
    """Return what a column means."""
    if name in MEASURES:
        measure = MEASURES[name]
        rule = "adds up within one dataset" if measure.kind == "flow" else "does not add up over time"
        return f"OpenAI's {name}, in {measure.unit}; {rule}. NULL: OpenAI says nothing."
    named = {f"{kind}_name": f"The newest name of {column}, or the id." for column, kind in NAMED.items()}
    if name in PARTS:
        return "What is billed, as the text of the line item has it, or OpenAI's model."
    if name in DIMENSIONS:
        return f"OpenAI's {name}; NULL: none is named, or it was not asked for (see coverage)."
    return named.get(name) or _COLUMNS.get(name, "")


def tables_of(schemas: Mapping[str, pa.Schema]) -> list[dict[str, Any]]:
    """Return tables with their columns, JSON-ready."""
    return [
        {
            "table": name,
            "about": FACTS[name].about,
            "columns": [{"name": f.name, "type": str(f.type), "about": meaning(f.name)} for f in schema],
        }
        for name, schema in schemas.items()
    ]


def coverage_of(whole: Whole) -> dict[str, Any]:
    """Return what a product covers, JSON-ready: as an answer has it, and for each dataset."""
    return {
        "made_by": f"tallybook {__version__}",
        "range": whole.range.as_dict(),
        "organizations": list(whole.orgs),
        "coverage": whole.coverage.as_dict(),
        "datasets": [
            {"org": org, "dataset": name, **one.as_dict()}
            for org, of_org in whole.each.items()
            for name, one in of_org.items()
        ],
    }


def in_words(whole: Whole) -> str:
    """Return in a sentence or two what a product covers."""
    return f"{whole.range}. Data {whole.coverage}."
