"""Tables as people save them: CSV with commas, semicolons or tabs, UTF-8 with or without a mark. Pure."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tallybook.model.errors import UsageError

_DELIMITERS = ",;\t"
_RISKY = re.compile(r"'*[=+\-@\t\r]")


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a table, with its line for people."""

    number: int
    cells: dict[str, str]
    """By column, without blanks around them."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table of text."""

    name: str
    """The file, for people."""
    columns: tuple[str, ...]
    lines: tuple[Line, ...]


def decoded(data: bytes, name: str) -> str:
    """Return the text of a file; raises `UsageError` where it is none."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise UsageError(f"{name} is not text in UTF-8. In Excel, save it as “CSV UTF-8”.")
    return text


def read(text: str, name: str) -> Sheet:
    """Return a table: a header, then rows; blank rows are left out. Raises `UsageError` that names the line."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(_DELIMITERS, key=re.sub(r'"[^"]*"', "", first).count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    columns: tuple[str, ...] = ()
    lines = []
    start = 1
    try:
        for found in reader:
            number, start = start, reader.line_num + 1
            cells = [cell.strip() for cell in found]
            if not any(cells):
                continue
            if not columns:
                columns = _header(cells, name, number)
                continue
            if any(cells[len(columns) :]):
                raise UsageError(
                    f"{name}, line {number}: {len(cells)} cells, where the header has {len(columns)} columns."
                )
            cells += [""] * (len(columns) - len(cells))
            lines.append(Line(number, dict(zip(columns, map(_harmful, cells), strict=False))))
    except csv.Error as exc:
        raise UsageError(f"{name}, line {reader.line_num}: {exc}.") from exc
    if not columns:
        raise UsageError(f"{name} is empty. Its first line must name the columns.")
    return Sheet(name, columns, tuple(lines))


def written(columns: Sequence[str], rows: Iterable[Sequence[str | None]]) -> str:
    """Return a table as CSV. What a spreadsheet would run begins with an apostrophe, which `read` takes away."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_harmless(cell or "") for cell in row] for row in rows)
    return out.getvalue()


def _header(cells: Sequence[str], name: str, number: int) -> tuple[str, ...]:
    columns = list(cells)
    while columns and not columns[-1]:
        columns.pop()
    for i, column in enumerate(columns):
        columns[i] = column or f"column {i + 1}"  # as pandas writes an index
        if column and column in columns[:i]:
            raise UsageError(f"{name}, line {number}: two columns are called {column!r}.")
    return tuple(columns)


def _harmless(cell: str) -> str:
    return f"'{cell}" if _RISKY.match(cell) else cell


def _harmful(cell: str) -> str:
    return cell[1:] if cell[:1] == "'" and _RISKY.match(cell) else cell
