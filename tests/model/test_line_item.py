"""Line items: what is known is taken apart, everything else stays whole."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallybook.emulator import Company
from tallybook.model.line_item import PARSER_VERSION, LineItem, parse

SEEN: dict[str, dict[str, str]] = {
    "gpt-4o-2024-08-06, input": {"model": "gpt-4o-2024-08-06", "token_kind": "input"},
    "ft-gpt-4o-2024-08-06, input": {"model": "ft-gpt-4o-2024-08-06", "token_kind": "input"},
    "gpt-4o-2024-08-06, output": {"model": "gpt-4o-2024-08-06", "token_kind": "output"},
    "gpt-5.4-2026-03-05, cached input": {"model": "gpt-5.4-2026-03-05", "token_kind": "cached input"},
    "gpt-5.4-2026-03-05, cache writes": {"model": "gpt-5.4-2026-03-05", "token_kind": "cache writes"},
    "priority | gpt-5.6-sol, output, long context": {
        "tier": "priority", "model": "gpt-5.6-sol", "token_kind": "output", "qualifier": "long context",
    },
    "assistants api | file search": {"product": "assistants api", "qualifier": "file search"},
    "evals | gpt-4o-mini-2024-07-18, input": {
        "product": "evals", "model": "gpt-4o-mini-2024-07-18", "token_kind": "input",
    },
    "web search tool calls": {"product": "web search"},
    "gpt-5-search-api-2025-10-14, input": {"model": "gpt-5-search-api-2025-10-14", "token_kind": "input"},
    "gpt-audio-mini-2025-12-15 audio, input": {
        "model": "gpt-audio-mini-2025-12-15", "modality": "audio", "token_kind": "input",
    },
    "gpt-image-2.5-flare image, output": {
        "model": "gpt-image-2.5-flare", "modality": "image", "token_kind": "output",
    },
    "gpt-image-2.5-sunburst text, cached input": {
        "model": "gpt-image-2.5-sunburst", "modality": "text", "token_kind": "cached input",
    },
    "Vector storage": {"product": "vector storage"},
    "whisper-1, audio": {"model": "whisper-1", "modality": "audio"},
    "Text tokens": {"modality": "text"},
    "gpt-6-astra, input_tokens": {"model": "gpt-6-astra", "token_kind": "input"},
    "input_tokens": {"token_kind": "input"},
    "gpt-image-2.5-flare, 1024x1024": {"model": "gpt-image-2.5-flare", "qualifier": "1024x1024"},
    "tts-1-hd, characters": {"model": "tts-1-hd", "qualifier": "characters"},
    "code interpreter sessions": {"product": "code interpreter"},
    "batch | gpt-4o-2024-08-06, input": {"tier": "batch", "model": "gpt-4o-2024-08-06", "token_kind": "input"},
    "Batch API | evals | gpt-5, output": {
        "tier": "batch", "product": "evals", "model": "gpt-5", "token_kind": "output",
    },
    "gpt-5, input_cached_tokens, flex": {"model": "gpt-5", "token_kind": "cached input", "tier": "flex"},
    "o3 deep research, output": {"model": "o3 deep research", "token_kind": "output"},
    "  gpt-5  audio ,  input ": {"model": "gpt-5", "modality": "audio", "token_kind": "input"},
    "audio, input": {"modality": "audio", "token_kind": "input"},
    "gpt-5, input, output": {"model": "gpt-5", "token_kind": "input", "qualifier": "output"},
    "containers | something new": {"product": "containers", "qualifier": "something new"},
}  # fmt: skip

STRANGE = ["", " ", "|", ",", "|,", "Credits, promotional", "Refund", "a | ", " | gpt-5, input", "gpt-5, , input",
           "gpt-5, input,", "priority | Refund", "Text", "\x00", "12, 34", "support plan"]  # fmt: skip


@pytest.mark.parametrize("text", SEEN)
def test_what_has_been_seen_on_bills_is_taken_apart(text: str) -> None:
    found = parse(text)
    assert found == LineItem(text, PARSER_VERSION, **SEEN[text])
    assert found.parsed


@pytest.mark.parametrize("text", STRANGE)
def test_what_does_not_fit_stays_whole_and_counts_as_not_understood(text: str) -> None:
    assert parse(text) == LineItem(text)
    assert not parse(text).parsed


def test_everything_that_the_emulator_bills_is_understood() -> None:
    sources = Company(days=1).sources.values()
    texts = {rate.line_item for source in sources for profile in source.profiles for rate in profile.tariff}
    assert len(texts) > 100
    assert [text for text in texts if not parse(text).parsed] == []


PIECES = st.lists(st.sampled_from([*SEEN, *STRANGE, "|", ","]))


@given(st.one_of(st.text(), st.text("|, ainput-4_"), PIECES.map("".join)))
def test_any_text_is_kept_whole_and_nothing_is_raised(text: str) -> None:
    found = parse(text)
    assert found.line_item == text
    assert found.parser_version == PARSER_VERSION


WORDS: dict[str, list[str | None]] = {
    "product": [None, "evals", "decisions"],
    "tier": [None, "batch", "priority"],
    "model": ["gpt-5", "ft-gpt-4o-2024-08-06", "o3 deep research"],
    "modality": [None, "audio", "image"],
    "token_kind": ["input", "cached input", "cache writes", "output"],
    "qualifier": [None, "long context", "eu residency"],
}


def test_whatever_the_grammar_writes_is_read_back() -> None:
    for values in product(*WORDS.values()):
        parts = dict(zip(WORDS, values, strict=True))
        before = [p for p in (parts["tier"], parts["product"]) if p]
        head = " ".join(p for p in (parts["model"], parts["modality"]) if p)
        after = ", ".join(p for p in (head, parts["token_kind"], parts["qualifier"]) if p)
        text = " | ".join([*before, after])
        assert parse(text) == LineItem(text, **parts)
