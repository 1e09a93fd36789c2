"""The endpoints, as one table: what can be asked of each and what it answers.

Source: OpenAI's OpenAPI document 2.3.0 (August 2026) and the official `openai` package 3.54.0
(November 2026), which knows more: `decisions`, `api_source`, the two cache-write retentions and costs by user.
A new endpoint, dimension or measure of the provider is a row here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from tallybook.model.errors import UnknownNameError

Kind = Literal["flow", "level"]


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of a result row."""

    name: str
    """OpenAI's field name, also the column of `usage`."""
    unit: str
    kind: Kind = "flow"
    """`flow` adds up over time; a `level` does not (it adds up over dimensions within one bucket)."""
    first: bool = False
    """Known since the first version of the API: absent means 0, not unknown."""


MEASURES: dict[str, Measure] = {
    m.name: m
    for m in (
        Measure("input_tokens", "tokens", first=True),
        Measure("output_tokens", "tokens", first=True),
        Measure("num_model_requests", "requests", first=True),
        Measure("input_cached_tokens", "tokens", first=True),
        Measure("input_cache_write_tokens", "tokens"),
        Measure("input_cache_write_30m_tokens", "tokens"),
        Measure("input_cache_write_12h_tokens", "tokens"),
        Measure("input_uncached_tokens", "tokens"),
        Measure("input_text_tokens", "tokens"),
        Measure("input_cached_text_tokens", "tokens"),
        Measure("input_audio_tokens", "tokens", first=True),
        Measure("input_cached_audio_tokens", "tokens"),
        Measure("input_image_tokens", "tokens"),
        Measure("input_cached_image_tokens", "tokens"),
        Measure("output_text_tokens", "tokens"),
        Measure("output_audio_tokens", "tokens", first=True),
        Measure("output_image_tokens", "tokens"),
        Measure("images", "images"),
        Measure("characters", "characters"),
        Measure("seconds", "seconds"),
        Measure("usage_bytes", "bytes", kind="level"),
        Measure("num_sessions", "sessions"),
        Measure("num_requests", "requests"),
    )
}
"""Every measure of the usage endpoints, in the order of the `usage` table."""

TOKENS = tuple(m.name for m in MEASURES.values() if m.unit == "tokens")

FILTERS = {
    "project_id": "project_ids",
    "user_id": "user_ids",
    "api_key_id": "api_key_ids",
    "model": "models",
    "batch": "batch",
    "size": "sizes",
    "source": "sources",
    "context_level": "context_levels",
    "vector_store_id": "vector_store_ids",
    "line_item": "line_items",
}
"""Dimension to the name of the provider's filter parameter. `batch` takes one boolean, the others lists."""

DIMENSIONS = (
    "project_id",
    "user_id",
    "api_key_id",
    "model",
    "batch",
    "service_tier",
    "api_source",
    "size",
    "source",
    "context_level",
    "vector_store_id",
)
"""Every dimension of the usage endpoints, in the order of the `usage` table; all text but `batch`, a boolean."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """One endpoint."""

    name: str
    path: str
    """Below the base URL."""
    result: str
    """The `object` literal of its result rows. Anything else is not parsed."""
    dimensions: tuple[str, ...]
    """The accepted `group_by` values, and columns of the result."""
    filters: tuple[str, ...]
    """The dimensions that can be filtered by (see `FILTERS`)."""
    measures: tuple[str, ...] = ()
    """In OpenAI's order. Costs have amounts instead."""
    widths: tuple[tuple[str, int], ...] = (("1d", 31), ("1h", 168), ("1m", 1440))
    """Accepted widths, each with the most buckets that one page holds."""
    bill: tuple[str, ...] = ()
    """Costs only: the grouping under which it defines totals. Others are asked for everything they know."""
    split: str = ""
    """Of a split of the bill, what it tells the same dollars apart by; no endpoint of its own."""

    @property
    def is_costs(self) -> bool:
        """Whether rows are amounts of money rather than measures."""
        return not self.measures

    @property
    def asked(self) -> tuple[str, ...]:
        """The dimensions that a sync asks for, sorted."""
        return tuple(sorted(self.bill or self.dimensions))

    def limit(self, width: str) -> int:
        """Return the most buckets of `width` in one page; raises `UnknownNameError` for a width it lacks."""
        limits = dict(self.widths)
        if width not in limits:
            raise UnknownNameError(f"width of {self.name}", width, limits)
        return limits[width]


_STD = ("project_id", "user_id", "api_key_id", "model")
_CHAT = (*_STD, "batch", "service_tier", "api_source")
_CHAT_MEASURES = (*TOKENS[:2], "num_model_requests", *TOKENS[2:])


def _usage(
    name: str, *, dimensions: tuple[str, ...], filters: tuple[str, ...], measures: tuple[str, ...], result: str = ""
) -> Dataset:
    literal = f"organization.usage.{result or name}.result"
    return Dataset(name, f"organization/usage/{name}", literal, dimensions, filters, measures)


_ROWS = (
    Dataset(
        "costs",
        "organization/costs",
        "organization.costs.result",
        dimensions=("line_item", "project_id", "api_key_id", "user_id", "api_source"),
        filters=("project_id", "api_key_id", "line_item"),
        widths=(("1d", 180),),
        bill=("project_id", "line_item"),
    ),
    _usage("completions", dimensions=_CHAT, filters=(*_STD, "batch"), measures=_CHAT_MEASURES),
    _usage("embeddings", dimensions=_STD, filters=_STD, measures=("input_tokens", "num_model_requests")),
    _usage("moderations", dimensions=_STD, filters=_STD, measures=("input_tokens", "num_model_requests")),
    _usage(
        "images",
        dimensions=(*_STD, "size", "source"),
        filters=(*_STD, "source", "size"),
        measures=("images", "num_model_requests"),
    ),
    _usage("audio_speeches", dimensions=_STD, filters=_STD, measures=("characters", "num_model_requests")),
    _usage("audio_transcriptions", dimensions=_STD, filters=_STD, measures=("seconds", "num_model_requests")),
    _usage("vector_stores", dimensions=("project_id",), filters=("project_id",), measures=("usage_bytes",)),
    _usage(
        "code_interpreter_sessions", dimensions=("project_id",), filters=("project_id",), measures=("num_sessions",)
    ),
    _usage(
        "file_search_calls",
        result="file_searches",
        dimensions=("project_id", "user_id", "api_key_id", "vector_store_id"),
        filters=("project_id", "user_id", "api_key_id", "vector_store_id"),
        measures=("num_requests",),
    ),
    _usage(
        "web_search_calls",
        result="web_searches",
        dimensions=(*_STD, "context_level", "api_source"),
        filters=(*_STD, "context_level"),
        measures=("num_model_requests", "num_requests"),
    ),
    _usage("decisions", dimensions=_CHAT, filters=(*_STD, "batch"), measures=_CHAT_MEASURES),
)

DATASETS: dict[str, Dataset] = {d.name: d for d in _ROWS}
"""Every dataset by name, in the order in which a sync takes them: what people ask for first."""

SPLITS: dict[str, Dataset] = {
    split.name: split
    for split in (
        replace(DATASETS["costs"], name=f"costs_by_{by}", bill=(f"{by}_id", "line_item", "project_id"), split=by)
        for by in ("api_key", "user")
    )
}
"""The bill told apart by API key and by user, as far as the API allows. They distribute totals, the bill defines them.

They are read together with the bill and written with it in one transaction."""

HELD: dict[str, Dataset] = DATASETS | SPLITS
"""Everything that a book holds: the datasets, and the splits of the bill."""

REACH = 365 * 86_400
"""How far back the API answers, in seconds, as far as is known (October 2026); the server's own word counts."""


def dataset(name: str) -> Dataset:
    """Return the dataset called `name`; raises `UnknownNameError` with the nearest names."""
    if name not in DATASETS:
        raise UnknownNameError("dataset", name, DATASETS)
    return DATASETS[name]
