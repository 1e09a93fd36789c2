"""Columns as text: numbers with all their digits, and text that no spreadsheet takes for a formula."""

from __future__ import annotations

from collections.abc import Collection

import pyarrow as pa
import pyarrow.compute as pc

from tallybook.model.arrow import column

_BLANKS = r"[\s\pZ\pC]*"
_STARTS = r"[=+\-@＝＋－＠﹦﹢﹣﹫]"
"""What begins a formula, also as wide and small letters, which some spreadsheets read alike."""

_NEUTRAL = rf"(^|[;\t\r\n])({_BLANKS}{_STARTS})"
"""What a spreadsheet may run: the start of a text, or what is behind something that some take for the end of a cell."""


def constant(text: str) -> pa.Scalar:
    """Return a text as Arrow has it; `pyarrow.scalar` would load pandas."""
    return column([text], pa.string())[0]


_QUOTE, _POINT, _SIGN, _NOTHING = (constant(text) for text in ("'", ".", "-", ""))


def joined(parts: list[pa.Array], separator: pa.Scalar) -> pa.Array:
    """Return the columns of text as one; null is nothing."""
    return pc.binary_join_element_wise(*parts, separator, null_handling="replace", null_replacement="")


def repeated(text: str, length: int) -> pa.Array:
    """Return a column that says the same in every row."""
    return column([text] * length, pa.string())


def is_number(kind: pa.DataType) -> bool:
    """Return whether a column holds numbers."""
    return bool(pa.types.is_decimal(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind))


def neutral(values: pa.Array) -> pa.Array:
    """Return text with an apostrophe before what a spreadsheet would run. Numbers are no text."""
    mended = pc.replace_substring_regex(values, pattern=_NEUTRAL, replacement=r"\1'\2")
    odd = pc.match_substring_regex(mended, pattern=r"^[\t\r\n]")
    return pc.if_else(odd, joined([repeated("'", len(mended)), mended], _NOTHING), mended)


def text(values: pa.Array, *, is_day: bool = False) -> pa.Array:
    """Return a column as text, the same whatever the place in the world; null stays null."""
    if pa.types.is_decimal(values.type):
        return _decimals(values)
    if pa.types.is_timestamp(values.type):
        return (values.cast(pa.date32()) if is_day else values.cast(pa.timestamp("s"), safe=False)).cast(pa.string())
    return values.cast(pa.string())


def cells(batch: pa.RecordBatch, days: Collection[str]) -> list[pa.Array]:
    """Return the columns of a batch as text that may be opened in a spreadsheet."""
    return [
        neutral(values) if pa.types.is_string(values.type) else text(values, is_day=name in days)
        for name, values in zip(batch.schema.names, batch.columns, strict=True)
    ]


def headers(schema: pa.Schema) -> list[str]:
    """Return the names of columns as text that may be opened in a spreadsheet: users name metrics, too."""
    found: list[str] = neutral(column(schema.names, pa.string())).to_pylist()
    return found


def _decimals(values: pa.Array) -> pa.Array:
    """Return decimals with the digits that matter, never an exponent, which Arrow writes for small ones: `0E-18`."""
    scale = values.type.scale
    digits = values.view(pa.decimal128(38, 0)).cast(pa.string())
    if not scale:
        return digits
    sign = pc.if_else(pc.starts_with(digits, pattern="-"), repeated("-", len(digits)), repeated("", len(digits)))
    padded = pc.utf8_lpad(pc.utf8_ltrim(digits, characters="-"), width=scale + 1, padding="0")
    whole, rest = pc.utf8_slice_codeunits(padded, 0, -scale), pc.utf8_slice_codeunits(padded, -scale)
    number = pc.utf8_rtrim(
        pc.utf8_rtrim(pc.binary_join_element_wise(whole, rest, _POINT), characters="0"), characters="."
    )
    return pc.binary_join_element_wise(sign, number, _NOTHING)
