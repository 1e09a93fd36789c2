"""Single values of a result row: exact numbers, checked text, and what is not known yet. Pure."""

from __future__ import annotations

import decimal
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import msgspec
import pyarrow as pa

from tallybook.collect.privacy import impersonal, masked
from tallybook.model import schema
from tallybook.model.arrow import column
from tallybook.model.records import Told

MONEY = decimal.Context(prec=50, rounding=decimal.ROUND_HALF_EVEN)
"""Wide enough for the decimal128 texts that the API has been seen to send (34 digits)."""

_PLACES = Decimal("1e-18")
_FITS = re.compile(r"-?\d{1,20}(\.\d{1,18})?", re.ASCII)
_LARGEST = Decimal(10) ** 20
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_LONGEST_QUOTE = 80
_JSON = msgspec.json.Encoder(decimal_format="number", order="deterministic")


class WrongTypeError(ValueError):
    """A value that is not what its field holds."""


def quoted(value: Any) -> str:
    """Return `value` for an error message, shortened; what may hold somebody's name is not repeated."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    try:
        text = masked(repr(value))
    except ValueError:  # an integer of more digits than Python prints
        return "a number of very many digits"
    return text if len(text) <= _LONGEST_QUOTE else text[: _LONGEST_QUOTE - 1] + "…"


def money(value: Any) -> tuple[Decimal | None, bool]:
    """Return a JSON number or text as an exact decimal of 18 places, and whether digits were lost below them.

    Raises `ValueError` for anything that is not a finite number below 10^20.
    """
    if value is None:
        return None, False
    kind = type(value)
    if kind not in (int, str, Decimal) or (kind is str and not _NUMBER.fullmatch(value)):
        raise WrongTypeError(f"an amount is {quoted(value)}")
    try:
        exact = Decimal(value)
        # Rounded once, from all digits: rounding to the context's precision first could end on the wrong side.
        kept = exact.quantize(_PLACES, context=MONEY) if exact else Decimal(0)
    except decimal.InvalidOperation:
        kept = Decimal("NaN")
    if not kept.is_finite() or not -_LARGEST < kept < _LARGEST:
        raise WrongTypeError(f"an amount is {quoted(value)}")
    return kept, kept != exact


def amounts(values: list[Any], *, plain: bool) -> tuple[list[Any] | pa.Array, list[int]]:
    """Return `money` of each value, and the places of those that lost digits.

    With `plain`, JSON numbers that fit as they are come as a column at once, without arithmetic. Whether they fit is
    decided here: pyarrow 26 casts a text of too many digits to a wrong number without a word.
    """
    if plain and set(map(type, values)) <= {int, Decimal, type(None)}:
        texts = [None if v is None else _digits(v) for v in values]
        if all(text is None or _FITS.fullmatch(text) for text in texts):
            return column(texts, pa.string()).cast(schema.MONEY), []
    pairs = [money(v) for v in values]
    return [value for value, _ in pairs], [i for i, (_, inexact) in enumerate(pairs) if inexact]


def _digits(value: int | Decimal) -> str:
    """Return a number as it is written without an exponent; nothing for one that would be long."""
    if isinstance(value, int):
        return str(value) if -_LARGEST < value < _LARGEST else ""
    return format(value, "f") if -40 < value.adjusted() < 40 else ""


def integer(name: str, value: Any) -> int | None:
    """Return a JSON number as the whole number that it is; raises `WrongTypeError` for anything else."""
    if value is None or type(value) is int:
        return value
    if isinstance(value, Decimal) and value.is_finite() and -(2**63) <= value < 2**63 and value == int(value):
        return int(value)
    raise WrongTypeError(f"{name} is {quoted(value)}, not a whole number")


def integers(name: str, values: list[Any]) -> list[int | None]:
    """Return `values` as whole numbers; raises `WrongTypeError` where one is not."""
    if set(map(type, values)) <= {int, type(None)}:
        return values
    return [integer(name, v) for v in values]


def checked(name: str, values: list[Any], kind: type) -> list[Any]:
    """Return `values` if all are of type `kind` or None; raises `WrongTypeError` otherwise."""
    if not set(map(type, values)) <= {kind, type(None)}:
        wrong = next(v for v in values if type(v) not in (kind, type(None)))
        raise WrongTypeError(f"{name} is {quoted(wrong)}, not {'text' if kind is str else 'true or false'}")
    return values


AMOUNT = frozenset({"value", "currency"})
"""The known fields of an `amount` object."""


def split(amounts: list[Any]) -> tuple[list[Any], list[str | None]]:
    """Return the values and the currencies, in lower case, of `amount` objects (or None)."""
    if kinds := set(map(type, amounts)) - {dict, type(None)}:
        wrong = next(a for a in amounts if type(a) in kinds)
        raise WrongTypeError(f"amount is {quoted(wrong)}")
    currencies = checked("currency", [a.get("currency") if a else None for a in amounts], str)
    lower = {currency: currency.lower() if currency else None for currency in set(currencies)}
    return [a.get("value") if a else None for a in amounts], [lower[currency] for currency in currencies]


_TELLS = {
    "project_name": ("project_id", "project", "name"),
    "user_name": ("user_id", "user", "name"),
    "user_email": ("user_id", "user", "email"),
    "api_key_name": ("api_key_id", "api_key", "name"),
}
"""Undocumented field of a row to the dimension that it names, its kind, and what it is."""


def names(row: Mapping[str, Any]) -> Iterator[Told]:
    """Yield the names and e-mails that a row tells in passing."""
    for field, (dimension, kind, what) in _TELLS.items():
        text, identity = row.get(field), row.get(dimension)
        if isinstance(text, str) and text and isinstance(identity, str) and identity:
            yield kind, identity, what, text


def extra(row: Mapping[str, Any], known: frozenset[str]) -> str | None:
    """Return the fields of `row` that are not known as canonical JSON, without names and e-mails of people."""
    kept = impersonal({k: v for k, v in row.items() if k not in known})
    money_fields = row.get("amount")
    if "amount" in known and type(money_fields) is dict and not money_fields.keys() <= AMOUNT:
        more = impersonal({"amount": {k: v for k, v in money_fields.items() if k not in AMOUNT}})
        kept |= {k: v for k, v in more.items() if v}
    return _JSON.encode(kept).decode() if kept else None
