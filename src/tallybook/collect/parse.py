"""Decoded pages to one exact Arrow table. Pure: the same pages give the same rows, or a clear error."""

from __future__ import annotations

import decimal
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import chain
from typing import Any, NoReturn

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from tallybook.model.datasets import PERSONAL_FIELDS, Dataset
from tallybook.model.errors import UnexpectedResponseError
from tallybook.model.records import Note
from tallybook.model.schema import parsed
from tallybook.model.windows import SECONDS, Window, iso

MONEY = decimal.Context(prec=50, rounding=decimal.ROUND_HALF_EVEN)
"""Wide enough for the decimal128 texts that the API has been seen to send (34 digits)."""
_PLACES = Decimal("1e-18")
_LARGEST = Decimal(10) ** 20

IDENTITIES: dict[str, tuple[str, ...]] = {
    "input_tokens": ("input_cached_tokens", "input_cache_write_tokens", "input_uncached_tokens"),
    "input_uncached_tokens": ("input_text_tokens", "input_audio_tokens", "input_image_tokens"),
    "input_cached_tokens": ("input_cached_text_tokens", "input_cached_audio_tokens", "input_cached_image_tokens"),
    "input_cache_write_tokens": ("input_cache_write_30m_tokens", "input_cache_write_12h_tokens"),
    "output_tokens": ("output_text_tokens", "output_audio_tokens", "output_image_tokens"),
}
"""Whole and parts; checked where every part is given. Inferred from OpenAI's examples, so a violation is a note."""

_JSON = msgspec.json.Encoder(decimal_format="number", order="deterministic")


def parse(
    dataset: Dataset, window: Window, pages: Iterable[Mapping[str, Any]], read_at: int
) -> tuple[pa.Table, tuple[Note, ...]]:
    """Return the rows of `window` (as `schema.parsed`) and notes about their quality.

    Equal combinations of dimensions within one bucket are summed. Raises `UnexpectedResponseError` for a bucket
    that is repeated, out of order, unaligned, outside the window or cut short, for a result of an unknown kind,
    and for a value of a wrong type: nothing is guessed.
    """
    starts, results = _flatten(dataset, window, pages, read_at)
    try:
        columns = _columns(dataset, results)
        starts, columns, lost = _exact(dataset, starts, columns)
        table = _table(dataset, window, starts, columns)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, _WrongTypeError) as exc:
        _refuse(dataset, window, f"has a value of a wrong type or size: {exc}")
    return table, tuple(_notes(dataset, window, table, lost))


class _WrongTypeError(ValueError):
    """A value that is not what its field holds."""


def _refuse(dataset: Dataset, window: Window, what: str) -> NoReturn:
    raise UnexpectedResponseError(
        f"The answer for {dataset.name}, {window}, {what}. Nothing of it was used.", dataset=dataset.name
    )


def _flatten(
    dataset: Dataset, window: Window, pages: Iterable[Mapping[str, Any]], read_at: int
) -> tuple[list[int], list[dict[str, Any]]]:
    starts: list[int] = []
    rows: list[dict[str, Any]] = []
    previous = -1
    for bucket in chain.from_iterable(page["data"] for page in pages):
        start = _bucket_start(dataset, window, bucket, previous, read_at)
        results = bucket.get("results", bucket.get("result")) or []
        if not isinstance(results, list) or not all(type(r) is dict for r in results):
            _refuse(dataset, window, "has a bucket whose results are not a list of objects")
        starts += [start] * len(results)
        rows += results
        previous = start
    if unknown := {str(r.get("object")) for r in rows} - {dataset.result}:
        _refuse(dataset, window, f"holds {min(unknown)!r} where {dataset.result!r} belongs")
    return starts, rows


def _bucket_start(dataset: Dataset, window: Window, bucket: Any, previous: int, read_at: int) -> int:
    step = SECONDS[window.width]
    start, end = (bucket.get("start_time"), bucket.get("end_time")) if isinstance(bucket, dict) else (None, None)
    if type(start) is not int or type(end) is not int:
        _refuse(dataset, window, "has a bucket without start_time and end_time")
    where = f"has a bucket at {iso(start)} that"
    if start == previous:
        _refuse(dataset, window, f"{where} comes twice")
    if start < previous:
        _refuse(dataset, window, f"{where} is out of order")
    if not window.start <= start < window.end:
        _refuse(dataset, window, f"{where} is outside of the window")
    if start % step:
        _refuse(dataset, window, f"{where} is not a whole {window.width} bucket")
    is_open = read_at < start + step
    if end != start + step and not (is_open and start < end < start + step):
        _refuse(dataset, window, f"{where} ends at {iso(end)}, not after {window.width}")
    return start


def _columns(dataset: Dataset, rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    known = {"object", *dataset.dimensions, *dataset.measures}
    if dataset.is_costs:
        known |= {"amount", "quantity", "quantity_unit"}
    columns: dict[str, list[Any]] = {d: [r.get(d) for r in rows] for d in dataset.dimensions}
    if dataset.is_costs:
        amounts = [_amount(r.get("amount")) for r in rows]
        columns["amount"] = [a for a, _ in amounts]
        columns["currency"] = [c for _, c in amounts]
        columns["quantity"] = [r.get("quantity") for r in rows]
        columns["quantity_unit"] = [r.get("quantity_unit") for r in rows]
    else:
        for name in dataset.measures:
            columns[name] = _integers(name, [r.get(name) for r in rows])
    columns["extra"] = [None if r.keys() <= known else _extra(r, known) for r in rows]
    return columns


def _amount(value: Any) -> tuple[Any, str | None]:
    if value is None:
        return None, None
    if not isinstance(value, dict):
        raise _WrongTypeError(f"amount is {value!r}")
    currency = value.get("currency")
    if currency is not None and not isinstance(currency, str):
        raise _WrongTypeError(f"currency is {currency!r}")
    return value.get("value"), currency.lower() if currency else None


def _integers(name: str, values: list[Any]) -> list[Any]:
    if set(map(type, values)) <= {int, type(None)}:
        return values
    return [_integer(name, v) for v in values]


def _integer(name: str, value: Any) -> int | None:
    if value is None or type(value) is int:
        return value
    if isinstance(value, Decimal) and value.is_finite() and abs(value) < 2**63 and value == int(value):
        return int(value)
    raise _WrongTypeError(f"{name} is {value!r}, not a whole number")


def _extra(row: Mapping[str, Any], known: set[str]) -> str | None:
    rest = {k: v for k, v in row.items() if k not in known and k not in PERSONAL_FIELDS and v is not None}
    return _JSON.encode(rest).decode() if rest else None


def money(value: Any) -> tuple[Decimal | None, bool]:
    """Return a JSON number or text as an exact decimal of 18 places, and whether digits were lost below them.

    Raises `ValueError` for anything that is not a finite number below 10^20.
    """
    if value is None:
        return None, False
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise _WrongTypeError(f"an amount is {value!r}")
    try:
        exact = MONEY.create_decimal(value)
    except decimal.InvalidOperation as exc:
        raise _WrongTypeError(f"an amount is {value!r}") from exc
    if not exact.is_finite() or abs(exact) >= _LARGEST:
        raise _WrongTypeError(f"an amount is {value!r}")
    kept = exact.quantize(_PLACES, context=MONEY) if exact else Decimal(0)
    return kept, kept != exact or kept != Decimal(value)


def _exact(
    dataset: Dataset, starts: list[int], columns: dict[str, list[Any]]
) -> tuple[list[int], dict[str, list[Any]], int]:
    """Make money decimal, sum equal combinations of dimensions; return how many amounts lost digits."""
    lost = 0
    numbers: tuple[str, ...] = dataset.measures
    keys: tuple[str, ...] = dataset.dimensions
    if dataset.is_costs:
        numbers, keys = ("amount", "quantity"), (*dataset.dimensions, "currency", "quantity_unit")
        for name in numbers:
            pairs = [money(v) for v in columns[name]]
            columns[name] = [value for value, _ in pairs]
            lost += sum(inexact for _, inexact in pairs)
    key_of = list(zip(starts, *(columns[k] for k in keys), strict=True))
    if len(set(key_of)) != len(key_of):
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


def _table(dataset: Dataset, window: Window, starts: list[int], columns: dict[str, list[Any]]) -> pa.Table:
    schema = parsed(dataset)
    seconds = pa.array(starts, pa.int64())
    times = {"start_time": seconds, "end_time": pc.add(seconds, SECONDS[window.width])}
    arrays = []
    for column in schema:
        if column.name in times:
            arrays.append(times[column.name].cast(pa.timestamp("s")).cast(column.type))
        else:
            arrays.append(pa.array(columns[column.name], column.type))
    return pa.Table.from_arrays(arrays, schema=schema)


def _notes(dataset: Dataset, window: Window, table: pa.Table, lost: int) -> Iterable[Note]:
    if lost:
        text = f"{lost} amounts had digits below 18 decimal places; they were rounded half-even"
        yield Note(dataset.name, window, "precision", text)
    for whole, parts in IDENTITIES.items():
        if not {whole, *parts} <= set(dataset.measures):
            continue
        total = table[parts[0]]
        for part in parts[1:]:
            total = pc.add(total, table[part])
        wrong = pc.sum(pc.not_equal(table[whole], total)).as_py()
        if wrong:
            yield Note(dataset.name, window, "identity", f"{whole} is not {' + '.join(parts)} in {wrong} rows")
