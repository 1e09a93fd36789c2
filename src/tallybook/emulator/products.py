"""The departments and products of the synthetic company, and what each does with the API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

OLD_MODEL, NEW_MODEL = "gpt-4o-2024-08-06", "gpt-5.6-sol"
"""Whoever uses the old one moves to the new one."""


@dataclass(frozen=True, slots=True)
class Product:
    """One project: who owns it, how much it does, with which models and tools."""

    name: str
    department: str
    weight: float
    """Its part of all requests, in the month in which the organization is made."""
    growth: float
    """How many times as much as a year before."""
    weekend: float
    """How busy it is at weekends, against working days."""
    models: Mapping[str, float]
    """Liking for each."""
    tiers: Mapping[str, float] = field(default_factory=dict)
    """Batch and service tiers besides the default, against it."""
    reads: float = 1.0
    """Length of its prompts, against what is typical of a model."""
    writes: float = 1.0
    """Length of its answers."""
    hit: float | None = None
    """Chance that a prompt is found in the cache, if not that of the model."""
    long: float = 0.0
    """Requests with a very long prompt, against the others."""
    shares_data: bool = False
    """Takes part in the programme that gives free tokens every day."""
    tools: frozenset[str] = frozenset()
    """What it uses besides models that answer in text."""
    archived: tuple[int, int] | None = None
    """Month and day of its end."""


DEPARTMENTS = {
    "Engineering": 6,
    "Shop": 7,
    "Customer Care": 7,
    "Marketing": 6,
    "Operations": 5,
    "Data Science": 5,
    "Sales": 4,
    "People": 3,
    "Finance": 2,
}
"""How many people have worked in each, those that will come or have left included."""

PRODUCTS = (
    Product(
        name="Search assistant",
        department="Shop",
        weight=22,
        growth=2.2,
        weekend=1.0,
        models={"gpt-5-mini-2025-08-07": 3, "gpt-5-search-api-2025-10-14": 2, "gpt-4o-mini-2024-07-18": 1},
        tiers={"priority": 0.3, "flex": 0.1},
        reads=5.0,
        hit=0.7,
        tools=frozenset({"embeddings", "moderations", "web search", "storage"}),
    ),
    Product(
        name="Support desk",
        department="Customer Care",
        weight=20,
        growth=1.5,
        weekend=0.8,
        models={"gpt-5.4-2026-03-05": 3, OLD_MODEL: 2, "ft:gpt-4o-2024-08-06:example::a1b2c3": 1.5},
        tiers={"priority": 0.25, "batch": 0.2},
        reads=12.0,
        hit=0.95,
        tools=frozenset({"embeddings", "moderations", "file search", "storage", "decisions"}),
    ),
    Product(
        name="Checkout copilot",
        department="Shop",
        weight=12,
        growth=1.8,
        weekend=1.1,
        models={OLD_MODEL: 3, "gpt-5-mini-2025-08-07": 2},
        tiers={"priority": 0.9},
        reads=4.0,
        tools=frozenset({"moderations", "decisions"}),
    ),
    Product(
        name="Document intake",
        department="Operations",
        weight=10,
        growth=1.6,
        weekend=0.25,
        models={"gpt-5.4-2026-03-05": 3, OLD_MODEL: 2, "gpt-4o-mini-2024-07-18": 1},
        tiers={"batch": 1.5, "flex": 0.3},
        reads=16.0,
        long=0.04,
        tools=frozenset({"embeddings", "file search", "storage", "code interpreter", "decisions"}),
    ),
    Product(
        name="Sales briefs",
        department="Sales",
        weight=5,
        growth=1.2,
        weekend=0.15,
        models={"gpt-5.4-2026-03-05": 2, "gpt-5-search-api-2025-10-14": 1},
        reads=8.0,
        writes=1.5,
        tools=frozenset({"web search", "code interpreter"}),
    ),
    Product(
        name="Localisation",
        department="Marketing",
        weight=9,
        growth=1.1,
        weekend=0.4,
        models={"gpt-5-mini-2025-08-07": 2, "gpt-4o-mini-2024-07-18": 2},
        tiers={"batch": 3.0, "flex": 0.5},
        writes=2.5,
        shares_data=True,
        tools=frozenset({"embeddings"}),
    ),
    Product(
        name="Code review",
        department="Engineering",
        weight=12,
        growth=3.0,
        weekend=0.2,
        models={"gpt-5.4-2026-03-05": 2, OLD_MODEL: 2},
        tiers={"priority": 0.5, "flex": 0.2},
        reads=20.0,
        writes=2.0,
        hit=0.8,
        long=0.05,
        tools=frozenset({"embeddings", "web search"}),
    ),
    Product(
        name="Voice line",
        department="Customer Care",
        weight=6,
        growth=1.4,
        weekend=0.7,
        models={"gpt-audio-mini-2025-12-15": 4, "gpt-4o-mini-2024-07-18": 1},
        tools=frozenset({"speech", "transcription", "moderations", "decisions"}),
    ),
    Product(
        name="Catalogue images",
        department="Marketing",
        weight=4,
        growth=1.3,
        weekend=0.3,
        models={OLD_MODEL: 2, "gpt-5-mini-2025-08-07": 1},
        tiers={"batch": 0.5},
        tools=frozenset({"images", "moderations"}),
    ),
    Product(
        name="Research",
        department="Data Science",
        weight=8,
        growth=1.2,
        weekend=0.5,
        models={
            "gpt-5-mini-2025-08-07": 2,
            "gpt-5.4-2026-03-05": 1,
            OLD_MODEL: 1,
            "ft:gpt-4o-mini-2024-07-18:example:intents:d4e5f6": 1,
        },
        tiers={"flex": 1.0, "batch": 0.6},
        reads=8.0,
        writes=1.5,
        shares_data=True,
        tools=frozenset({"embeddings", "code interpreter", "storage", "file search", "images", "decisions"}),
    ),
    Product(
        name="Onboarding pilot",
        department="People",
        weight=3,
        growth=1.0,
        weekend=0.1,
        models={"gpt-4o-mini-2024-07-18": 1, OLD_MODEL: 1},
        tools=frozenset({"speech"}),
        archived=(4, 1),
    ),
    Product(
        name="Summer campaign",
        department="Marketing",
        weight=5,
        growth=1.0,
        weekend=0.9,
        models={"gpt-5.4-2026-03-05": 1, "gpt-5-mini-2025-08-07": 1},
        writes=2.0,
        tools=frozenset({"images", "transcription"}),
        archived=(9, 1),
    ),
)
"""Every project of the organization."""
