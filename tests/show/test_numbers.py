"""Numbers as people read them: never zero for what is not, one precision per list, a true minus."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallybook.show.numbers import count, headline, listed, money, percent, signed, significant, size, ticks

MINUS = "\N{MINUS SIGN}"


@pytest.mark.parametrize(
    ("value", "currency", "text"),
    [
        ("1234.5", "usd", "$1,234.50"),
        ("0", "usd", "$0.00"),
        ("0", None, "0.00"),
        ("0.001", "usd", "<$0.01"),
        ("-0.001", "usd", "\N{MINUS SIGN}<$0.01"),
        ("-1234.5", "eur", "\N{MINUS SIGN}€1,234.50"),
        ("2", "chf", "2.00 CHF"),
        ("0.001", "chf", "<0.01 CHF"),
        (None, "usd", "–"),
    ],
)
def test_money(value: str | None, currency: str | None, text: str) -> None:
    assert money(None if value is None else Decimal(value), currency) == text


def test_counts_and_sizes() -> None:
    assert [count(n) for n in (1234567, 0, -5, None)] == ["1,234,567", "0", "\N{MINUS SIGN}5", "–"]
    assert [size(n) for n in (999, 1000, 9_200_000, 10**13)] == ["999 bytes", "1 kB", "9.2 MB", "10 TB"]


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        ("18694.33", "money", "$18.7K"),
        ("1234567890", "money", "$1.23B"),
        ("480.69", "money", "$481"),
        ("12.345", "money", "$12.34"),
        ("0.001", "money", "<$0.01"),
        ("-0.001", "money", f"{MINUS}<$0.01"),
        ("-18694.33", "money", f"{MINUS}$18.7K"),
        ("0", "money", "$0.00"),
        ("0.000123456", "money/requests", "$0.000123"),
        ("2.5", "money/tokens", "$2.5"),
        ("1230000000", "tokens", "1.23B"),
        ("999950", "tokens", "1M"),
        ("999499", "tokens", "999K"),
        ("999", "requests", "999"),
        ("-3100000", "requests", f"{MINUS}3.1M"),
        ("0", "requests", "0"),
        ("0.5", "tokens/requests", "0.5"),
        ("3210000000000000", "tokens", "3,210T"),
        ("0.31789", "share", "31.8%"),
        ("123456789", "bytes", "123 MB"),
        ("90", "seconds", "1.5 min"),
        (None, "tokens", "–"),
    ],
)
def test_a_headline_has_three_significant_digits_and_cents_where_they_matter(
    value: str | None, unit: str, text: str
) -> None:
    assert headline(None if value is None else Decimal(value), unit, "usd") == text


@given(st.decimals(min_value="0.000001", max_value=10**15, places=6), st.sampled_from(["tokens", "money", "bytes"]))
def test_a_headline_is_near_its_number_and_has_no_needless_digits(value: Decimal, unit: str) -> None:
    text = headline(value, unit, "usd")
    assert "E" not in text
    number, _, after = text.lstrip("<$").partition(" ")
    sizes = {"K": 3, "M": 6, "B": 9, "T": 12, "kB": 3, "MB": 6, "GB": 9, "TB": 12, "PB": 15}
    power = sizes.get(after or number[-1], 0)
    read = Decimal(number.rstrip("KMBT").replace(",", "")).scaleb(power)
    assert text.startswith("<") or abs(read - value) <= value * Decimal("0.005") + Decimal("0.005")


def test_amounts_below_each_other_have_one_precision_that_the_largest_decides() -> None:
    amounts = list(map(Decimal, ("18694.33", "87.1", "0.2", "-0.2", "0")))
    assert listed(amounts, "money", "usd") == ["$18,694", "$87", "<$1", f"{MINUS}<$1", "$0"]
    assert listed(amounts[1:], "money", "usd") == ["$87.10", "$0.20", f"{MINUS}$0.20", "$0.00"]
    assert listed([Decimal("0.00012"), None], "money", "usd") == ["$0.000120", "–"]
    assert listed([1_234_567, 890, None], "tokens") == ["1.23M", "890", "–"]
    assert listed([], "money", "usd") == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0.318", "31.8%"),
        ("1", "100%"),
        ("0.0420", "4.2%"),
        ("0.0001", "<0.1%"),
        ("-0.0001", f"{MINUS}<0.1%"),
        ("0", "0%"),
        ("-12.5", f"{MINUS}1,250%"),
        ("0.99949", "99.9%"),
        ("0.9996", "100%"),
    ],
)
def test_shares_are_percentages(value: str, text: str) -> None:
    assert percent(Decimal(value)) == text
    assert percent(None) == "–"


@pytest.mark.parametrize(
    ("values", "unit", "texts"),
    [
        ([0, 500, 1000, 1500], "money", ["$0", "$500", "$1,000", "$1,500"]),
        ([0, 5000, 15_000], "money", ["$0", "$5K", "$15K"]),
        ([0, 0.5, 1.0], "money", ["$0", "$0.50", "$1.00"]),
        ([0, 2e-7, 4e-7], "money/tokens", ["$0", "$0.0000002", "$0.0000004"]),
        ([-5e8, 0, 5e8, 1e9], "tokens", [f"{MINUS}0.5B", "0", "0.5B", "1.0B"]),
        ([0, 0.25, 0.5], "share", ["0", "25%", "50%"]),
        ([0, 2e9], "bytes", ["0", "2 GB"]),
        ([0], "requests", ["0"]),
        ([0.1 + 0.2, 0.6], "tokens/requests", ["0.3", "0.6"]),
    ],
)
def test_the_numbers_of_an_axis_share_one_size(values: list[float], unit: str, texts: list[str]) -> None:
    assert ticks(values, unit, "usd") == texts


def test_a_difference_has_its_sign() -> None:
    def amount(value: Decimal | float | None) -> str:
        return headline(value, "money", "usd")

    assert [signed(amount, v) for v in (Decimal(12), Decimal(-12), Decimal(0))] == [
        "+$12.00",
        f"{MINUS}$12.00",
        "$0.00",
    ]


def test_significant_digits_never_need_an_exponent() -> None:
    assert [significant(Decimal(v)) for v in ("0.00000012345", "123456", "1E+9", "0")] == [
        "0.000000123",
        "123,000",
        "1,000,000,000",
        "0",
    ]
