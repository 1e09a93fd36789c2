"""What the synthetic company pays: invented prices, exact, and the line items they appear under."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from tallybook.emulator.served import TOKEN_MEASURES
from tallybook.emulator.timeline import Timeline

ATTO = 10**18
"""Amounts are summed as whole 10^-18 dollars when buckets are built: no rounding, no order of summing."""

GIB = 2**30
Steps = tuple[tuple[int, Decimal], ...]
"""From which second on a unit costs how many dollars, oldest first."""


@dataclass(frozen=True, slots=True)
class Rate:
    """One line item of a bill: which measures it counts and what one unit costs."""

    line_item: str
    measures: tuple[int, ...]
    """Positions in the event's measures; their sum is the quantity in base units."""
    steps: Steps
    """Prices change at midnight only."""
    unit: str | None
    per: int = 1
    """Base units in one unit: bytes in a gibibyte, else 1."""


def flat(line_item: str, place: int, price: str, unit: str | None, per: int = 1) -> tuple[Rate, ...]:
    """Return the one rate of something that has always cost the same."""
    return (Rate(line_item, (place,), ((0, Decimal(price)),), unit, per),)


@dataclass(frozen=True, slots=True)
class Tokens:
    """Dollars for a million tokens of one model."""

    input: str
    cached: str
    output: str
    write: str = "0"
    audio_input: str = "0"
    audio_cached: str = "0"
    audio_output: str = "0"


PRICES: Mapping[str, Tokens] = {
    "gpt-5.4-2026-03-05": Tokens("2.50", "0.25", "15.00", "3.125"),
    "gpt-5.6-sol": Tokens("4.00", "0.40", "20.00", "5.00"),
    "gpt-5-mini-2025-08-07": Tokens("0.25", "0.025", "2.00", "0.3125"),
    "gpt-5-search-api-2025-10-14": Tokens("1.25", "0.125", "10.00"),
    "gpt-4o-2024-08-06": Tokens("2.50", "1.25", "10.00"),
    "gpt-4o-mini-2024-07-18": Tokens("0.15", "0.075", "0.60"),
    "ft:gpt-4o-2024-08-06:example::a1b2c3": Tokens("3.75", "1.875", "15.00"),
    "ft:gpt-4o-mini-2024-07-18:example:intents:d4e5f6": Tokens("0.30", "0.15", "1.20"),
    "gpt-audio-mini-2025-12-15": Tokens("0.60", "0.06", "2.40", "0", "10.00", "0.30", "20.00"),
    "gpt-6-astra": Tokens("6.00", "0.60", "24.00", "7.50"),
}
_REPRICED = {"gpt-5.4-2026-03-05": Decimal("0.8")}
"""What is left of a price after it has fallen."""
_DISCOUNTED = {"gpt-5.4-2026-03-05", "gpt-5.6-sol", "gpt-5-mini-2025-08-07"}
_DISCOUNT = Decimal("0.85")
"""What is left of the prices of those models since the company has negotiated."""

_CHARGES = (
    ("{model}, input", "input", ("input_text_tokens", "input_image_tokens")),
    ("{model}, cached input", "cached", ("input_cached_text_tokens", "input_cached_image_tokens")),
    ("{model}, cache writes", "write", ("input_cache_write_tokens",)),
    ("{model}, output", "output", ("output_text_tokens", "output_image_tokens")),
    ("{model} audio, input", "audio_input", ("input_audio_tokens",)),
    ("{model} audio, cached input", "audio_cached", ("input_cached_audio_tokens",)),
    ("{model} audio, output", "audio_output", ("output_audio_tokens",)),
)
_DECISIONS = (
    ("{model}, input_tokens", "input", ("input_uncached_tokens",)),
    ("{model}, input_cached_tokens", "cached", ("input_cached_tokens",)),
    ("{model}, input_cache_write_tokens", "write", ("input_cache_write_tokens",)),
    ("{model}, output_tokens", "output", ("output_tokens",)),
)
"""One product's line items name the fields of usage."""
_MILLION = Decimal(10) ** 6
_FACTORS = {
    "batch": Decimal("0.5"),
    "flex": Decimal("0.5"),
    "priority": Decimal(2),
    "default": Decimal(1),
}
_LONG = Decimal("1.5")
"""Prices of very long prompts, against the others."""


def _steps(model: str, price: Decimal, when: Timeline) -> Steps:
    """Return a price and what became of it."""
    changes = [(when.repriced, _REPRICED.get(model)), (when.discounted, _DISCOUNT if model in _DISCOUNTED else None)]
    steps = [(0, price)]
    for second, factor in sorted(change for change in changes if change[1] is not None):
        price *= factor or 1
        steps.append((second, price))
    return tuple(steps)


def label(model: str) -> str:
    """Return a model as line items spell it: fine-tunes as `ft-`, without what follows the base model."""
    return f"ft-{model.split(':')[1]}" if model.startswith("ft:") else model


@cache
def token_rates(
    when: Timeline, model: str, tier: str = "default", product: str | None = None, *, long: bool = False
) -> tuple[Rate, ...]:
    """Return the rates of a token-billed profile; `tier` is `batch` or a service tier."""
    shown = product or (tier if tier != "default" else None)
    prefix, suffix = f"{shown} | " if shown else "", ", long context" if long else ""
    prices = PRICES[model]
    factor = _FACTORS[tier] * (_LONG if long else 1) / _MILLION
    return tuple(
        Rate(
            prefix + name.format(model=label(model)) + suffix,
            tuple(TOKEN_MEASURES.index(measure) for measure in measures),
            _steps(model, Decimal(getattr(prices, kind)) * factor, when),
            "tokens",
        )
        for name, kind, measures in (_DECISIONS if model == "gpt-6-astra" else _CHARGES)
    )


EMBEDDINGS = {
    "text-embedding-3-small": flat("text-embedding-3-small, input", 0, "0.00000002", "tokens"),
    "text-embedding-3-large": flat("text-embedding-3-large, input", 0, "0.00000013", "tokens"),
}
MODERATIONS = flat("omni-moderation-2024-09-26, input", 0, "0", "tokens")
SPEECHES = flat("tts-1-hd, characters", 0, "0.00003", "characters")
TRANSCRIPTIONS = flat("whisper-1, audio", 0, "0.0001", "duration_seconds")
VECTOR_STORES = flat("Vector storage", 0, "0.0042", "gibibyte_hours", GIB)
CODE_INTERPRETER = flat("code interpreter sessions", 0, "0.03", None)
FILE_SEARCH = flat("assistants api | file search", 0, "0.0025", None)
WEB_SEARCH = flat("web search tool calls", 1, "0.01", None)
TEXT_TOKENS = flat("Text tokens", 0, "0.000002", "tokens")
INPUT_TOKENS = flat("input_tokens", 0, "0.0000005", "tokens")
_IMAGE_PRICES = {"512x512": "0.018", "1024x1792": "0.08"}


def image_rates(model: str, size: str) -> tuple[Rate, ...]:
    """Return the rate of one image of `size`."""
    return flat(f"{model}, {size}", 0, _IMAGE_PRICES[size], "images")


def image_token_rates(model: str) -> tuple[Rate, ...]:
    """Return the rates of images that are billed by their tokens."""
    return (
        *flat(f"{model} image, output", 2, "0.00004", "tokens"),
        *flat(f"{model} text, input", 3, "0.000005", "tokens"),
        *flat(f"{model} text, cached input", 4, "0.00000125", "tokens"),
        *flat(f"{model} image, input", 5, "0.00001", "tokens"),
    )
