"""What the columns of public tables and views mean, in one sentence each."""

from __future__ import annotations

from tallybook.model.datasets import DIMENSIONS, MEASURES

NAMED = {"project_id": "project", "user_id": "user", "api_key_id": "api_key"}
"""Columns of ids to the kind of names that they have; these stand beside them, such as `project_name`."""
PARTS = ("product", "model", "modality", "token_kind", "tier", "qualifier")
"""What the text of a line item says."""

_COLUMNS = {
    "org": "Your short name of the organization.",
    "dataset": "OpenAI's endpoint: completions, embeddings, …",
    "split": "What the dollars are told apart by: api_key or user.",
    "start_time": "When the bucket begins, UTC.",
    "end_time": "When the bucket ends, exclusive, UTC.",
    "day": "The UTC day.",
    "month": "The first day of the UTC month.",
    "bucket_start": "When the day or month begins, as a moment with its zone.",
    "tokens": "How many tokens of this kind.",
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
