"""What a book holds of people, by the setting `directory`: the bytes of every file are searched."""

import logging
import traceback
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tallybook.book import Book
from tallybook.collect.entries import api_keys
from tallybook.collect.people import Privacy
from tallybook.collect.summary import Summary
from tallybook.model.errors import ProviderError
from tallybook.model.packing import unpacked
from tallybook.model.settings import Directory
from tallybook.show.text import result_text, status_text, sync_summary
from tallybook.store.duckdb import DuckDBStore
from tests.books import KEY, book_at
from tests.clock import FakeClock
from tests.collect.server import Answer, client
from tests.emulator.wire import Org, organization

BOUNDS: dict[str, Any] = {"since": "2026-11-12", "datasets": ["costs", "completions"]}
"""Far enough back that a second sync leaves the first days as they are."""


def emails(org: Org) -> set[str]:
    """Return the e-mails of all people; rows also have those of who has left."""
    return {person.email for person in org.company.roster.people}


def served(org: Org) -> set[str]:
    """Return every name and e-mail in the lists that the emulator serves; very short ones may be part of anything."""
    most = {"limit": 100, "include_archived": "true", "owner_project_access": "any"}
    found: set[str] = set()

    def gather(value: Any) -> None:
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict):
                found.update(text for field, text in item.items() if field in ("name", "email") and text)
                for inner in item.values():
                    gather(inner)

    for path in ("/projects", "/users", "/admin_api_keys", "/groups"):
        gather(org.get(path, most).json()["data"])
    for project in org.company.roster.projects:
        for path in ("api_keys", "service_accounts"):
            gather(org.get(f"/projects/{project.id}/{path}", most).json().get("data", []))
    return {text for text in found if len(text) > 5}


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
    with organization("unknown-fields", days=12, requests_per_day=60) as running:
        yield running


def test_in_full_mode_everything_can_be_found_so_that_a_search_is_worth_something(org: Org, tmp_path: Path) -> None:
    book, summary = sync(org, tmp_path, "full")
    assert found(tmp_path, served(org)) == served(org)
    assert org.company.roster.projects[0].name in said(book, summary)
    raw = b"".join(compressed(tmp_path))
    assert ORGANIZATION.encode() in raw
    assert any(email.encode() in raw for email in emails(org))


def test_with_names_no_email_is_anywhere(org: Org, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    book, summary = sync(org, tmp_path, "names")
    assert summary.directory == "read"
    assert found(tmp_path, emails(org)) == set()
    assert "@" not in said(book, summary) + caplog.text
    assert found(tmp_path, served(org)) == served(org) - emails(org)


@pytest.mark.parametrize("mode", ["ids", "off"])
def test_with_ids_no_name_and_no_email_is_anywhere(
    org: Org, tmp_path: Path, mode: Directory, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    before = len(org.control("/_requests")["requests"])
    book, summary = sync(org, tmp_path, mode)
    asked = {request["path"] for request in org.control("/_requests")["requests"][before:]}
    assert summary.ok
    assert summary.directory == ("off" if mode == "off" else "read")
    assert found(tmp_path, {*served(org), *emails(org), ORGANIZATION}) == set()
    shown = said(book, summary) + caplog.text
    assert [text for text in served(org) | emails(org) if text in shown] == []
    assert org.company.roster.projects[0].id in shown
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
    assert found(tmp_path, emails(org)) == set()
    assert org.company.roster.projects[0].name in found(tmp_path, served(org))
    sync(org, tmp_path, "ids")
    assert found(tmp_path, served(org) | emails(org)) == set()
    assert [row["text"] for row in book.store.rows("notes", {"kind": "mine"})] == ["ask (e-mail) or nobody"]
    assert sorted(numbers(book)) == sorted(before)
    _, again = sync(org, tmp_path, "full")
    assert again.directory == "read"
    assert found(tmp_path, served(org)) == served(org)


@pytest.mark.parametrize("key", ["sk-admin-RECOGNISABLE-0123456789", "sk-admin-RECOGNISABLE-0123456789-no-usage"])
def test_the_key_is_in_no_file_log_report_or_traceback(
    org: Org, tmp_path: Path, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    sync(org, tmp_path, "full")  # a book is there, whatever comes of the next key
    told = ""
    try:
        book, summary = sync(org, tmp_path, "full", key)
        told = said(book, summary)
    except ProviderError as exc:
        told = "".join(traceback.TracebackException.from_exception(exc, capture_locals=True).format())
    assert told
    assert found(tmp_path, {key, key[9:]}) == set()
    assert "RECOGNISABLE" not in "\n".join([*told.replace(repr(key), "").splitlines(), caplog.text])


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


@pytest.mark.parametrize(("mode", "name"), [("names", "Ada"), ("ids", None)])
def test_words_and_details_of_the_directory_tell_of_nobody(mode: Directory, name: str | None) -> None:
    address = "ada@example.com"
    owner = {"type": address, "user": {"id": "user_1"}}
    item = {"id": "k", "name": "Ada", "owner": owner, "owner_project_access": address, "expires_at": {"email": address}}
    (found, *_) = Privacy(mode).entries(api_keys([item], "proj_1"))
    assert (found["id"], found["name"], found["details"]) == ("k", name, '{"expires_at":{}}')
    assert (found["owner_kind"], found["status"]) == ("(e-mail)", "(e-mail)")


def test_an_address_in_what_the_server_says_is_not_repeated(clock: FakeClock) -> None:
    words = "ada@example.com may not read this, ask bo.b@mail.example.org."
    with client([Answer(403, {"error": words})], clock) as (http, _), pytest.raises(ProviderError) as raised:
        http.get("organization/users")
    told = "".join(traceback.format_exception(raised.value))
    assert "(e-mail) may not read this, ask (e-mail)" in told
    assert "@" not in told
