"""What each metric is, written by hand: sums, counts and levels of columns of datasets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

CHAT = ("completions",)
TEXT = ("completions", "embeddings", "moderations")
MODELS = (*TEXT, "images", "audio_speeches", "audio_transcriptions")
SEARCHES = ("file_search_calls", "web_search_calls")
USED = (*MODELS, *SEARCHES)
"""Where somebody did something; decisions may be among completions."""
STORES = ("vector_stores",)

ALWAYS = {
    "input_tokens", "output_tokens", "num_model_requests", "input_cached_tokens", "input_audio_tokens",
    "output_audio_tokens", "usage_bytes", "amount", "orders",
}  # fmt: skip
"""What a provider that says nothing of it means 0 by."""


@dataclass(frozen=True, slots=True)
class Part:
    """One aggregate."""

    fold: str
    """`sum`, `count`, `mean`, `max` or `last`."""
    columns: tuple[str, ...]
    datasets: tuple[str, ...]
    only: tuple[str, tuple[str, ...]] | None = None
    """A dimension and the values that count."""
    among: tuple[str, ...] = ()
    """Of a ratio of different datasets, all of them: only days that all are known of count."""

    @property
    def is_money(self) -> bool:
        return self.columns == ("amount",)

    @property
    def may_be_unknown(self) -> bool:
        return self.fold == "sum" and not set(self.columns) <= ALWAYS

    @property
    def needs(self) -> tuple[str, ...]:
        return (*(self.columns if self.fold == "count" else ()), *((self.only[0],) if self.only else ()))


def _sum(datasets: tuple[str, ...], *columns: str, only: tuple[str, tuple[str, ...]] | None = None) -> Part:
    return Part("sum", columns, datasets, only)


_TOKENS = ("input_tokens", "output_tokens")
_COST = _sum(("costs",), "amount")
_BILLED = _sum(("costs",), "amount", only=("token_kind", ("input", "cached input", "cache writes", "output")))

METRICS: Mapping[str, tuple[Part, ...]] = {
    "cost": (_COST,),
    "requests": (_sum(MODELS, "num_model_requests"),),
    "tokens": (_sum(TEXT, *_TOKENS),),
    "input_tokens": (_sum(TEXT, "input_tokens"),),
    "output_tokens": (_sum(CHAT, "output_tokens"),),
    "input_cached_tokens": (_sum(CHAT, "input_cached_tokens"),),
    "input_uncached_tokens": (_sum(CHAT, "input_uncached_tokens"),),
    "file_searches": (_sum(("file_search_calls",), "num_requests"),),
    "web_searches": (_sum(("web_search_calls",), "num_requests"),),
    "num_requests": (_sum(SEARCHES, "num_requests"),),
    "storage_bytes": (Part("mean", ("usage_bytes",), STORES),),
    "storage_bytes_max": (Part("max", ("usage_bytes",), STORES),),
    "storage_bytes_last": (Part("last", ("usage_bytes",), STORES),),
    "active_users": (Part("count", ("user_id",), USED),),
    "active_api_keys": (Part("count", ("api_key_id",), USED),),
    "active_projects": (Part("count", ("project_id",), (*USED, "code_interpreter_sessions")),),
    "active_models": (Part("count", ("model",), (*MODELS, "web_search_calls")),),
    "cache_hit_rate": (_sum(CHAT, "input_cached_tokens"), _sum(CHAT, "input_tokens")),
    "output_share": (_sum(CHAT, "output_tokens"), _sum(CHAT, *_TOKENS)),
    "batch_share": (
        _sum(CHAT, "num_model_requests", only=("batch", ("true",))),
        _sum(CHAT, "num_model_requests"),
    ),
    "tokens_per_request": (_sum(TEXT, *_TOKENS), _sum(TEXT, "num_model_requests")),
    "cost_per_request": (_COST, _sum(MODELS, "num_model_requests")),
    "cost_per_million_tokens": (_BILLED, _sum(TEXT, *_TOKENS)),
}
"""A ratio has two parts."""

_ORDERS = _sum(("orders",), "orders")
OWN: Mapping[str, tuple[Part, ...]] = {
    "orders": (_ORDERS,),
    "cost / orders": (_COST, _ORDERS),
    "requests / orders": (_sum(MODELS, "num_model_requests"), _ORDERS),
}
"""Of numbers that the user has beside the provider's."""

SCALE = {"cost_per_million_tokens": 10**6}

KINDS: Mapping[str, str] = {
    "project": "project", "user": "user", "api_key": "api_key", "key_owner": "key_owner",
    "service_account": "service_account",
}  # fmt: skip
"""The dimensions whose ids belong to an organization and may have names."""

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "project": ("project_id",),
    "user": ("user_id",),
    "api_key": ("api_key_id",),
    "key_owner": ("api_key_id",),
    "service_account": ("api_key_id",),
    "vector_store": ("vector_store_id",),
    "model_family": ("model",),
}
"""From what a dimension is told, where that is not a column of its name."""

BILLED = ("model", "model_family", "product", "token_kind", "service_tier")
"""What the bill tells by its line items."""

LINE_ITEMS: Mapping[str | None, Mapping[str, str]] = {
    "gpt-5-2025-08-07, input": {
        "model": "gpt-5-2025-08-07", "model_family": "gpt-5", "product": "models", "token_kind": "input",
        "service_tier": "default",
    },
    "gpt-5-2025-08-07, output": {
        "model": "gpt-5-2025-08-07", "model_family": "gpt-5", "product": "models", "token_kind": "output",
        "service_tier": "default",
    },
    "priority | gpt-5-mini, input": {
        "model": "gpt-5-mini", "model_family": "gpt-5-mini", "product": "models", "token_kind": "input",
        "service_tier": "priority",
    },
    "web search tool calls": {"product": "web search"},
    "vector storage": {"product": "vector storage"},
    None: {},
}  # fmt: skip
"""What the bill's texts say; every other text stands for itself."""

FAMILIES = {"gpt-5-2025-08-07": "gpt-5", "gpt-5-mini": "gpt-5-mini"}
