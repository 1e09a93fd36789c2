"""What users hold in their hands: an answer, or data straight from the API, as rows, frames and text."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

import pyarrow as pa

from tallybook.model.datasets import MEASURES, Dataset
from tallybook.model.errors import MissingExtraError
from tallybook.model.windows import Span
from tallybook.query.clocks.compare import Comparison
from tallybook.query.clocks.time import Range, known_text
from tallybook.query.coverage import Coverage, Gap
from tallybook.query.question import Query

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Money = Literal["float", "decimal"]


@dataclass(frozen=True)
class Result:
    """An answer. It prints as a table; money in rows and Arrow is exact."""

    table: pa.Table
    """Arrow; see `tallybook.query.answer.Answer` for the columns."""
    range: Range
    """The half-open range that was used, UTC."""
    coverage: Coverage
    """What is missing, and as of when."""
    query: Query | None = None
    """The question; None for data that was fetched directly."""
    notes: tuple[str, ...] = ()
    """Remarks on how the question was understood."""
    rounding: frozenset[int] = frozenset()
    """Rows, by number, in which rounding alone keeps the bill and its split apart; tables leave them out."""
    overall: pa.Table = field(default_factory=lambda: pa.table({}))
    """The groups of `table` over the whole range: what does not add up over time is right here."""
    whole: pa.Table = field(default_factory=lambda: pa.table({}))
    """Everything together, one row per currency."""
    spans: tuple[Span, ...] = ()
    """The slot of time of each row of `table`, half-open Unix seconds."""
    comparison: Comparison | None = None
    """What it is compared with."""
    rank: Callable[[str], Sequence[str]] | None = field(default=None, compare=False, repr=False)
    """Gives the ids of a dimension in the whole book, the largest first; colours follow it in every picture."""

    @property
    def basis(self) -> str:
        """The range in words, the organizations where there are several, the moment whose knowledge was asked for."""
        if self.query is None:
            return str(self.range)
        orgs, then = self.query.orgs, self.query.as_of
        whose = f", {', '.join(orgs[:-1])} and {orgs[-1]}" if len(orgs) > 1 else ""
        known = f", as known at {known_text(then)}" if then else ""
        return f"{self.range}{f', {self.comparison}' if self.comparison else ''}{whose}{known}"

    @cached_property
    def status(self) -> tuple[str, ...]:
        """Per row: `stable`, `provisional` (it may still change), `open` (its time has not ended) or `missing`."""
        from tallybook.show.status import statuses

        return statuses(self)

    def rows(self) -> list[dict[str, Any]]:
        """Return one dict per row: money as `Decimal`, time as naive UTC `datetime`."""
        found: list[dict[str, Any]] = self.table.to_pylist()
        return found

    def to_arrow(self) -> pa.Table:
        """Return the Arrow table, money as decimal(38, 18)."""
        return self.table

    def to_pandas(self, *, money: Money = "float") -> pd.DataFrame:
        """Return a DataFrame: money float64 (or `Decimal`), counts Int64, text None where absent, time naive UTC."""
        pandas = _pandas()
        frame: pd.DataFrame = self.table.to_pandas(types_mapper=_nullable(pandas))
        return _finish(frame, self.table, money)

    def to_polars(self, *, money: Money = "float") -> pl.DataFrame:
        """Return a polars DataFrame: money Float64, or exact Decimal with `money="decimal"`."""
        try:
            import polars
        except ImportError as exc:
            raise MissingExtraError("to_polars()", "polars") from exc
        table = self.table if money == "decimal" else _floats(self.table)
        frame = polars.from_arrow(table)
        assert isinstance(frame, polars.DataFrame)  # noqa: S101 - a table never becomes a Series
        return frame

    def plot(
        self,
        kind: str | None = None,
        *,
        ax: Axes | None = None,
        title: str | None = None,
        top: int | None = None,
        theme: str = "light",
        other: float = 0.05,
    ) -> Figure:
        """Return a matplotlib figure, which a notebook shows; save it with `.savefig("cost.png")`.

        `kind` is `stack`, `bars`, `area`, `line`, `rank`, `donut`, `heat` or `waterfall`; without it, the shape of the
        answer decides. `top` is how many series are drawn, the rest is Other; a donut also folds shares below `other`.
        `theme` is `light` or `dark`. `ax` draws into axes of yours and returns their figure. Raises `UsageError`.
        """
        from tallybook.show.plots import plot

        return plot(self, kind, theme, ax=ax, title=title, top=top, other=other)

    def about(self) -> dict[str, Any]:
        """Return as JSON-ready values what the rows rest on: query, range, coverage and notes."""
        return {
            "query": self.query.as_dict() if self.query else None,
            "range": self.range.as_dict(),
            **({"comparison": str(self.comparison)} if self.comparison else {}),
            "coverage": self.coverage.as_dict(),
            "notes": list(self.notes),
        }

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values: query, range, coverage and rows; money as text, so that no digit is lost.

        Each row also has its `status`.
        """
        from tallybook.show.export.content import of_result
        from tallybook.show.export.jsonl_form import rows

        return self.about() | {"rows": [*rows(of_result(self))]}

    def to_json(self) -> str:
        """Return `to_dict()` as JSON text."""
        out = io.BytesIO()
        self.write(out, format="json")
        return out.getvalue().decode().rstrip("\n")

    def save(self, path: str | Path, *, format: str | None = None, force: bool = False) -> Path:  # noqa: A002
        """Write the rows to a file, exact and each with its `status`; return its path.

        `format` is csv, json, jsonl, parquet, xlsx or markdown; by default the suffix says it. A file that is there
        already is overwritten only with `force`. csv, jsonl and parquet get a second file, `FILE.coverage.json`.
        Raises `UsageError`, `ExportError` where it cannot be written (nothing is left of it then), and
        `MissingExtraError` for xlsx without its library.
        """
        from tallybook.show.export.content import of_result
        from tallybook.show.export.forms import form_of
        from tallybook.show.export.save import save

        target = Path(path).expanduser()
        save(of_result(self), target, form_of(target, format), force=force)
        return target

    def write(self, out: BinaryIO, *, format: str) -> None:  # noqa: A002
        """Write what `save` does to a stream, in one of the formats that are text."""
        from tallybook.show.export.content import of_result
        from tallybook.show.export.forms import form_of
        from tallybook.show.export.save import send

        send(of_result(self), out, form_of(Path(), format))

    def __getstate__(self) -> dict[str, Any]:
        """Leave the book behind when this is copied to another process."""
        return {**self.__dict__, "rank": None}

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {len(self)} rows, {self.basis}; {self.coverage}>"

    def _repr_html_(self) -> str:
        from tallybook.show.html import result_html

        return result_html(self)


@dataclass(frozen=True, repr=False)
class Fetched(Result):
    """Data straight from the API, without a book."""

    dataset: Dataset | None = None
    raw: tuple[dict[str, Any], ...] = ()
    """The decoded buckets as the server sent them, in order; numbers with a point are `Decimal`."""
    missing: tuple[Gap, ...] = field(default=())
    """What could not be had, with the reason; empty unless partial data was allowed."""

    def to_pandas(self, *, money: Money = "float") -> pd.DataFrame:
        """Return a DataFrame in the shape of OpenAI's cookbook notebook.

        Usage: `start_datetime, end_datetime, start_time, end_time`, the measures, the dimensions; costs: `start_time,
        end_time, amount_value, currency, line_item, project_id, start_datetime, end_datetime`, then newer fields.
        Times are naive UTC and Unix seconds; the notebook's measures are int64 with 0 for absent, newer ones Int64;
        every dimension is there, None where it was not grouped by.
        """
        pandas = _pandas()
        table = self._notebook_table()
        frame: pd.DataFrame = table.to_pandas(types_mapper=_nullable(pandas))
        frame = _finish(frame, table, money)
        for name in table.column_names:
            if name in ("start_time", "end_time") or (name in MEASURES and MEASURES[name].first):
                frame[name] = frame[name].fillna(0).astype("int64")
            if name == "batch":
                frame[name] = frame[name].astype(object).where(frame[name].notna(), None)
        return frame

    def _notebook_table(self) -> pa.Table:
        assert self.dataset is not None  # noqa: S101 - the only constructor call passes one
        unix = {f"{edge}_time": self.table[f"{edge}_time"].cast(pa.timestamp("s")).cast(pa.int64()) for edge in _EDGES}
        date = {f"{edge}_datetime": self.table[f"{edge}_time"] for edge in _EDGES}
        if self.dataset.is_costs:
            own = {"amount_value": self.table["amount"], "currency": self.table["currency"]}
            notebook = {name: self.table[name] for name in ("line_item", "project_id")}
            newer = {n: self.table[n] for n in ("quantity", "quantity_unit", "api_key_id", "user_id", "api_source")}
            columns = unix | own | notebook | date | newer
        else:
            columns = date | unix | {name: self.table[name] for name in _notebook_order(self.dataset)}
        if self.table["extra"].null_count < len(self):
            columns["extra"] = self.table["extra"]
        return pa.table(columns)


_EDGES = ("start", "end")
_NOTEBOOK = (
    "input_tokens", "output_tokens", "input_cached_tokens", "input_audio_tokens", "output_audio_tokens",
    "num_model_requests", "project_id", "user_id", "api_key_id", "model", "batch",
)  # fmt: skip
"""The columns of the notebook's frame after the four of time, in its order."""


def _notebook_order(dataset: Dataset) -> list[str]:
    names = [*dataset.measures, *dataset.dimensions]
    if not set(_NOTEBOOK) <= set(names):
        return names
    return [*_NOTEBOOK, *(n for n in names if n not in _NOTEBOOK)]


def _pandas() -> Any:
    try:
        import pandas
    except ImportError as exc:
        raise MissingExtraError("to_pandas()", "pandas") from exc
    return pandas


def _nullable(pandas: Any) -> Any:
    kinds = {pa.int64(): pandas.Int64Dtype()}
    return kinds.get


def _money_columns(table: pa.Table) -> list[str]:
    return [f.name for f in table.schema if pa.types.is_decimal(f.type)]


def _floats(table: pa.Table) -> pa.Table:
    for name in _money_columns(table):
        i = table.column_names.index(name)
        table = table.set_column(i, name, table[name].cast(pa.float64()))
    return table


def _finish(frame: pd.DataFrame, table: pa.Table, money: Money) -> pd.DataFrame:
    """Make money float64 unless exact decimals were asked for, and absent text None."""
    for name in _money_columns(table):
        if money == "float":
            frame[name] = table[name].cast(pa.float64()).to_pandas()
    for column in table.schema:
        if pa.types.is_string(column.type):
            frame[column.name] = frame[column.name].astype(object).where(frame[column.name].notna(), None)
    return frame


def decimal_text(value: Decimal) -> str:
    """Return all digits that matter, never an exponent: `12.5`, `0`, `-0.000001`."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") or "0" if "." in text else text


def concat(tables: Sequence[pa.Table], schema: pa.Schema) -> pa.Table:
    """Return the tables one after the other, with `schema` even when there is none."""
    return pa.concat_tables([schema.empty_table(), *tables])
