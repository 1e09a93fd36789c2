"""What the synthetic company pays: invented prices, exact, and the line items they appear under."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from tallybook.emulator.served import TOKEN_MEASURES

ATTO = 10**18
"""Amounts are summed as whole 10^-18 dollars when buckets are built: no rounding, no order of summing."""

GIB = 2**30


@dataclass(frozen=True, slots=True)
class Rate:
    """One line item of a bill: which measures it counts and what one unit costs."""

    line_item: str
    measures: tuple[int, ...]
    """Positions in the event's measures; their sum is the quantity in base units."""
    price: Decimal
    """Dollars for one unit of `unit`."""
    unit: str | None
    per: int = 1
    """Base units in one unit: bytes in a gibibyte, else 1."""

    @property
    def atto(self) -> int:
        """`price` in whole 10^-18 dollars."""
        return int(self.price * ATTO)


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
    "gpt-4o-2024-08-06": Tokens("2.50", "1.25", "10.00"),
    "gpt-4o-mini-2024-07-18": Tokens("0.15", "0.075", "0.60"),
    "ft:gpt-4o-2024-08-06:example::a1b2c3": Tokens("3.75", "1.875", "15.00"),
    "gpt-audio-mini-2025-12-15": Tokens("0.60", "0.06", "2.40", "0", "10.00", "0.30", "20.00"),
    "gpt-6-astra": Tokens("6.00", "0.60", "24.00", "7.50"),
}

_CHARGES = (
    ("{model}, input", "input", ("input_text_tokens", "input_image_tokens")),
    ("{model}, cached input", "cached", ("input_cached_text_tokens", "input_cached_image_tokens")),
    ("{model}, cache writes", "write", ("input_cache_write_tokens",)),
    ("{model}, output", "output", ("output_text_tokens", "output_image_tokens")),
    ("{model} audio, input", "audio_input", ("input_audio_tokens",)),
    ("{model} audio, cached input", "audio_cached", ("input_cached_audio_tokens",)),
    ("{model} audio, output", "audio_output", ("output_audio_tokens",)),
)
_MILLION = Decimal(10) ** 6
_FACTORS = {
    "batch": Decimal("0.5"),
    "flex": Decimal("0.5"),
    "priority": Decimal(2),
    "default": Decimal(1),
}


def token_rates(model: str, batch: bool, service_tier: str, product: str | None = None) -> tuple[Rate, ...]:
    """Return the rates of a token-billed profile; costs spell fine-tunes `ft-`, without the suffix."""
    tier = "batch" if batch else service_tier
    label = f"ft-{model.split(':')[1]}" if model.startswith("ft:") else model
    shown = product or (tier if tier != "default" else None)
    prefix = f"{shown} | " if shown else ""
    prices = PRICES[model]
    return tuple(
        Rate(
            prefix + name.format(model=label),
            tuple(TOKEN_MEASURES.index(measure) for measure in measures),
            Decimal(getattr(prices, kind)) * _FACTORS[tier] / _MILLION,
            "tokens",
        )
        for name, kind, measures in _CHARGES
    )


EMBEDDINGS = {
    "text-embedding-3-small": (Rate("text-embedding-3-small, input", (0,), Decimal("0.00000002"), "tokens"),),
    "text-embedding-3-large": (Rate("text-embedding-3-large, input", (0,), Decimal("0.00000013"), "tokens"),),
}
MODERATIONS = (Rate("omni-moderation-2024-09-26, input", (0,), Decimal(0), "tokens"),)
SPEECHES = (Rate("tts-1-hd, characters", (0,), Decimal("0.00003"), "characters"),)
TRANSCRIPTIONS = (Rate("whisper-1, audio", (0,), Decimal("0.0001"), "duration_seconds"),)
VECTOR_STORES = (Rate("Vector storage", (0,), Decimal("0.0042"), "gibibyte_hours", GIB),)
CODE_INTERPRETER = (Rate("code interpreter sessions", (0,), Decimal("0.03"), None),)
FILE_SEARCH = (Rate("assistants api | file search", (0,), Decimal("0.0025"), None),)
WEB_SEARCH = (Rate("web search tool calls", (1,), Decimal("0.01"), None),)
_IMAGE_PRICES = {
    "256x256": "0.016",
    "512x512": "0.018",
    "1024x1024": "0.04",
    "1024x1792": "0.08",
    "1536x1024": "0.063",
}


def image_rates(model: str, size: str) -> tuple[Rate, ...]:
    """Return the rate of one image of `size`."""
    return (Rate(f"{model}, {size}", (0,), Decimal(_IMAGE_PRICES[size]), "images"),)
