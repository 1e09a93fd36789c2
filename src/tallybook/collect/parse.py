"""Pages to one exact Arrow table. Pure: the same pages give the same rows, or a clear error.

Rows are decoded and turned into columns a few hundred at a time, so that a large page costs little more memory
than its text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NoReturn

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from tallybook.collect.answers import decode
from tallybook.collect.values import AMOUNT, MONEY, amounts, checked, extra, integers, money, names, quoted, split
from tallybook.model.arrow import column
from tallybook.model.datasets import Dataset
from tallybook.model.errors import UnexpectedResponseError
from tallybook.model.records import Note, Told
from tallybook.model.schema import parsed
from tallybook.model.windows import SECONDS, Span, Window, floor, iso, unix

__all__ = ["IDENTITIES", "MONEY", "buckets", "money", "parse"]

_CHUNK = 500
"""Rows that are held decoded at once, give or take a bucket."""

IDENTITIES: dict[str, tuple[str, ...]] = {
    "input_tokens": ("input_cached_tokens", "input_cache_write_tokens", "input_uncached_tokens"),
    "input_uncached_tokens": ("input_text_tokens", "input_audio_tokens", "input_image_tokens"),
    "input_cached_tokens": ("input_cached_text_tokens", "input_cached_audio_tokens", "input_cached_image_tokens"),
    "input_cache_write_tokens": ("input_cache_write_30m_tokens", "input_cache_write_12h_tokens"),
    "output_tokens": ("output_text_tokens", "output_audio_tokens", "output_image_tokens"),
}
"""Whole and parts; checked where every part is given. Inferred from OpenAI's examples, so a violation is a note."""


def parse(
    dataset: Dataset,
    window: Window,
    pages: Iterable[Mapping[str, Any]],
    read_at: int,
    told: set[Told] | None = None,
) -> tuple[pa.Table, tuple[Note, ...]]:
    """Return the rows of `window` (as `schema.parsed`) and notes about their quality.

    `data` of a page lists buckets, decoded or as `msgspec.Raw`. Equal combinations of dimensions within one bucket
    are summed. Raises `UnexpectedResponseError` for a bucket that is repeated, out of order, unaligned, outside the
    window or cut short, for a result of an unknown kind, and for a value of a wrong type: nothing is guessed.

    Names that rows tell in passing are added to `told`.
    """
    parts: list[pa.Table] = []
    lost: Counter[int] = Counter()
    wrong = ""
    try:
        for starts, rows in _chunks(dataset, window, pages, read_at):
            columns = _columns(dataset, rows, told)
            starts, columns, inexact = _exact(dataset, starts, columns)
            parts.append(_table(dataset, window, starts, columns))
            lost.update(inexact)
    except (pa.ArrowInvalid, OverflowError, ValueError, RecursionError) as exc:
        wrong = str(exc)
    if wrong:  # raised here, so that the error does not hold the page by way of its context
        _refuse(dataset, window, f"has a value of a wrong type or size: {wrong}")
    table = pa.concat_tables(parts) if parts else parsed(dataset).empty_table()
    return table, tuple(_notes(dataset, table, lost))


def buckets(pages: Iterable[Mapping[str, Any]]) -> Iterator[Any]:
    """Yield the decoded buckets of `pages`, one at a time; what is no bucket comes as it is."""
    for page in pages:
        data = page.get("data") if isinstance(page, dict) else None
        if not isinstance(data, list):
            yield None
            continue
        for bucket in data:
            yield decode(bucket) if isinstance(bucket, msgspec.Raw) else bucket


def _refuse(dataset: Dataset, window: Window, what: str) -> NoReturn:
    raise UnexpectedResponseError(
        f"The answer for {dataset.name}, {window}, {what}. Nothing of it was used.", dataset=dataset.name
    )


def _chunks(
    dataset: Dataset, window: Window, pages: Iterable[Mapping[str, Any]], read_at: int
) -> Iterator[tuple[list[int], list[dict[str, Any]]]]:
    """Yield the rows of a few whole buckets at a time, each with the start of its bucket."""
    starts: list[int] = []
    rows: list[dict[str, Any]] = []
    previous = -1
    for bucket in buckets(pages):
        previous = _bucket_start(dataset, window, bucket, previous, read_at)
        results = bucket.get("results")
        results = bucket.get("result") if results is None else results
        results = [] if results is None else results
        if type(results) is not list or not all(type(r) is dict for r in results):
            _refuse(dataset, window, "has a bucket whose results are not a list of objects")
        for row in results:
            if row.get("object") != dataset.result:
                _refuse(dataset, window, f"holds {quoted(row.get('object'))} where {dataset.result!r} belongs")
        starts += [previous] * len(results)
        rows += results
        if len(rows) >= _CHUNK:
            yield starts, rows
            starts, rows = [], []
    if rows:
        yield starts, rows


def _bucket_start(dataset: Dataset, window: Window, bucket: Any, previous: int, read_at: int) -> int:
    step = SECONDS[window.width]
    start, end = (bucket.get("start_time"), bucket.get("end_time")) if isinstance(bucket, dict) else (None, None)
    if type(start) is not int or type(end) is not int:
        _refuse(dataset, window, "has a bucket without start_time and end_time")
    if bucket.get("object", "bucket") != "bucket":
        _refuse(dataset, window, f"holds {quoted(bucket['object'])} where 'bucket' belongs")
    if not window.start <= start < window.end:
        _refuse(dataset, window, f"has a bucket at {_when(start)} that is outside of the window")
    where = f"has a bucket at {iso(start)} that"
    if start == previous:
        _refuse(dataset, window, f"{where} comes twice")
    if start < previous:
        _refuse(dataset, window, f"{where} is out of order")
    if start % step:
        _refuse(dataset, window, f"{where} is not a whole {window.width} bucket")
    is_open = read_at < start + step
    if end != start + step and not (is_open and start < end < start + step):
        _refuse(dataset, window, f"{where} ends at {_when(end)}, not after {window.width}")
    return start


def _when(moment: int) -> str:
    return iso(moment) if 0 <= moment < 1 << 33 else quoted(moment)


def _columns(dataset: Dataset, rows: Sequence[Mapping[str, Any]], told: set[Told] | None) -> dict[str, list[Any]]:
    known = frozenset({"object", *dataset.dimensions, *dataset.measures})
    columns: dict[str, list[Any]] = {
        d: checked(d, [r.get(d) for r in rows], bool if d == "batch" else str) for d in dataset.dimensions
    }
    strange: set[int] = set()
    if dataset.is_costs:
        known |= {"amount", "quantity", "quantity_unit"}
        bills = [r.get("amount") for r in rows]
        columns["amount"], columns["currency"] = split(bills)
        columns["quantity"] = [r.get("quantity") for r in rows]
        columns["quantity_unit"] = checked("quantity_unit", [r.get("quantity_unit") for r in rows], str)
        strange = {i for i, bill in enumerate(bills) if bill and not bill.keys() <= AMOUNT}
    else:
        for name in dataset.measures:
            columns[name] = integers(name, [r.get(name) for r in rows])
    strange |= {i for i, r in enumerate(rows) if not r.keys() <= known}
    columns["extra"] = [None] * len(rows)
    for i in strange:
        columns["extra"][i] = extra(rows[i], known)
        if told is not None:
            told.update(names(rows[i]))
    return columns


def _exact(dataset: Dataset, starts: list[int], columns: dict[str, Any]) -> tuple[list[int], dict[str, Any], list[int]]:
    """Make money decimal, sum equal combinations of dimensions; return the bucket of each amount that lost digits."""
    lost: list[int] = []
    numbers: tuple[str, ...] = dataset.measures
    keys: tuple[str, ...] = dataset.dimensions
    if dataset.is_costs:
        numbers, keys = ("amount", "quantity"), (*dataset.dimensions, "currency", "quantity_unit")
    key_of = list(zip(starts, *(columns[k] for k in keys), strict=True))
    twice = len(set(key_of)) != len(key_of)
    if dataset.is_costs:
        for name in numbers:
            columns[name], inexact = amounts(columns[name], plain=not twice)
            lost += [starts[i] for i in inexact]
    if twice:
        starts, columns = _summed(key_of, starts, columns, numbers)
    return starts, columns, lost


def _summed(
    key_of: list[tuple[Any, ...]], starts: list[int], columns: dict[str, list[Any]], numbers: tuple[str, ...]
) -> tuple[list[int], dict[str, list[Any]]]:
    first: dict[tuple[Any, ...], int] = {}
    extras: dict[int, set[str]] = {}
    for i, key in enumerate(key_of):
        into = first.setdefault(key, i)
        if columns["extra"][i] is not None:
            extras.setdefault(into, set()).add(columns["extra"][i])
        if into == i:
            continue
        for name in numbers:
            a, b = columns[name][into], columns[name][i]
            columns[name][into] = b if a is None else a if b is None else _add(a, b)
    for into, texts in extras.items():
        columns["extra"][into] = texts.pop() if len(texts) == 1 else "[" + ",".join(sorted(texts)) + "]"
    kept = list(first.values())
    return [starts[i] for i in kept], {name: [column[i] for i in kept] for name, column in columns.items()}


def _add(a: Any, b: Any) -> Any:
    return MONEY.add(a, b) if isinstance(a, Decimal) else a + b


def _table(dataset: Dataset, window: Window, starts: list[int], columns: dict[str, Any]) -> pa.Table:
    schema = parsed(dataset)
    step = SECONDS[window.width]
    times = {"start_time": starts, "end_time": [start + step for start in starts]}
    arrays = [
        column(times[field.name], pa.int64()).cast(pa.timestamp("s")).cast(field.type)
        if field.name in times
        else columns[field.name]
        if isinstance(columns[field.name], pa.Array)
        else column(columns[field.name], field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _notes(dataset: Dataset, table: pa.Table, lost: Counter[int]) -> Iterator[Note]:
    """Yield one note per day and finding, so that reading a day again says nothing new."""
    for day, n in _by_day(lost.elements()):
        text = f"{n} amounts had digits below 18 decimal places; they were rounded half-even"
        yield Note(dataset.name, day, "precision", text)
    for whole, parts in IDENTITIES.items():
        if not {whole, *parts} <= set(dataset.measures):
            continue
        total = table[parts[0]]
        for part in parts[1:]:
            total = pc.add(total, table[part])
        wrong = table["start_time"].filter(pc.not_equal(table[whole], total))
        for day, n in _by_day(map(unix, wrong.to_pylist())):
            yield Note(dataset.name, day, "identity", f"{whole} is not {' + '.join(parts)} in {n} rows")


def _by_day(moments: Iterable[int]) -> list[tuple[Span, int]]:
    days = Counter(floor(moment, "1d") for moment in moments)
    return [(Span(day, day + SECONDS["1d"]), n) for day, n in sorted(days.items())]
