"""What a product says of itself: its tables and columns, what it covers, and how to read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from tallybook.model.meanings import meaning
from tallybook.model.version import __version__
from tallybook.query.reports.products import FACTS, Whole

OTHERS = {
    "usage_daily": "Usage by UTC day: what the views on usage are made of.",
    "names": "Names of ids, one row each.",
    "line_items": "What the text of each line item says.",
    "missing": "What is not held of the range; nothing is missing where this is empty.",
    "about": "What this is, and what it rests on.",
}
"""Tables of a snapshot besides those of facts."""


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
