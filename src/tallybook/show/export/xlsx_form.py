"""Rows as a workbook: typed and formatted, row by row to disk, on further sheets where one is full."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.compute as pc

from tallybook.model.errors import MissingExtraError
from tallybook.show.export.cells import headers, is_number, neutral
from tallybook.show.export.content import Content
from tallybook.show.export.xlsx_about import PLACES, coverage_sheet
from tallybook.show.export.xlsx_formats import Formats

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.workbook import Workbook
    from xlsxwriter.worksheet import Worksheet

ROWS = 1_048_576
"""The most rows of a sheet, the header included."""
_EPOCH, _DAY = 25_569, 86_400
"""1970-01-01 in days since 1899-12-30, and seconds of a day."""
_STEP, _DIGITS = Decimal(1).scaleb(-PLACES), Context(prec=50)
_SAMPLE, _WIDEST = 1_000, 60
_ILLEGAL = r"[\x{FFFE}\x{FFFF}]"
"""What XML cannot hold, and the library does not escape."""


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of a batch, ready to be written."""

    method: str
    """Of the worksheet."""
    values: Sequence[Any]
    formats: Sequence[Format | None]


def write(out: BinaryIO, content: Content, rows: int = ROWS) -> None:
    """Write sheets of at most so many `rows`, and one that says what they rest on; `out` is a file with a name."""
    try:
        import xlsxwriter
        import xlsxwriter.exceptions
    except ImportError as exc:
        raise MissingExtraError("A workbook (xlsx)", "xlsx") from exc
    # Sheets grow in temporary files beside the workbook, where there is room for it, too.
    with tempfile.TemporaryDirectory(prefix=".tallybook-", dir=Path(out.name).parent) as folder:
        book = xlsxwriter.Workbook(out, {"constant_memory": True, "tmpdir": folder, "use_zip64": True})
        try:
            formats = Formats(book)
            _Data(book, formats, content, rows).write()
            coverage_sheet(book, formats, content)
            book.close()
        except xlsxwriter.exceptions.FileCreateError as exc:
            raise cast("OSError", exc.args[0]) from None
        finally:
            for sheet in book.worksheets():
                sheet.row_data_fh.close()
            book.fileclosed = True  # else it tries once more when it is collected


class _Data:
    """The rows, on as many sheets as they take."""

    def __init__(self, book: Workbook, formats: Formats, content: Content, rows: int) -> None:
        self._book = book
        self._formats = formats
        self._content = content
        self._rows = rows
        self._names: list[str] = content.schema.names
        self._widths = [len(name) + 4 for name in self._names]
        self._sheets: list[Worksheet] = []
        self._at = 0

    def write(self) -> None:
        """Write all rows; there is a sheet even where there are none."""
        self._begin()
        for batch in self._content.batches:
            self._measure(batch)
            columns = [self._column(batch, name) for name in self._names]
            done = 0
            while done < batch.num_rows:
                if self._at == self._rows:
                    self._end()
                    self._begin()
                until = min(batch.num_rows, done + self._rows - self._at)
                self._put(columns, done, until)
                done = until
        self._end()

    def _begin(self) -> None:
        number = f" {len(self._sheets) + 1}" if self._sheets else ""
        sheet = self._book.add_worksheet(f"Data{number}{'' if self._content.is_complete else ' (incomplete)'}")
        self._sheets.append(sheet)
        if not self._content.is_complete:
            sheet.set_tab_color("#C00000")
        for i, (name, safe) in enumerate(zip(self._names, headers(self._content.schema), strict=True)):
            sheet.write_string(0, i, name, self._formats("head", is_quoted=name != safe))
        sheet.freeze_panes(1, 0)
        self._at = 1

    def _end(self) -> None:
        sheet = self._sheets[-1]
        sheet.autofilter(0, 0, max(self._at - 1, 1), len(self._names) - 1)
        for i, width in enumerate(self._widths):
            sheet.set_column(i, i, min(width + 2, _WIDEST))

    def _measure(self, batch: pa.RecordBatch) -> None:
        """Widen columns to the values of the first rows."""
        if len(self._sheets) > 1 or self._at > 1:
            return
        for i, values in enumerate(batch.slice(0, _SAMPLE).columns):
            if pa.types.is_string(values.type):
                longest = pc.max(pc.utf8_length(values)).as_py() or 0
            else:
                longest = 14 if is_number(values.type) else 10 if self._names[i] in self._content.days else 16
            self._widths[i] = max(self._widths[i], longest)

    def _column(self, batch: pa.RecordBatch, name: str) -> _Column:
        values, length = batch[name], batch.num_rows
        if pa.types.is_string(values.type):
            legal = pc.replace_substring_regex(values, pattern=_ILLEGAL, replacement="\N{REPLACEMENT CHARACTER}")
            runs = pc.not_equal(neutral(values), values).to_pylist()
            quoted = self._formats("text", is_quoted=True)
            return _Column("write_string", legal.to_pylist(), [quoted if flag else None for flag in runs])
        if pa.types.is_boolean(values.type):
            return _Column("write_boolean", values.to_pylist(), [None] * length)
        if pa.types.is_timestamp(values.type):
            form = self._formats("day" if name in self._content.days else "moment")
            return _Column("write_number", _serial(values), [form] * length)
        return _Column("write_number", _numbers(values), self._number_formats(batch, name))

    def _number_formats(self, batch: pa.RecordBatch, name: str) -> list[Format]:
        unit = self._content.units.get(name, "")
        if unit.startswith("money") and "currency" in self._names:
            return [self._formats(unit, currency) for currency in batch["currency"].to_pylist()]
        whole = pa.types.is_integer(batch[name].type)
        kind = unit if unit == "share" or unit.startswith("money") else "whole" if whole else "number"
        return [self._formats(kind)] * batch.num_rows

    def _put(self, columns: Sequence[_Column], start: int, end: int) -> None:
        sheet = self._sheets[-1]
        writers = [getattr(sheet, column.method) for column in columns]
        for i in range(start, end):
            for j, column in enumerate(columns):
                if (value := column.values[i]) is not None:
                    writers[j](self._at, j, value, column.formats[i])
            self._at += 1


def _serial(values: pa.Array) -> list[float | None]:
    """Return moments as workbooks count them, in days."""
    seconds = values.cast(pa.timestamp("s"), safe=False).cast(pa.int64()).to_pylist()
    return [None if v is None else v / _DAY + _EPOCH for v in seconds]


def _numbers(values: pa.Array) -> list[float | int | None]:
    if pa.types.is_decimal(values.type):
        return [None if v is None else float(v.quantize(_STEP, context=_DIGITS)) for v in values.to_pylist()]
    return [v if v is not None and math.isfinite(v) else None for v in values.to_pylist()]
