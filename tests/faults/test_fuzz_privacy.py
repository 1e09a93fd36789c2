"""Whatever a server tells of people, and wherever: a book holds what its setting allows, and its proof agrees."""

from __future__ import annotations

import contextlib
import copy
import functools
import hashlib
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from hypothesis import strategies as st
from msgspec import Raw

from tallybook.book import Book
from tallybook.collect.http import Http
from tallybook.collect.openai import read
from tallybook.collect.pages import keeper
from tallybook.collect.parse import parse
from tallybook.collect.people import Privacy
from tallybook.collect.proof import bodies
from tallybook.collect.summary import Policy
from tallybook.collect.sync import run
from tallybook.model.datasets import HELD
from tallybook.model.errors import ProviderError, TallybookError
from tallybook.model.packing import unpacked
from tallybook.model.settings import Directory
from tests.books import KEY, book_at, kept_open
from tests.clock import FakeClock
from tests.emulator.wire import MIDNIGHT, NOW
from tests.faults.fuzzing import BASE, START, WINDOW, fuzz, pages
from tests.store.book import FAST

NAME, ADDRESS = "Zebedee Quarles", "zebedee@quarles.example"
PERSONAL = ("name", "user_name", "displayNames", "NAME", "email", "Billing_eMail")
PLAIN = ("remark", "team", "a\\b", "x@y", "é", "user_id", "model", "object", "results")
"""Fields that tell nothing by their names; some are kept as they are where they are expected."""

KEPT = {"user_id", "project_id", "model", "line_item", "currency", "quantity_unit", "id", "next_page"}
"""Fields of ids and words that a book is for, and cursors."""
NEEDED = {"data", "results", "name", "owner", "user"}

quiet = st.one_of(st.none(), st.booleans(), st.integers(-5, 10**20), st.sampled_from(["", "desk 7", 'a "b"', "n@me"]))
told = st.sampled_from([NAME, ADDRESS, f"ask <{ADDRESS}>, not me"])
found = st.sampled_from([ADDRESS, f"ask <{ADDRESS}>, not me"])


def fields(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Draw fields: names and e-mails where the field says so, e-mails and anything quiet in others, and as fields."""
    one = st.one_of(
        st.tuples(st.sampled_from(PERSONAL), told | inner),
        st.tuples(st.sampled_from(PLAIN[:5]), found | quiet | inner),
        st.tuples(st.sampled_from(PLAIN[5:]), inner),
        st.tuples(st.just(ADDRESS), quiet | inner),
    )
    return st.lists(one, min_size=1, max_size=3).map(dict)


def _deep(value: Any, levels: int) -> Any:
    return functools.reduce(lambda inner, _: {"team": inner}, range(levels), value)


unknown = st.recursive(
    fields(quiet), lambda inner: st.lists(inner | found | quiet, max_size=3) | fields(inner), max_leaves=8
)
unknown_fields = st.one_of(
    fields(unknown), fields(unknown), st.builds(_deep, fields(quiet), st.sampled_from([50, 400]))
)


@dataclass(frozen=True)
class Case:
    """What a server says, and how much of it a book may hold."""

    dataset: str
    modes: tuple[Directory, ...]
    """The settings under which it is read, one after another."""
    body: bytes
    listed: bytes


@st.composite
def peopled(draw: st.DrawFn, places: list[dict[str, Any]]) -> None:
    """Put fields nobody knows into some of these objects, or spoil one that is known."""
    for place in draw(st.lists(st.sampled_from(places), min_size=1, max_size=3)):
        more = draw(unknown_fields)
        known = sorted(place.keys() - KEPT - NEEDED)
        if known and draw(st.sampled_from([False] * 5 + [True])):
            place[draw(st.sampled_from(known))] = draw(st.sampled_from([ADDRESS, [ADDRESS], more, [more]]))
        else:
            place.update({k: v for k, v in more.items() if k not in place})


@st.composite
def written(draw: st.DrawFn, tree: Any) -> bytes:
    """Draw the JSON text of a tree, with letters as escapes, and a field that comes twice."""
    text = json.dumps(tree, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, None, 1])))
    match draw(st.sampled_from(["plain", "plain", "plain", "escaped", "at", "twice"])):
        case "escaped":
            text = text.replace("e", "\\u0065") if "\\" not in text else text
        case "at":
            text = text.replace("@", "\\u0040")
        case "twice":
            text = text.replace('"input_tokens":', f'"remark": "{ADDRESS}", "remark": 5, "input_tokens":')
    return text.encode()


@st.composite
def cases(draw: st.DrawFn) -> Case:
    name = draw(st.sampled_from(["completions", "costs"]))
    page = copy.deepcopy(pages(name))
    rows = [row for bucket in page["data"] for row in bucket["results"]]
    amounts = [row["amount"] for row in rows if "amount" in row]
    draw(peopled(draw(st.sampled_from([[page], page["data"], rows, amounts or rows]))))
    if draw(st.sampled_from([False] * 9 + [True])):
        page = {"first": page["data"][0], **page}
    owner = {"type": "user", "user": {"id": "user_2", "name": NAME, "email": ADDRESS}}
    item = {"id": "user_1", "name": NAME, "email": ADDRESS, "role": "owner", "status": "active", "owner": owner}
    draw(peopled([item, owner]))
    listed = {"object": "list", "data": [item], "has_more": False, "last_id": item["id"]}
    mode = draw(st.sampled_from(["full", "names", "ids", "off"]))
    modes = draw(st.sampled_from([(mode,), (mode,), ("full", mode)]))
    return Case(name, modes, draw(written(page)), draw(written(listed)))


def server(case: Case) -> httpx2.MockTransport:
    def answer(request: httpx2.Request) -> httpx2.Response:
        path = request.url.path
        if path.endswith("/costs") or "/usage/" in path:
            return httpx2.Response(200, content=case.body)
        return httpx2.Response(200, content=case.listed)

    return httpx2.MockTransport(answer)


@functools.cache
def empty() -> bytes:
    """Return the bytes of a book in which nothing was written yet."""
    with tempfile.TemporaryDirectory(dir=FAST) as folder:
        book = book_at(Path(folder) / "b.duckdb")
        book.store.migrate()
        return (Path(folder) / "b.duckdb").read_bytes()


def spelled(value: Any) -> Iterator[str]:
    """Yield the texts in a value; of one that is JSON, also those in it."""
    if isinstance(value, str):
        yield value
        if value[:1] in ("{", "["):
            yield from spelled(json.loads(value, object_pairs_hook=lambda pairs: [x for pair in pairs for x in pair]))
    elif isinstance(value, list):
        for item in value:
            yield from spelled(item)


def texts(store: Any) -> Iterator[tuple[str, str]]:
    """Yield every text in a book, raw buckets unpacked, with where it stands."""
    tables = store.read("SELECT table_schema || '.' || table_name AS name FROM information_schema.tables").to_pylist()
    for name in (table["name"] for table in tables):
        for row in store.read(f"SELECT * FROM {name}").to_pylist():
            for column, value in row.items():
                text = unpacked(value).decode() if column == "body" else value
                yield from ((f"{name}.{column}", word) for word in spelled(text))


def forbidden(mode: Directory) -> tuple[str, ...]:
    """Return what a book may not hold."""
    return {"full": (), "names": (ADDRESS,), "ids": (ADDRESS, NAME), "off": (ADDRESS, NAME)}[mode]


def assert_nobody(store: Any, mode: Directory) -> None:
    """No table has an e-mail, nor a name where names may not be held."""
    gone = forbidden(mode)
    for place, text in texts(store) if gone else ():
        assert not [who for who in gone if who in text], f"{mode}: {place} has {text!r}"


@fuzz(cases(), sample=60, much=5_000)
def test_what_is_kept_of_an_answer_is_what_the_setting_allows_and_gives_the_same_rows(case: Case) -> None:
    known, privacy = HELD[case.dataset], Privacy(case.modes[-1])
    with Http(BASE, KEY, FakeClock(NOW), transport=server(case)) as http:
        try:
            got = read(http, known, WINDOW, known.asked, keep=keeper("all", privacy.page))
        except ProviderError:
            return
    (answer,) = got.fetches
    raw = [unpacked(page.body) for page in answer.pages]
    assert [hashlib.sha256(text).digest() for text in raw] == [page.hash for page in answer.pages]
    kept = [*(text.decode() for text in raw), str(answer.envelope), *got.rows["extra"].to_pylist()]
    gone = forbidden(case.modes[-1])
    assert [who for text in kept for word in spelled(text) for who in gone if who in word] == []
    assert parse(known, WINDOW, [{"data": list(map(Raw, raw))}], got.read_at)[0].equals(got.rows)
    if case.modes[-1] == "full":
        assert case.body in bodies(str(answer.envelope).encode(), raw)


def synced(book: Book, case: Case, mode: Directory) -> bool:
    """Sync, and return whether everything was read."""
    clock = FakeClock(NOW)
    bounds: dict[str, Any] = {"since": START, "until": MIDNIGHT, "history_width": "1d", "full": True}
    policy = Policy((case.dataset,), **bounds, directory=mode, concurrency=1, splits=())
    with contextlib.suppress(TallybookError), Http(BASE, KEY, clock, transport=server(case)) as http:
        return run(book.store, http, "default", policy, clock).ok
    return False


@fuzz(cases(), sample=5, much=1_000)
def test_a_book_holds_of_people_what_its_setting_allows(case: Case) -> None:
    with tempfile.TemporaryDirectory(dir=FAST) as folder:
        book = book_at(Path(folder) / "b.duckdb")
        Path(book.store.url).write_bytes(empty())
        is_read = [synced(book, case, mode) for mode in case.modes][-1]
        with kept_open(book):
            assert_nobody(book.store, case.modes[-1])
            for page in book.store.read("SELECT hash, body FROM internal.pages").to_pylist():
                assert hashlib.sha256(unpacked(page["body"])).digest() == page["hash"]
            if is_read:
                proof = book.proof(case.dataset, "2026-11-21")
                assert proof.is_proved
                assert case.modes != ("full",) or {r.body for r in proof.requests} == {"recomputed, equal"}
