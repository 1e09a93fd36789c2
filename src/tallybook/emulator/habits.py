"""Who uses what: the weighted profiles from which single events are drawn."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from tallybook.emulator import prices
from tallybook.emulator.draws import DRAWS, TOKEN_SHAPES, Draw, Shape
from tallybook.emulator.prices import Rate
from tallybook.emulator.roster import Key, Roster

Value = str | bool | None
FOREVER = 2**62


@dataclass(frozen=True, slots=True)
class Profile:
    """One combination of dimension values, how it behaves and what it is billed at."""

    dims: Mapping[str, Value]
    weight: float
    shape: Shape
    tariff: tuple[Rate, ...]
    until: int = FOREVER
    """No events from this moment on: the project was archived."""


@dataclass(frozen=True, slots=True)
class Source:
    """One stream of events: its profiles and how many events a day it has."""

    name: str
    profiles: tuple[Profile, ...]
    share: float
    """Events for each completions request."""
    draw: Draw
    cumulative: tuple[float, ...]
    """Cumulative weights of the profiles."""


_TIERS = (("default", False, 0.6), ("default", True, 0.35), ("priority", False, 0.3), ("flex", False, 0.3))
"""Service tier, batch, share; each but the first is used by most keys."""
_API_SOURCES = ("unlabeled", "agents_api")
_SIZES = ("1024x1024", "1024x1792", "512x512", "1536x1024")
_SOURCES = ("image.generation", "image.generation", "image.edit", "image.variation")


def _base(key: Key, playground: bool = False) -> dict[str, Value]:
    return {
        "project_id": key.project.id,
        "user_id": key.person.id if key.person else None,
        # The dashboard's playground has a person, but no key.
        "api_key_id": None if playground else key.id,
    }


def _until(key: Key) -> int:
    return FOREVER if key.project.archived_at is None else key.project.archived_at


def _tokens(rng: random.Random, roster: Roster, models: Sequence[str], product: str | None) -> Iterator[Profile]:
    taste = {project.id: rng.sample(models, min(4, len(models))) for project in roster.projects}
    for number, key in enumerate(roster.keys):
        weight = rng.uniform(0.5, 1.5) * (1.4 if key.person is None else 1.0)
        for model in taste[key.project.id]:
            liking = weight * rng.uniform(0.5, 1.5)
            for tier, batch, part in _TIERS:
                if (tier == "default" and not batch) or rng.random() < 0.6:
                    playground = number % 19 == 7 and tier == "default" and not batch
                    source = rng.choices(_API_SOURCES, (85, 15))[0]
                    dims = {
                        **_base(key, playground),
                        "model": model,
                        "batch": batch,
                        "service_tier": tier,
                        "api_source": source,
                    }
                    rates = prices.token_rates(model, batch, tier, product)
                    yield Profile(dims, liking * part, TOKEN_SHAPES[model], rates, _until(key))


def _completions(rng: random.Random, roster: Roster) -> Iterator[Profile]:
    models = [model for model in prices.PRICES if model != "gpt-6-astra"]
    return _tokens(rng, roster, models, None)


def _decisions(rng: random.Random, roster: Roster) -> Iterator[Profile]:
    return _tokens(rng, roster, ["gpt-6-astra"], "decisions")


def _simple(
    rng: random.Random, keys: Iterable[Key], options: Sequence[tuple[dict[str, Value], tuple[Rate, ...]]]
) -> Iterator[Profile]:
    for key in keys:
        for extra, rates in options:
            yield Profile({**_base(key), **extra}, rng.uniform(0.3, 1.7), (), rates, _until(key))


def _embeddings(rng: random.Random, roster: Roster) -> Iterator[Profile]:
    options: list[tuple[dict[str, Value], tuple[Rate, ...]]] = [
        ({"model": m}, rates) for m, rates in prices.EMBEDDINGS.items()
    ]
    return _simple(rng, roster.keys[::2], options)


def _moderations(rng: random.Random, roster: Roster) -> Iterator[Profile]:
    return _simple(rng, roster.keys[::4], [({"model": "omni-moderation-2024-09-26"}, prices.MODERATIONS)])


def _images(rng: random.Random, roster: Roster) -> Iterator[Profile]:
    model = "gpt-image-2.5-flare"
    options: list[tuple[dict[str, Value], tuple[Rate, ...]]] = [
        ({"model": model, "size": size, "source": source}, prices.image_rates(model, size))
        for size, source in zip(_SIZES, _SOURCES, strict=True)
    ]
    return _simple(rng, roster.keys[2::6], options)


def _speeches(rng: random.Random, roster: Roster) -> Iterator[Profile]:
    return _simple(rng, roster.keys[3::7], [({"model": "tts-1-hd"}, prices.SPEECHES)])


def _transcriptions(rng: random.Random, roster: Roster) -> Iterator[Profile]:
    return _simple(rng, roster.keys[1::7], [({"model": "whisper-1"}, prices.TRANSCRIPTIONS)])


def _sessions(rng: random.Random, roster: Roster) -> Iterator[Profile]:
    for project in roster.projects[::3]:
        yield Profile({"project_id": project.id}, rng.uniform(0.5, 1.5), (), prices.CODE_INTERPRETER)


def _vector_stores(rng: random.Random, roster: Roster) -> Iterator[Profile]:
    for project in roster.projects[:4]:
        # The weight is the size in mebibytes about which the level moves.
        yield Profile({"project_id": project.id}, rng.uniform(400, 9_000), (), prices.VECTOR_STORES)


def _file_search(rng: random.Random, roster: Roster) -> Iterator[Profile]:
    stores = {p.id: f"vs_{rng.getrandbits(64):016x}" for p in roster.projects[:4]}
    for key in roster.keys:
        if store := stores.get(key.project.id):
            dims = {**_base(key), "vector_store_id": store}
            yield Profile(dims, rng.uniform(0.3, 1.7), (), prices.FILE_SEARCH)


def _web_search(rng: random.Random, roster: Roster) -> Iterator[Profile]:
    options: list[tuple[dict[str, Value], tuple[Rate, ...]]] = [
        ({"model": "gpt-5.4-2026-03-05", "context_level": level, "api_source": source}, prices.WEB_SEARCH)
        for level, source in (("low", "unlabeled"), ("medium", "unlabeled"), ("high", "agents_api"))
    ]
    return _simple(rng, roster.keys[::5], options)


def _evals(_rng: random.Random, _roster: Roster) -> Iterator[Profile]:
    """Charges of the organization itself: they have no project, and no usage dataset shows them."""
    model = "gpt-4o-mini-2024-07-18"
    rates = prices.token_rates(model, batch=False, service_tier="default", product="evals")
    yield Profile({"model": model}, 1.0, TOKEN_SHAPES[model], rates)


_SOURCES_TABLE: tuple[tuple[str, float, Callable[[random.Random, Roster], Iterator[Profile]]], ...] = (
    ("completions", 1.0, _completions),
    ("embeddings", 0.25, _embeddings),
    ("moderations", 0.08, _moderations),
    ("images", 0.05, _images),
    ("audio_speeches", 0.03, _speeches),
    ("audio_transcriptions", 0.03, _transcriptions),
    ("vector_stores", 0.0, _vector_stores),
    ("code_interpreter_sessions", 0.03, _sessions),
    ("file_search_calls", 0.05, _file_search),
    ("web_search_calls", 0.06, _web_search),
    ("decisions", 0.10, _decisions),
    ("evals", 0.01, _evals),
)


def source(name: str, profiles: tuple[Profile, ...], share: float, draw: Draw) -> Source:
    """Return a stream of events."""
    return Source(name, profiles, share, draw, tuple(accumulate(profile.weight for profile in profiles)))


def sources(seed: int, roster: Roster) -> dict[str, Source]:
    """Return every stream of events by name; `evals` is billed but has no usage dataset."""
    table: dict[str, Source] = {}
    for name, share, make in _SOURCES_TABLE:
        profiles = tuple(make(random.Random(f"{seed}/habits/{name}"), roster))
        table[name] = source(name, profiles, share, DRAWS[name])
    return table
