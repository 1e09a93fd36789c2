"""Amounts are exact: from text or number, half-even at 18 places, or refused."""

from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tallybook.collect.parse import money
from tallybook.collect.values import amounts

ORACLE = Context(prec=2_000, rounding=ROUND_HALF_EVEN)

finite = st.one_of(
    st.integers(-(10**19), 10**19),
    st.decimals(-(10**19), 10**19, allow_nan=False, allow_infinity=False, places=34),
    st.builds(lambda n, e: Decimal(n).scaleb(e, ORACLE), st.integers(-(10**40), 10**40), st.integers(-120, -21)),
)


@settings(deadline=None)
@given(finite, st.booleans())
@example(Decimal("0.0000000000000000005" + "0" * 60 + "1"), True)
@example(Decimal("0.0000000000000000015"), True)
@example(Decimal("0.0000000000000000025"), False)
def test_money_is_rounded_once_half_even_at_18_places(value: Decimal | int, as_text: bool) -> None:
    exact = Decimal(value)
    expected = exact.quantize(Decimal("1e-18"), context=ORACLE)
    got, lost = money(str(value) if as_text else value)
    assert got == expected
    assert lost == (expected != exact)


@settings(deadline=None)
@given(st.lists(st.one_of(finite, st.none(), st.decimals(allow_infinity=True)), max_size=6))
@example([Decimal("1E-18"), Decimal("1E-19")])
@example([Decimal("1.5E-18")])
@example([Decimal("-83074861718750885100136.300195")])
@example([Decimal("99999999999999999999.999999999999999999"), Decimal("-7.5E-7")])
@example([10**20])
@example([10**5000])
@example([Decimal("1E-93")])
@example([Decimal("0.1234567890123456789")])
@example([Decimal("NaN")])
@example([Decimal("1E+19"), Decimal("-0E-6176"), Decimal("2.50E+3"), None, 7])
def test_a_column_of_money_is_the_money_of_each_value(values: list[Decimal | int | None]) -> None:
    try:
        expected: Any = [money(v) for v in values]
    except ValueError:
        with pytest.raises(ValueError, match="an amount is"):
            amounts(values, plain=True)
        return
    got, lost = amounts(values, plain=True)
    assert [kept for kept, _ in expected] == (got.to_pylist() if isinstance(got, pa.Array) else got)
    assert lost == [i for i, (_, inexact) in enumerate(expected) if inexact]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0E-6176", "0"),
        (Decimal("0E-6176"), "0"),
        ("-0.0", "0"),
        ("0.003627500000000000000000000000000000", "0.003627500000000000"),
        ("12.50", "12.5"),
        ("+1e-7", "0.0000001"),
        (-3, "-3"),
        ("99999999999999999999.999999999999999999", "99999999999999999999.999999999999999999"),
    ],
)
def test_every_form_that_was_seen_is_exact(value: object, expected: str) -> None:
    got, lost = money(value)
    assert got == Decimal(expected)
    assert not lost
    assert len(format(got, "f")) < 45


def test_digits_below_18_places_are_reported() -> None:
    assert money("0.0200000000000000000001") == (Decimal("0.02"), True)
    assert money(None) == (None, False)


@pytest.mark.parametrize(
    "value",
    ["NaN", "Infinity", "-inf", "sNaN", "", " ", "1 ", "1_000", "0x10", "1,5", "١٢", "1e", "$5", True, False,
     1.5, [], {}, b"1", "1e20", 10**20, Decimal("NaN"),
     Decimal("Infinity"), Decimal("1E+999999999"), "1E+99999999999999999999",
     "9" * 5_000, "99999999999999999999.9999999999999999999"],
    ids=lambda v: repr(v)[:30],
)  # fmt: skip
def test_what_is_no_finite_amount_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="an amount is"):
        money(value)
