"""Who uses what: the profiles of every stream of events."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from tallybook.emulator import prices
from tallybook.emulator.draws import DRAWS, TOKEN_SHAPES, Shape
from tallybook.emulator.habits import BATCH, FOREVER, OFFICE, Curve, Profile, Source, Value, source
from tallybook.emulator.prices import Rate
from tallybook.emulator.products import NEW_MODEL, OLD_MODEL, Product
from tallybook.emulator.roster import EPOCH, Key, Project, Roster
from tallybook.emulator.timeline import DAY, Timeline

_MOVES = {OLD_MODEL: "old", NEW_MODEL: "new"}
_ALWAYS = EPOCH + 365 * DAY
"""Whatever is older than this is used in the whole history."""
_LONG = ("gpt-5.4-2026-03-05", NEW_MODEL)
"""Models that read very long prompts, at another price."""
_LONG_PROMPT = (240_000.0, 2_500.0, 0.30, 0.0, 0.0, 0.0)
_SHARED = ("gpt-5-mini-2025-08-07", "gpt-4o-mini-2024-07-18")
"""Models with free daily tokens."""
_USE = {"prod": 5.0, "nightly": 2.0, "staging": 0.5}
"""How busy keys are, by the end of their names, against those of people."""
_API_SOURCES = ("unlabeled", "agents_api")


class _Streams:
    """Makes the profiles of one organization."""

    def __init__(self, roster: Roster, when: Timeline) -> None:
        self.roster = roster
        self.when = when

    def curve(self, project: Project, key: Key | None = None, moves: str = "") -> Curve:
        """Return how the use of a project by a key changes."""
        product = project.product
        since, until = 0, FOREVER if project.archived_at is None else project.archived_at
        if key is not None:
            # Whole days: a key is used from the day after it was made to the day before it was deleted.
            since = -(-key.created_at // DAY) * DAY if key.created_at > _ALWAYS else 0
            until = min(until, key.deleted_at // DAY * DAY)
        return Curve(self.when, product.growth, product.weekend, since, until, moves)

    def keys(self, tool: str) -> Iterator[Key]:
        """Yield the keys of the projects that use a tool."""
        return (key for key in self.roster.keys if tool in key.project.product.tools)

    def each(
        self,
        rng: random.Random,
        keys: Iterable[Key],
        options: Sequence[tuple[dict[str, Value], tuple[Rate, ...]]],
        shape: Shape = (),
    ) -> Iterator[Profile]:
        """Yield a profile for every key and option."""
        for key in keys:
            for extra, rates in options:
                weight = key.project.product.weight * rng.uniform(0.3, 1.7)
                yield Profile({**_base(key), **extra}, weight, shape, rates, self.curve(key.project, key))

    def completions(self, rng: random.Random) -> Iterator[Profile]:
        """Text, by key, model, service tier and batch; very long prompts and free ones look the same in usage."""
        for number, key in enumerate(self.roster.keys):
            liking = key.project.product.weight * rng.uniform(0.5, 1.5) * _USE.get(key.name.rpartition("-")[2], 1.0)
            for place, (model, part) in enumerate(_models(key.project.product)):
                yield from self._tiers(rng, key, model, liking * part, playground=number % 9 == 7 and not place)

    def _tiers(self, rng: random.Random, key: Key, model: str, weight: float, *, playground: bool) -> Iterator[Profile]:
        product = key.project.product
        for tier, share in (("default", 1.0), *product.tiers.items()):
            if tier != "default" and rng.random() < 0.25:
                continue
            seen = "default" if tier == "batch" else tier
            dims = {
                **_base(key, playground=playground and tier == "default"),
                "model": model,
                "batch": tier == "batch",
                "service_tier": seen,
                "api_source": rng.choices(_API_SOURCES, (85, 15))[0],
            }
            plain = Profile(
                dims=dims,
                weight=weight * share * rng.uniform(0.5, 1.5),
                shape=_shape(model, product),
                tariff=prices.token_rates(self.when, model, tier),
                curve=self.curve(key.project, key, _MOVES.get(model, "")),
                hours=BATCH if tier == "batch" else OFFICE,
                cold=_shape(model, product, hit=0.0) if product.name == "Support desk" else None,
                granted=product.shares_data and model in _SHARED and tier == "default",
            )
            yield plain
            if product.long and model in _LONG:
                tariff = prices.token_rates(self.when, model, tier, long=True)
                yield replace(plain, weight=plain.weight * product.long, shape=_LONG_PROMPT, tariff=tariff)

    def decisions(self, rng: random.Random) -> Iterator[Profile]:
        """Another product that is billed by tokens."""
        model = "gpt-6-astra"
        for key in self.keys("decisions"):
            for tier in ("default", "batch") if key.person is None else ("default",):
                dims = {
                    **_base(key),
                    "model": model,
                    "batch": tier == "batch",
                    "service_tier": "default",
                    "api_source": rng.choices(_API_SOURCES, (85, 15))[0],
                }
                weight = key.project.product.weight * rng.uniform(0.5, 1.5)
                rates = prices.token_rates(self.when, model, tier)
                yield Profile(dims, weight, TOKEN_SHAPES[model], rates, self.curve(key.project, key))

    def embeddings(self, rng: random.Random) -> Iterator[Profile]:
        """Two models."""
        return self.each(rng, self.keys("embeddings"), [({"model": m}, r) for m, r in prices.EMBEDDINGS.items()])

    def moderations(self, rng: random.Random) -> Iterator[Profile]:
        """Free of charge."""
        model = "omni-moderation-2024-09-26"
        return self.each(rng, self.keys("moderations"), [({"model": model}, prices.MODERATIONS)])

    def images(self, rng: random.Random) -> Iterator[Profile]:
        """One model that is billed by tokens, an older one by image."""
        flare, older = "gpt-image-2.5-flare", "dall-e-3"
        tokens = prices.image_token_rates(flare)
        for size, kind, shape in (
            ("1024x1024", "image.generation", (1_056, 0)),
            ("1536x1024", "image.edit", (1_568, 1_105)),
        ):
            dims: dict[str, Value] = {"model": flare, "size": size, "source": kind}
            yield from self.each(rng, self.keys("images"), [(dims, tokens)], shape)
        old: list[tuple[dict[str, Value], tuple[Rate, ...]]] = [
            ({"model": older, "size": size, "source": kind}, prices.image_rates(older, size))
            for size, kind in (("1024x1792", "image.generation"), ("512x512", "image.variation"))
        ]
        yield from self.each(rng, self.keys("images"), old)

    def new_images(self, rng: random.Random) -> Iterator[Profile]:
        """A newer model whose images are billed and in no usage dataset."""
        model = "gpt-image-2.5-sunburst"
        options: list[tuple[dict[str, Value], tuple[Rate, ...]]] = [({}, prices.image_token_rates(model))]
        return self.each(rng, self.keys("images"), options, (2_112, 0))

    def speeches(self, rng: random.Random) -> Iterator[Profile]:
        """Billed by character."""
        return self.each(rng, self.keys("speech"), [({"model": "tts-1-hd"}, prices.SPEECHES)])

    def transcriptions(self, rng: random.Random) -> Iterator[Profile]:
        """Billed by second."""
        return self.each(rng, self.keys("transcription"), [({"model": "whisper-1"}, prices.TRANSCRIPTIONS)])

    def web_search(self, rng: random.Random) -> Iterator[Profile]:
        """Billed by call."""
        levels = (("low", "unlabeled"), ("medium", "unlabeled"), ("high", "agents_api"))
        options: list[tuple[dict[str, Value], tuple[Rate, ...]]] = [
            ({"model": "gpt-5.4-2026-03-05", "context_level": level, "api_source": api}, prices.WEB_SEARCH)
            for level, api in levels
        ]
        return self.each(rng, self.keys("web search"), options)

    def _projects(self, tool: str) -> list[Project]:
        return [project for project in self.roster.projects if tool in project.product.tools]

    def sessions(self, rng: random.Random) -> Iterator[Profile]:
        """Known by project only."""
        for project in self._projects("code interpreter"):
            dims = {"project_id": project.id}
            yield Profile(dims, rng.uniform(0.5, 1.5), (), prices.CODE_INTERPRETER, self.curve(project))

    def vector_stores(self, rng: random.Random) -> Iterator[Profile]:
        """A level, not a flow; known by project only."""
        for project in self._projects("storage"):
            dims = {"project_id": project.id}
            yield Profile(dims, rng.uniform(300, 2_400), (), prices.VECTOR_STORES, self.curve(project))

    def file_search(self, rng: random.Random) -> Iterator[Profile]:
        """One vector store a project."""
        stores = {project.id: f"vs_{rng.getrandbits(64):016x}" for project in self._projects("file search")}
        for key in self.keys("file search"):
            options: list[tuple[dict[str, Value], tuple[Rate, ...]]] = [
                ({"vector_store_id": stores[key.project.id]}, prices.FILE_SEARCH)
            ]
            yield from self.each(rng, [key], options)

    def evals(self, _rng: random.Random) -> Iterator[Profile]:
        """Charges of the organization itself: they have no project, and no usage dataset shows them."""
        model = "gpt-4o-mini-2024-07-18"
        rates = prices.token_rates(self.when, model, product="evals")
        yield Profile({}, 1.0, TOKEN_SHAPES[model], rates, Curve(self.when))

    def unnamed(self, _rng: random.Random) -> Iterator[Profile]:
        """Line items without a model, one of them without a project."""
        research = next(project for project in self.roster.projects if project.name == "Research")
        yield Profile({"project_id": research.id}, 3.0, (), prices.TEXT_TOKENS, self.curve(research))
        yield Profile({}, 1.0, (), prices.INPUT_TOKENS, Curve(self.when))


def _base(key: Key, *, playground: bool = False) -> dict[str, Value]:
    return {
        "project_id": key.project.id,
        "user_id": key.person.id if key.person else None,
        # The dashboard's playground has a person, but no key.
        "api_key_id": None if playground and key.person else key.id,
    }


def _models(product: Product) -> Iterator[tuple[str, float]]:
    for model, liking in product.models.items():
        yield model, liking
        if model == OLD_MODEL:
            yield NEW_MODEL, liking


def _shape(model: str, product: Product, hit: float | None = None) -> Shape:
    typical_in, typical_out, usual, *rest = TOKEN_SHAPES[model]
    hit = hit if hit is not None else product.hit if product.hit is not None else usual
    return (typical_in * product.reads, typical_out * product.writes, hit, *rest)


_TABLE: tuple[tuple[str, float, Callable[[_Streams, random.Random], Iterator[Profile]]], ...] = (
    ("completions", 1.0, _Streams.completions),
    ("embeddings", 0.25, _Streams.embeddings),
    ("moderations", 0.08, _Streams.moderations),
    ("images", 0.05, _Streams.images),
    ("audio_speeches", 0.02, _Streams.speeches),
    ("audio_transcriptions", 0.01, _Streams.transcriptions),
    ("vector_stores", 0.0, _Streams.vector_stores),
    ("code_interpreter_sessions", 0.03, _Streams.sessions),
    ("file_search_calls", 0.05, _Streams.file_search),
    ("web_search_calls", 0.06, _Streams.web_search),
    ("decisions", 0.10, _Streams.decisions),
    ("evals", 0.01, _Streams.evals),
    ("new images", 0.01, _Streams.new_images),
    ("unnamed", 0.01, _Streams.unnamed),
)


def _nightly(profile: Profile, roster: Roster, when: Timeline) -> bool:
    """Return whether `profile` is of the key that was deleted after it had called in a loop."""
    keys = {key.id for key in roster.keys if when.runaway[1] <= key.deleted_at < when.runaway[1] + DAY}
    return profile.dims["api_key_id"] in keys and profile.dims["service_tier"] == "default"


def sources(seed: int, roster: Roster, when: Timeline) -> dict[str, Source]:
    """Return every stream of events by name; the last three are billed but have no usage dataset."""
    streams = _Streams(roster, when)
    table: dict[str, Source] = {}
    for name, share, make in _TABLE:
        profiles = make(streams, random.Random(f"{seed}/habits/{name}"))
        table[name] = source(name, profiles, share, DRAWS[name])
    loop = table["completions"]
    runaway = next(place for place, profile in enumerate(loop.profiles) if _nightly(profile, roster, when))
    table["completions"] = replace(loop, runaway=runaway)
    return table
