"""What is handed to a store: reads with their rows, requests, refusals, notes, and rows of small tables."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from tallybook.model.windows import Span, Window

Told = tuple[str, str, str, str]
"""Kind and id of who or what is named, `name` or `email`, and the text."""


@dataclass(frozen=True, slots=True)
class Page:
    """One raw bucket object, as it was cut from the body of an answer."""

    start: int
    """Of the bucket, Unix seconds."""
    hash: bytes
    """SHA-256 of its bytes."""
    body: bytes
    """Its bytes; those of a large one compressed (zstd)."""


@dataclass(frozen=True, slots=True)
class Fetch:
    """One answered request, for the append-only list of requests."""

    dataset: str
    """A dataset, or the kind of a directory list."""
    path: str
    query: str
    """As sent; never holds the key."""
    began_at: dt.datetime
    """Aware, UTC."""
    seconds: float
    attempts: int
    status: int
    bytes: int
    sha256: str
    """Of the body."""
    request_id: str | None = None
    envelope: str | None = field(default=None, compare=False, repr=False)
    """The body without its buckets; only of an answer behind a read."""
    parsed_by: str | None = field(default=None, compare=False, repr=False)
    """The version of tallybook that made rows of it."""
    pages: tuple[Page, ...] = field(default=(), compare=False, repr=False)
    """Its buckets, in order; none where the book keeps none."""


@dataclass(frozen=True, slots=True)
class Note:
    """A remark about the quality of data, kept in the book and shown by `status`."""

    dataset: str
    span: Span
    kind: str
    """`identity`, `precision`, `rewidened`, `regrouped`, …"""
    text: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something that the API will not give: a verdict, not a failure."""

    dataset: str
    span: Span
    reason: str
    width: str | None = None
    """Only at this width, or at any."""
    dimension: str | None = None
    """Only this `group_by` value; the rest was given."""
    final: bool = False
    """No later request can succeed."""
    expires_at: int | None = None
    """When it is worth asking again, Unix seconds; None leaves it to the store (24 hours, later 7 days)."""


@dataclass(frozen=True, slots=True)
class Read:
    """One window of one dataset, read whole."""

    dataset: str
    window: Window
    dimensions: tuple[str, ...]
    """The `group_by` values asked for, sorted."""
    read_at: int
    """When the request that read it began, Unix seconds."""
    rows: pa.Table
    """As `schema.parsed(dataset)`. To a store also None: they are those that are held, only the read is new."""
    fetches: tuple[Fetch, ...] = ()
    notes: tuple[Note, ...] = ()
    told: tuple[Told, ...] = ()
    """Names and e-mails that rows tell in passing."""
    buckets: tuple[dict[str, object], ...] = field(default=(), repr=False)
    """The decoded buckets, only where they were asked for."""


@dataclass(frozen=True, slots=True)
class Swap:
    """Rows of a small table of state that take the place of others."""

    table: str
    rows: tuple[Mapping[str, Any], ...] = ()
    where: Mapping[str, Any] = field(default_factory=dict)
    """The rows whose columns equal these go; without any, all."""
    within: Span | None = None
    """Only those that begin in it go."""
