"""How large one event is: a function per stream, from random numbers to its measures."""

from __future__ import annotations

from collections.abc import Callable, Mapping

Random = Callable[[], float]
Shape = tuple[float, ...]
Measures = tuple[int, ...]
Draw = Callable[[Random, Shape], Measures]

TOKEN_SHAPES: Mapping[str, Shape] = {
    # typical input, typical output, chance of a cache hit, of a cache write, share of audio, share of images
    "gpt-5.4-2026-03-05": (2_400, 700, 0.55, 0.25, 0.0, 0.08),
    "gpt-5.6-sol": (5_200, 1_400, 0.50, 0.30, 0.0, 0.05),
    "gpt-5-mini-2025-08-07": (1_500, 500, 0.45, 0.20, 0.0, 0.0),
    "gpt-4o-2024-08-06": (1_800, 420, 0.40, 0.0, 0.0, 0.15),
    "gpt-4o-mini-2024-07-18": (900, 260, 0.30, 0.0, 0.0, 0.0),
    "gpt-5-search-api-2025-10-14": (1_900, 600, 0.30, 0.0, 0.0, 0.0),
    "ft:gpt-4o-2024-08-06:example::a1b2c3": (1_100, 180, 0.20, 0.0, 0.0, 0.0),
    "ft:gpt-4o-mini-2024-07-18:example:intents:d4e5f6": (500, 30, 0.20, 0.0, 0.0, 0.0),
    "gpt-audio-mini-2025-12-15": (1_300, 600, 0.25, 0.0, 0.6, 0.0),
    "gpt-6-astra": (3_000, 900, 0.50, 0.20, 0.0, 0.0),
}


def tokens(random: Random, shape: Shape) -> Measures:
    """Draw one model request; parts always add up to their wholes, in the order of `TOKEN_MEASURES`."""
    typical_in, typical_out, hit, write, audio_share, image_share = shape
    r = random()
    whole = int(typical_in * (0.1 + 3.2 * r * r)) + 9
    # The real cache works in blocks of 128 tokens.
    cached = int(whole * r) & ~127 if random() < hit else 0
    rest = whole - cached
    written = rest >> 2 if write and random() < write else 0
    long = written if written & 8 else 0
    uncached = rest - written
    audio, image = int(uncached * audio_share), int(uncached * image_share)
    cached_audio, cached_image = int(cached * audio_share), int(cached * image_share)
    out = int(typical_out * (0.1 + 2.6 * random() ** 2)) + 1
    out_audio, out_image = int(out * audio_share), int(out * image_share)
    return (
        whole,
        out,
        1,
        cached,
        written,
        written - long,
        long,
        uncached,
        uncached - audio - image,
        cached - cached_audio - cached_image,
        audio,
        cached_audio,
        image,
        cached_image,
        out - out_audio - out_image,
        out_audio,
        out_image,
    )


def inputs(random: Random, _shape: Shape) -> Measures:
    """Draw input tokens and one request."""
    return (int(40 + 2_500 * random() ** 2), 1)


def images(random: Random, shape: Shape) -> Measures:
    """Draw a few images in one request, of so many tokens each, and the tokens of prompt and given image.

    The tokens are billed, but no usage dataset has them.
    """
    number = 1 + int(4 * random() ** 3)
    if not shape:
        return (number, 1, 0, 0, 0, 0)
    r = random()
    prompt = 20 + int(900 * r * r)
    cached = int(prompt * r) & ~127
    return (number, 1, number * int(shape[0]), prompt - cached, cached, int(shape[1]))


def characters(random: Random, _shape: Shape) -> Measures:
    """Draw the length of one speech."""
    return (int(80 + 3_000 * random() ** 2), 1)


def seconds(random: Random, _shape: Shape) -> Measures:
    """Draw the length of one recording."""
    return (int(5 + 900 * random() ** 2), 1)


def one(_random: Random, _shape: Shape) -> Measures:
    """Draw one session or call."""
    return (1,)


def searches(random: Random, _shape: Shape) -> Measures:
    """Draw one model request that searches one to three times."""
    return (1, 1 + int(3 * random() ** 2))


DRAWS: Mapping[str, Draw] = {
    "completions": tokens,
    "embeddings": inputs,
    "moderations": inputs,
    "images": images,
    "audio_speeches": characters,
    "audio_transcriptions": seconds,
    "vector_stores": one,  # levels are sampled, not drawn
    "code_interpreter_sessions": one,
    "file_search_calls": one,
    "web_search_calls": searches,
    "decisions": tokens,
    "evals": tokens,
    "new images": images,
    "unnamed": inputs,
}
