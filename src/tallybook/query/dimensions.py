"""What can be grouped by and filtered on: dimensions as a table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tallybook.model.datasets import HELD, SPLITS
from tallybook.model.errors import UnknownNameError
from tallybook.query.words import NONE


@dataclass(frozen=True, slots=True)
class Dimension:
    """Something to group by or to filter on."""

    name: str
    column: str
    about: str
    """What it means, in a few words."""
    kind: str | None = None
    """The kind of directory entry whose name labels its ids."""
    keys: tuple[str, ...] = ()
    """The columns of facts from which it is derived; empty where it is a column itself."""
    billed_by: tuple[str, ...] = ()
    """The same of the bill, where those are others."""
    tables: tuple[str, ...] = ()
    """The tables each row of which has it, whatever was asked of the API; empty where that counts."""
    blank: str = NONE
    """What stands where a row has no value."""
    order: tuple[str, ...] = ()
    """Its values in their own order, where it has one."""
    grain: str = ""
    """The length of time of which each has one value, where it is of the clock."""


WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
HOURS = tuple(f"{hour:02}" for hour in range(24))

_ROWS = (
    Dimension("project", "project_id", "projects", "project"),
    Dimension("user", "user_id", "users and service accounts", "user"),
    Dimension("api_key", "api_key_id", "API keys", "api_key"),
    Dimension("key_owner", "key_owner_id", "who owns the API key", "key_owner", keys=("api_key_id",)),
    Dimension("service_account", "service_account_id", "the service account that owns the API key",
              "service_account", keys=("api_key_id",)),
    Dimension("model", "model", "models as OpenAI names them; as billed by the line item", billed_by=("line_item",)),
    Dimension("model_family", "model_family", "models without their dates, fine-tunes with what they are made from",
              keys=("model",), billed_by=("line_item",)),
    Dimension("line_item", "line_item", "lines of the bill"),
    Dimension("product", "product", "what a line of the bill is for", billed_by=("line_item",)),
    Dimension("token_kind", "token_kind", "input, cached input, cache writes, output or training",
              billed_by=("line_item",)),
    Dimension("batch", "batch", "whether requests came through the Batch API: true or false"),
    Dimension("service_tier", "service_tier", "service tiers; as billed by the line item", billed_by=("line_item",)),
    Dimension("api_source", "api_source", "which API was called"),
    Dimension("size", "size", "sizes of images"),
    Dimension("source", "source", "how images were made"),
    Dimension("context_level", "context_level", "how much context web searches gave"),
    Dimension("vector_store", "vector_store_id", "vector stores"),
    Dimension("dataset", "dataset", "which endpoint it comes from", tables=("usage", "costs")),
    Dimension("org", "org", "organizations", tables=("usage", "costs", "business")),
    Dimension("currency", "currency", "currencies of the bill", tables=("costs",)),
    Dimension("weekday", "weekday", "days of the week", order=WEEKDAYS, grain="day",
              tables=("usage", "costs", "business")),
    Dimension("hour", "hour", "hours of the day", order=HOURS, grain="hour", tables=("usage",)),
)  # fmt: skip

DIMENSIONS: dict[str, Dimension] = {d.name: d for d in _ROWS}
"""Every dimension by its short name; OpenAI's name (`project_id`) is accepted, too."""

_BY_COLUMN = {d.column: d for d in _ROWS}


def dimension(name: str, more: Iterable[Dimension] = ()) -> Dimension:
    """Return a dimension by its short name or OpenAI's; `more` are the user's own. Raises `UnknownNameError`."""
    own = {d.name: d for d in more}
    known = DIMENSIONS.get(name) or _BY_COLUMN.get(name) or own.get(name)
    if known is None:
        raise UnknownNameError("dimension", name, [*DIMENSIONS, *own])
    return known


def is_known(name: str) -> bool:
    """Return whether a dimension is called so in every book."""
    return name in DIMENSIONS or name in _BY_COLUMN


def stored(known: Dimension, dataset: str) -> tuple[str, ...]:
    """Return the columns of a dataset's facts that hold a dimension, or let it be derived."""
    return (known.billed_by if HELD[dataset].is_costs else ()) or known.keys or (known.column,)


def needed(known: Dimension, dataset: str) -> tuple[str, ...]:
    """Return those of them that a dataset is stored with; the bill also has the columns of its splits."""
    if known.tables:
        return ()
    parts = [HELD[dataset], *(SPLITS.values() if dataset == "costs" else ())]
    return tuple(c for c in stored(known, dataset) if any(c in part.asked for part in parts))


def offers(dataset: str, known: Dimension) -> bool:
    """Return whether rows of a dataset can have a dimension."""
    table = "costs" if HELD[dataset].is_costs else "usage"
    return table in known.tables if known.tables else bool(needed(known, dataset))
