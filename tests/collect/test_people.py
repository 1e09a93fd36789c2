"""What a book holds of people, by the setting `directory`: the bytes of every file are searched."""

import logging
import traceback
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tallybook.book import Book
from tallybook.collect.pages import unpacked
from tallybook.collect.summary import Summary
from tallybook.emulator import Company
from tallybook.model.errors import ProviderError
from tallybook.model.settings import Directory
from tallybook.show.text import result_text, status_text, sync_summary
from tallybook.store.duckdb import DuckDBStore
from tests.books import KEY, book_at
from tests.clock import FakeClock
from tests.collect.server import Answer, client
from tests.emulator.wire import Org, organization

BOUNDS: dict[str, Any] = {"since": "2026-11-20", "datasets": ["costs", "completions"]}


def emails(company: Company) -> set[str]:
    return {person.email for person in company.roster.people}


def served(company: Company) -> set[str]:
    """Return every name and e-mail that the emulator serves, in lists and in rows."""
    roster = company.roster
    names = {p.name for p in (*roster.people, *roster.projects)} | {k.name for k in roster.keys if not k.deleted}
    return {*names, *emails(company), "Engineering", "Operations", "Finance", "Admin key 0"}


ORGANIZATION = "Example"
"""The name that rows tell; nothing can be named by it, so it is in no book."""


def set_to(book: Book, mode: Directory) -> Book:
    return Book(book.store, msgspec.structs.replace(book.settings, directory=mode), book._clock)


def sync(org: Org, folder: Path, mode: Directory, key: Any = KEY) -> tuple[Book, Summary]:
    book = set_to(book_at(folder / "book.duckdb", org.base, org.clock), mode)
    return book, book.sync(key=key, **BOUNDS)


def found(folder: Path, texts: set[str]) -> set[str]:
    """Return which of `texts` can be read in any file of a folder, or in what its book keeps compressed."""
    data = [p.read_bytes() for p in folder.rglob("*") if p.is_file()] + compressed(folder)
    return {text for text in texts if any(text.encode() in part for part in data)}


def compressed(folder: Path) -> list[bytes]:
    """Return the raw buckets that a book keeps, and what was around them."""
    store = DuckDBStore(folder / "book.duckdb")
    pages = [unpacked(row["body"]) for row in store.read("SELECT body FROM internal.pages").to_pylist()]
    assert pages
    around = store.read("SELECT envelope FROM internal.fetches WHERE envelope IS NOT NULL").to_pylist()
    return [b"\n".join(pages), *(row["envelope"].encode() for row in around)]


def said(book: Book, summary: Summary) -> str:
    """Return all that is shown of a book."""
    texts = [status_text(book.status()), sync_summary(summary, book.store.url)]
    for by in (["project", "api_key"], ["user"]):
        answer = book.query("cost", "input_tokens", by=by, since="2026-11-20")
        texts += [result_text(answer), answer.to_json()]
    return "\n".join([*texts, repr(book.status().as_dict()), repr(summary), repr(summary.as_dict())])


@pytest.fixture(scope="module")
def org() -> Any:
    with organization("unknown-fields", days=10, requests_per_day=80) as running:
        yield running


def test_in_full_mode_everything_can_be_found_so_that_a_search_is_worth_something(org: Org, tmp_path: Path) -> None:
    book, summary = sync(org, tmp_path, "full")
    company = org.company
    absent = served(company) - found(tmp_path, served(company))
    archived = {key.name for key in company.roster.keys if key.project.archived_at}
    assert absent <= archived | {p.name for p in company.roster.people}  # keys that no list names
    assert emails(company) <= found(tmp_path, emails(company))
    assert company.roster.projects[0].name in said(book, summary)
    raw = b"".join(compressed(tmp_path))
    assert ORGANIZATION.encode() in raw
    assert any(email.encode() in raw for email in emails(company))


def test_with_names_no_email_is_anywhere(org: Org, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    book, summary = sync(org, tmp_path, "names")
    assert summary.directory == "read"
    assert found(tmp_path, emails(org.company)) == set()
    assert "@" not in said(book, summary) + caplog.text
    assert {p.name for p in org.company.roster.projects} <= found(tmp_path, served(org.company))


@pytest.mark.parametrize("mode", ["ids", "off"])
def test_with_ids_no_name_and_no_email_is_anywhere(
    org: Org, tmp_path: Path, mode: Directory, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    before = len(org.control("/_requests")["requests"])
    book, summary = sync(org, tmp_path, mode)
    assert summary.ok
    assert summary.directory == ("off" if mode == "off" else "read")
    assert found(tmp_path, {*served(org.company), ORGANIZATION}) == set()
    shown = said(book, summary) + caplog.text
    assert [text for text in served(org.company) if text in shown] == []
    assert org.company.roster.projects[0].id in shown
    asked = {request["path"] for request in org.control("/_requests")["requests"][before:]}
    lists = {path for path in asked if not path.endswith("/costs") and "/usage/" not in path}
    assert bool(lists) == (mode == "ids")


def numbers(book: Book) -> list[str]:
    """Return all that the book answers by id."""
    return [
        repr({k: v for k, v in row.items() if k not in ("user", "api_key")})
        for dimension in ("user", "api_key")
        for row in book.query("cost", "input_tokens", by=dimension, since="2026-11-20").rows()
    ]


def test_a_stricter_mode_removes_what_is_held_and_a_looser_one_brings_it_back_at_once(org: Org, tmp_path: Path) -> None:
    book, _ = sync(org, tmp_path, "full")
    before, now = numbers(book), org.clock.now().replace(tzinfo=None)
    note = f"ask {org.company.roster.people[0].email} or nobody"
    times = {"start_time": now, "end_time": now, "recorded_at": now}
    book.store.put("notes", [times | {"org": "default", "kind": "mine", "text": note}])
    sync(org, tmp_path, "names")
    assert found(tmp_path, emails(org.company)) == set()
    assert org.company.roster.projects[0].name in found(tmp_path, served(org.company))
    sync(org, tmp_path, "ids")
    assert found(tmp_path, served(org.company)) == set()
    assert [row["text"] for row in book.store.rows("notes", {"kind": "mine"})] == ["ask (e-mail) or nobody"]
    assert sorted(numbers(book)) == sorted(before)
    _, again = sync(org, tmp_path, "full")
    assert again.directory == "read"
    assert emails(org.company) <= found(tmp_path, emails(org.company))


def test_where_the_directory_may_not_be_read_rows_of_the_bill_tell_names(org: Org, tmp_path: Path) -> None:
    book, summary = sync(org, tmp_path, "full", "sk-admin-no-management")
    assert summary.directory.startswith("only ids: the key lacks the scope")
    rows = {(r["kind"], r["id"]): r for r in book.store.rows("directory")}
    assert {r["status"] for r in rows.values()} == {"unlisted"}
    projects = {p.id: p.name for p in org.company.roster.projects}
    people = {p.id: p.email for p in org.company.roster.people}
    told = {i: r["name"] for (kind, i), r in rows.items() if kind == "project" and r["name"]}
    assert told
    assert told.items() <= projects.items()
    mails = {i: r["email"] for (kind, i), r in rows.items() if kind == "user" and r["email"]}
    assert mails
    assert mails.items() <= people.items()


def test_an_address_in_what_the_server_says_is_not_repeated(clock: FakeClock) -> None:
    words = "ada@example.com may not read this, ask bo.b@mail.example.org."
    with client([Answer(403, {"error": words})], clock) as (http, _), pytest.raises(ProviderError) as raised:
        http.get("organization/users")
    told = "".join(traceback.format_exception(raised.value))
    assert "(e-mail) may not read this, ask (e-mail)" in told
    assert "@" not in told
