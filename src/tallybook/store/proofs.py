"""What proves a number: the requests behind reads, raw buckets, and the rows that were made of them. Portable SQL."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from tallybook.store.base import Store, table_of
from tallybook.store.facts import TABLES, which

Rows = list[dict[str, Any]]

_WINDOW = "SELECT DISTINCT query FROM internal.fetches WHERE org = ? AND dataset = ? AND envelope IS NOT NULL"


def queries(store: Store, org: str, dataset: str) -> list[str]:
    """Return every query of which rows of a dataset were made."""
    return [row["query"] for row in store.read(_WINDOW, [org, dataset]).to_pylist()]


def requests(store: Store, org: str, dataset: str, asked: Iterable[str]) -> Rows:
    """Return the requests of a dataset with one of these queries of which rows were made, in the order of commits."""
    text = (
        "SELECT * FROM internal.fetches WHERE org = ? AND dataset = ? AND envelope IS NOT NULL "
        "AND list_contains(?::VARCHAR[], query) ORDER BY recorded_at, began_at"
    )
    found: Rows = store.read(text, [org, dataset, list(asked)]).to_pylist()
    return found


def pages(store: Store, org: str, dataset: str, start: dt.datetime, end: dt.datetime) -> Rows:
    """Return the raw buckets of a dataset that begin in `[start, end)`, in order; times are naive UTC."""
    text = (
        "SELECT * FROM internal.pages WHERE org = ? AND dataset = ? AND start_time >= ? AND start_time < ? "
        "ORDER BY start_time, page"
    )
    found: Rows = store.read(text, [org, dataset, start, end]).to_pylist()
    return found


def numbered(store: Store, numbers: Iterable[int]) -> Rows:
    """Return the raw buckets with these numbers, as far as they are kept."""
    text = "SELECT * FROM internal.pages WHERE page IN (SELECT unnest(?::BIGINT[]))"
    found: Rows = store.read(text, [list(numbers)]).to_pylist()
    return found


def facts(store: Store, org: str, dataset: str, start: dt.datetime, end: dt.datetime) -> Rows:
    """Return the rows held of a dataset in buckets that begin in `[start, end)`; times are naive UTC."""
    table = TABLES[table_of(dataset)]
    text = f"SELECT * FROM {table.place} WHERE org = ? AND start_time >= ? AND start_time < ?"
    params = [org, start, end]
    if table.which:
        text, params = f"{text} AND {table.which} = ?", [*params, which(dataset)]
    found: Rows = store.read(f"{text} ORDER BY start_time", params).to_pylist()
    return found


def commits(store: Store) -> list[dt.datetime]:
    """Return when something was written that rows were made of, in order."""
    text = "SELECT DISTINCT recorded_at FROM internal.fetches WHERE envelope IS NOT NULL ORDER BY recorded_at"
    return [row["recorded_at"] for row in store.read(text).to_pylist()]


def committed(store: Store, first: dt.datetime, last: dt.datetime) -> Rows:
    """Return the requests that commits from `first` to `last` made rows of, in order."""
    text = (
        "SELECT * FROM internal.fetches WHERE recorded_at BETWEEN ? AND ? AND envelope IS NOT NULL "
        "ORDER BY recorded_at, began_at"
    )
    found: Rows = store.read(text, [first, last]).to_pylist()
    return found


def covered(store: Store) -> Rows:
    """Return what coverage ever said: org, dataset, span, and when it was committed."""
    columns = "org, dataset, start_time, end_time, width, recorded_at"
    tables = ("coverage", "coverage_history")
    text = " UNION ALL ".join(f"SELECT {columns} FROM internal.{table}" for table in tables)
    found: Rows = store.read(text).to_pylist()
    return found
