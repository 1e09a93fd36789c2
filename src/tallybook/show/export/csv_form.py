"""Rows as CSV (RFC 4180 with bare newlines): numbers with all digits, nothing that a spreadsheet would run."""

from __future__ import annotations

from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from tallybook.model.arrow import column
from tallybook.show.export.cells import cells, constant, headers, joined, repeated
from tallybook.show.export.content import Content

_NEEDS_QUOTES = r'[",;\t\r\n]|^\s|\s$|^$'
"""Text that separators of any dialect, or blanks that readers trim, would break; empty text is not "no value"."""
_COMMA, _NOTHING = constant(","), constant("")


def write(out: BinaryIO, content: Content) -> None:
    """Write a header and the rows."""
    head = [_quoted(column([name], pa.string())) for name in headers(content.schema)]
    _put(out, head)
    for batch in content.batches:
        texts = zip(batch.schema.types, cells(batch, content.days), strict=True)
        _put(out, [_quoted(values) if pa.types.is_string(kind) else values for kind, values in texts])


def _quoted(values: pa.Array) -> pa.Array:
    mark = repeated('"', len(values))
    inside = pc.replace_substring(values, pattern='"', replacement='""')
    quoted = pc.binary_join_element_wise(mark, inside, mark, _NOTHING)
    return pc.if_else(pc.match_substring_regex(values, pattern=_NEEDS_QUOTES), quoted, values)


def _put(out: BinaryIO, columns: list[pa.Array]) -> None:
    if not len(columns[0]):
        return
    lines = joined([joined(columns, _COMMA), repeated("\n", len(columns[0]))], _NOTHING)
    out.write(whole_text(lines))


def whole_text(lines: pa.Array) -> memoryview:
    """Return a column of text as it lies in memory, one value after the other."""
    return memoryview(lines.buffers()[2])
