"""Whatever a server answers: it is taken whole, or a `ProviderError` says why not; nothing is half accepted."""

from __future__ import annotations

import contextlib
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from tallybook.collect import directory
from tallybook.collect.entries import merge
from tallybook.collect.openai import read
from tallybook.collect.refusals import Ask, ask
from tallybook.collect.values import money
from tallybook.model.datasets import HELD, dataset
from tallybook.model.errors import ProviderError
from tallybook.model.schema import parsed
from tallybook.model.windows import DAY, naive, subtract
from tests.emulator.wire import MIDNIGHT, NOW
from tests.faults.fuzzing import START, WINDOW, Replies, client, fuzz, little, pages, replies, words


def of_dataset(*names: str) -> st.SearchStrategy[tuple[str, Replies]]:
    return st.sampled_from(names).flatmap(lambda name: st.tuples(st.just(name), replies(pages(name))))


@fuzz(of_dataset("completions", "costs", "costs_by_user"), sample=200)
def test_any_answers_give_whole_rows_or_a_provider_error(case: tuple[str, Replies]) -> None:
    known = HELD[case[0]]
    with client(case[1]) as http:
        try:
            got = read(http, known, WINDOW, known.asked)
        except ProviderError:
            return
    got.rows.validate(full=True)
    assert got.rows.schema == parsed(known)
    assert set(got.rows["start_time"].to_pylist()) <= {naive(at) for at in range(START, MIDNIGHT, DAY)}


@fuzz(of_dataset("completions", "costs"))
def test_of_any_window_something_is_said(case: tuple[str, Replies]) -> None:
    known = dataset(case[0])
    with client(case[1]) as http:
        try:
            outcome = ask(http, Ask(known, WINDOW, known.asked), now=MIDNIGHT + 60)
        except ProviderError:
            return
    said = [*(r.window for r in outcome.reads), *(r.span for r in outcome.refusals if r.dimension is None)]
    assert subtract([WINDOW], [*said, *(f.window for f in outcome.failures)]) == []
    assert all(WINDOW.start <= span.start < span.end <= WINDOW.end for span in said)


PERSON = {"id": "user_1", "name": "N", "email": "n@example.com"}
ITEM = {
    **PERSON, "object": "x", "created_at": 5, "archived_at": None, "owner": {"type": "user", "user": PERSON},
    "projects": {"data": [{"id": "proj_1", "name": "P"}]}, "status": "active", "role": "owner", "model": "m",
}  # fmt: skip
LISTED = {"object": "list", "data": [ITEM, {**ITEM, "id": "b"}], "has_more": False, "last_id": "b", "next": None}


@fuzz(replies(LISTED), sample=60, much=3_000)
def test_any_directory_gives_entries_that_can_be_kept_or_a_provider_error(given: Replies) -> None:
    with client(given) as http:
        try:
            found = directory.collect(http)
        except ProviderError:
            return
    rows = merge("default", [], found.entries, NOW.replace(tzinfo=None))
    store = little().store
    store.put("directory", rows, key=("org", "kind", "id"))
    kept = {(r["kind"], r["id"], r["name"]) for r in store.rows("directory")}
    assert {(r["kind"], r["id"], r["name"]) for r in rows} <= kept


numbers = st.one_of(
    st.integers(), st.decimals(allow_nan=True, allow_infinity=True), st.decimals().map(str), words, st.none(),
    st.from_regex(r"[+-]?\d{0,40}\.?\d{0,40}([eE][+-]?\d{1,9})?", fullmatch=True), st.lists(st.integers(), max_size=1),
)  # fmt: skip


@fuzz(numbers, sample=300, much=20_000)
def test_an_amount_is_exact_to_18_places_or_refused(value: Any) -> None:
    try:
        kept, lost = money(value)
    except ValueError:
        return
    if value is None:
        assert (kept, lost) == (None, False)
        return
    assert kept is not None
    exact = Decimal(value)
    assert kept.is_finite()
    assert abs(kept) < Decimal(10) ** 20
    with contextlib.suppress(ArithmeticError):
        assert abs(kept - exact) <= Decimal("5e-19")
    assert lost == (kept != exact)
