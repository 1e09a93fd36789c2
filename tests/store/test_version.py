"""A text that says whether a book may have changed, without waiting for anybody."""

import datetime as dt

from tests.store.book import StoreUnderTest

MOMENT = dt.datetime(2026, 11, 1)  # noqa: DTZ001 - as books have time
NOTE = {"org": "acme", "start_time": MOMENT, "end_time": MOMENT, "kind": "other", "recorded_at": MOMENT}


def test_the_version_changes_with_every_write_and_not_with_reading(book: StoreUnderTest) -> None:
    store = book.store
    seen = [store.version()]
    for number in range(3):
        store.put("notes", [{**NOTE, "text": str(number)}])
        seen.append(store.version())
        assert len(store.rows("notes")) == number + 1
        assert store.version() == seen[-1]
    assert len({*seen}) == 4
