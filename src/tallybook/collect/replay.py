"""Reads as they were once made, from the requests and raw buckets that a book has kept. Pure."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import pyarrow as pa

from tallybook.collect.parse import parse
from tallybook.model.datasets import HELD, Dataset
from tallybook.model.packing import unpacked
from tallybook.model.windows import Window, unix
from tallybook.store.ranges import expand


@dataclass(frozen=True, slots=True)
class Recorded:
    """A read of which rows were made, as the book remembers it."""

    org: str
    dataset: Dataset
    window: Window
    dimensions: tuple[str, ...]
    """The `group_by` values asked for, sorted."""
    read_at: int
    """When its first request began, Unix seconds."""
    recorded_at: dt.datetime
    """When it was committed, naive UTC."""
    requests: tuple[Mapping[str, Any], ...]
    """Rows of `fetches`, in the order in which they were asked."""

    @property
    def pages(self) -> list[int] | None:
        """The numbers of its raw buckets; None where the book kept none of them."""
        if any(r["pages"] is None for r in self.requests):
            return None
        return [number for r in self.requests for number in expand(r["pages"])]


def window_of(query: str) -> Window:
    """Return the window that a query asks for."""
    asked = dict(parse_qsl(query))
    return Window(int(asked["start_time"]), int(asked["end_time"]), asked["bucket_width"])


def recorded(requests: Iterable[Mapping[str, Any]]) -> list[Recorded]:
    """Return the reads behind rows of `fetches`, in the order of the commits that wrote them."""
    groups: dict[Any, list[Mapping[str, Any]]] = {}
    for row in sorted(requests, key=lambda r: (r["recorded_at"], r["began_at"])):
        pairs = [pair for pair in parse_qsl(row["query"]) if pair[0] != "page"]
        groups.setdefault((row["recorded_at"], row["org"], row["dataset"], tuple(pairs)), []).append(row)
    return [
        Recorded(
            org,
            HELD[name],
            window_of(rows[0]["query"]),
            tuple(sorted(value for key, value in pairs if key == "group_by[]")),
            unix(rows[0]["began_at"]),
            at,
            tuple(sorted(rows, key=lambda r: (r["began_at"], "&page=" in r["query"]))),
        )
        for (at, org, name, pairs), rows in groups.items()
    ]


def is_whole(page: Mapping[str, Any]) -> bool:
    """Return whether the bytes of a row of `pages` still are what was hashed."""
    try:
        digest = hashlib.sha256(unpacked(page["body"])).digest()
    except OSError:
        return False
    return bool(digest == page["hash"])


def rows_of(dataset: Dataset, window: Window, read_at: int, pages: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Return the rows that raw buckets in `window` give today; raises `UnexpectedResponseError`."""
    raw = [msgspec.Raw(unpacked(page["body"])) for page in pages]
    return parse(dataset, window, [{"data": raw}], read_at)[0]
