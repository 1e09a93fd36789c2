"""Arrow schemas of what `collect` hands to a store and of the two public tables."""

from __future__ import annotations

import pyarrow as pa

from tallybook.model.datasets import DIMENSIONS, MEASURES, Dataset

MONEY = pa.decimal128(38, 18)
"""Amounts and quantities: 20 digits before the point, 18 after."""

TIME = pa.timestamp("us")
"""Naive, UTC."""


def dimension_type(name: str) -> pa.DataType:
    """Return the column type of a dimension."""
    return pa.bool_() if name == "batch" else pa.string()


def parsed(dataset: Dataset) -> pa.Schema:
    """Return the columns that parsing a dataset yields: time, its dimensions, its numbers, and `extra`.

    `start_time` and `end_time` are the bucket's edges; an open bucket has the end that it will have.
    """
    fields = [pa.field("start_time", TIME, nullable=False), pa.field("end_time", TIME, nullable=False)]
    fields += [pa.field(d, dimension_type(d)) for d in dataset.dimensions]
    if dataset.is_costs:
        fields += [
            pa.field("amount", MONEY),
            pa.field("currency", pa.string()),
            pa.field("quantity", MONEY),
            pa.field("quantity_unit", pa.string()),
        ]
    else:
        fields += [pa.field(m, pa.int64()) for m in dataset.measures]
    return pa.schema([*fields, pa.field("extra", pa.string())])


USAGE_TABLE = pa.schema(
    [
        ("org", pa.string()),
        ("dataset", pa.string()),
        ("start_time", TIME),
        ("end_time", TIME),
        ("width", pa.string()),
        *((d, dimension_type(d)) for d in DIMENSIONS),
        *((m, pa.int64()) for m in MEASURES),
        ("extra", pa.string()),
        ("recorded_at", TIME),
    ]
)
"""The public table `usage`: one row per bucket and combination of dimensions; flow measures may be summed blindly
within one dataset. `extra` is canonical JSON of fields that tallybook does not know yet."""

COSTS_TABLE = pa.schema(
    [
        ("org", pa.string()),
        ("start_time", TIME),
        ("end_time", TIME),
        ("project_id", pa.string()),
        ("line_item", pa.string()),
        ("amount", MONEY),
        ("currency", pa.string()),
        ("quantity", MONEY),
        ("quantity_unit", pa.string()),
        ("extra", pa.string()),
        ("recorded_at", TIME),
    ]
)
"""The public table `costs`, the bill: billed before tax, credits and adjustments; amounts may be summed blindly
within one currency."""

SPLITS_TABLE = pa.schema(
    [
        ("org", pa.string()),
        ("split", pa.string()),
        ("start_time", TIME),
        ("end_time", TIME),
        ("project_id", pa.string()),
        ("line_item", pa.string()),
        ("api_key_id", pa.string()),
        ("user_id", pa.string()),
        ("amount", MONEY),
        ("currency", pa.string()),
        ("quantity", MONEY),
        ("quantity_unit", pa.string()),
        ("extra", pa.string()),
        ("recorded_at", TIME),
    ]
)
"""The internal table `cost_splits`: the same dollars by API key (`split` is `api_key`) or by user (`user`)."""
