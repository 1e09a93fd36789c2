"""Hours of the day and days of the week: what clocks in the zone show, and never of buckets that are longer."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tallybook.book import Book
from tallybook.model.errors import UnanswerableError
from tests.books import hold

CHANGE = {"since": "2026-10-25", "until": "2026-10-25", "tz": "Europe/Berlin"}
"""The Sunday of 25 hours."""
WEEK = {"since": "2026-10-19", "until": "2026-10-25"}


def tokens(day: int, hour: int, n: int) -> dict[str, Any]:
    return {"day": f"2026-10-{day}", "hour": hour, "output_tokens": n}


def told(book: Book, dimension: str, **words: Any) -> dict[str, int]:
    rows = book.query("output_tokens", by=dimension, **words).rows()
    return {row[dimension]: row["output_tokens"] for row in rows}


def by_hours(book: Book) -> None:
    rows = [tokens(24, 22, 1), tokens(25, 0, 2), tokens(25, 1, 4), tokens(25, 2, 8), tokens(25, 12, 16)]
    hold(book, "completions", "2026-10-19", "2026-10-27", rows, width="1h")


def by_days(book: Book) -> None:
    hold(book, "completions", "2026-10-19", "2026-10-26", [tokens(21, 0, 1), tokens(25, 0, 2)])


def test_an_hour_that_clocks_go_through_twice_is_one_hour_of_the_day(empty: Book) -> None:
    by_hours(empty)
    assert told(empty, "hour", **CHANGE) == {"00": 1, "02": 6, "03": 8, "13": 16}
    assert told(empty, "weekday", **CHANGE) == {"Sunday": 31}
    assert told(empty, "hour", **CHANGE, where={"hour": ["02", "1*"]}) == {"02": 6, "13": 16}
    assert told(empty, "hour", **CHANGE | {"tz": "UTC"}) == {"00": 2, "01": 4, "02": 8, "12": 16}
    assert told(empty, "weekday", **WEEK, tz="UTC") == {"Saturday": 1, "Sunday": 30}


def test_a_day_has_no_hours(empty: Book) -> None:
    by_days(empty)
    text = r"held by 1d until 2026-10-26, which has no hour in UTC\. Ask from 2026-10-26 on, or without hour\."
    hold(empty, "completions", "2026-10-26", "2026-10-27", width="1h")
    longer = {"since": "2026-10-19", "until": "2026-10-26"}
    for words in ({"by": "hour"}, {"where": {"hour": "00"}}, {"by": "hour", "grain": "day"}):
        with pytest.raises(UnanswerableError, match=text):
            empty.query("output_tokens", **longer, **words)  # type: ignore[arg-type]
    assert told(empty, "hour", since="2026-10-26", until="2026-10-26") == {}
    assert told(empty, "weekday", **WEEK) == {"Wednesday": 1, "Sunday": 2}
    with pytest.raises(UnanswerableError, match=r"which has no hour in UTC\. Ask without hour\."):
        empty.query("output_tokens", by="hour", **WEEK)


def test_where_clocks_are_not_at_the_hour_an_hour_of_utc_is_in_two_days_of_the_week(empty: Book) -> None:
    by_hours(empty)
    exact = {"since": "2026-10-20T00:00Z", "until": "2026-10-25T00:00Z"}
    for told_by in ("hour", "weekday"):
        text = (
            rf"held by 1h until 2026-10-27, which has no {told_by} in Asia/Kolkata\. Ask without {told_by}, or in UTC\."
        )
        with pytest.raises(UnanswerableError, match=text):
            empty.query("output_tokens", by=told_by, **exact, tz="Asia/Kolkata")
    assert told(empty, "weekday", **exact, tz="Asia/Tokyo") == {"Sunday": 1}


def test_a_day_of_utc_is_in_two_days_of_the_week_elsewhere(empty: Book) -> None:
    by_days(empty)
    exact = {"since": "2026-10-20T00:00Z", "until": "2026-10-25T00:00Z"}
    with pytest.raises(UnanswerableError, match="has no weekday in Europe/Berlin"):
        empty.query("output_tokens", by="weekday", **exact, tz="Europe/Berlin")
    assert told(empty, "weekday", **exact, tz="Africa/Abidjan") == {"Wednesday": 1}


def test_an_open_day_of_which_one_hour_is_known_has_that_hour(empty: Book) -> None:
    def read(hour: int) -> None:
        known = dt.datetime(2026, 10, 25, hour, 30, tzinfo=dt.UTC)
        hold(empty, "completions", "2026-10-25", "2026-10-26", [tokens(25, 0, 2)], read_at=known)

    read(0)
    day = {"since": "2026-10-25", "until": "2026-10-25"}
    (row,) = empty.query("output_tokens", by="hour", **day).rows()
    assert row["hour"] == "00"
    read(1)
    with pytest.raises(UnanswerableError, match="has no hour"):
        empty.query("output_tokens", by="hour", **day)


def test_both_sides_of_a_comparison_must_have_hours(empty: Book) -> None:
    for name, since, width in (("completions", "2026-10-19", "1d"), ("completions", "2026-10-26", "1h")):
        hold(empty, name, since, "2026-10-26" if width == "1d" else "2026-11-02", width=width)
    week = {"since": "2026-10-26", "until": "2026-11-01"}
    assert len(empty.query("output_tokens", **week, compare="previous")) == 1
    assert len(empty.query("output_tokens", by="hour", **week)) == 0
    with pytest.raises(UnanswerableError, match="held by 1d until 2026-10-26, which has no hour"):
        empty.query("output_tokens", by="hour", **week, compare="previous")
