"""What a book keeps beside facts: verdicts, notes, requests, small tables, its lock, version and size."""

import datetime as dt
import os
import threading
from collections.abc import Callable
from decimal import Decimal
from importlib.resources import files
from typing import Any

import pytest

from tallybook.model.errors import NotABookError, StoreLockedError
from tallybook.model.records import Note, Refusal, Swap
from tallybook.model.windows import Span, naive
from tests.store.book import D0, DAY, HOUR, NOON, StoreUnderTest, cost, fetch, read, usage

SPAN = Span(D0, D0 + DAY)


def directory(**more: object) -> dict[str, object]:
    seen = {"first_seen": naive(D0), "last_seen": naive(D0)}
    return {"org": "acme", "kind": "project", "id": "proj_a", **seen, **more}


def test_migrating_twice_is_migrating_once(book: StoreUnderTest) -> None:
    book.write(read("completions", D0, D0 + DAY, usage(D0)))
    before = {t: book.rows(t) for t in ("usage", "migrations", "book")}
    book.store.migrate()
    assert {t: book.rows(t) for t in before} == before


def test_asking_creates_no_book(nothing: StoreUnderTest) -> None:
    store = nothing.store
    assert not store.holds_rows("acme", "completions", D0, D0 + DAY)
    for ask in (
        lambda: store.read("SELECT 1"),
        lambda: store.coverage("acme", ["costs"]),
        lambda: store.totals("acme", "costs", D0, D0 + DAY),
        lambda: store.rows("notes"),
        store.sizes,
        store.maintain,
        lambda: store.put("orgs", [{"org": "acme", "first_seen": naive(D0)}]),
        lambda: nothing.write(read("completions", D0, D0 + DAY)),
    ):
        with pytest.raises(NotABookError, match="There is no book"):
            ask()
    assert not store.exists()


def test_reading_cannot_write(book: StoreUnderTest) -> None:
    with pytest.raises(Exception, match=r"read-only|read only|permission"):
        book.store.read("DELETE FROM usage")
    assert book.rows("notes") == []


def test_a_refusal_stands_a_day_and_once_repeated_a_week(book: StoreUnderTest) -> None:
    refusal = Refusal("decisions", SPAN, "unknown")
    for tries, days in ((1, 1), (2, 7), (3, 7)):
        (row,) = book.refuse(refusal)
        assert (row["tries"], row["reason"]) == (tries, "unknown")
        assert (row["expires_at"] - row["learned_at"]).days == days
        book.clock.advance(8 * DAY)


def test_a_final_refusal_never_expires_and_a_given_moment_is_kept(book: StoreUnderTest) -> None:
    rows = book.refuse(
        Refusal("costs", SPAN, "too old", final=True),
        Refusal("costs", Span(D0 + DAY, D0 + 2 * DAY), "today", expires_at=D0 + 2 * DAY),
    )
    assert [r["expires_at"] for r in rows] == [None, naive(D0 + 2 * DAY)]


def test_refusals_of_widths_and_dimensions_stand_beside_each_other(book: StoreUnderTest) -> None:
    rows = book.refuse(
        Refusal("costs", SPAN, "x"), Refusal("costs", SPAN, "x", width="1h"), Refusal("costs", SPAN, "x", dimension="d")
    )
    assert {(r["width"], r["dimension"], r["tries"]) for r in rows} == {
        (None, None, 1),
        (None, "d", 1),
        ("1h", None, 1),
    }


def test_a_new_refusal_takes_over_where_it_overlaps_an_old_one(book: StoreUnderTest) -> None:
    book.refuse(Refusal("decisions", Span(D0, D0 + 3 * DAY), "unknown"))
    book.clock.advance(DAY)
    rows = book.refuse(Refusal("decisions", Span(D0 + DAY, D0 + 4 * DAY), "unknown"))
    assert [(r["start_time"], r["end_time"], r["tries"]) for r in rows] == [
        (naive(D0), naive(D0 + DAY), 1),
        (naive(D0 + DAY), naive(D0 + 4 * DAY), 2),
    ]


def test_final_refusals_that_touch_are_one(book: StoreUnderTest) -> None:
    book.refuse(Refusal("costs", SPAN, "too old", final=True))
    rows = book.refuse(Refusal("costs", Span(D0 + DAY, D0 + 2 * DAY), "too old", final=True))
    assert [(r["start_time"], r["end_time"]) for r in rows] == [(naive(D0), naive(D0 + 2 * DAY))]


def test_what_was_given_is_no_longer_refused(book: StoreUnderTest) -> None:
    book.refuse(
        Refusal("completions", Span(D0, D0 + 2 * DAY), "x"),
        Refusal("completions", SPAN, "no users", dimension="user_id"),
        Refusal("completions", SPAN, "no hours", width="1h"),
        Refusal("costs", SPAN, "x"),
    )
    book.write(read("completions", D0, D0 + DAY))
    left = book.rows("refusals", "dataset", "width", "start_time")
    assert left == [
        ("completions", "1h", naive(D0)),
        ("completions", None, naive(D0 + DAY)),
        ("costs", None, naive(D0)),
    ]


def test_a_refused_dimension_stands_when_the_rest_is_given(book: StoreUnderTest) -> None:
    refusal = Refusal("completions", SPAN, "no users", dimension="user_id")
    book.write(read("completions", D0, D0 + DAY, dimensions=["model"]), refusals=(refusal,))
    assert book.rows("refusals", "dimension") == [("user_id",)]


def test_what_was_refused_can_be_told_as_of_every_earlier_moment(book: StoreUnderTest) -> None:
    whole, dimension = Span(D0, D0 + 3 * DAY), Refusal("costs", SPAN, "no users", dimension="user_id")
    steps: tuple[Callable[[], object], ...] = (
        lambda: book.refuse(Refusal("completions", whole, "unknown"), dimension),
        lambda: book.write(read("completions", D0 + DAY, D0 + 2 * DAY)),
        lambda: book.refuse(Refusal("completions", whole, "unknown")),
        lambda: book.write(read("completions", D0, D0 + 3 * DAY)),
        lambda: book.refuse(Refusal("completions", whole, "gone", final=True)),
    )

    def standing(as_of: Any = None) -> list[str]:
        return sorted(map(str, book.store.rows("refusals", {"org": "acme"}, as_of)))

    stood = []
    for step in steps:
        step()
        stood.append((book.rows("book", "last_commit")[0][0], standing()))
        book.clock.advance(HOUR)
    assert [len(rows) for _, rows in stood] == [2, 3, 2, 1, 2]
    assert [standing(commit) for commit, _ in stood] == [rows for _, rows in stood]
    assert standing(stood[0][0] - dt.timedelta(microseconds=1)) == []
    unchanged = book.rows("refusals", "reason", "recorded_at", "learned_at")
    assert ("no users", stood[0][0], stood[0][0]) in unchanged
    assert len(book.rows("refusals_history")) == 4


def test_only_what_has_versions_can_be_asked_for_as_of_then(book: StoreUnderTest) -> None:
    with pytest.raises(ValueError, match="not a table of state"):
        book.store.rows("notes", None, naive(NOON))


def test_coverage_as_of_each_commit_is_what_it_was(book: StoreUnderTest) -> None:
    steps = (
        read("completions", D0, D0 + 3 * DAY),
        read("completions", D0 + DAY, D0 + 2 * DAY, at=NOON + HOUR),
        read("completions", D0, D0 + 2 * DAY, width="1h", at=NOON + 2 * HOUR),
        read("completions", D0, D0 + 3 * DAY, width="1h", dimensions=["model"], at=NOON + 3 * HOUR),
    )
    stood = []
    for step in steps:
        book.write(step, read("costs", D0, D0 + DAY))
        stood.append((book.rows("book", "last_commit")[0][0], book.store.coverage("acme", ["completions", "costs"])))
        book.clock.advance(HOUR)
    for commit, held in stood:
        assert book.store.coverage("acme", ["completions", "costs"], commit) == held
        assert held["completions"]
    before = stood[0][0] - dt.timedelta(microseconds=1)
    assert book.store.coverage("acme", ["completions"], before) == {"completions": []}


def test_a_note_is_kept_once(book: StoreUnderTest) -> None:
    note = Note("completions", SPAN, "identity", "a is not b")
    book.write(read("completions", D0, D0 + DAY, notes=(note,)), notes=(note,))
    book.clock.advance(HOUR)
    book.write(notes=(note, Note("completions", SPAN, "identity", "c is not d")))
    book.write(notes=(note,), org="other")
    kept = book.rows("notes", "org", "text", "recorded_at")
    assert sorted(kept) == [
        ("acme", "a is not b", naive(NOON)),
        ("acme", "c is not d", naive(NOON + HOUR)),
        ("other", "a is not b", naive(NOON + HOUR).replace(microsecond=1)),
    ]


def test_every_request_is_kept(book: StoreUnderTest) -> None:
    book.write(read("completions", D0, D0 + DAY, fetches=(fetch(),)), fetches=(fetch("projects", None),))
    book.write(read("completions", D0, D0 + DAY, fetches=(fetch(),)))
    kept = book.rows("fetches", "dataset", "sync_id", "began_at", "bytes", "status", "request_id", "pages")
    completions = ("completions", "sync_1", naive(NOON), 17, 200, "req_1", None)
    assert kept == [completions, completions, ("projects", "sync_1", naive(NOON), 17, 200, None, None)]


def test_the_requests_of_a_read_that_is_judged_in_parts_are_kept_once(book: StoreUnderTest) -> None:
    book.write(read("completions", D0, D0 + 2 * DAY, usage(D0, user_id="u"), usage(D0 + DAY, user_id="u")))
    rows = [usage(D0), usage(D0 + DAY, 9)]
    book.write(read("completions", D0, D0 + 2 * DAY, *rows, dimensions=["model"], fetches=(fetch(),)))
    assert len(book.rows("fetches")) == 1


def test_totals_are_of_a_span_a_dataset_and_an_organization(book: StoreUnderTest) -> None:
    book.write(
        read("completions", D0, D0 + 2 * DAY, usage(D0, 2**62), usage(D0, 2**62, model="m"), usage(D0 + DAY, 7)),
        read("embeddings", D0, D0 + DAY, usage(D0, 9)),
    )
    book.write(read("completions", D0, D0 + DAY, usage(D0, 1)), org="other")
    total = book.store.totals("acme", "completions", D0, D0 + DAY)
    assert (total["input_tokens"], total["num_model_requests"], total["output_tokens"]) == (2**63, 2, 0)
    assert book.store.totals("acme", "embeddings", D0 + DAY, D0 + 2 * DAY) == {
        "input_tokens": 0,
        "num_model_requests": 0,
    }


def test_totals_of_money_are_apart_by_currency(book: StoreUnderTest) -> None:
    book.write(read("costs", D0, D0 + DAY, cost(D0, "1.5"), cost(D0, "-0.5", line_item="x"), cost(D0, "2", "eur")))
    assert book.store.totals("acme", "costs", D0, D0 + DAY) == {"usd": Decimal(1), "eur": Decimal(2)}
    assert book.store.totals("acme", "costs", D0 + DAY, D0 + 2 * DAY) == {}


def test_a_level_has_no_total(book: StoreUnderTest) -> None:
    book.write(read("vector_stores", D0, D0 + DAY, {"at": D0, "usage_bytes": 5}))
    assert book.store.totals("acme", "vector_stores", D0, D0 + DAY) == {}


def test_whether_there_are_rows_depends_on_dataset_span_and_organization(book: StoreUnderTest) -> None:
    book.write(read("completions", D0, D0 + DAY, usage(D0)), read("costs", D0, D0 + DAY, cost(D0)))
    for name in ("completions", "costs"):
        assert book.store.holds_rows("acme", name, D0, D0 + 1)
        assert not book.store.holds_rows("acme", name, D0 + DAY, D0 + 2 * DAY)
        assert not book.store.holds_rows("other", name, D0, D0 + DAY)
    assert not book.store.holds_rows("acme", "embeddings", D0, D0 + DAY)


def test_rows_of_a_small_table_are_found_by_their_columns(book: StoreUnderTest) -> None:
    book.store.put("directory", [directory(), directory(id="proj_b", name="B", created_at=naive(D0))])
    assert [r["id"] for r in book.store.rows("directory", {"org": "acme", "name": None})] == ["proj_a"]
    (b,) = book.store.rows("directory", {"id": "proj_b"})
    assert (b["name"], b["created_at"], b["email"]) == ("B", naive(D0), None)
    assert book.store.rows("directory", {"org": "other"}) == []


def test_rows_equal_in_the_key_are_replaced(book: StoreUnderTest) -> None:
    key = ("org", "kind", "id")
    book.store.put("directory", [directory(name="old"), directory(id="proj_b")], key=key)
    book.store.put("directory", [directory(name="newer"), directory(name="newest")], key=key)
    assert sorted(book.rows("directory", "id", "name"), key=str) == [("proj_a", "newest"), ("proj_b", None)]
    book.store.put("directory", [], key=key)


def test_a_key_without_a_value_is_equal_to_itself(book: StoreUnderTest) -> None:
    for _ in range(2):
        book.store.put("directory", [directory(project_id=None)], key=("org", "project_id"))
    assert len(book.rows("directory")) == 1


def test_rows_take_the_place_of_others_in_one_transaction(book: StoreUnderTest) -> None:
    def note(text: str, at: int, org: str = "acme") -> dict[str, Any]:
        edges = {"start_time": naive(at), "end_time": naive(at + DAY)}
        return {"org": org, "kind": "mine", "text": text, "recorded_at": naive(D0), **edges}

    def texts() -> set[str]:
        return {row["text"] for row in book.rows("notes")}

    book.store.put("notes", [note("a", D0), note("b", D0 + DAY), note("c", D0 + 2 * DAY), note("other", D0, "beta")])
    new = note("new", D0 + 5 * DAY)
    book.store.swap(Swap("notes", (new,), {"org": "acme", "dataset": None}, Span(D0 + DAY, D0 + 2 * DAY)))
    assert texts() == {"a", "c", "other", "new"}
    with pytest.raises(Exception, match=r"NULL|null"):
        book.store.swap(Swap("notes"), Swap("orgs", ({"org": None, "first_seen": naive(D0)},)))
    assert texts() == {"a", "c", "other", "new"}
    book.store.swap(Swap("notes", (), {"org": "acme"}), Swap("orgs", ({"org": "acme", "first_seen": naive(D0)},)))
    assert texts() == {"other"}
    assert [row["org"] for row in book.rows("orgs")] == ["acme"]
    book.store.swap(Swap("notes"))
    assert texts() == set()
    with pytest.raises(ValueError, match="'usage' is not a table of state"):
        book.store.swap(Swap("usage"))


def test_a_table_or_column_that_is_none_of_state_is_refused(book: StoreUnderTest) -> None:
    with pytest.raises(ValueError, match="usage"):
        book.store.put("usage", [{"org": "acme"}])
    with pytest.raises(ValueError, match="nickname"):
        book.store.put("directory", [directory(nickname="x")])
    with pytest.raises(ValueError, match="book"):
        book.store.put("book", [{"version": 1}])
    assert book.rows("directory") == []


def test_every_write_makes_the_version_of_the_data_grow(book: StoreUnderTest) -> None:
    seen = [book.store.rows("book")[0]["version"]]
    for write in (
        lambda: book.write(read("completions", D0, D0 + DAY, usage(D0))),
        lambda: book.write(read("completions", D0, D0 + DAY, usage(D0))),
        lambda: book.store.put("directory", [directory()]),
    ):
        write()
        seen.append(book.store.rows("book")[0]["version"])
    assert seen == sorted(set(seen))
    book.store.rows("notes")
    book.store.migrate()
    assert book.store.rows("book")[0]["version"] == seen[-1]


def test_sizes_count_rows_and_bytes_of_every_table(book: StoreUnderTest) -> None:
    book.write(read("completions", D0, D0 + 2 * DAY, usage(D0), usage(D0 + DAY)))
    book.write(read("completions", D0, D0 + 2 * DAY, usage(D0), at=NOON + 1))
    book.store.maintain()
    sizes = book.store.sizes()
    rows = sizes.rows
    assert (rows["usage"], rows["usage_history"], rows["costs"], rows["coverage"]) == (1, 1, 0, 1)
    assert {name for name, n in sizes.bytes.items() if n} == {name for name, n in rows.items() if n}
    assert 0 < sum(sizes.bytes.values()) <= sizes.total - sizes.free


def test_tidying_up_changes_no_answer(book: StoreUnderTest) -> None:
    book.write(read("completions", D0, D0 + DAY, usage(D0, 5)))
    before = book.rows("usage")
    book.store.maintain()
    book.store.close()
    assert book.another().read("SELECT * FROM usage").to_pylist() == before


def test_a_second_sync_of_an_organization_waits_and_then_names_the_first(book: StoreUnderTest) -> None:
    running = {"org": "acme", "began_at": naive(NOON), "ended_at": None}
    book.store.put("syncs", [running | {"sync_id": "old", "began_at": naive(D0), "summary": None}])
    book.store.put("syncs", [running | {"sync_id": "new", "summary": '{"process": 4711}'}])
    with book.store.syncing("acme"):
        with book.another().syncing("other"):
            pass
        with (
            pytest.raises(StoreLockedError, match=rf"'acme'.*process (4711|{os.getpid()})\b"),
            book.another().syncing("acme"),
        ):
            pass
        assert sum(book.clock.slept) == pytest.approx(5)
    with book.another().syncing("acme"):
        pass


def test_an_error_inside_a_sync_is_its_own(book: StoreUnderTest) -> None:
    with pytest.raises(PermissionError, match="mine"), book.store.syncing("acme"):
        raise PermissionError("mine")
    with book.store.syncing("acme"):
        pass


def test_many_threads_may_read_and_write_at_once(book: StoreUnderTest) -> None:
    stores = [book.another() for _ in range(4)]
    failures: list[Exception] = []
    start = threading.Barrier(8)

    def work(i: int) -> None:
        try:
            start.wait()
            for n in range(6):
                mine = stores[i % 4]
                if i % 2:
                    day = D0 + (i * 6 + n) * DAY
                    one = StoreUnderTest(mine, book.clock, book.internal, book.another)
                    one.write(read("completions", day, day + DAY, usage(day), at=day + DAY))
                else:
                    mine.coverage("acme", ["completions"])
                    total = mine.totals("acme", "completions", D0, D0 + 99 * DAY)
                    assert total["input_tokens"] == total["num_model_requests"]
        except Exception as exc:  # noqa: BLE001 - told to the test's own thread
            failures.append(exc)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(book.rows("usage")) == 24
    times = book.rows("usage", "recorded_at")
    assert len(set(times)) == 24


def test_every_migration_has_a_number_of_its_own() -> None:
    numbers = [
        path.name.partition("_")[0] for path in files("tallybook.store.migrations").iterdir() if path.name[0].isdigit()
    ]
    assert len(numbers) == len(set(numbers)) > 5
