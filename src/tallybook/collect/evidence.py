"""What is behind one number of the book, as data: requests, contents of buckets, and whether they fit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tallybook.model.datasets import MEASURES
from tallybook.model.windows import iso

Numbers = dict[str, Any]
"""Number, such as `input_tokens` or `amount usd`, to its sum; None where no row says it."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request that gave the held content of one bucket or more."""

    row: Mapping[str, Any] = field(repr=False)
    """Of the table `fetches`."""
    body: str
    """Whether the hash of its body was computed again, and if not, why."""

    @property
    def key(self) -> tuple[Any, ...]:
        """What tells it from others."""
        return (self.row["recorded_at"], self.row["query"], self.row["began_at"])

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        row = {k: self.row[k] for k in ("path", "query", "status", "attempts", "seconds", "bytes", "sha256")}
        times = {k: _moment(self.row[k]) for k in ("began_at", "recorded_at")}
        return {**row, **times, "request_id": self.row["request_id"], "body": self.body}


@dataclass(frozen=True, slots=True)
class Content:
    """One content of a bucket: the one that is held, or an earlier one."""

    start: int
    """Of the bucket, Unix seconds."""
    width: str
    page: int | None = None
    """The number of its raw bucket; None where none is kept."""
    hash: str = ""
    is_whole: bool | None = None
    """Whether its bytes have that hash now."""
    rows: tuple[str, ...] = field(default=(), repr=False)
    """The rows asked for, exactly as they came."""
    numbers: Numbers = field(default_factory=dict)
    """Their sums."""
    request: Request | None = None
    """Which gave it."""
    confirmed: int = 0
    """How many later requests gave the same again, of those that the book still lists."""
    confirmed_at: dt.datetime | None = None
    """When the last of these began, naive UTC."""
    recorded_at: dt.datetime | None = None
    """When it came into the book, naive UTC."""
    replaced_at: dt.datetime | None = None
    reason: str | None = None
    """Why another content took its place."""

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return {
            "start": iso(self.start),
            "width": self.width,
            "page": self.page,
            "sha256": self.hash or None,
            "is_whole": self.is_whole,
            "rows": list(self.rows),
            "numbers": {k: _plain(v) for k, v in self.numbers.items()},
            "confirmed": self.confirmed,
            "confirmed_at": _moment(self.confirmed_at),
            "recorded_at": _moment(self.recorded_at),
            "replaced_at": _moment(self.replaced_at),
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class Proof:
    """What is behind the numbers of one dataset on one UTC day."""

    org: str
    dataset: str
    day: int
    """Its midnight, Unix seconds."""
    where: Mapping[str, Sequence[str]]
    held: Numbers
    """The numbers in the book."""
    held_rows: int
    contents: tuple[Content, ...]
    """The held content of every bucket, in order."""
    earlier: tuple[Content, ...]
    """Contents that are kept beside it, in order."""
    differs: tuple[str, ...]
    """Buckets whose rows do not give the numbers that the book holds."""

    @property
    def shown(self) -> Numbers:
        """The numbers that the raw rows give."""
        return flows(total(c.numbers for c in self.contents))

    @property
    def lacking(self) -> list[Content]:
        """The buckets of which no raw bucket is kept."""
        return [c for c in self.contents if c.page is None]

    @property
    def damaged(self) -> list[Content]:
        """The buckets whose bytes are not those that were hashed."""
        return [c for c in self.contents if c.is_whole is False]

    @property
    def is_proved(self) -> bool:
        """Whether every bucket is there with the bytes that were hashed and they give what the book holds."""
        return bool(self.contents) and not (self.lacking or self.damaged or self.differs)

    @property
    def requests(self) -> list[Request]:
        """The requests behind the held contents, each once."""
        return list({c.request.key: c.request for c in self.contents if c.request}.values())

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-ready values; numbers are exact texts."""
        requests = self.requests
        keys = [r.key for r in requests]
        return {
            "org": self.org,
            "dataset": self.dataset,
            "day": iso(self.day),
            "where": {k: list(v) for k, v in self.where.items()},
            "is_proved": self.is_proved,
            "held": {k: _plain(v) for k, v in self.held.items()},
            "shown": {k: _plain(v) for k, v in self.shown.items()},
            "differs": list(self.differs),
            "requests": [r.as_dict() for r in requests],
            "buckets": [
                c.as_dict() | {"request": keys.index(c.request.key) if c.request else None} for c in self.contents
            ],
            "earlier": [c.as_dict() for c in self.earlier],
        }


def _moment(value: dt.datetime | None) -> str | None:
    return None if value is None else value.isoformat(timespec="microseconds") + "Z"


def _plain(value: Any) -> str | None:
    return None if value is None else f"{value:f}" if isinstance(value, Decimal) else str(value)


def flows(numbers: Numbers) -> Numbers:
    """Return what may be added up over time."""
    return {name: n for name, n in numbers.items() if name not in MEASURES or MEASURES[name].kind == "flow"}


def total(parts: Iterable[Numbers]) -> Numbers:
    """Return sums; what no part says is left out."""
    out: Numbers = {}
    for part in parts:
        for name, number in part.items():
            before = out.get(name)
            out[name] = number if before is None else before if number is None else before + number
    return {name: number for name, number in out.items() if number is not None}
