"""What a book must hold, from the bodies that were served alone: later reads replace earlier ones bucket by bucket."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from tests.query.served.provider import WIDTHS, Served

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bucket as it was read last."""

    org: str
    dataset: str
    """`costs_by_user` and `costs_by_api_key` are the splits of `costs`."""
    start: int
    end: int
    asked: frozenset[str]
    """What it was grouped by."""
    read_at: int
    sync: int
    rows: tuple[Row, ...]

    @property
    def known_until(self) -> int:
        return min(self.end, self.read_at)


Held = dict[tuple[str, str], dict[int, Bucket]]
"""By organization and dataset, by start."""


def held(served: Iterable[Served], syncs: int) -> Held:
    """Return what is held after so many syncs."""
    out: Held = {}
    for answer in served:
        if answer.sync >= syncs or not answer.group_by:  # ungrouped: a control total
            continue
        name = answer.path.removeprefix("usage/")
        for by in ("api_key", "user"):
            if name == "costs" and f"{by}_id" in answer.group_by:
                name = f"costs_by_{by}"
        _take(out.setdefault((answer.org, name), {}), answer, name)
    return out


def _take(buckets: dict[int, Bucket], answer: Served, name: str) -> None:
    page = json.loads(answer.text, parse_float=Decimal)
    assert page["has_more"] is False
    said = {bucket["start_time"]: bucket["results"] for bucket in page["data"]}
    step = WIDTHS[answer["bucket_width"]]
    for start in range(int(answer["start_time"]), min(int(answer["end_time"]), answer.at), step):
        rows = tuple(map(_plain, said.get(start, ())))
        asked = frozenset(answer.group_by)
        _put(buckets, Bucket(answer.org, name, start, start + step, asked, answer.at, answer.sync, rows))


def _plain(row: Row) -> Row:
    """Return a row with its money as two values."""
    amount = row.get("amount")
    return row if amount is None else row | {"amount": Decimal(amount["value"]), "currency": amount["currency"]}


def _put(buckets: dict[int, Bucket], new: Bucket) -> None:
    old = buckets.get(new.start)
    if old and old.end == new.end and not old.asked <= new.asked and _total(old) == _total(new):
        # Told apart by less than what is held, and the same in all: what is held stays.
        new = replace(old, read_at=new.read_at, sync=new.sync)
    for start, other in list(buckets.items()):
        if start < new.end and new.start < other.end:
            assert other.end - start >= new.end - new.start, "the book coarsened by itself"
            del buckets[start]
    buckets[new.start] = new


def _total(bucket: Bucket) -> dict[tuple[str, str | None], Any]:
    out: dict[tuple[str, str | None], Any] = {}
    for row in bucket.rows:
        for name, value in row.items():
            if isinstance(value, int | Decimal) and not isinstance(value, bool):
                key = (name, row.get("currency"))
                out[key] = out.get(key, 0) + value
    return {key: value for key, value in out.items() if value}
