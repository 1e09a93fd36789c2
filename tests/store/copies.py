"""Copies of a book after each step of its life, each asked the same as the whole book as of that step."""

from __future__ import annotations

import datetime as dt
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tallybook.book import Book
from tallybook.model.errors import UnanswerableError
from tallybook.model.settings import Org, Settings, Sync
from tallybook.model.windows import naive
from tallybook.store.duckdb import DuckDBStore
from tests.clock import FakeClock
from tests.store.world import BEGIN, DAY

SETTINGS = Settings(org=(Org(name="acme"),), sync=Sync(look_back="12h", costs_look_back="1d"))
WEEK = {"since": naive(BEGIN - DAY), "until": naive(BEGIN + 6 * DAY)}
QUESTIONS: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (("cost",), WEEK | {"by": ["project", "line_item"], "grain": "day"}),
    (("cost", "requests"), WEEK | {"by": "dataset", "grain": "month"}),
    (("input_tokens", "output_tokens", "input_cached_tokens"), WEEK | {"by": ["model", "batch"], "grain": "day"}),
    (("input_tokens",), WEEK | {"by": "user", "where": {"dataset": "completions"}}),
    (("input_tokens",), {"since": naive(BEGIN + 26_000 // 3_600 * 3_600), "where": {"project": ["proj_a", "(none)"]}}),
    (("cost",), {"last": "2d", "by": "project", "where": {"line_item": "gpt, input"}}),
    (("cost",), WEEK | {"by": ["user", "project"], "grain": "day"}),
    (("cost", "requests"), {"last": "4d", "by": "user"}),
)
"""By dimensions that are refused for a while, over edges that cut days, and counted back from now."""


_NEWEST = f"""SELECT coalesce(max(moment), (SELECT last_commit FROM internal.book)) AS newest FROM ({
    " UNION ALL ".join(
        f"SELECT recorded_at AS moment FROM internal.{table} UNION ALL SELECT replaced_at FROM internal.{table}_history"
        for table in ("coverage", "refusals")
    )
})"""


@dataclass(frozen=True)
class Copy:
    """A book as it was after one step."""

    path: Path
    commit: dt.datetime
    """The time of the newest commit that changed what it holds or what was refused, naive UTC."""


class Copies:
    """Every copy of one book."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.taken: list[Copy] = []

    def take(self) -> None:
        """Copy the book as it is."""
        path = self.path.with_name(f"copy_{len(self.taken)}.duckdb")
        shutil.copyfile(self.path, path)
        (row,) = DuckDBStore(path).read(_NEWEST).to_pylist()
        self.taken.append(Copy(path, row["newest"]))

    def check(self, *, thoroughly: bool) -> None:
        """Ask all copies what the book is asked as of their newest commit: rows, range and coverage are the same.

        If not `thoroughly`, each copy is asked two questions, another two each.
        """
        end = FakeClock((self.taken[-1].commit + dt.timedelta(days=9)).replace(tzinfo=dt.UTC))
        with DuckDBStore(self.path).opened():
            for n, copy in enumerate(self.taken):
                asked = QUESTIONS if thoroughly else (QUESTIONS[n % 8], QUESTIONS[(n + 4) % 8])
                clock = FakeClock(copy.commit.replace(tzinfo=dt.UTC))
                with DuckDBStore(copy.path).opened():
                    for words, more in asked:
                        then = _answer(Book(DuckDBStore(copy.path, clock), SETTINGS, clock), words, more)
                        now = _answer(Book(DuckDBStore(self.path, end), SETTINGS, end), words, more, as_of=copy.commit)
                        assert now == then, f"{words} {more} as of {copy.commit}"


def _answer(book: Book, words: tuple[str, ...], more: dict[str, Any], **then: dt.datetime) -> Any:
    try:
        result = book.query(*words, **more, **then)
    except UnanswerableError as exc:
        return str(exc)
    return result.rows(), result.range, result.coverage
