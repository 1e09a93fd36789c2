"""An answer as a table for a terminal: times, groups, numbers, what they are compared with, totals at the foot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

from tallybook.query.answer import PREVIOUS
from tallybook.query.metrics import Metric
from tallybook.query.question import Query
from tallybook.show.cells import Row, Shown, change, slot_text, texts
from tallybook.show.marks import bar, sparkline
from tallybook.show.numbers import UNKNOWN
from tallybook.show.result import Result
from tallybook.show.tables import Column, fits, spare, table_text

_BEFORE = {"previous": "before", "year": "year ago"}
_SHORTEST, _LONGEST = 8, 24
"""How wide bars and sparklines are at least, else they are left out, and how wide bars are at most."""
_GROUPS = 20
"""How many groups have a total of their own at the foot."""


def result_table(result: Result, width: int | None = None, *, drawn: bool = False) -> str:
    """Return an answer as a table with totals at the foot; `drawn` adds bars, and a sparkline per group over time.

    What it is compared with is left out where it does not fit, but for the change.
    """
    assert result.query is not None  # noqa: S101 - only answers are shown as tables
    table = _Table(result, result.query, feet=_feet(result, result.query) if drawn else [])
    columns = table.columns()
    remarks = []
    if width is not None and result.comparison and not fits(columns, width):
        columns = table.columns(with_before=False)
        remarks.append("What was before does not fit here; --format csv has it.")
    if drawn and (room := spare(columns, width)) >= _SHORTEST:
        columns.append(table.drawing(min(room, _LONGEST), room))
    if table.is_in_several_currencies:
        remarks.insert(0, "Currencies are never added.")
    return "\n\n".join([table_text(columns, width), *([" ".join(remarks)] if remarks else [])])


def result_columns(result: Result) -> list[Column]:
    """Return an answer cut into the columns of its table, with totals at the foot."""
    assert result.query is not None  # noqa: S101 - only answers are shown as tables
    return _Table(result, result.query, feet=()).columns()


def _feet(result: Result, query: Query) -> list[Row]:
    """Return the groups whose totals over time stand at the foot."""
    if not (query.is_timed and query.by and result.overall.num_rows > 1):
        return []
    return list(result.overall.slice(0, _GROUPS).to_pylist())


@dataclass(frozen=True)
class _Table:
    """An answer cut into columns."""

    result: Result
    query: Query
    feet: Sequence[Row]
    """Groups with their totals."""

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        # What rounding leaves is no difference between the bill and its split; the totals have it all the same.
        every = self.result.rows()
        return [row for i, row in enumerate(every) if i not in self.result.rounding] or every

    @cached_property
    def whole(self) -> list[dict[str, Any]]:
        return list(self.result.whole.to_pylist())

    @property
    def is_in_several_currencies(self) -> bool:
        return any(m.has_currency for m in self.query.metrics) and len({r["currency"] for r in self.rows} - {None}) > 1

    def columns(self, *, with_before: bool = True) -> list[Column]:
        """Return times, groups and numbers."""
        out = []
        if self.query.is_timed:
            out.append(Column(self.query.grain, [slot_text(r["time"], self.query.grain) for r in self.rows]))
        out += [self._labels(d.name, is_last=d is self.query.by[-1]) for d in self.query.by]
        for m in self.query.metrics:
            write = texts(m, self.rows)
            out.append(self._column(m.name, partial(write, column=m.name)))
            if self.result.comparison:
                out += self._compared(m, write)[not with_before :]
        if len(self.rows) > 1 and not out[0].is_number:
            foot = list(out[0].foot) + [""] * (len(self.feet) + self._gap - len(out[0].foot))
            out[0] = replace(out[0], foot=[*foot, "total"])
        return out

    def _compared(self, m: Metric, write: Shown) -> list[Column]:
        then = m.name + PREVIOUS
        return [
            self._column(_BEFORE[self.query.compare or ""], partial(write, column=then)),
            self._column("change", lambda those: [change(r[m.name], r[then], m) for r in those]),
        ]

    @property
    def _gap(self) -> int:
        """How many lines keep the totals of groups apart from the total of all."""
        return 0 if not self.feet else 1

    def _labels(self, name: str, *, is_last: bool) -> Column:
        more = self.result.overall.num_rows - len(self.feet)
        gap = f"… {more:,} more groups" if is_last and more > 0 else ""
        foot = [*(str(r[name]) for r in self.feet), gap] if self.feet else []
        return Column(name, [str(r[name]) for r in self.rows], is_label=True, foot=foot)

    def _column(self, name: str, write: Callable[[Sequence[Row]], list[str]]) -> Column:
        """Return a column of numbers: of each row, of each group at the foot, of all together."""
        foot: list[str] = []
        if len(self.rows) > 1:
            foot = [*write(self.feet), *[""] * self._gap, *(write(self.whole) or [UNKNOWN])]
        return Column(name, write(self.rows), is_number=True, foot=foot)

    def drawing(self, width: int, room: int) -> Column:
        """Return bars of the first metric beside times or groups; of groups over time, sparklines at the foot."""
        name = self.query.metrics[0].name
        if self.query.is_timed and self.query.by:
            return Column("", [""] * len(self.rows), foot=[self._spark(group, name, room) for group in self.feet])
        largest: dict[Any, Any] = {}
        for row in self.rows:
            kind = row.get("currency")
            largest[kind] = max(largest.get(kind, 0), abs(row[name] or 0))
        return Column("", [bar(r[name], largest[r.get("currency")], width) for r in self.rows])

    def _spark(self, group: Row, name: str, room: int) -> str:
        keys = [k for k in group if k == "currency" or any(k in (d.name, d.column) for d in self.query.by)]
        values = [r[name] for r in self.rows if all(r[k] == group[k] for k in keys)]
        return sparkline(values, room)
