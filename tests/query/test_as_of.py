"""What the book knew at an earlier moment: numbers and coverage as they were then, names as they are now."""

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import pytest

from tallybook import UsageError
from tallybook.book import Book
from tallybook.model.datasets import DATASETS
from tallybook.model.windows import DAY, naive
from tallybook.query.clocks.time import known_at, known_text
from tallybook.show.text import result_text
from tests.books import book_at, hold
from tests.clock import FakeClock

FIRST = dt.datetime(2026, 11, 4, 9, 0, 0, 250_000, tzinfo=dt.UTC)
SECOND = FIRST + dt.timedelta(days=1)
NOW = dt.datetime(2026, 11, 23, 15, 30, 20, tzinfo=dt.UTC)
NOVEMBER = {"since": "2026-11-01", "until": "2026-11-02"}
TICK = dt.timedelta(microseconds=1)


def bill(amount: str, project: str = "p") -> dict[str, object]:
    return {"day": "2026-11-01", "project_id": project, "line_item": "x", "amount": Decimal(amount)}


@pytest.fixture
def book(tmp_path: Path) -> Book:
    """Two days of the bill, read on two days: `p` grew from 1 to 3, `q` appeared, `r` vanished."""
    clock = FakeClock(FIRST - dt.timedelta(hours=1))
    book = book_at(tmp_path / "b.duckdb", clock=clock)
    book.store.migrate()
    clock.advance(3_600)
    hold(book, "costs", "2026-11-01", "2026-11-02", [bill("1"), bill("5", "r")], read_at=FIRST)
    clock.advance(DAY)
    hold(book, "costs", "2026-11-01", "2026-11-03", [bill("3"), bill("7", "q")], read_at=SECOND)
    clock.advance((NOW - SECOND).total_seconds())
    return book


def costs(book: Book, as_of: object) -> dict[str, Decimal]:
    rows = book.query("cost", by="project", **NOVEMBER, as_of=as_of).rows()  # type: ignore[arg-type]
    return {row["project"]: row["cost"] for row in rows}


def test_an_answer_as_of_a_commit_knows_that_commit_and_nothing_later(book: Book) -> None:
    first, second = {"p": Decimal(1), "r": Decimal(5)}, {"p": Decimal(3), "q": Decimal(7)}
    assert costs(book, FIRST) == costs(book, SECOND - TICK) == costs(book, "2026-11-04") == first
    assert costs(book, SECOND) == costs(book, "2026-11-05") == costs(book, None) == costs(book, NOW) == second
    assert costs(book, FIRST - TICK) == {}


def test_coverage_is_as_of_then_too(book: Book) -> None:
    then = book.query("cost", since="2026-11-01", until="2026-11-02", as_of="2026-11-04").coverage
    assert [str(gap) for gap in then.missing] == ["costs 2026-11-02: not read"]
    assert then.as_of == FIRST.replace(microsecond=0, tzinfo=None)
    assert book.query("cost", **NOVEMBER).coverage.complete


def test_before_the_first_sync_everything_is_missing_and_there_is_no_number(book: Book) -> None:
    result = book.query("cost", by="project", grain="day", last="3d", as_of="2026-11-02")
    assert len(result) == 0
    assert str(result.coverage) == ("INCOMPLETE: costs 2026-10-31 to 2026-11-02T23:59:59Z: not read; nothing read yet")
    assert book.query("cost", as_of="1970-01-01", last="1d").rows() == [{"currency": None, "cost": None}]


def test_the_time_that_words_mean_is_counted_from_then(book: Book) -> None:
    assert str(book.query("cost", last="3d", as_of="2026-11-04").range) == "2-4 Nov 2026, 3 days, UTC"
    assert str(book.query("cost", period="yesterday", as_of=FIRST).range) == "3 Nov 2026, 1 day, UTC"
    with pytest.raises(UsageError, match="begins in the future"):
        book.query("cost", since="2026-11-10", as_of="2026-11-04")


def test_every_form_of_an_answer_says_as_of_when_it_is_known(book: Book) -> None:
    result = book.query("cost", **NOVEMBER, as_of="2026-11-04")
    said = "1-2 Nov 2026, 2 days, UTC, as known at the end of 2026-11-04"
    for form in (repr(result), result._repr_html_(), " ".join(result_text(result, width=80).split())):
        assert said in form
    assert json.loads(result.to_json())["query"]["as_of"] == "2026-11-04T23:59:59.999999Z"
    assert "as known" not in repr(book.query("cost", **NOVEMBER))


def test_names_are_those_of_today(book: Book) -> None:
    seen = {"org": "default", "kind": "project", "id": "p", "name": "Renamed"}
    book.store.put("directory", [seen | {"first_seen": naive(0), "last_seen": NOW.replace(tzinfo=None)}])
    assert costs(book, FIRST) == {"Renamed": Decimal(1), "r": Decimal(5)}
    (row,) = book.query("cost", **NOVEMBER, where={"project": "Renamed"}, as_of=FIRST).rows()
    assert row["cost"] == Decimal(1)


def test_every_dataset_is_read_as_of_then(tmp_path: Path) -> None:
    clock = FakeClock(FIRST)
    book = book_at(tmp_path / "b.duckdb", clock=clock)
    for name in (d.name for d in DATASETS.values() if not d.is_costs):
        row = {"day": "2026-11-01", next(iter(DATASETS[name].measures)): 2}
        hold(book, name, "2026-11-01", "2026-11-02", [row], read_at=FIRST)
    clock.advance(DAY)
    for name in (d.name for d in DATASETS.values() if not d.is_costs):
        hold(book, name, "2026-11-01", "2026-11-02", read_at=SECOND)
    then, now = (
        sum(r["requests"] + r["input_tokens"] for r in rows if r["input_tokens"])
        for rows in (
            book.query("requests", "input_tokens", by="dataset", **NOVEMBER, as_of=as_of).rows()
            for as_of in ("2026-11-04", None)
        )
    )
    assert then > now == 0


CLOCK = dt.datetime(2026, 11, 18, 15, 30, 0, 7, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("said", "meant", "text"),
    [
        ("2026-11-17", "2026-11-17T23:59:59.999999", "the end of 2026-11-17"),
        (dt.date(2026, 11, 17), "2026-11-17T23:59:59.999999", "the end of 2026-11-17"),
        ("2026-11-18", "2026-11-18T15:30:00.000007", "2026-11-18 15:30:00.000007 UTC"),
        ("2026-11-17T10:00Z", "2026-11-17T10:00:00", "2026-11-17 10:00:00 UTC"),
        ("2026-11-17T10:00:00.000001+02:00", "2026-11-17T08:00:00.000001", "2026-11-17 08:00:00.000001 UTC"),
        (CLOCK, "2026-11-18T15:30:00.000007", "2026-11-18 15:30:00.000007 UTC"),
        (dt.datetime(2026, 11, 17, 10), "2026-11-17T10:00:00", "2026-11-17 10:00:00 UTC"),  # noqa: DTZ001
    ],
)
def test_a_bare_date_is_its_end_and_a_moment_is_exact(said: object, meant: str, text: str) -> None:
    found = known_at(said, CLOCK)  # type: ignore[arg-type]
    assert found == dt.datetime.fromisoformat(meant)
    assert known_text(found) == text


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("2026-11-19", r"as_of \(2026-11-19\) is in the future; now is 2026-11-18T15:30Z"),
        (CLOCK + TICK, "is in the future"),
        ("2026-11-31", "is not a date"),
        ("1969-12-31", "is out of range"),
        ("1969-12-31T23:59:59Z", "is out of range"),
        ("9999-12-31", "is out of range"),
        ("0001-01-01T00:00+05:00", "is not a date"),
        (17, "is not a date"),
    ],
)
def test_the_future_and_nonsense_are_refused(said: object, text: str) -> None:
    with pytest.raises(UsageError, match=text):
        known_at(said, CLOCK)  # type: ignore[arg-type]
