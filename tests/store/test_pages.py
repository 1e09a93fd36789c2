"""Raw buckets: one row per content, numbered once; which of them stay, and what each request lists."""

import hashlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallybook.model.errors import StoreError
from tallybook.model.packing import packed, unpacked
from tallybook.model.records import Fetch, Note, Page
from tallybook.model.windows import Span, naive
from tallybook.store.ranges import compact, expand
from tests.store.book import D0, DAY, HOUR, NOON, StoreUnderTest, cost, fetch, read, usage


def answer(**texts: str) -> Fetch:
    """Return a request that was answered with buckets: `d0` is the first day, `h1` its second hour."""
    pages = []
    for name, text in texts.items():
        start = D0 + int(name[1:]) * {"d": DAY, "h": HOUR}[name[0]]
        pages.append(Page(start, hashlib.sha256(text.encode()).digest(), text.encode()))
    return replace(fetch(), envelope="{}", parsed_by="1", pages=tuple(pages))


def days(*tokens: int, at: int = D0 + 9 * DAY, texts: dict[str, str] | None = None, **more: Any) -> Any:
    """Return a read of the first days with one row each; a bucket says its tokens unless `texts` says otherwise."""
    said = {f"d{n}": str(tokens[n]) for n in range(len(tokens))} if texts is None else texts
    rows = [usage(D0 + n * DAY, t, **more) for n, t in enumerate(tokens)]
    dimensions = ["model"] if more else None
    return read(
        "completions", D0, D0 + len(tokens) * DAY, *rows, at=at, fetches=(answer(**said),), dimensions=dimensions
    )


def hours(*tokens: int) -> Any:
    rows = [usage(D0 + n * HOUR, t) for n, t in enumerate(tokens)]
    said = {f"h{n}": str(t) for n, t in enumerate(tokens)}
    return read("completions", D0, D0 + len(tokens) * HOUR, *rows, width="1h", at=NOON, fetches=(answer(**said),))


def pages(book: StoreUnderTest) -> list[tuple[int, str, Any]]:
    """Return number, body and reason of what is kept."""
    rows = book.rows("pages", "page", "body", "reason")
    return sorted((page, body.decode(), reason) for page, body, reason in rows)


def listed(book: StoreUnderTest) -> list[Any]:
    rows = book.store.read(f"SELECT pages FROM {book.internal}.fetches ORDER BY recorded_at").to_pylist()
    return [row["pages"] for row in rows]


@given(st.lists(st.integers(0, 99)))
def test_lists_of_numbers_are_short_texts(numbers: list[int]) -> None:
    assert expand(compact(numbers)) == numbers
    assert compact(range(17, 85)) == "17-84"


def test_a_bucket_is_kept_once_with_all_that_finds_it(book: StoreUnderTest) -> None:
    book.write(days(5, 6))
    before = book.rows("pages")
    assert {k: v for k, v in before[0].items() if k not in ("recorded_at", "body")} == {
        "page": 1,
        "org": "acme",
        "dataset": "completions",
        "width": "1d",
        "start_time": naive(D0),
        "hash": hashlib.sha256(b"5").digest(),
        "replaced_at": None,
        "reason": None,
    }
    book.write(days(5, 6, at=D0 + 10 * DAY))
    assert book.rows("pages") == before
    assert listed(book) == ["1-2", "1-2"]
    assert book.rows("fetches", "envelope", "parsed_by") == [("{}", "1")] * 2


def test_what_was_restated_stays_and_what_was_open_goes(book: StoreUnderTest) -> None:
    book.write(days(1, 5, 6, at=D0 + 2 * DAY + HOUR))
    assert pages(book) == [(1, "1", None), (2, "5", None), (3, "6", None)]
    book.write(days(1, 7, 8))
    assert pages(book) == [(1, "1", None), (2, "5", "restated"), (4, "7", None), (5, "8", None)]
    assert listed(book) == ["1-3", "1,4-5"]
    assert book.rows("pages", "page", "replaced_at")[1][1] == book.rows("usage_history", "replaced_at")[0][0]


def test_what_comes_back_is_current_again(book: StoreUnderTest) -> None:
    for tokens in (5, 7, 5, 7):
        book.write(days(tokens))
    assert pages(book) == [(1, "5", "restated"), (2, "7", None)]
    assert listed(book) == ["1", "2", "1", "2"]


def test_later_contents_of_a_large_bucket_are_packed_by_the_table(book: StoreUnderTest) -> None:
    texts = [str(tokens) * 20_000 for tokens in (5, 7, 8)]
    for tokens, text in zip((5, 7, 8), texts, strict=True):
        given = replace(answer(), pages=(Page(D0, *packed(text.encode())),))
        book.write(read("completions", D0, D0 + DAY, usage(D0, tokens), at=D0 + 9 * DAY, fetches=(given,)))
    first, *later = (body for _, body in sorted(book.rows("pages", "page", "body")))
    assert len(first) < 1_000
    assert unpacked(first).decode() == texts[0]
    assert later == [text.encode() for text in texts[1:]]


def test_other_bytes_with_the_same_rows_take_the_place_of_the_old(book: StoreUnderTest) -> None:
    for text in ("5", "5.0", "5.00"):
        book.write(days(5, texts={"d0": text}))
    assert pages(book) == [(3, "5.00", None)]


def test_finer_and_differently_grouped_buckets_take_the_place_of_the_old(book: StoreUnderTest) -> None:
    book.write(days(5, 6))
    book.write(days(7, at=NOON, model="m"))
    assert pages(book) == [(2, "6", None), (3, "7", None)]
    book.write(hours(*range(24)))
    assert [body for _, body, _ in pages(book)] == ["6", *map(str, range(24))]


def test_a_read_by_fewer_dimensions_of_equal_total_leaves_the_richer_bucket_its_proof(book: StoreUnderTest) -> None:
    book.write(days(5, 6))
    book.write(days(5, 7, model="m", texts={"d0": "five", "d1": "seven"}))
    assert pages(book) == [(1, "5", None), (4, "seven", None)]
    assert listed(book) == ["1-2", "3-4"]


def test_a_bucket_that_is_left_out_has_no_proof_any_more(book: StoreUnderTest) -> None:
    book.write(days(5, 6))
    left = read("completions", D0, D0 + 2 * DAY, usage(D0, 5), fetches=(answer(d0="5"),))
    book.write(left)
    assert pages(book) == [(1, "5", None), (2, "6", "restated")]
    assert listed(book)[1] == "1"


def test_a_bucket_that_had_not_begun_is_listed_and_not_kept(book: StoreUnderTest) -> None:
    book.write(days(5, 6, at=D0 + HOUR))
    assert (pages(book), listed(book)) == ([(1, "5", None)], ["1-2"])


def test_all_keeps_everything_that_was_ever_read(book: StoreUnderTest) -> None:
    book.write(days(5, 6, at=D0 + 2 * HOUR), keep="all")
    book.write(days(5, 7, model="m", texts={"d0": "five", "d1": "seven"}), keep="all")
    assert [(body, reason) for _, body, reason in pages(book)] == [
        ("5", None),
        ("6", "unused"),
        ("five", "unused"),
        ("seven", None),
    ]


def test_another_setting_holds_from_the_next_write_on(book: StoreUnderTest) -> None:
    book.write(days(5, at=D0 + HOUR), keep="all")
    book.write(days(6), keep="all")
    book.write(days(9), keep="all", org="other")
    assert [reason for _, _, reason in pages(book)] == ["open", None, None]
    book.write(keep="current")
    assert [body for _, body, _ in pages(book)] == ["6", "9"]
    book.write(keep="none")
    assert pages(book) == [(3, "9", None)]


def test_a_book_that_keeps_none_lists_none(book: StoreUnderTest) -> None:
    book.write(days(5, texts={}), keep="none")
    assert (pages(book), listed(book)) == ([], [None])
    assert book.rows("fetches", "envelope") == [("{}",)]


def test_a_number_is_given_once(book: StoreUnderTest) -> None:
    for tokens in (5, 6, 7):
        book.write(days(tokens, at=D0 + HOUR))
    assert (pages(book), listed(book)) == ([(3, "7", None)], ["1", "2", "3"])


def test_pages_belong_to_an_organization_a_dataset_and_a_bucket(book: StoreUnderTest) -> None:
    book.write(days(5, 5))
    book.write(days(5), org="other")
    bill = answer(d0="5")
    book.write(read("costs", D0, D0 + DAY, cost(D0), fetches=(bill,)))
    assert [row["page"] for row in book.rows("pages")] == [1, 2, 3, 4]
    book.write(days(6, 6))
    assert book.rows("pages", "org", "dataset", "reason") == [
        ("acme", "completions", "restated"),
        ("acme", "completions", "restated"),
        ("other", "completions", None),
        ("acme", "costs", None),
        ("acme", "completions", None),
        ("acme", "completions", None),
    ]


def test_a_write_that_fails_leaves_no_proof(book: StoreUnderTest) -> None:
    book.write(days(5))
    before = book.rows("pages"), book.rows("fetches")
    nothing = Note("completions", Span(D0, D0 + DAY), "identity", None)  # type: ignore[arg-type]
    with pytest.raises(StoreError, match=r"(?i)not.null"):
        book.write(days(6), notes=(nothing,))
    assert (book.rows("pages"), book.rows("fetches")) == before


def test_a_large_commit_keeps_every_byte(book: StoreUnderTest) -> None:
    texts = {f"h{n}": f"{n}," * (n % 7 * 400) for n in range(40 * 24)}
    whole = read("completions", D0 - 0, D0 + 40 * DAY, width="1h", at=D0 + 99 * DAY, fetches=(answer(**texts),))
    book.write(whole)
    assert [body for _, body, _ in pages(book)] == list(texts.values())
    assert listed(book) == ["1-960"]
