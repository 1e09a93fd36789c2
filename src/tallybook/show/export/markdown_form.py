"""Rows as a table of GitHub's Markdown; below it, what they rest on."""

from __future__ import annotations

from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from tallybook.model.arrow import column
from tallybook.show.export.cells import cells, constant, headers, is_number, joined, repeated
from tallybook.show.export.content import Content
from tallybook.show.export.csv_form import whole_text

_BAR, _NOTHING = constant(" | "), constant("")
_MARKS = r"([\\`*\[\]<>|~&$]|\b_|_\b)"
"""What would be read as markup; an underscore within a word is none."""
_PUTS = ((r"\pC|\s", " "), (_MARKS, r"\\\1"))


def write(out: BinaryIO, content: Content) -> None:
    """Write the table, then the range, the coverage and the notes."""
    head = [_escaped(column([name], pa.string())) for name in headers(content.schema)]
    marks = ["---:" if is_number(kind) else "---" for kind in content.schema.types]
    _put(out, head)
    _put(out, [column([mark], pa.string()) for mark in marks])
    for batch in content.batches:
        texts = zip(batch.schema.types, cells(batch, content.days), strict=True)
        _put(out, [_escaped(values) if pa.types.is_string(kind) else values for kind, values in texts])
    for line in content.lines:
        _put(out, [_escaped(column([line], pa.string()))], before="\n", after="\n")


def _escaped(values: pa.Array) -> pa.Array:
    for pattern, replacement in _PUTS:
        values = pc.replace_substring_regex(values, pattern=pattern, replacement=replacement)
    return values


def _put(out: BinaryIO, columns: list[pa.Array], before: str = "| ", after: str = " |\n") -> None:
    length = len(columns[0])
    if length:
        edges = repeated(before, length), repeated(after, length)
        out.write(whole_text(joined([edges[0], joined(columns, _BAR), edges[1]], _NOTHING)))
