"""What the emulated API serves: one row per dataset, with its words, limits and literals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

STANDARD = ("project_id", "user_id", "api_key_id", "model")
TOKEN_DIMENSIONS = (*STANDARD, "batch", "service_tier", "api_source")
STANDARD_FILTERS = {
    "project_ids": "project_id",
    "user_ids": "user_id",
    "api_key_ids": "api_key_id",
    "models": "model",
}
TOKEN_MEASURES = (
    "input_tokens",
    "output_tokens",
    "num_model_requests",
    "input_cached_tokens",
    "input_cache_write_tokens",
    "input_cache_write_30m_tokens",
    "input_cache_write_12h_tokens",
    "input_uncached_tokens",
    "input_text_tokens",
    "input_cached_text_tokens",
    "input_audio_tokens",
    "input_cached_audio_tokens",
    "input_image_tokens",
    "input_cached_image_tokens",
    "output_text_tokens",
    "output_audio_tokens",
    "output_image_tokens",
)
OLD_TOKEN_MEASURES = frozenset(
    {
        "input_tokens",
        "output_tokens",
        "num_model_requests",
        "input_cached_tokens",
        "input_audio_tokens",
        "output_audio_tokens",
    }
)
"""Those that rows of early 2025 have."""


@dataclass(frozen=True, slots=True)
class Width:
    """One bucket width: its seconds, and how many buckets a page has by default and at most."""

    seconds: int
    default: int
    most: int


USAGE_WIDTHS: Mapping[str, Width] = {
    "1d": Width(86_400, 7, 31),
    "1h": Width(3_600, 24, 168),
    "1m": Width(60, 60, 1_440),
}
COST_WIDTHS: Mapping[str, Width] = {"1d": Width(86_400, 7, 180)}


@dataclass(frozen=True, slots=True)
class Served:
    """One dataset as the API shows it."""

    name: str
    literal: str
    """The `object` of its rows."""
    dimensions: tuple[str, ...]
    """What `group_by` accepts, in the order of the row's fields."""
    filters: Mapping[str, str]
    """Array parameter -> the dimension it restricts."""
    measures: tuple[str, ...]
    allowed: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Filters whose values are a closed list."""
    flags: frozenset[str] = frozenset()
    """Filters that are a single boolean, named like their dimension."""
    level: bool = False
    """True when the measure is a level (held at the bucket's last moment), not a flow."""
    widths: Mapping[str, Width] = field(default_factory=lambda: USAGE_WIDTHS)

    @property
    def path(self) -> str:
        """The path below `/organization`."""
        return "/costs" if self.name == "costs" else f"/usage/{self.name}"


def _result(name: str) -> str:
    return f"organization.usage.{name}.result"


_REQUESTS = ("num_model_requests",)
_BATCH = frozenset({"batch"})
_SIZES = frozenset({"256x256", "512x512", "1024x1024", "1792x1792", "1024x1792"})
_SOURCES = frozenset({"image.generation", "image.edit", "image.variation"})
_PROJECT = {"project_ids": "project_id"}

DATASETS: Mapping[str, Served] = {
    row.name: row
    for row in (
        Served(
            "completions",
            _result("completions"),
            TOKEN_DIMENSIONS,
            STANDARD_FILTERS,
            TOKEN_MEASURES,
            flags=_BATCH,
        ),
        Served("embeddings", _result("embeddings"), STANDARD, STANDARD_FILTERS, ("input_tokens", *_REQUESTS)),
        Served("moderations", _result("moderations"), STANDARD, STANDARD_FILTERS, ("input_tokens", *_REQUESTS)),
        Served(
            "images",
            _result("images"),
            (*STANDARD, "size", "source"),
            {**STANDARD_FILTERS, "sizes": "size", "sources": "source"},
            ("images", *_REQUESTS),
            allowed={"sizes": _SIZES, "sources": _SOURCES},
        ),
        Served(
            "audio_speeches",
            _result("audio_speeches"),
            STANDARD,
            STANDARD_FILTERS,
            ("characters", *_REQUESTS),
        ),
        Served(
            "audio_transcriptions",
            _result("audio_transcriptions"),
            STANDARD,
            STANDARD_FILTERS,
            ("seconds", *_REQUESTS),
        ),
        Served("vector_stores", _result("vector_stores"), ("project_id",), _PROJECT, ("usage_bytes",), level=True),
        Served(
            "code_interpreter_sessions",
            _result("code_interpreter_sessions"),
            ("project_id",),
            _PROJECT,
            ("num_sessions",),
        ),
        Served(
            "file_search_calls",
            _result("file_searches"),
            ("project_id", "user_id", "api_key_id", "vector_store_id"),
            {
                "project_ids": "project_id",
                "user_ids": "user_id",
                "api_key_ids": "api_key_id",
                "vector_store_ids": "vector_store_id",
            },
            ("num_requests",),
        ),
        Served(
            "web_search_calls",
            _result("web_searches"),
            (*STANDARD, "context_level", "api_source"),
            {**STANDARD_FILTERS, "context_levels": "context_level"},
            (*_REQUESTS, "num_requests"),
            allowed={"context_levels": frozenset({"low", "medium", "high"})},
        ),
        Served(
            "decisions",
            _result("decisions"),
            TOKEN_DIMENSIONS,
            STANDARD_FILTERS,
            TOKEN_MEASURES,
            flags=_BATCH,
        ),
        Served(
            "costs",
            "organization.costs.result",
            ("project_id", "user_id", "line_item", "api_key_id", "api_source"),
            {"project_ids": "project_id", "api_key_ids": "api_key_id", "line_items": "line_item"},
            ("amount",),
            widths=COST_WIDTHS,
        ),
    )
}
