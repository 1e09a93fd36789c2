"""Rows as lines of JSON: money as text, so that no digit is lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

import pyarrow as pa

from tallybook.show.export.cells import text
from tallybook.show.export.content import Content


def write(out: BinaryIO, content: Content) -> None:
    """Write one object per row and line."""
    out.writelines(b"".join(row + b"\n" for row in rows) for rows in encoded(content))


def encoded(content: Content) -> Iterator[list[bytes]]:
    """Yield the rows of each batch as JSON."""
    import msgspec

    encode = msgspec.json.Encoder().encode
    for batch in content.batches:
        yield [encode(row) for row in _plain_rows(batch, content)]


def rows(content: Content) -> Iterator[dict[str, Any]]:
    """Yield rows as JSON has them: decimals as text, moments as `2026-10-31T17:00:00Z`, without the Z if not UTC."""
    for batch in content.batches:
        yield from _plain_rows(batch, content)


def _plain_rows(batch: pa.RecordBatch, content: Content) -> Iterator[dict[str, Any]]:
    columns = [_plain(values, "Z" if content.is_utc else "") for values in batch.columns]
    return (dict(zip(batch.schema.names, row, strict=True)) for row in zip(*columns, strict=True))


def _plain(values: pa.Array, zone: str) -> list[Any]:
    if pa.types.is_timestamp(values.type):
        return [v and f"{v[:10]}T{v[11:]}{zone}" for v in text(values).to_pylist()]
    found: list[Any] = (text(values) if pa.types.is_decimal(values.type) else values).to_pylist()
    return found
