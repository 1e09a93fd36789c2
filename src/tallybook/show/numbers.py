"""Numbers as people read them: exact in tables, three significant digits where only the size matters. Pure.

A minus is a true minus, 10^9 is B, an amount too small to show is `<$0.01` and never zero, and what is not known is a
dash. Units are those of metrics: `money`, `tokens`, `bytes`, `seconds`, `share`, or what is divided (`money/requests`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import ROUND_HALF_EVEN, Decimal

Number = Decimal | int | float

UNKNOWN = "–"
_MINUS = "\N{MINUS SIGN}"
_CENT = Decimal("0.01")
_DIGITS = 3
SYMBOLS = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥", "inr": "₹", "krw": "₩", "brl": "R$"}

_Scales = tuple[tuple[Decimal, str], ...]
_BYTES = ("PB", "TB", "GB", "MB", "kB", "bytes")
_COUNTS: _Scales = tuple((Decimal(1000) ** (4 - n), suffix) for n, suffix in enumerate(("T", "B", "M", "K", "")))
_SCALES: dict[str, _Scales] = {
    "bytes": tuple((Decimal(1000) ** (5 - n), f" {unit}") for n, unit in enumerate(_BYTES)),
    "seconds": ((Decimal(3600), " h"), (Decimal(60), " min"), (Decimal(1), " s")),
}
"""By unit, the sizes in which people say it, the largest first; everything else is counted."""
_PERCENT: _Scales = ((_CENT, "%"),)


def count(value: int | None) -> str:
    """Return a whole number with thousands separators, a true minus, and a dash for what is not held."""
    return UNKNOWN if value is None else f"{value:,}".replace("-", _MINUS)


def money(value: Decimal | None, currency: str | None, places: int = 2) -> str:
    """Return an amount with its currency; an amount too small to show is `<$0.01`, never zero."""
    if value is None:
        return UNKNOWN
    symbol, unit = _currency(currency)
    step = _CENT.scaleb(2 - places)
    sign = _MINUS if value < 0 else ""
    if value and abs(value) < step:
        return f"{sign}<{symbol}{step:f}{unit}"
    return f"{sign}{symbol}{abs(value):,.{places}f}{unit}"


def places(values: Iterable[Decimal | None]) -> int:
    """Return the decimal places of a list of amounts, decided by the largest: cents, or more where all are less."""
    largest = max((abs(v) for v in values if v is not None), default=Decimal(0))
    return 6 if 0 < largest < _CENT else 2


def days(n: int) -> str:
    """Return a number of days in words."""
    return f"{n:,} {'day' if n == 1 else 'days'}"


def size(n: int) -> str:
    """Return bytes as people say them."""
    return _scaled(Decimal(n), _SCALES["bytes"])


def percent(share: Number | None, *, whole: bool = True) -> str:
    """Return a share as a percentage with one decimal place; what is less than that is `<0.1%`, never zero.

    `whole` leaves out a place that says nothing: `12%`.
    """
    if share is None:
        return UNKNOWN
    value = _decimal(share) * 100
    sign = _MINUS if value < 0 else ""
    if value and abs(value) < Decimal("0.1"):
        return f"{sign}<0.1%"
    text = f"{abs(value):,.1f}"
    return f"{sign}{_trimmed(text if abs(value) < Decimal('99.95') else f'{abs(value):,.0f}') if whole else text}%"


def headline(value: Number | None, unit: str, currency: str | None = None) -> str:
    """Return a number of a unit with three significant digits: `$18.7K`, `1.23B`, `31.8%`; cents below $100."""
    if value is None:
        return UNKNOWN
    exact = _decimal(value)
    if unit == "share":
        return percent(exact)
    symbol, after = _currency(currency) if unit.startswith("money") else ("", "")
    sign = _MINUS if exact < 0 else ""
    if unit == "money" and abs(exact) < 100:
        return money(exact, currency)
    if unit in _SCALES:
        return sign + _scaled(abs(exact), _SCALES[unit])
    return f"{sign}{symbol}{_scaled(abs(exact), _COUNTS)}{after}"


def listed(values: Sequence[Number | None], unit: str, currency: str | None = None) -> list[str]:
    """Return numbers that stand below each other: amounts with one precision, which the largest decides.

    Amounts have cents where the largest is below 1,000, else none; other numbers have three significant digits.
    """
    if unit == "share":
        return [percent(v, whole=False) for v in values]
    if unit != "money":
        return [headline(v, unit, currency) for v in values]
    exact = [None if v is None else _decimal(v) for v in values]
    largest = max((abs(v) for v in exact if v is not None), default=Decimal(0))
    digits = 0 if largest >= 1000 else places(exact)
    return [money(v, currency, digits) for v in exact]


def ticks(values: Sequence[float], unit: str, currency: str | None = None) -> list[str]:
    """Return the numbers of an axis: all in the same size, with as many decimal places as tell them apart."""
    exact = [_decimal(round(v, 12)) for v in values]
    largest = max(map(abs, exact), default=Decimal(0))
    symbol, after = _currency(currency) if unit.startswith("money") else ("", "")
    scales = _PERCENT if unit == "share" else _SCALES.get(unit, _COUNTS)
    # Thousands are said as such only from ten of them on: $2,500, and $25K.
    scale, suffix = next(((s, t) for s, t in scales if largest >= s * (10 if t == "K" else 1)), scales[-1])
    shown = [(v / scale).normalize() for v in exact]
    digits = max((-int(v.as_tuple().exponent) for v in shown), default=0)
    if symbol and suffix == "" and digits == 1:
        digits = 2  # no price has dimes alone
    return [
        f"{_MINUS if v < 0 else ''}{symbol}{abs(v):,.{max(digits, 0)}f}{suffix}{after}" if v else f"{symbol}0{after}"
        for v in shown
    ]


def signed(text: Callable[[Number | None], str], value: Number | None) -> str:
    """Return a difference as `text` says it, with a plus where it is more."""
    return f"+{text(value)}" if value is not None and value > 0 else text(value)


def fixed(value: Number | None, digits: int) -> str:
    """Return a number with so many decimal places; what is too small to show is `<0.01`, never zero."""
    if value is None:
        return UNKNOWN
    exact, step = _decimal(value), Decimal(1).scaleb(-digits)
    sign = _MINUS if exact < 0 else ""
    return f"{sign}<{step:f}" if exact and abs(exact) < step else f"{sign}{abs(exact):,.{digits}f}"


def relative(now: Number | None, before: Number | None) -> str:
    """Return how much more something is than before, in percent of that; a dash where that says nothing."""
    if now is None or not before:
        return UNKNOWN
    return f"{100 * (float(now) - float(before)) / abs(float(before)):+,.1f} %".replace("-", _MINUS)


def significant(value: Decimal, digits: int = _DIGITS) -> str:
    """Return a number rounded to so many significant digits, without an exponent or zeros that say nothing."""
    if not value:
        return "0"
    step = Decimal(1).scaleb(value.adjusted() - digits + 1)
    rounded = value.quantize(step, ROUND_HALF_EVEN)
    return _trimmed(f"{rounded:,f}")


def _scaled(value: Decimal, scales: _Scales) -> str:
    """Return a number that is not negative in the largest of the sizes of which it is at least one."""
    for i, (scale, suffix) in enumerate(scales):
        if value < scale and i < len(scales) - 1:
            continue
        text = significant(value / scale)
        # What rounds up to the next size is said in it: 999,950 is 1M.
        if i and value / scale < scales[i - 1][0] / scale <= Decimal(text.replace(",", "")):
            return f"1{scales[i - 1][1]}"
        return f"{text}{suffix}"
    raise AssertionError


def _currency(currency: str | None) -> tuple[str, str]:
    """Return what stands before and after an amount."""
    symbol = SYMBOLS.get(currency or "", "")
    return symbol, "" if symbol or not currency else f" {currency.upper()}"


def _trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def _decimal(value: Number) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
