"""Whatever is written in a file or typed at a keyboard: it is understood whole, or a clear error says why not."""

from __future__ import annotations

import contextlib
import copy
import datetime as dt
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from tallybook.book import Book
from tallybook.cli import COMMANDS
from tallybook.cli.run import run
from tallybook.model.datasets import DATASETS
from tallybook.model.errors import QueryError, SettingsError, UsageError
from tallybook.model.settings import Settings, load, seconds
from tallybook.query import where as restrict
from tallybook.query.dimensions import DIMENSIONS
from tallybook.query.metrics import METRICS
from tallybook.query.spoken import pairs
from tests.books import book_at
from tests.clock import FakeClock
from tests.emulator.wire import NOW
from tests.faults.fuzzing import fuzz, little, spots, torn, words
from tests.store.book import FAST

SETTINGS: dict[str, Any] = {
    "book": "b.duckdb",
    "allow_hosts": ["gateway.example.com"],
    "org": [{"name": "a", "key_env": "A_KEY"}, {"name": "b", "base_url": "https://api.openai.com/v1"}],
    "sync": {
        "since": "2026-01-31", "history_width": "1h", "look_back": "3d", "costs_look_back": "1w", "concurrency": 4,
        "timeout": "30s", "deadline": "10m", "datasets": ["costs"], "cost_splits": ["user"],
    },
}  # fmt: skip
toml_values = st.one_of(
    st.integers(), st.booleans(), words, st.floats(), st.lists(words, max_size=2),
    st.sampled_from(["3d", "0s", "1h", "1m", "999999999w", "path", "", "2026-02-30", {}, [], [{}], {"name": "a"}]),
)  # fmt: skip


@st.composite
def settings_files(draw: st.DrawFn) -> bytes:
    tree = copy.deepcopy(SETTINGS)
    for _ in range(draw(st.integers(0, 2))):
        container, key = draw(st.sampled_from(spots(tree)))
        match draw(st.sampled_from(["other", "other", "gone", "elsewhere"])):
            case "gone":
                del container[key]
            case "elsewhere" if isinstance(container, dict):
                container[draw(st.one_of(words, st.sampled_from(["path", "name", "since"])))] = container.pop(key)
            case _:
                container[key] = draw(toml_values)
    return draw(torn("\n".join(f"{json.dumps(key)} = {as_toml(value)}" for key, value in tree.items())))


def as_toml(value: Any) -> str:
    """Return a value as TOML has it, tables in one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {as_toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(as_toml, value)) + "]"
    return str(value) if isinstance(value, float) else json.dumps(value)


@fuzz(st.one_of(settings_files(), settings_files(), st.binary(max_size=20)), sample=300)
def test_a_settings_file_is_understood_whole_or_refused_with_its_name(text: bytes) -> None:
    with tempfile.TemporaryDirectory(dir=FAST) as folder:
        path = Path(folder) / "tallybook.toml"
        path.write_bytes(text)
        try:
            found = load(path, {})
        except SettingsError as error:
            refused = str(error)
        else:
            refused = ""
        if refused:
            assert "tallybook.toml" in refused
            return
        for length in (found.sync.look_back, found.sync.costs_look_back, found.sync.timeout, found.sync.deadline):
            assert seconds(length) >= 0
        policy(book_at(Path(folder) / "b.duckdb"), found)


def policy(book: Book, found: Settings) -> None:
    """Settings that were accepted are of use: a sync can be planned by them, or says what is wrong."""
    with contextlib.suppress(UsageError):
        Book(book.store, found, FakeClock(NOW)).plan()


@fuzz(st.one_of(words, st.from_regex(r"\s*\d{0,30}\s*[smhdwy]?\s*", fullmatch=True)), sample=300)
def test_a_duration_is_a_number_of_seconds_or_refused(text: str) -> None:
    with contextlib.suppress(SettingsError):
        assert seconds(text) >= 0


days = st.sampled_from([NOW.date() - dt.timedelta(days=n) for n in range(4)])
dates = st.one_of(
    st.none(), st.none(), days, days.map(str), words, st.dates(), st.datetimes(timezones=st.none() | st.timezones()),
    st.from_regex(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(Z|\+\d\d:\d\d)?)?", fullmatch=True),
)  # fmt: skip
lengths = st.one_of(st.none(), st.just("3d"), words, st.from_regex(r"\d{1,6}(h|d|w|mo)", fullmatch=True))
metrics = st.lists(st.one_of(*[st.sampled_from(list(METRICS))] * 5, words), min_size=1, max_size=2)
groups = st.lists(st.one_of(*[st.sampled_from(list(DIMENSIONS))] * 5, words), max_size=2)
grains = st.one_of(*[st.sampled_from(["day", "month", "total"])] * 5, words)
values = st.one_of(words, st.sampled_from(["p", "m", "true"]), st.booleans(), st.lists(words, max_size=2), st.none())
conditions = st.dictionaries(
    st.one_of(*[st.sampled_from([*DIMENSIONS, "project_id"])] * 4, words), values | st.integers(), max_size=2
)


@fuzz(
    metrics, groups, grains, dates, dates, lengths, st.one_of(st.just({}), conditions), dates,
)  # fmt: skip
def test_any_question_is_answered_or_refused(
    metrics: list[str], by: list[str], grain: str, since: Any, until: Any, last: Any, where: Any, as_of: Any
) -> None:
    with contextlib.suppress(QueryError, UsageError):
        result = little().query(
            *metrics, by=by, grain=grain, since=since, until=until, last=last, where=where, as_of=as_of
        )
        json.loads(result.to_json())


@fuzz(
    st.dictionaries(words, words, max_size=3).map(lambda d: [f"{k}={v}" for k, v in d.items()])
    | st.lists(words, max_size=3)
)
def test_any_restriction_is_understood_or_refused(texts: list[str]) -> None:

    try:
        found = pairs(texts)
    except UsageError:
        assert any("=" not in text or text.startswith("=") for text in texts)
        return
    assert sum(map(len, found.values())) == len(texts)
    for known in DATASETS.values():
        with contextlib.suppress(UsageError, QueryError):
            chosen = restrict.filters(known, found, {})
            assert set(chosen) <= set(known.filters)
    with contextlib.suppress(UsageError, QueryError):
        assert set(restrict.checked(found)) <= {d.column for d in DIMENSIONS.values()}


argument = st.one_of(
    st.sampled_from(
        ["cost", "requests", "costs", "--by", "project", "--grain", "day", "--last", "3d", "--since", "--until", "-v",
         "--where", "--json", "--period", "--dry-run", "--dataset", "--full", "--help", "--", "--strict", "2026-11-20",
         "today", "\udcff", "project=p", "--as-of"]
    ),
    words.filter(lambda text: "\0" not in text and "/" not in text),
)  # fmt: skip
commands = st.sampled_from(["query", "query", "query", *sorted({*COMMANDS} - {"dashboard", "demo", "emulator"})])


@fuzz(commands, st.lists(argument, max_size=6), sample=150, much=3_000)
def test_any_command_line_ends_with_a_documented_code(command: str, arguments: list[str]) -> None:
    """The key is of the wrong kind, so that nothing is asked of any server."""
    with tempfile.TemporaryDirectory(dir=FAST) as folder, pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("OPENAI_ADMIN_KEY", "sk-proj-of-the-wrong-kind")
        patch.setenv("TALLYBOOK_BASE_URL", "http://127.0.0.1:9/v1")
        patch.setenv("TALLYBOOK_BOOK", little().store.url)
        assert run([command, *arguments]) in (0, 1, 2)
