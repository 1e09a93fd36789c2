"""Whatever comes in, from the server, from a file or from a keyboard: it is taken whole, or a clear error says why not.

Nothing but a `TallybookError` ever comes out, and nothing is half accepted.
"""

from __future__ import annotations

import atexit
import contextlib
import copy
import datetime as dt
import functools
import json
import shutil
import tempfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tallybook.book import Book
from tallybook.cli import COMMANDS
from tallybook.cli.run import pairs, run
from tallybook.collect import directory
from tallybook.collect.entries import merge
from tallybook.collect.http import Http
from tallybook.collect.openai import read
from tallybook.collect.refusals import Ask, ask
from tallybook.collect.values import money
from tallybook.model.datasets import DATASETS, HELD, dataset
from tallybook.model.errors import ProviderError, QueryError, SettingsError, UsageError
from tallybook.model.schema import parsed
from tallybook.model.secret import AdminKey
from tallybook.model.settings import Settings, load, seconds
from tallybook.model.windows import DAY, Window, naive, subtract
from tallybook.query import where as restrict
from tallybook.query.dimensions import DIMENSIONS
from tallybook.query.metrics import METRICS
from tests.books import book_at, hold
from tests.clock import FakeClock
from tests.emulator.wire import MIDNIGHT, NOW
from tests.store.book import FAST

BASE = "http://127.0.0.1/v1"
START = MIDNIGHT - 3 * DAY
WINDOW = Window(START, MIDNIGHT, "1d")


def fuzz(*strategies: st.SearchStrategy[Any], sample: int = 100, much: int = 3_000) -> Callable[[Any], Any]:
    """Return a decorator that tries a few fixed examples always, and many random ones among the slow tests."""

    def decorate(check: Callable[..., None]) -> Any:
        @pytest.mark.parametrize("examples", [sample, pytest.param(much, marks=pytest.mark.slow)])
        def test(examples: int) -> None:
            options = settings(
                max_examples=examples,
                derandomize=examples == sample,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            )
            options(given(*strategies)(check))()

        return test

    return decorate


words = st.text(max_size=8)
leaf = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), words,
    st.sampled_from([START, START + DAY, 2**63, 10**40, "0E-6176", "1e999", "NaN", "bucket", "page", "", "usd"]),
    st.sampled_from([d.result for d in HELD.values()]),
)  # fmt: skip
FIELDS = (
    "object", "data", "has_more", "next_page", "start_time", "end_time", "results", "result", "amount", "value",
    "currency", "quantity", "line_item", "model", "batch", "input_tokens", "user_id", "id", "name", "email", "owner",
    "type", "user", "service_account", "status", "created_at", "last_id", "next", "error", "message", "code", "param",
    "projects", "users", "archived_at",
)  # fmt: skip
anything = st.recursive(
    leaf,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(FIELDS), inner, max_size=6)),
    max_leaves=12,
)


def spots(tree: Any) -> list[tuple[Any, Any]]:
    """Return every place in a tree of lists and objects: the container, and the key or the index."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [spot for key, value in items for spot in [(tree, key), *spots(value)]]


@st.composite
def spoilt(draw: st.DrawFn, sound: Any, most: int = 2) -> Any:
    """Draw something like `sound` in which up to so many values are anything, gone, or there under another name."""
    tree = copy.deepcopy(sound)
    for _ in range(draw(st.integers(0, most))):
        if not (places := spots(tree)):
            break
        container, key = draw(st.sampled_from(places))
        match draw(st.sampled_from(["other", "other", "gone", "elsewhere"])):
            case "gone":
                del container[key]
            case "elsewhere" if isinstance(container, dict):
                container[draw(st.sampled_from(FIELDS))] = container.pop(key)
            case _:
                container[key] = draw(anything)
    return tree


def pages(name: str) -> dict[str, Any]:
    """Return a sound answer for three days."""
    shared = {"object": HELD[name].result, "project_id": None, "novelty": 1}
    rows: list[dict[str, Any]] = [
        {**shared, "input_tokens": 5, "output_tokens": n, "num_model_requests": 1, "model": f"gpt-{n}", "batch": n > 0}
        for n in range(2)
    ]
    if HELD[name].is_costs:
        amounts = [{"value": "0.06", "currency": "usd"}, {"value": 1.5, "currency": "USD"}]
        rows = [
            {**shared, "amount": a, "line_item": "a, input", "quantity": 2, "quantity_unit": "tokens"} for a in amounts
        ]
    days = range(START, MIDNIGHT, DAY)
    data = [{"object": "bucket", "start_time": at, "end_time": at + DAY, "results": rows} for at in days]
    return {"object": "page", "data": data, "has_more": False, "next_page": None}


PROBLEM = {"error": {"message": "Supported values are: 'model'", "type": "t", "param": "group_by", "code": "c"}}


@st.composite
def torn(draw: st.DrawFn, text: str) -> bytes:
    """Draw bytes like those of a text, of which some may be lost."""
    whole = text.encode("utf-8", "surrogatepass")
    if not draw(st.sampled_from([False] * 9 + [True])):
        return whole
    start = draw(st.integers(0, len(whole)))
    return whole[:start] + draw(st.binary(max_size=3)) + whole[start + draw(st.integers(0, 9)) :]


strange = st.sampled_from(["[" * 5_000, '{"a":' * 5_000, '{"data": [], "next_page": "\\ud800", "has_more": true}', ""])
headers = st.dictionaries(
    st.sampled_from(["retry-after", "retry-after-ms", "content-type", "x-request-id", "location", "date"]),
    st.one_of(
        st.integers(-5, 10**12).map(str),
        st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12),
        st.sampled_from(["inf", "nan", "1e400", "Wed, 21 Oct 9999 07:28:00 GMT", "Mon, 01 Jan 0001 00:00:00 +2359"]),
    ),
    max_size=2,
)
Replies = list[tuple[int, dict[str, str], bytes]]


def replies(sound: Any) -> st.SearchStrategy[Replies]:
    """Return a strategy of answers, most of them with status 200 and a body like `sound`."""
    good = st.tuples(st.just(200), headers, spoilt(sound).map(json.dumps).flatmap(torn))
    bad_body = st.one_of(spoilt(PROBLEM).map(json.dumps), anything.map(json.dumps), strange).flatmap(torn)
    bad = st.tuples(st.sampled_from([200, 204, 302, 400, 400, 401, 403, 404, 418, 429, 500, 503]), headers, bad_body)
    return st.lists(st.one_of(good, good, good, bad), min_size=1, max_size=3)


def of_dataset(*names: str) -> st.SearchStrategy[tuple[str, Replies]]:
    return st.sampled_from(names).flatmap(lambda name: st.tuples(st.just(name), replies(pages(name))))


def server(replies: Replies) -> httpx2.MockTransport:
    """Return a server that gives these replies in turn, again and again."""
    count = iter(range(1 << 30))

    def answer(request: httpx2.Request) -> httpx2.Response:
        status, more, content = replies[next(count) % len(replies)]
        return httpx2.Response(status, headers=more, content=content)

    return httpx2.MockTransport(answer)


def client(replies: Replies) -> Http:
    return Http(BASE, AdminKey("sk-admin-x", "a test"), FakeClock(NOW), deadline=60, transport=server(replies))


@fuzz(of_dataset("completions", "costs", "costs_by_user"), sample=200)
def test_any_answers_give_whole_rows_or_a_provider_error(case: tuple[str, Replies]) -> None:
    known = HELD[case[0]]
    with client(case[1]) as http:
        try:
            got = read(http, known, WINDOW, known.asked)
        except ProviderError:
            return
    got.rows.validate(full=True)
    assert got.rows.schema == parsed(known)
    assert set(got.rows["start_time"].to_pylist()) <= {naive(at) for at in range(START, MIDNIGHT, DAY)}


@fuzz(of_dataset("completions", "costs"))
def test_of_any_window_something_is_said(case: tuple[str, Replies]) -> None:
    known = dataset(case[0])
    with client(case[1]) as http:
        try:
            outcome = ask(http, Ask(known, WINDOW, known.asked), now=MIDNIGHT + 60)
        except ProviderError:
            return
    said = [*(r.window for r in outcome.reads), *(r.span for r in outcome.refusals if r.dimension is None)]
    assert subtract([WINDOW], [*said, *(f.window for f in outcome.failures)]) == []
    assert all(WINDOW.start <= span.start < span.end <= WINDOW.end for span in said)


PERSON = {"id": "user_1", "name": "N", "email": "n@example.com"}
ITEM = {
    **PERSON, "object": "x", "created_at": 5, "archived_at": None, "owner": {"type": "user", "user": PERSON},
    "projects": {"data": [{"id": "proj_1", "name": "P"}]}, "status": "active", "role": "owner", "model": "m",
}  # fmt: skip
LISTED = {"object": "list", "data": [ITEM, {**ITEM, "id": "b"}], "has_more": False, "last_id": "b", "next": None}


@fuzz(replies(LISTED), sample=60, much=3_000)
def test_any_directory_gives_entries_that_can_be_kept_or_a_provider_error(given: Replies) -> None:
    with client(given) as http:
        try:
            found = directory.collect(http)
        except ProviderError:
            return
    rows = merge("default", [], found.entries, NOW.replace(tzinfo=None))
    store = little().store
    store.put("directory", rows, key=("org", "kind", "id"))
    kept = {(r["kind"], r["id"], r["name"]) for r in store.rows("directory")}
    assert {(r["kind"], r["id"], r["name"]) for r in rows} <= kept


numbers = st.one_of(
    st.integers(), st.decimals(allow_nan=True, allow_infinity=True), st.decimals().map(str), words, st.none(),
    st.from_regex(r"[+-]?\d{0,40}\.?\d{0,40}([eE][+-]?\d{1,9})?", fullmatch=True), st.lists(st.integers(), max_size=1),
)  # fmt: skip


@fuzz(numbers, sample=300, much=20_000)
def test_an_amount_is_exact_to_18_places_or_refused(value: Any) -> None:
    try:
        kept, lost = money(value)
    except ValueError:
        return
    if value is None:
        assert (kept, lost) == (None, False)
        return
    assert kept is not None
    exact = Decimal(value)
    assert kept.is_finite()
    assert abs(kept) < Decimal(10) ** 20
    with contextlib.suppress(ArithmeticError):
        assert abs(kept - exact) <= Decimal("5e-19")
    assert lost == (kept != exact)


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


@functools.cache
def little() -> Book:
    """Return a book of two days, which lasts as long as the tests."""
    folder = tempfile.mkdtemp(dir=FAST)
    atexit.register(shutil.rmtree, folder)
    book = book_at(Path(folder) / "b.duckdb")
    day = str(NOW.date() - dt.timedelta(days=2))
    rows = [{"day": day, "project_id": "p", "input_tokens": 3, "num_model_requests": 1, "model": "m"}]
    hold(book, "completions", day, str(NOW.date()), rows)
    hold(book, "costs", day, str(NOW.date()), [{"day": day, "amount": Decimal("1.5"), "project_id": "p"}])
    return book


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
    import click

    try:
        found = pairs(texts)
    except click.UsageError:
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
commands = st.sampled_from(["query", "query", "query", *sorted({*COMMANDS} - {"demo", "emulator"})])


@fuzz(commands, st.lists(argument, max_size=6), sample=150, much=3_000)
def test_any_command_line_ends_with_a_documented_code(command: str, arguments: list[str]) -> None:
    """The key is of the wrong kind, so that nothing is asked of any server."""
    with tempfile.TemporaryDirectory(dir=FAST) as folder, pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("OPENAI_ADMIN_KEY", "sk-proj-of-the-wrong-kind")
        patch.setenv("TALLYBOOK_BASE_URL", "http://127.0.0.1:9/v1")
        patch.setenv("TALLYBOOK_BOOK", little().store.url)
        assert run([command, *arguments]) in (0, 1, 2)
