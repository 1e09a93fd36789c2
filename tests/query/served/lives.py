"""Random lives of a book: what happens, when it is read, at which widths, and what is refused meanwhile."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import strategies as st

from tallybook.book import Book
from tallybook.model.settings import Org, Pages, Settings, Sync
from tallybook.store.duckdb import DuckDBStore
from tests.books import KEY, kept_open
from tests.clock import FakeClock
from tests.query.served import orders
from tests.query.served.metrics import LINE_ITEMS
from tests.query.served.provider import BEGIN, DAY, DIMENSIONS, HOUR, NUMBERS, PROJECTS, Event, Mood, Provider, money
from tests.query.served.teams import RULES

ORGS = tuple(PROJECTS)
SETTINGS = Sync(look_back="1d", costs_look_back="2d", concurrency=1, control_totals=False, datasets=tuple(DIMENSIONS))


@dataclass(frozen=True)
class Reading:
    """One sync: some datasets of one organization or both, of some days, at one width."""

    at: int
    """Seconds after `BEGIN`."""
    since: int
    """The first day, after `BEGIN`."""
    width: str
    datasets: tuple[str, ...]
    """Empty is all."""
    orgs: tuple[str, ...]
    full: bool
    mood: Mood


@dataclass(frozen=True)
class Life:
    events: tuple[Event, ...]
    readings: tuple[Reading, ...]


_USERS, _KEYS, _MODELS = (
    (None, "user_1", "user_2", "user_3"),
    (None, "key_a", "key_b", "key_c"),
    ("gpt-5-2025-08-07", "gpt-5-mini"),
)
_VALUES = {
    "user_id": _USERS, "api_key_id": _KEYS, "model": (*_MODELS, None), "batch": (True, False, None),
    "service_tier": ("default", "priority", None), "api_source": ("responses", None),
    "vector_store_id": ("vs_1", "vs_2"), "context_level": ("low", "high"),
    "line_item": (*LINE_ITEMS, "something else 7"),
}  # fmt: skip
_WEIGHTS = (*("completions",) * 5, *("costs",) * 5, "embeddings", "vector_stores", "vector_stores",
            "file_search_calls", "web_search_calls")  # fmt: skip


@st.composite
def events(draw: st.DrawFn) -> Event:
    org, dataset = draw(st.sampled_from(ORGS)), draw(st.sampled_from(_WEIGHTS))
    key = tuple(
        draw(st.sampled_from((*PROJECTS[org], None) if d == "project_id" else _VALUES[d])) for d in DIMENSIONS[dataset]
    )
    numbers: list[Any] = [draw(st.none() | st.integers(0, 9)) for _ in NUMBERS[dataset]]
    if dataset == "costs":
        key = (*key, draw(st.sampled_from(("usd", "usd", "usd", "eur"))))
        numbers = [money(draw(st.integers(-9, 30)))]
    first, last = draw(st.sampled_from(((0, 9), (0, 9), (0, 9), (1, 9), (0, 0), (2, 9), (0, 1))))
    hour, in_split = draw(st.integers(0, 10 * 24)), draw(st.sampled_from((True, True, False)))
    times, step = draw(st.sampled_from(((1, 1), (3, 1), (4, 25), (9, 29), (14, 24))))
    return Event(org, dataset, hour, key, tuple(numbers), first, last, in_split, times, step)


_MOODS = st.builds(
    Mood,
    refused=st.sampled_from((None, None, ("completions", "user_id"), ("completions", "service_tier"),
                             ("embeddings", "api_key_id"))),
    key_floor=st.sampled_from((0, 0, 3, 6)),
    no_users=st.sampled_from((False, False, False, True)),
    users_alone=st.booleans(),
)  # fmt: skip


def _readings(n: int) -> st.SearchStrategy[Reading]:
    """Return the n-th sync: about five days after the one before."""
    return st.builds(
        Reading,
        at=st.integers(0, 36 * HOUR).map(lambda more: 5 * DAY * (n + 1) - 30 * HOUR + more),
        since=st.integers(max(0, 5 * n - 4), 5 * n + 1),
        width=st.sampled_from(("1d", "1h", "1h", "1h")),
        datasets=st.sampled_from(((), (), ("completions", "costs"), ("completions", "vector_stores")))
        if n
        else st.just(()),
        orgs=st.sampled_from((ORGS, ORGS, ORGS[:1], ORGS[1:])),
        full=st.sampled_from((False, False, True)),
        mood=_MOODS,
    )


def lives() -> st.SearchStrategy[Life]:
    readings = st.tuples(_readings(0), _readings(1), _readings(2))
    return st.builds(Life, st.lists(events(), min_size=30, max_size=60).map(tuple), readings)


@dataclass
class Lived:
    """A book after a life, and what was served to it."""

    book: Book
    provider: Provider
    known_at: list[dt.datetime]
    """Moments after each sync and before the next one."""

    @property
    def now(self) -> int:
        return self.provider.now


@contextmanager
def lived(life: Life, folder: Path) -> Iterator[Lived]:
    """Yield the book of a life, kept open."""
    clock = FakeClock(dt.datetime.fromtimestamp(BEGIN, dt.UTC))
    path = folder / "book.duckdb"
    orgs = tuple(Org(name=name, base_url=f"http://127.0.0.1/{name}/v1") for name in ORGS)
    settings = Settings(book=str(path), org=orgs, sync=SETTINGS, pages=Pages(keep="none"))
    provider = Provider(life.events, [r.mood for r in life.readings])
    book = Book(DuckDBStore(path, clock), settings, clock)
    out = Lived(book, provider, [])
    book.store.migrate()
    book.import_teams(RULES)
    book.add_metric("orders", orders.ROWS, time="day")
    with kept_open(book):
        for n, reading in enumerate(life.readings):
            provider.now, provider.sync = BEGIN + reading.at, n
            clock.advance(provider.now - int(clock.now().timestamp()))
            book.settings = msgspec.structs.replace(
                settings, sync=msgspec.structs.replace(SETTINGS, history_width=reading.width)
            )
            _sync(book, reading, provider)
            clock.advance(60)
            provider.now += 60
            out.known_at.append(clock.now())
        yield out


def _sync(book: Book, reading: Reading, provider: Provider) -> None:
    for org in reading.orgs:
        since = dt.datetime.fromtimestamp(BEGIN + reading.since * DAY, dt.UTC).date()
        summary = book.sync(
            since=since, datasets=reading.datasets, full=reading.full, orgs=org, key=KEY, transport=provider.transport()
        )
        assert summary.ok, summary.failures
