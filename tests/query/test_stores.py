"""A book on a server answers every question as one in a file does, to the last digit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tallybook.book import Book
from tallybook.model.errors import QueryError
from tallybook.model.windows import DAY, unix
from tallybook.query.dimensions import DIMENSIONS
from tallybook.query.metrics import METRICS
from tallybook.store.copying import copy
from tallybook.store.postgres import PostgresStore
from tests import postgres
from tests.books import SYNCED_DAYS
from tests.clock import FakeClock
from tests.emulator.wire import NOW, Org
from tests.query.test_compile import AS_OF, SEVERAL, SHAPES, statement

SINCE = dt.datetime.fromtimestamp(unix(NOW) // DAY * DAY - (SYNCED_DAYS - 15) * DAY, dt.UTC).date()
GRAINS = ("total", "month", "week")
EVERY = 4
"""Of the metrics, every fourth is asked by a dimension, others by the next."""
ASKED: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (("cost",), {"by": ("project", "line_item"), "grain": "day", "top": 3}),
    (("cost",), {"by": "user", "grain": "week"}),
    (("cost",), {"by": ("api_key", "model_family"), "grain": "month", "top": 2}),
    (("cost", "requests"), {"by": "dataset", "grain": "day", "compare": "previous", "last": "7d"}),
    (("requests", "active_users"), {"by": "project", "grain": "day", "tz": "Europe/Berlin", "last": "9d"}),
    (("requests",), {"by": ("weekday", "hour"), "last": "14d"}),
    (("cache_hit_rate",), {"by": "model", "top": 3, "grain": "day", "last": "20d"}),
    (("storage_bytes", "storage_bytes_max", "storage_bytes_last"), {"by": "project", "grain": "day", "last": "20d"}),
    (("input_tokens",), {"by": ("service_account", "batch", "service_tier"), "last": "20d"}),
    (("cost",), {"by": ("product", "token_kind"), "where": {"model": ["gpt-*", "!gpt-4*"]}, "last": "20d"}),
    (("requests",), {"by": "user", "where": {"user": ["*a*", "(none)"]}, "last": "20d"}),
)
"""What no metric by a dimension asks."""


@pytest.fixture(scope="module")
def teams(book: Book, org: Org) -> Iterator[Book]:
    """What `book` holds, in a book on a server."""
    store = PostgresStore(postgres.server().database(), org.clock)
    store.migrate()
    copy(book.store, store, lambda *_: None)
    yield Book(store, book.settings, org.clock)
    store.close()


def answer(book: Book, names: tuple[str, ...], **more: Any) -> Any:
    try:
        found = book.query(*names, **more)
    except QueryError as exc:
        return str(exc)
    return found.table.to_pylist(), found.whole.to_pylist(), found.notes, found.coverage.as_dict()


def test_both_hold_the_same(book: Book, teams: Book) -> None:
    for table in ("usage", "costs", "internal.cost_splits", "internal.usage_daily", "internal.line_items"):
        found = [b.store.read(f"SELECT * FROM {table}").to_pylist() for b in (book, teams)]
        sides = [sorted(map(repr, rows)) for rows in found]
        assert sides[0] == sides[1], table
        assert sides[0]


@pytest.mark.parametrize(("turn", "dimension"), list(enumerate((None, *DIMENSIONS))))
def test_metrics_by_every_dimension_are_the_same(book: Book, teams: Book, turn: int, dimension: str | None) -> None:
    answered = 0
    for n, name in enumerate(["cost", "requests", *list(METRICS)[turn % EVERY :: EVERY if dimension else 1]]):
        asked = {"by": dimension or (), "grain": GRAINS[n % len(GRAINS)], "since": SINCE}
        first = answer(book, (name,), **asked)
        assert answer(teams, (name,), **asked) == first, (name, asked)
        answered += not isinstance(first, str)
    assert answered


@pytest.mark.parametrize("name", [*SHAPES, *AS_OF, *SEVERAL])
def test_the_statements_agreed_on_say_the_same(book: Book, teams: Book, name: str) -> None:
    found = [b.store.read(*statement(name)) for b in (book, teams)]
    assert found[0].column_names == found[1].column_names
    assert sorted(map(repr, found[0].to_pylist())) == sorted(map(repr, found[1].to_pylist()))


@pytest.mark.parametrize(("names", "asked"), ASKED)
def test_harder_questions_have_the_same_answers(
    book: Book, teams: Book, names: tuple[str, ...], asked: dict[str, Any]
) -> None:
    first = answer(book, names, **asked)
    assert not isinstance(first, str), first
    assert first[0]
    assert answer(teams, names, **asked) == first


def test_reports_and_status_say_the_same(book: Book, teams: Book) -> None:
    def told(b: Book) -> Any:
        held = b.status().as_dict()
        return [{k: v for k, v in d.items() if "read" not in k} for d in held["datasets"]], held["line_items"]

    assert told(book) == told(teams)
    assert book.restatements() == teams.restatements()


def test_the_whole_book_can_be_exported(teams: Book, tmp_path: Path) -> None:
    teams.export("bundle", tmp_path / "out")
    assert any((tmp_path / "out").rglob("*.parquet"))


def test_as_of_now_everything_is_as_it_is(teams: Book) -> None:
    later = Book(teams.store, teams.settings, FakeClock(NOW + dt.timedelta(hours=2)))
    asked = {"by": "project", "grain": "month", "since": SINCE, "until": NOW}
    names = ("cost", "requests")
    then = answer(later, names, as_of=NOW + dt.timedelta(hours=1), **asked)
    assert then[0] == answer(later, names, **asked)[0] != []
