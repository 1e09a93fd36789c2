"""What is held can be changed wherever it stands, and then leaves no trace."""

import stat
import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tallybook.model.errors import StoreError, StoreLockedError
from tallybook.model.records import Note, Page
from tallybook.model.windows import Span, naive
from tallybook.store.base import Amendment, Edit
from tallybook.store.catalog import columns
from tallybook.store.duckdb import DuckDBStore
from tests.store.book import D0, DAY, HOUR, StoreUnderTest, cost, fetch, read, usage

ADA = Edit("*", lambda text: text.replace("user_ada", "user_x"), holding=("USER_ada",))
SEEN = {"org": "acme", "first_seen": naive(D0), "last_seen": naive(D0)}


def fill(book: StoreUnderTest) -> None:
    """Put one user into many places, beside another one."""
    for tokens in (1, 2):
        two = [usage(D0, tokens, user_id=user) for user in ("user_ada", "user_bo")]
        bill = cost(D0, str(tokens), extra='{"by":"user_ada"}')
        note = Note("costs", Span(D0, D0 + DAY), "mine", f"{tokens}: ask user_ada")
        reads = read("completions", D0, D0 + DAY, *two), read("costs", D0, D0 + DAY, bill)
        book.write(*reads, fetches=(fetch(),), notes=(note,))
        book.clock.advance(HOUR)
    names = [("user_ada", "Ada", "user_bo"), ("user_bo", "Bo", "user_ada")]
    rows = [SEEN | {"kind": "user", "id": i, "name": name, "owner_id": owner} for i, name, owner in names]
    book.store.put("directory", rows)


def everything(book: StoreUnderTest) -> dict[str, Counter[str]]:
    """Return all rows of all tables but the book's own and those made of others, as text."""
    every = book.store.look(columns)  # type: ignore[attr-defined]
    names = {c.place for c in every if c.table != "book" and not c.table.startswith("usage_daily")}
    return {name: Counter(map(repr, book.store.read(f"SELECT * FROM {name}").to_pylist())) for name in names}


def version(book: StoreUnderTest) -> Any:
    return book.store.rows("book")[0]["version"]


def test_text_is_changed_in_every_table_and_nothing_else_is(book: StoreUnderTest) -> None:
    fill(book)
    before, was = everything(book), version(book)
    done = book.store.amend(Amendment((ADA,)))
    changed = [text for rows in before.values() for text in rows.elements() if "user_ada" in text]
    assert done == len(changed) == 8
    assert everything(book) == {
        name: Counter(text.replace("user_ada", "user_x") for text in rows.elements()) for name, rows in before.items()
    }
    assert version(book) == was + 1
    assert book.store.amend(Amendment((ADA,))) == 0


def test_columns_are_chosen_by_pattern_and_text_may_go_altogether(book: StoreUnderTest) -> None:
    fill(book)
    none = Amendment((Edit("*.extra", lambda _: None), Edit("directory.name", lambda text: text[:1])))
    assert book.store.amend(none) == 4
    assert book.rows("costs", "extra") == book.rows("costs_history", "extra") == [(None,)]
    assert sorted(book.rows("directory", "id", "name")) == [("user_ada", "A"), ("user_bo", "B")]
    assert {user for (user,) in book.rows("usage", "user_id")} == {"user_ada", "user_bo"}


def test_rows_go_and_come_and_the_book_says_what_it_is_in_one_transaction(book: StoreUnderTest) -> None:
    fill(book)
    new = {"id_hash": "00", "pseudonym": "user_x", "forgotten_at": naive(D0)}
    gone = {"kind": "user", "id": "user_ada"}
    theirs: Any = {"directory": ({"owner_id": "user_ada"}, ("name", "email"))}
    own = {"directory": "ids", "salt": "s"}
    whole = Amendment((ADA,), removed={"directory": gone}, cleared=theirs, added={"forgotten": [new]}, book=own)

    def fail(_: str) -> str:
        raise RuntimeError("no")

    before, was = everything(book), version(book)
    with pytest.raises(RuntimeError, match="no"):
        book.store.amend(replace(whole, edits=(ADA, Edit("notes.text", fail))))
    assert (everything(book), version(book)) == (before, was)
    assert book.store.amend(whole) == 1 + 1 + 7
    assert book.rows("directory", "id", "name", "owner_id") == [("user_bo", None, "user_x")]
    assert book.rows("forgotten", "id_hash", "pseudonym") == [("00", "user_x")]
    assert book.rows("book", "directory", "salt") == [("ids", "s")]


def test_raw_buckets_are_changed_with_their_hashes_and_the_others_stay(book: StoreUnderTest) -> None:
    numbers = range(4_500)  # more than are changed at once
    pages = tuple(Page(D0, b"%032d" % n, b"ada" if n % 3 else b"bo") for n in numbers)
    asked = replace(fetch(), envelope="{}", parsed_by="1", pages=pages)
    book.write(read("completions", D0, D0 + DAY, usage(D0), fetches=(asked,)))
    done = book.store.amend(Amendment(pages=lambda body: (b"new", b"x") if body == b"ada" else None))
    assert done == 3_000
    held = Counter(book.rows("pages", "hash", "body"))
    assert held[b"new", b"x"] == 3_000
    assert {(b"%032d" % n, b"bo") for n in numbers if n % 3 == 0} == held.keys() - {(b"new", b"x")}
    assert book.store.amend(Amendment(pages=lambda _: None)) == 0


NAME = "Ada Alder-Recognisable"


@pytest.fixture
def path(fast_path: Path) -> Path:
    """A book that holds a name in thousands of rows."""
    store = DuckDBStore(fast_path / "book.duckdb")
    store.migrate()
    store.put("directory", [SEEN | {"kind": "user", "id": f"user_{i}", "name": f"{NAME} {i}"} for i in range(3_000)])
    return fast_path / "book.duckdb"


def test_after_tidying_up_no_byte_of_it_is_left_and_everything_else_is(path: Path) -> None:
    store = DuckDBStore(path)
    path.chmod(0o640)
    link = path.with_name("link.duckdb")
    link.symlink_to(path)
    store.amend(Amendment((Edit("directory.name", lambda _: None),)))
    assert NAME.encode() in path.read_bytes()
    held = {t: store.read(f"FROM internal.{t}").to_pylist() for t in ("directory", "migrations", "orgs")}
    DuckDBStore(link).maintain()
    assert NAME.encode() not in path.read_bytes()
    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert {t: store.read(f"FROM internal.{t}").to_pylist() for t in held} == held
    assert len(held["directory"]) == 3_000
    assert sorted(p.name for p in path.parent.iterdir()) == ["book.duckdb", "link.duckdb"]
    with pytest.raises(StoreError, match="onstraint"):  # keys are as unique as before
        store.amend(Amendment(added={"orgs": [{"org": "acme", "first_seen": naive(D0)}] * 2}))
    before = path.stat().st_ino
    store.maintain()
    assert path.stat().st_ino == before


def test_while_somebody_in_this_process_uses_it_the_file_is_left_as_it_is_and_done_later(path: Path) -> None:
    store = DuckDBStore(path, lock_seconds=0.2)
    store.amend(Amendment((Edit("directory.name", lambda _: None),)))
    using, done = threading.Event(), threading.Event()

    def use() -> None:
        with store.opened():
            using.set()
            done.wait(20)

    thread = threading.Thread(target=use)
    thread.start()
    try:
        assert using.wait(20)
        with pytest.raises(StoreLockedError, match="in use in this process"):
            store.maintain()
        assert len(store.rows("directory")) == 3_000
    finally:
        done.set()
        thread.join()
    store.maintain()
    assert NAME.encode() not in path.read_bytes()


def test_a_copy_that_cannot_be_made_leaves_the_book_as_it_was(path: Path) -> None:
    store = DuckDBStore(path)
    store.amend(Amendment((Edit("directory.name", lambda _: None),)))
    path.with_name("book.duckdb.new").mkdir()
    with pytest.raises(StoreError, match="could not be written anew"):
        store.maintain()
    assert len(store.rows("directory")) == 3_000
    path.with_name("book.duckdb.new").rmdir()
    store.maintain()
    assert NAME.encode() not in path.read_bytes()
