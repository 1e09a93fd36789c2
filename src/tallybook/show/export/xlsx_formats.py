"""How a workbook shows its cells: made once for each kind of number, and each currency."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tallybook.show.numbers import SYMBOLS

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.workbook import Workbook

_LOOKS: dict[str, dict[str, Any]] = {
    "head": {"bold": True, "bottom": 1},
    "text": {},
    "wrapped": {"text_wrap": True, "valign": "top"},
    "day": {"num_format": "yyyy-mm-dd", "align": "left"},
    "moment": {"num_format": "yyyy-mm-dd hh:mm", "align": "left"},
    "whole": {"num_format": "#,##0"},
    "number": {"num_format": "#,##0.00####"},
    "share": {"num_format": "0.0%"},
}
_CENTS, _FINER = "#,##0.00", "#,##0.00####"
"""Amounts, and what a single thing costs."""
_CODE = re.compile(r"[A-Za-z]{1,8}")


class Formats:
    """The formats of a workbook by what they are for."""

    def __init__(self, book: Workbook) -> None:
        self._book = book
        self._made: dict[tuple[str, str | None, bool], Format] = {}

    def __call__(self, kind: str, currency: str | None = None, *, is_quoted: bool = False) -> Format:
        """Return the format of a kind of cell, or of `money` in a currency.

        What is quoted stays text also where somebody types into the cell, as if it had an apostrophe before it.
        """
        key = (kind, currency, is_quoted)
        if key not in self._made:
            looks = _LOOKS.get(kind) or ({"num_format": _amount(kind, currency)} if kind.startswith("money") else {})
            self._made[key] = self._book.add_format({**looks, "quote_prefix": is_quoted})
        return self._made[key]


def _amount(kind: str, currency: str | None) -> str:
    digits = _CENTS if kind == "money" else _FINER
    if symbol := SYMBOLS.get(currency or ""):
        return f'"{symbol}"{digits};-"{symbol}"{digits}'
    return f'{digits} "{currency.upper()}"' if currency and _CODE.fullmatch(currency) else digits
