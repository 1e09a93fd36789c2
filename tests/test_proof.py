"""What is behind a number: every hash and sum computed again, and what cannot be shown is said."""

import datetime as dt
import hashlib
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallybook.book import Book
from tallybook.collect.evidence import Proof
from tallybook.collect.proof import bodies
from tallybook.model.datasets import DATASETS
from tallybook.model.errors import UnknownNameError, UsageError
from tallybook.model.settings import Keep, Pages
from tallybook.model.windows import DAY, SECONDS
from tallybook.show.proofs import proof_text
from tests.books import KEY, book_at, synced
from tests.clock import FakeClock
from tests.collect.server import Answer, Asked, bucket, page, serving
from tests.emulator.wire import MIDNIGHT, NOW, Org, organization
from tests.store.book import FAST

D1 = MIDNIGHT - 10 * DAY
"""A day that is stable from its first read on."""
RESULT = DATASETS["embeddings"].result


class Api:
    """A server whose numbers are set by hand: tokens by the start of a bucket."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder
        self.clock = FakeClock(NOW)
        self.tokens: dict[int, int] = {}
        self.width = "1d"
        self.spaces: int | None = None

    def script(self, asked: Asked) -> Answer:
        if "/usage/" not in asked.path:
            return Answer(200, {"object": "list", "data": [], "has_more": False})
        words = dict(asked.query)
        step = SECONDS[words["bucket_width"]]
        starts = range(int(words["start_time"]), int(words["end_time"]), step)
        body = page([bucket(at, at + step, *self._rows(at)) for at in starts])
        return Answer(200, json.dumps(body, indent=self.spaces).encode())

    def _rows(self, at: int) -> list[dict[str, Any]]:
        row = {"object": RESULT, "num_model_requests": 1, "project_id": "proj_a"}
        return [row | {"input_tokens": self.tokens[at]}] if at in self.tokens else []

    def sync(self, keep: Keep = "current", **bounds: Any) -> Book:
        book = book_at(self.folder / "b.duckdb", self.url, self.clock)
        options = msgspec.structs.replace(book.settings.sync, history_width=self.width)
        book.settings = msgspec.structs.replace(book.settings, pages=Pages(keep), sync=options)
        since = bounds.pop("since", dt.datetime.fromtimestamp(D1, dt.UTC))
        assert book.sync(key=KEY, datasets="embeddings", since=since, **bounds).ok
        return book


@pytest.fixture
def api() -> Iterator[Api]:
    with tempfile.TemporaryDirectory(dir=FAST) as folder:
        made = Api("", Path(folder))
        with serving(lambda asked: made.script(asked)) as server:
            made.url = server.url
            yield made


@contextmanager
def by_hand(book: Book) -> Iterator[duckdb.DuckDBPyConnection]:
    """Change what is in the file behind tallybook's back."""
    with duckdb.connect(book.store.url) as connection:
        yield connection


def day(offset: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(D1 + offset * DAY, dt.UTC)


@pytest.fixture(scope="module")
def company() -> Iterator[Org]:
    with organization("small-pages=5", days=20, requests_per_day=40) as org:
        yield org


@pytest.fixture(scope="module")
def real(company: Org, tmp_path_factory: pytest.TempPathFactory) -> Book:
    return synced(company, tmp_path_factory.mktemp("proof") / "b.duckdb", since="2026-11-14")


@pytest.mark.parametrize("name", ["costs", "costs_by_api_key", "completions", "vector_stores", "decisions"])
def test_a_synced_day_is_proved_to_the_last_digit(real: Book, name: str) -> None:
    proof = real.proof(name, "2026-11-18")
    assert proof.is_proved
    assert proof.held == proof.shown
    assert proof.held_rows == sum(len(c.rows) for c in proof.contents) > 0
    assert {r.row["status"] for r in proof.requests} == {200}
    assert {r.body for r in proof.requests} == {"recomputed, equal"}


def test_the_rows_are_the_texts_that_the_server_sends(real: Book, company: Org) -> None:
    proof = real.proof("costs", "2026-11-18")
    (request,) = proof.requests
    body = company.get("/costs", request.row["query"].replace("%5B%5D", "[]")).content
    assert hashlib.sha256(body).hexdigest() == request.row["sha256"]
    assert proof.contents[0].rows
    assert all(row.encode() in body for row in proof.contents[0].rows)


def test_the_number_is_the_one_that_a_query_gives(real: Book) -> None:
    whole = real.query("cost", since="2026-11-18", until="2026-11-18", by="project").rows()
    names = {row["project"]: row["cost"] for row in whole}
    for name, cost in list(names.items())[:2]:
        proof = real.proof("costs", "2026-11-18", where={"project": name})
        assert proof.is_proved
        assert proof.shown["amount usd"] == cost
    assert sum(names.values()) == real.proof("costs", "2026-11-18").held["amount usd"]


def test_what_names_nothing_is_refused(real: Book) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean `completions`"):
        real.proof("completion", "2026-11-18")
    with pytest.raises(UnknownNameError, match="dimension of completions"):
        real.proof("completions", "2026-11-18", where={"line_item": "x"})
    with pytest.raises(UnknownNameError, match="project"):
        real.proof("completions", "2026-11-18", where={"project": "no such project"})
    with pytest.raises(UsageError, match="is not a day"):
        real.proof("completions", "2026-11-18T05:00Z")


def test_a_day_that_is_not_held_is_said(real: Book) -> None:
    proof = real.proof("completions", "2026-10-01")
    assert not proof.is_proved
    assert "Nothing is held of completions on 2026-10-01." in proof_text(proof, width=80)


def test_a_row_altered_by_hand_is_found(api: Api) -> None:
    api.tokens = {D1: 5, D1 + DAY: 6}
    book = api.sync()
    with by_hand(book) as file:
        file.execute("UPDATE usage SET input_tokens = 50 WHERE input_tokens = 5")
    proof = book.proof("embeddings", day(0))
    assert (proof.is_proved, proof.held["input_tokens"], proof.shown["input_tokens"]) == (False, 50, 5)
    assert proof.differs == ("2026-11-13",)
    assert "The book does not hold what was given in 2026-11-13" in " ".join(proof_text(proof, width=80).split())
    assert book.proof("embeddings", day(1)).is_proved


def test_damaged_bytes_are_found(api: Api) -> None:
    api.tokens = {D1: 5}
    book = api.sync()
    with by_hand(book) as file:
        file.execute("UPDATE internal.pages SET body = replace(decode(body), '5', '6')::BLOB WHERE page = 1")
    proof = book.proof("embeddings", day(0))
    assert [c.start for c in proof.damaged] == [D1]
    assert proof.requests[0].body == "one of its buckets is damaged"
    assert "DAMAGED" in proof_text(proof, width=80)
    assert book.proof("embeddings", day(1)).is_proved


def test_without_raw_buckets_the_request_and_its_hash_are_shown(api: Api) -> None:
    api.tokens = {D1: 5}
    book = api.sync("none")
    proof = book.proof("embeddings", day(0))
    assert (proof.is_proved, len(proof.lacking), proof.held["input_tokens"]) == (False, 1, 5)
    (request,) = proof.requests
    assert request.body == "its buckets were not kept"
    text = " ".join(proof_text(proof, width=80).split())
    assert "Not proved. No raw bucket is kept (see pages.keep in the settings)" in text
    assert request.row["sha256"] in text


def test_what_the_book_was_read_before_it_kept_proof_is_only_said_to_lack_it(api: Api) -> None:
    book = api.sync()
    with by_hand(book) as file:
        file.execute("DELETE FROM internal.pages; UPDATE internal.fetches SET envelope = NULL, pages = NULL")
    proof = book.proof("embeddings", day(0))
    assert (proof.requests, len(proof.lacking)) == ([], 1)
    assert "No raw bucket is kept" in proof_text(proof, width=80)


def test_an_earlier_content_that_was_restated_is_shown_with_its_time(api: Api) -> None:
    api.tokens = {D1 + 9 * DAY: 5}
    api.sync()
    for tokens in (5, 5, 7, 7, 7):
        api.clock.advance(3600)
        api.tokens = {D1 + 9 * DAY: tokens}
        book = api.sync()
    proof = book.proof("embeddings", day(9))
    (content,), (before,) = proof.contents, proof.earlier
    assert (proof.is_proved, content.numbers["input_tokens"], content.confirmed) == (True, 7, 2)
    assert content.confirmed_at == NOW.replace(tzinfo=None, microsecond=0) + dt.timedelta(hours=5)
    assert content.request is not None
    assert content.request.row["began_at"] == NOW.replace(tzinfo=None) + dt.timedelta(hours=3)
    assert (before.numbers["input_tokens"], before.reason) == (5, "restated")
    assert (before.recorded_at, before.replaced_at) == (
        NOW.replace(tzinfo=None) + dt.timedelta(microseconds=1),
        content.recorded_at,
    )
    text = proof_text(proof, width=80)
    assert "given again by 2 later requests, the last 2026-11-23 20:30:20 UTC" in text
    assert "Earlier contents" in text


def test_what_older_requests_gave_is_proved_without_those_that_gave_it_again(api: Api) -> None:
    for n in range(6):
        api.tokens = dict.fromkeys((D1 + 8 * DAY, D1 + 9 * DAY), 1 + n // 2)
        api.sync(since="2026-11-19")
        api.clock.advance(3600)
    listed = [len(api.sync(since="2026-11-19").store.rows("fetches"))]
    api.clock.advance(9 * DAY)
    book = api.sync(since="2026-11-19")
    listed.append(len(book.store.rows("fetches")))
    assert listed[1] < listed[0] / 2
    proof = book.proof("embeddings", day(9))
    assert (proof.is_proved, [c.numbers["input_tokens"] for c in proof.earlier]) == (True, [1, 2])
    assert proof.contents[0].request is not None
    assert proof.contents[0].request.row["began_at"] == NOW.replace(tzinfo=None) + dt.timedelta(hours=4)
    assert proof.contents[0].confirmed == 2, "the newest, and the newest of the old"
    made_again = book.rebuild()
    assert (made_again.is_equal, made_again.unproved) == (True, 0)


def test_a_body_of_which_a_bucket_is_gone_cannot_be_put_together_again(api: Api) -> None:
    api.tokens = {MIDNIGHT: 1}
    api.sync()
    api.clock.advance(3600)
    api.tokens = {MIDNIGHT: 2}
    book = api.sync(since="2026-11-20")
    old, new = book.proof("embeddings", day(0)), book.proof("embeddings", day(9))
    assert [r.body for r in old.requests] == ["1 of its 11 buckets are no longer kept"]
    assert (old.is_proved, new.is_proved) == (True, True)
    assert [r.body for r in new.requests] == ["1 of its 11 buckets are no longer kept"]
    assert [r.body for r in book.proof("embeddings", day(10)).requests] == ["recomputed, equal"]


@pytest.mark.parametrize("spaces", [None, 0, 2])
def test_a_body_is_recomputed_whatever_white_space_it_has(api: Api, spaces: int | None) -> None:
    api.tokens, api.spaces = {D1: 5}, spaces
    proof = api.sync().proof("embeddings", day(0))
    assert proof.requests[0].body == "recomputed, equal"


SPACE = st.text(" \n\t", max_size=3)


@given(st.lists(st.just('{"object":"bucket"}'), max_size=3), SPACE, SPACE, st.sampled_from([",", ", "]))
def test_bodies_are_put_together_from_what_is_around_their_buckets(
    buckets: list[str], before: str, after: str, comma: str
) -> None:
    body = f'{{"object":"page","data":[{before}{comma.join(buckets)}{after}],"next_page":null}}'
    cut = f'{{"object":"page","data":[{before}{after}],"next_page":null}}'
    assert body.encode() in bodies(cut.encode(), [b.encode() for b in buckets])


def test_hours_of_a_day_are_proved_one_by_one_and_an_open_one_too(api: Api) -> None:
    api.width = "1h"
    api.tokens = {MIDNIGHT + n * 3600: n for n in range(16)}
    proof = api.sync().proof("embeddings", day(10))
    assert (proof.is_proved, len(proof.contents), proof.shown["input_tokens"]) == (True, 16, sum(range(16)))
    text = proof_text(proof, width=80)
    assert max(map(len, text.splitlines())) <= 80
    assert "and 6 more: --json has all" in text
    assert "more" not in proof_text(proof, rows=16, width=80)
    with_names = replace(proof, where={"project_id": ("proj_a",)})
    assert ", project_id proj_a" in proof_text(with_names, width=80)


def test_a_proof_as_json_has_every_row_as_it_came(api: Api) -> None:
    api.tokens = {D1: 5}
    proof = api.sync().proof("embeddings", day(0), where={"project": "proj_a"})
    data = json.loads(json.dumps(proof.as_dict()))
    assert data["buckets"][0]["rows"] == [json.dumps(api._rows(D1)[0])]
    assert data["buckets"][0]["request"] == 0
    assert (data["is_proved"], data["held"]["input_tokens"], data["where"]) == (True, "5", {"project_id": ["proj_a"]})
    assert data["requests"][0]["sha256"] == proof.requests[0].row["sha256"]
    assert data["requests"][0]["began_at"] == "2026-11-23T15:30:20.000000Z"


def test_a_proof_of_nothing_is_no_proof() -> None:
    assert not Proof("o", "costs", D1, {}, {}, 0, (), (), ()).is_proved
