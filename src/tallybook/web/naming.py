"""What metrics and dimensions are called on the page, and what it says of a number. Pure."""

from __future__ import annotations

from tallybook.query.metrics import Metric
from tallybook.web.shapes import Unit

_SAYS = {
    "cost": "billed, before tax and credits",
    "requests": "to models",
    "tokens": "input and output",
    "input_tokens": "cached ones included",
    "input_cached_tokens": "part of the input",
    "cache_hit_rate": "cached among input tokens",
    "active_users": "service accounts included",
    "active_api_keys": "with any usage",
    "active_projects": "with any usage",
    "cost_per_request": "billed, per request to a model",
    "cost_per_million_tokens": "billed for tokens, per million",
}
_GOOD = {
    "cost": "down", "cost_per_request": "down", "cost_per_million_tokens": "down", "cache_hit_rate": "up",
}  # fmt: skip
"""Which way is good news; of most numbers neither is."""


def title(name: str) -> str:
    """Return a name as a title: `cache_hit_rate` is `Cache hit rate`, `active_api_keys` `Active API keys`."""
    text = " ".join("API" if word == "api" else word for word in name.split("_"))
    return text[:1].upper() + text[1:]


def unit(known: Metric) -> Unit:
    """Return what is to be known of a metric to show its numbers."""
    says = _SAYS.get(known.name, "billed, before tax and credits" if known.has_currency and known.is_money else "")
    return Unit(known.name, title(known.name), known.unit, known.kind, says, _GOOD.get(known.name, "neutral"))
