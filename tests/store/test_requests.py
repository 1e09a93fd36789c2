"""Which requests a book lists for ever: enough to prove what it holds, and all of the last week."""

import random
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tallybook.model.records import Fetch
from tallybook.model.settings import Keep
from tests.store.book import D0, DAY, HOUR, StoreUnderTest, fetch, read, usage
from tests.store.test_pages import answer

WEEK = 7 * DAY
OTHER = "another dataset's"


@dataclass(frozen=True)
class Asked:
    """One read of a life, as the test remembers it."""

    name: str
    days: range
    words: str
    made: int

    def is_again(self, others: list["Asked"]) -> bool:
        """Return whether a later one asked in the same words for all that it asked for."""
        return any(o.made > self.made and o.words == self.words and set(self.days) <= set(o.days) for o in others)


def request(asked: Asked, contents: dict[int, str]) -> Fetch:
    span = f"start_time={D0 + asked.days.start * DAY}&end_time={D0 + asked.days.stop * DAY}"
    query = f"{span}&bucket_width=1d&limit={len(asked.days)}&{asked.words}"
    return replace(answer(**{f"d{n}": contents[n] for n in asked.days}), query=query, request_id=asked.name)


def live(book: StoreUnderTest, keep: Keep, seed: int) -> tuple[list[Asked], set[str]]:
    """Read the last days often, and once more much later; return all reads, and who first gave what is kept."""
    rng = random.Random(seed)
    contents = dict.fromkeys(range(30), "0")
    every = []
    for number in range(16):
        book.clock.advance(rng.choice((2, 4, 6)) * HOUR if number < 14 else 4 * DAY)
        now = int(book.clock.now().timestamp())
        today = (now - D0) // DAY
        for n in rng.sample(range(max(0, today - 4), today + 1), 2):
            contents[n] = str(rng.randrange(3))
        days = range(max(0, today - rng.choice((2, 3))), today + rng.choice((0, 1, 1)))
        words = rng.choice(("group_by%5B%5D=model",) * 4 + ("group_by%5B%5D=model&group_by%5B%5D=user_id",))
        asked = Asked(f"req_{number}", days, words, now)
        rows = [usage(D0 + n * DAY, int(contents[n])) for n in days]
        window = (D0 + days.start * DAY, D0 + days.stop * DAY)
        # What another dataset gave at the same time proves nothing of this one.
        other = replace(request(Asked(OTHER, days, words, now), contents | {days[0]: str(now)}), dataset="embeddings")
        book.write(
            read("completions", *window, *rows, at=now, fetches=(request(asked, contents),)),
            read("embeddings", *window, usage(window[0], now), at=now, fetches=(other,)),
            keep=keep,
        )
        every.append(asked)
    first = {at: name for name, at in book.rows("fetches", "request_id", "recorded_at") if name != OTHER}
    mine = [at for name, at in book.rows("pages", "dataset", "recorded_at") if name == "completions"]
    return every, {first.get(at, "whoever is not listed") for at in mine}


@pytest.mark.parametrize("keep", ["current", "none"])
def test_of_older_requests_those_stay_that_prove_something(book: StoreUnderTest, keep: Keep) -> None:
    every, givers = live(book, keep, 1)
    newest = every[-1].made
    midnight = newest // DAY * DAY
    # The first commit of a day looks back at what was there before it.
    day = [a for a in every if a.made >= midnight]
    before = [a for a in every if a not in day]
    kept = {a.name for a in before if a.made >= day[0].made - WEEK or not a.is_again(before)}
    listed = {row[0] for row in book.rows("fetches", "request_id")} - {OTHER}
    assert listed == kept | {a.name for a in day} | givers
    assert len(listed) < len(every)


def test_a_book_that_keeps_all_lists_every_request(book: StoreUnderTest) -> None:
    every, _ = live(book, "all", 1)
    assert len(book.rows("fetches")) == 2 * len(every)


def test_requests_that_gave_no_rows_are_listed_for_a_week(book: StoreUnderTest) -> None:
    def names(request_id: str) -> dict[str, Any]:
        return {"fetches": (fetch("projects", request_id),)}

    book.write(**names("old"))
    book.write(**names("another's"), org="beta")
    book.clock.advance(WEEK - DAY)
    book.write(**names("of this week"))
    assert len(book.rows("fetches")) == 3
    book.clock.advance(DAY + HOUR)
    book.write(**names("new"))
    assert {row[0] for row in book.rows("fetches", "request_id")} == {"another's", "of this week", "new"}
