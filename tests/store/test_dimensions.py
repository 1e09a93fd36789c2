"""Rule 5: a read that was asked with fewer dimensions than are held is compared by its total."""

from decimal import Decimal

from tallybook.model.windows import naive
from tests.store.book import ALL, D0, DAY, HOUR, NOON, StoreUnderTest, cost, read, usage

LATER = NOON + HOUR
FEWER = tuple(d for d in ALL if d != "user_id")


def people(at: int, *tokens: int) -> list[dict[str, object]]:
    return [usage(at, n, user_id=f"user_{i}") for i, n in enumerate(tokens)]


def test_an_equal_total_keeps_the_dimensions_and_only_renews_the_time_of_reading(book: StoreUnderTest) -> None:
    book.write(read("completions", D0, D0 + DAY, *people(D0, 2, 3)))
    before = book.rows("usage")
    total = usage(D0, 5, num_model_requests=2)
    changes = book.write(read("completions", D0, D0 + DAY, total, dimensions=FEWER, at=LATER))
    assert (changes.inserted, changes.removed, changes.notes) == (0, 0, [])
    assert book.rows("usage") == before
    assert book.held() == [(0, DAY, "1d", ALL, LATER - D0)]


def test_another_total_replaces_the_bucket_with_a_note_of_what_is_lost(book: StoreUnderTest) -> None:
    book.write(read("completions", D0, D0 + DAY, *people(D0, 2, 3)))
    changes = book.write(read("completions", D0, D0 + DAY, usage(D0, 6), dimensions=FEWER, at=LATER))
    assert [(n.kind, n.span.start, "user_id" in n.text) for n in changes.notes] == [("regrouped", D0, True)]
    assert book.facts() == [(0, "1d", "proj_a", 6)]
    assert book.held() == [(0, DAY, "1d", FEWER, LATER - D0)]
    reasons = {row[2:] for row in book.history()}
    assert reasons == {("regrouped", False)}
    assert book.rows("notes", "kind", "start_time") == [("regrouped", naive(D0))]


def test_each_bucket_of_a_window_is_judged_by_itself(book: StoreUnderTest) -> None:
    book.write(read("completions", D0, D0 + 2 * DAY, *people(D0, 2, 3), *people(D0 + DAY, 4)))
    rows = [usage(D0, 5, num_model_requests=2), usage(D0 + DAY, 9)]
    book.write(read("completions", D0, D0 + 2 * DAY, *rows, dimensions=FEWER, at=LATER))
    assert book.facts() == [(0, "1d", "proj_a", 2), (0, "1d", "proj_a", 3), (DAY, "1d", "proj_a", 9)]
    assert [(start, dims) for start, _, _, dims, _ in book.held()] == [(0, ALL), (DAY, FEWER)]


def test_numbers_that_are_unknown_count_as_nothing_in_a_total(book: StoreUnderTest) -> None:
    book.write(read("completions", D0, D0 + DAY, usage(D0, 5, user_id="user_1", input_cached_tokens=None)))
    row = usage(D0, 5, input_cached_tokens=0)
    assert book.write(read("completions", D0, D0 + DAY, row, dimensions=FEWER, at=LATER)).removed == 0


def test_an_empty_bucket_equals_an_empty_bucket(book: StoreUnderTest) -> None:
    book.write(read("completions", D0, D0 + DAY))
    changes = book.write(read("completions", D0, D0 + DAY, dimensions=FEWER, at=LATER))
    assert changes.notes == []
    assert book.held() == [(0, DAY, "1d", ALL, LATER - D0)]


def test_currencies_are_not_set_off_against_each_other(book: StoreUnderTest) -> None:
    book.write(read("costs", D0, D0 + DAY, cost(D0, "5"), cost(D0, "3", "eur")))
    rows = [cost(D0, "3", line_item=None), cost(D0, "5", "eur", line_item=None)]
    changes = book.write(read("costs", D0, D0 + DAY, *rows, dimensions=["project_id"], at=LATER))
    assert changes.removed == 2
    assert [n.kind for n in changes.notes] == ["regrouped"]


def test_quantities_are_not_missed_where_no_line_item_was_asked_for(book: StoreUnderTest) -> None:
    book.write(read("costs", D0, D0 + DAY, cost(D0, "5", quantity=Decimal(7)), cost(D0, "3", line_item="storage")))
    bare = cost(D0, "8", line_item=None, quantity_unit=None)
    changes = book.write(read("costs", D0, D0 + DAY, bare, dimensions=["project_id"], at=LATER))
    assert (changes.inserted, changes.removed) == (0, 0)
    assert sorted(book.rows("costs", "quantity"), key=str) == [(Decimal(7),), (None,)]


def test_more_dimensions_are_taken_in_on_an_ordinary_read(book: StoreUnderTest) -> None:
    book.write(read("completions", D0, D0 + DAY, usage(D0, 5), dimensions=FEWER))
    book.write(read("completions", D0, D0 + DAY, *people(D0, 2, 3), at=LATER))
    assert book.facts() == [(0, "1d", "proj_a", 2), (0, "1d", "proj_a", 3)]
    assert book.held() == [(0, DAY, "1d", ALL, LATER - D0)]
    assert book.rows("notes") == []
