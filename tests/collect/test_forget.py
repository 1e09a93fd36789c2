"""A person is forgotten everywhere and for ever, and no number changes."""

import datetime as dt
import hashlib
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tallybook.book import Book
from tallybook.collect.entries import entry, told
from tallybook.collect.people import Forgotten, Privacy, hashed
from tallybook.emulator.roster import Person
from tallybook.model.errors import StoreLockedError, UsageError
from tallybook.model.packing import unpacked
from tallybook.model.settings import Directory
from tallybook.store.duckdb import DuckDBStore
from tests.books import KEY, book_at
from tests.emulator.wire import Org, organization
from tests.store.book import D0, DAY, fetch, read, usage

BOUNDS: dict[str, Any] = {"since": "2026-11-18", "datasets": ["costs", "completions"]}


@pytest.fixture(scope="module")
def org() -> Any:
    with organization("unknown-fields", "restatement", days=12, requests_per_day=120) as running:
        yield running


@pytest.fixture(scope="module")
def filled(org: Org, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A book with two syncs, so that there is history."""
    path = tmp_path_factory.mktemp("filled") / "book.duckdb"
    opened = book_at(path, org.base, org.clock)
    opened.sync(key=KEY, **BOUNDS)
    org.clock.advance(3 * 3600)
    assert opened.sync(key=KEY, **BOUNDS).changes.restated > 0
    return path


@pytest.fixture
def book(org: Org, filled: Path, tmp_path: Path) -> Book:
    (tmp_path / "book.duckdb").write_bytes(filled.read_bytes())
    return book_at(tmp_path / "book.duckdb", org.base, org.clock)


def busiest(org: Org, book: Book) -> Person:
    """Return who has most rows, of those that own a key."""
    rows = book.store.read("SELECT user_id, count(*) AS n FROM usage WHERE user_id IS NOT NULL GROUP BY ALL ORDER BY n")
    people = {p.id: p for p in org.company.roster.people}
    return people[rows.to_pylist()[-1]["user_id"]]


def traces(book: Book, person: Person) -> set[str]:
    """Return what of a person can be read in the bytes of any file beside the book, or in its raw buckets."""
    files = [p.read_bytes() for p in Path(book.store.url).parent.iterdir() if p.is_file()]
    raw = [unpacked(row["body"]) for row in book.store.read("SELECT body FROM internal.pages").to_pylist()]
    return {t for t in (person.id, person.name, person.email) if any(t.encode() in data for data in [*files, *raw])}


TABLES = ("usage", "internal.usage_history", "costs", "internal.costs_history", "internal.cost_splits",
          "internal.cost_splits_history", "internal.coverage", "internal.fetches", "internal.line_items")  # fmt: skip


def everything(book: Book, person: Person, pseudonym: str) -> dict[str, Counter[str]]:
    """Return all rows, with one word for the person and for the pseudonym."""
    return {
        table: Counter(
            repr(row).replace(person.id, "SOMEBODY").replace(pseudonym, "SOMEBODY")
            for row in book.store.read(f"FROM {table}").to_pylist()
        )
        for table in TABLES
    }


def totals(book: Book) -> Any:
    return [
        sorted((repr(row["cost"]), repr(row["input_tokens"])) for row in answer.rows())
        for by in ("user", "api_key", "project")
        for answer in [book.query("cost", "input_tokens", by=by, since="2026-11-18")]
    ]


def test_no_byte_of_a_person_is_left_and_every_number_stays(org: Org, book: Book) -> None:
    person = busiest(org, book)
    assert traces(book, person) == {person.id, person.name, person.email}
    before, sums = everything(book, person, person.id), totals(book)
    done = book.forget(person.email.upper())
    assert done is not None
    assert done.traceless
    assert traces(book, person) == set()
    assert everything(book, person, done.pseudonym) == before
    assert totals(book) == sums
    users = {row["user"] for row in book.query("input_tokens", by="user", since="2026-11-18").rows()}
    assert done.pseudonym in users
    others = [p for p in org.company.roster.present(org.company.now()) if p.id != person.id]
    names = {row["name"] for row in book.store.rows("directory", {"kind": "user"})}
    assert {p.name for p in others} <= names
    assert "(forgotten)" not in names


def test_later_syncs_do_not_bring_a_person_back_and_see_no_change(org: Org, book: Book) -> None:
    person = busiest(org, book)
    done = book.forget(person.id)
    assert done is not None
    again = book.sync(key=KEY, full=True, **BOUNDS)
    assert (again.ok, again.changes.inserted, again.changes.removed) == (True, 0, 0)
    assert again.rows > 100
    org.clock.advance(25 * 3600)  # every list of the directory is due, and days are new
    assert book.sync(key=KEY, **BOUNDS).ok
    assert traces(book, person) == set()
    after = book.store.read("SELECT DISTINCT user_id FROM usage").to_pylist()
    assert {"user_id": done.pseudonym} in after
    owned = {k.id for k in org.company.roster.keys if k.person and k.person.id == person.id}
    keys = {r["id"]: r for r in book.store.rows("directory", {"kind": "api_key", "replaced_at": None})}
    of_owned = {(keys[i]["owner_id"], keys[i]["name"]) for i in owned & keys.keys() if keys[i]["owner_kind"]}
    assert of_owned == {(done.pseudonym, None)}


def test_raw_buckets_are_kept_without_the_person(org: Org, book: Book) -> None:
    person = busiest(org, book)
    pages = len(book.store.read("SELECT page FROM internal.pages").to_pylist())
    assert pages > 3
    done = book.forget(person.name)
    assert done is not None
    held = book.store.read("SELECT hash, body FROM internal.pages").to_pylist()
    assert len(held) == pages
    raw = [unpacked(row["body"]) for row in held]
    assert [row["hash"] for row in held] == [hashlib.sha256(text).digest() for text in raw]
    assert any(done.pseudonym.encode() in text for text in raw)
    assert not any(b"user_email" in text for text in raw)


def test_two_of_a_name_are_told_apart_by_their_ids(org: Org, book: Book) -> None:
    person, other = org.company.roster.people[:2]
    seen = {"org": "default", "first_seen": dt.datetime(2026, 1, 1), "last_seen": dt.datetime(2026, 1, 1)}  # noqa: DTZ001
    twin = seen | {"kind": "user", "id": "user-twin", "name": person.name.upper()}
    named = seen | {"kind": "service_account", "id": "svc", "name": f"{person.name}'s bot"}
    book.store.put("directory", [twin, named])
    both = ", ".join(sorted([person.id, "user-twin"]))
    with pytest.raises(UsageError, match=f"2 users are called '{person.name}': {both}. Say which one by the id"):
        book.forget(person.name)
    with pytest.raises(UsageError, match=f"Did you mean `{other.email}`"):
        book.forget(other.email + "x")
    assert book.forget(person.id, confirm=lambda who: "no" in str(who) and person.name in str(who)) is None
    assert person.id in traces(book, person)
    assert book.forget(person.id, confirm=lambda who: person.name in str(who)) is not None
    rows = {r["id"]: r["name"] for r in book.store.rows("directory")}
    assert rows["user-twin"] == person.name.upper()
    assert rows["svc"] is None
    assert person.id not in rows


def test_remarks_lose_the_name_and_ids_that_only_look_alike_stay(org: Org, book: Book) -> None:
    person = org.company.roster.people[0]
    now = dt.datetime(2026, 11, 20)  # noqa: DTZ001
    text = f"{person.name.lower()} <{person.email}> is {person.id}, not {person.id}x or x{person.id}"
    remark = {"org": "default", "start_time": now, "end_time": now, "kind": "mine", "text": text, "recorded_at": now}
    book.store.put("notes", [remark])
    done = book.forget(person.id)
    assert done is not None
    (row,) = book.store.rows("notes", {"kind": "mine"})
    expected = f"(forgotten) <(forgotten)> is {done.pseudonym}, not {person.id}x or x{person.id}"
    assert row["text"] == expected


def test_nobody_is_forgotten_while_a_sync_runs_or_where_there_is_no_such_person(org: Org, book: Book) -> None:
    person = org.company.roster.people[0]
    store = DuckDBStore(book.store.url, lock_seconds=0)
    held = DuckDBStore(book.store.url)
    with held.syncing("default"), pytest.raises(StoreLockedError, match="Another sync"):
        Book(store, book.settings, org.clock).forget(person.id)
    with pytest.raises(UsageError, match=r"No user has the id, e-mail or name 'user-nobody'\."):
        book.forget("user-nobody")
    assert person.id in traces(book, person)


def test_who_was_met_in_usage_alone_can_be_forgotten_too(org: Org, tmp_path: Path) -> None:
    book = book_at(tmp_path / "book.duckdb", org.base, org.clock)
    book = Book(book.store, msgspec.structs.replace(book.settings, directory="off"), org.clock)
    book.sync(key=KEY, **BOUNDS)
    person = busiest(org, book)
    assert book.store.rows("directory") == []
    assert book.forget(person.id) is not None
    assert traces(book, person) == set()


def privacy(mode: Directory = "full") -> Privacy:
    return Privacy(mode, Forgotten("salt", {hashed("salt", "user-ada"): "user-forgotten-1"}))


def test_rows_that_were_read_are_written_without_the_person() -> None:
    rows = [
        usage(D0, 1, user_id="user-ada", extra='{"by":"user-ada","n":1.50}'),
        usage(D0, 2, user_id="user-bo", extra=None),
        usage(D0, 3, user_id=None),
    ]
    told = (
        ("project", "proj_a", "name", "Alpha"),
        ("user", "user-ada", "email", "ada@example.com"),
        ("user", "user-bo", "name", "Bo"),
        ("api_key", "key_1", "name", "Ada's key"),
    )
    got = replace(read("completions", D0, D0 + DAY, *rows), told=told)
    kept = privacy().read(got)
    assert kept.rows["user_id"].to_pylist() == ["user-forgotten-1", "user-bo", None]
    assert kept.rows["extra"].to_pylist() == ['{"by":"user-forgotten-1","n":1.50}', None, None]
    assert kept.rows.schema == got.rows.schema
    assert kept.rows.drop_columns(["user_id", "extra"]) == got.rows.drop_columns(["user_id", "extra"])
    assert kept.told == (told[0], told[2])
    assert Privacy().read(got) is got
    other = read("vector_stores", D0, D0 + DAY, {"at": D0, "usage_bytes": 5})
    assert privacy().read(other).rows == other.rows


def test_a_list_that_was_followed_from_the_person_on_does_not_name_them() -> None:
    asked = [replace(fetch("users"), query=query) for query in ("limit=100&after=user-ada", "after=&x=a%20b", "n=1")]
    assert [f.query for f in privacy().fetches(asked)] == ["limit=100&after=user-forgotten-1", "after=&x=a+b", "n=1"]
    assert privacy().fetches(asked)[2] is asked[2]
    assert list(Privacy().fetches(asked)) == asked


def test_entries_of_the_directory_lose_the_person_and_the_name_where_it_is_part_of_another() -> None:
    ada = {"id": "user-ada", "name": "Ada Alder", "email": "ada@example.com"}
    twin = {"id": "user-twin", "name": "Ada Alder"}
    hers = entry("api_key", {"id": "key_1", "name": "laptop"}, owner_id="user-ada")
    bot = entry("service_account", {"id": "svc", "name": "Ada Alder's bot"})
    group = entry("group_members", {"id": "g", "members": ["user-ada", "user-bo"]}, ("members",))
    kept = privacy().entries([entry("user", ada), entry("user", twin), hers, bot, group, *told("user", ada)])
    found = [(e["kind"], e["id"], e["name"], e["owner_id"], e["details"]) for e in kept]
    assert found == [
        ("user", "user-twin", "Ada Alder", None, None),
        ("api_key", "key_1", None, "user-forgotten-1", None),
        ("service_account", "svc", None, None, None),
        ("group_members", "g", None, None, '{"members":["user-forgotten-1","user-bo"]}'),
    ]


def test_a_hash_is_of_no_use_without_the_salt_of_its_book() -> None:
    known = {hashed("salt", "user-ada"): "user-forgotten-1"}
    here, elsewhere = Forgotten("salt", known), Forgotten("other", known)
    assert (here.instead("user-ada"), elsewhere.instead("user-ada"), here.instead("user-bo")) == (
        "user-forgotten-1",
        "user-ada",
        "user-bo",
    )
    raw = b'{"a":"user-ada","b":["user-ada2","user\\u002dada"],"c":1.50,"user_email":"ada@example.com"}'
    assert Privacy("full", here).page(raw) == b'{"a":"user-forgotten-1","b":["user-ada2","user-forgotten-1"],"c":1.50}'
    assert Privacy("full", Forgotten()).page(raw) is raw
