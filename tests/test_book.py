"""The front door: sync and ask, exact or saying what is missing, whatever the server does."""

import dataclasses
import datetime as dt
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import tallybook
from tallybook import Book, SettingsError, StoreError, UsageError
from tallybook.collect.summary import Summary
from tallybook.model.datasets import HELD
from tallybook.model.secret import AdminKey
from tests.books import KEY, book_at, synced
from tests.emulator.test_bites import UNTIL, Bite, named
from tests.emulator.wire import DAY, NOW, Org, organization
from tests.store.book import make_room
from tests.test_fetch import REFUSED, bites, span


def sync(org: Org, book: Book, bite: Bite) -> Summary:
    return book.sync(key=AdminKey(bite.key, "the tests"), datasets=bite.dataset, **span(bite))


def ask(book: Book, bite: Bite) -> tuple[Any, tallybook.Result]:
    name = "cost" if bite.dataset == "costs" else bite.measure
    result = book.query(name, where={"dataset": bite.dataset}, by="project", grain="day", **span(bite))
    return sum(row[name] or 0 for row in result.rows()), result


@pytest.mark.parametrize("bite", bites(without=REFUSED), ids=named)
def test_a_book_is_exact_where_the_naive_client_was_not(bite: Bite, tmp_path: Path) -> None:
    with organization(bite.quirk, days=14, requests_per_day=25) as org:
        book = book_at(tmp_path / "b.duckdb", org.base, org.clock)
        # What is restated has to be read again; what was an open bucket, too.
        for days_later in (0, 3) if bite.again else (0,):
            org.clock.advance(days_later * DAY)
            assert sync(org, book, bite).ok
            total, result = ask(book, bite)
            assert total == bite.truth(org) > 0
            assert result.coverage.complete


@pytest.mark.parametrize("bite", bites(among=REFUSED - {"lookback"}), ids=named)
def test_a_book_that_could_not_be_filled_says_so_everywhere(bite: Bite, tmp_path: Path) -> None:
    with organization(days=5) as org, organization(bite.quirk, days=5) as broken:
        synced(org, tmp_path / "b.duckdb", datasets="costs", since="2026-11-20")
        book = book_at(tmp_path / "b.duckdb", broken.base, broken.clock)
        summary = sync(broken, book, bite)
        assert summary.ok is (bite.quirk == "no-decisions")
        assert {m.dataset for m in [*summary.failures, *summary.refusals]} == {bite.dataset}
        total, result = ask(book, bite)
        assert total == 0
        assert not result.coverage.complete
        (held,) = [h for h in book.status().datasets if h.dataset == bite.dataset]
        assert held.coverage.missing


def test_what_a_shorter_history_does_not_give_is_named_and_the_rest_is_exact(tmp_path: Path) -> None:
    (bite,) = bites(among={"lookback"})
    with organization(bite.quirk, days=20) as org:
        book = book_at(tmp_path / "b.duckdb", org.base, org.clock)
        summary = sync(org, book, bite)
        assert summary.ok
        assert {r.reason for r in summary.refusals} == {"older than the history that the API gives"}
        total, result = ask(book, bite)
        truth = org.company.ledger(UNTIL - 5 * DAY, UNTIL, "completions")["completions"][0]["input_tokens"]
        assert 0 < total == truth < bite.truth(org)
        assert not result.coverage.complete


def test_a_failed_sync_is_made_good_by_the_next(tmp_path: Path) -> None:
    with organization("html", days=8) as broken, organization(days=8) as well:
        book = book_at(tmp_path / "b.duckdb", broken.base, broken.clock)
        assert not book.sync(key=KEY, datasets="images").ok
        again = book_at(tmp_path / "b.duckdb", well.base, well.clock)
        assert again.sync(key=KEY, datasets="images", since="2026-11-16").ok
        (truth,) = well.company.ledger(int(NOW.timestamp()) // DAY * DAY - 7 * DAY, UNTIL, "images")["images"]
        result = again.query("images", since="2026-11-16", until="2026-11-22")
        assert result.rows() == [{"images": truth["images"]}]
        assert result.coverage.complete


@pytest.fixture(scope="module")
def org() -> Any:
    with organization(days=12) as running:
        yield running


@pytest.mark.parametrize(
    "bounds",
    [{"datasets": ["costs", "images", "decisions"]}, {"since": "2026-11-21"}, {"until": "2026-11-20"}],
    ids=str,
)
def test_a_plan_names_every_request_that_a_sync_really_makes(org: Org, tmp_path: Path, bounds: dict[str, Any]) -> None:
    bounds = {"since": "2026-11-18", **bounds}
    book = book_at(tmp_path / "b.duckdb", org.base, org.clock)
    for full in (False, True):
        planned = book.plan(full=full, **bounds)
        assert not (tmp_path / "b.duckdb").exists() or planned
        before = org.control("/_requests")["count"]
        book.sync(key=KEY, full=full, **bounds)
        made = org.control("/_requests")
        lines = made["requests"][-(made["count"] - before) :]
        asked = [line for line in lines if "/usage/" in str(line) or "/costs" in str(line)]
        refused = [line for line in asked if line["status"] == 400]
        assert all("user_id" in line["query"] and "project_id" in line["query"] for line in refused)
        assert len(asked) - len(refused) == len(planned)


def test_a_plan_creates_no_book(tmp_path: Path) -> None:
    assert book_at(tmp_path / "b.duckdb").plan(since="2026-11-20")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("bounds", "kind", "text"),
    [
        ({"since": "2026-12-01"}, UsageError, "since (2026-12-01) is in the future."),
        ({"since": "2026-11-05", "until": "2026-11-01"}, UsageError, "is not before until (2026-11-01, included)."),
        ({"datasets": "cost"}, tallybook.QueryError, "Unknown dataset 'cost'. Did you mean `costs`?"),
        ({"since": "soon"}, UsageError, "'soon' is not a date."),
    ],
)
def test_bounds_that_make_no_sense_are_refused(
    tmp_path: Path, bounds: dict[str, Any], kind: type[Exception], text: str
) -> None:
    for act in (book_at(tmp_path / "b.duckdb").sync, book_at(tmp_path / "b.duckdb").plan):
        with pytest.raises(kind) as caught:
            act(**bounds)  # type: ignore[operator]
        assert text in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_questions_create_no_book(tmp_path: Path) -> None:
    book = book_at(tmp_path / "b.duckdb")
    for act in (lambda: book.query("cost"), book.status, lambda: book.query("cost", where={"project": "x"})):
        with pytest.raises(StoreError, match=r"There is no book at .*b.duckdb. `tallybook sync` creates it."):
            act()
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_book_is_refused_and_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE t (a)")
    connection.close()
    (tmp_path / "text.txt").write_text("dear diary")
    for path in (other, tmp_path / "text.txt"):
        before = path.read_bytes()
        for act in (lambda b: b.query("cost"), lambda b: b.status(), lambda b: b.sync(key=KEY)):
            with pytest.raises(StoreError):
                act(book_at(path))
        assert path.read_bytes() == before


def test_a_book_is_opened_by_path_url_settings_or_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("TALLYBOOK_BOOK", "TALLYBOOK_CONFIG", "TALLYBOOK_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    assert tallybook.open().store.url == "tallybook.duckdb"
    assert tallybook.open("a.duckdb").store.url == "a.duckdb"
    assert tallybook.open(f"duckdb://{tmp_path}/a.duckdb").store.url == f"{tmp_path}/a.duckdb"
    monkeypatch.setenv("TALLYBOOK_BOOK", "env.duckdb")
    assert tallybook.open().store.url == "env.duckdb"
    assert tallybook.open("a.duckdb").store.url == "a.duckdb"
    monkeypatch.delenv("TALLYBOOK_BOOK")
    folder = tmp_path / "deep" / "below"
    folder.mkdir(parents=True)
    (tmp_path / "tallybook.toml").write_text('book = "books/own.duckdb"\n')
    monkeypatch.chdir(folder)
    assert tallybook.open().store.url == str(tmp_path / "books/own.duckdb")
    with pytest.raises(UsageError, match="mysql:// is not a kind of book that this version has"):
        tallybook.open("mysql://host/db")
    with pytest.raises(SettingsError, match=r"Cannot read the settings file nope.toml"):
        tallybook.open(config="nope.toml")


def test_a_book_is_a_context_manager_and_says_where_it_is(tmp_path: Path) -> None:
    with book_at(tmp_path / "b.duckdb") as book:
        assert repr(book) == f"<Book {tmp_path / 'b.duckdb'}>"
        assert book.org == "default"


def test_threads_may_ask_while_another_syncs(org: Org, tmp_path: Path) -> None:
    book = synced(org, tmp_path / "b.duckdb", datasets="costs", since="2026-11-15")
    expected = book.query("cost", since="2026-11-15").rows()
    done = threading.Event()

    def asking() -> int:
        asked = 0
        while not done.is_set() or not asked:
            assert book.query("cost", since="2026-11-15").rows() == expected
            asked += 1
        return asked

    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(asking) for _ in range(2)]
        assert book.sync(key=KEY, since="2026-11-15", datasets=["costs", "completions"], full=True).ok
        done.set()
        assert all(future.result() > 0 for future in futures)


def test_status_tells_of_every_dataset(org: Org, tmp_path: Path) -> None:
    book = synced(org, tmp_path / "b.duckdb", datasets=["costs", "images"], since="2026-11-15")
    status = book.status()
    assert [held.dataset for held in status.datasets] == list(HELD)
    by_name = {held.dataset: held for held in status.datasets}
    costs, images = by_name["costs"], by_name["images"]
    assert (costs.widths, images.widths) == (("1d",), ("1h",))
    assert costs.rows == book.store.read("SELECT count(*) AS n FROM costs").to_pylist()[0]["n"] > 0
    assert costs.start == images.start == dt.datetime(2026, 11, 15)  # noqa: DTZ001
    assert costs.end == images.end == NOW.replace(tzinfo=None)
    assert costs.stable_until == dt.datetime(2026, 11, 16)  # noqa: DTZ001
    assert images.stable_until == dt.datetime(2026, 11, 20, 15)  # noqa: DTZ001
    assert by_name["completions"].coverage.missing
    assert status.size.total > sum(status.size.bytes.values()) > 0
    assert status.last_sync is not None
    assert status.last_sync["ok"] is True
    told = status.as_dict()
    assert set(told["datasets"][0]) == {f.name for f in dataclasses.fields(costs)} - {"coverage"} | {"gaps"}
    assert told["book"] == book.store.url
    assert told["tables"]["costs"] == {"rows": costs.rows, "bytes": status.size.bytes["costs"]}


def test_a_sync_leaves_a_file_without_much_free_space(tmp_path: Path) -> None:
    path = tmp_path / "b.duckdb"
    with organization(days=5) as org:
        synced(org, path, datasets="costs", since="2026-11-20")
        make_room(path, 6_000_000)
        before = path.stat().st_size
        assert synced(org, path, datasets="costs", since="2026-11-20").status().size.free < 2_000_000
    assert path.stat().st_size < before - 4_000_000


def test_an_end_before_the_reach_of_the_api_is_an_error(tmp_path: Path) -> None:
    with tallybook.open(tmp_path / "book.duckdb") as book, pytest.raises(UsageError, match="about a year"):
        book.plan(until="2020-01-01")
