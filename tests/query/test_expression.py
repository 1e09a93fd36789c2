"""Metrics made of metrics: what is written is what is computed, exactly, and nothing else is understood."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallybook.model.errors import UsageError
from tallybook.query.formula import Expression, Name, Negative, Number, Operation, parse

NAMES = ("cost", "orders", "input_tokens", "x1")
AMOUNTS = st.decimals("-9999999999", "9999999999", places=18)
LEAVES = st.one_of(st.builds(Number, st.decimals("0", "1000000", places=4)), st.builds(Name, st.sampled_from(NAMES)))
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.builds(Negative, inner), st.builds(Operation, st.sampled_from("+-*/"), inner, inner)),
    max_leaves=12,
)


@given(TREES)
def test_what_is_written_is_read_back_as_it_was(tree: Any) -> None:
    assert parse(str(tree)).body == tree
    assert parse(f"x = {tree}").body == tree


@given(TREES, st.fixed_dictionaries(dict.fromkeys(NAMES, AMOUNTS)))
def test_the_value_is_that_of_the_same_text_in_python_rounded_once(tree: Any, values: dict[str, Decimal]) -> None:
    fractions = {name: Fraction(value) for name, value in values.items()}
    text = "".join(f"Fraction('{part}')" if part[:1].isdigit() else part for part in _parts(str(tree)))
    try:
        expected = eval(text, {"Fraction": Fraction, **fractions})
    except ZeroDivisionError:
        expected = None
    found = Expression("x", tree, "").evaluate(values)
    assert (found is None) == (expected is None)
    if found is not None:
        assert abs(Fraction(found) - expected) <= abs(expected) * Fraction(1, 10**49)


def _parts(text: str) -> list[str]:
    for sign in "()+-*/":
        text = text.replace(sign, f" {sign} ")
    return text.split()


@given(TREES, st.sampled_from(NAMES))
def test_what_is_not_known_makes_the_whole_unknown(tree: Any, missing: str) -> None:
    expression = Expression("x", tree, "")
    values = {name: Decimal(1) for name in NAMES if name != missing}
    if missing in expression.names:
        assert expression.evaluate(values) is None
        assert expression.evaluate(values | {missing: None}) is None


def test_a_quotient_is_exact_within_and_a_zero_below_makes_it_unknown() -> None:
    assert parse("cost / 3 * 3").evaluate({"cost": Decimal("0.1")}) == Decimal("0.1")
    assert parse("cost / orders").evaluate({"cost": Decimal(1), "orders": 3}) == Decimal("0." + "3" * 50)
    assert parse("cost / (orders - orders)").evaluate({"cost": Decimal(1), "orders": Decimal(2)}) is None
    assert parse("0 * (1 / 0)").evaluate({}) is None


@pytest.mark.parametrize(
    ("text", "name", "canonical", "names"),
    [
        (" cost ", "cost", "cost", ("cost",)),
        ("cost/orders", "cost/orders", "cost / orders", ("cost", "orders")),
        ("per_order=cost/orders", "per_order", "cost / orders", ("cost", "orders")),
        ("a - b - a", "a - b - a", "a - b - a", ("a", "b")),
        ("a-(b-c)*-1e3", "a-(b-c)*-1e3", "a - (b - c) * -1000", ("a", "b", "c")),
        ("(a + b) / .5", "(a + b) / .5", "(a + b) / 0.5", ("a", "b")),
        ("-(a*b)", "-(a*b)", "-(a * b)", ("a", "b")),
    ],
)
def test_an_expression_has_a_name_and_says_what_it_is_made_of(
    text: str, name: str, canonical: str, names: tuple[str, ...]
) -> None:
    found = parse(text)
    assert (found.name, str(found.body), found.names) == (name, canonical, names)
    assert found.is_plain == (canonical == name == "cost")


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("cost", "money"),
        ("cost / orders", "money/orders"),
        ("1000000 * cost / input_tokens", "money/tokens"),
        ("cost / orders / requests", "money/orders*requests"),
        ("input_tokens / output_tokens", ""),
        ("-cost + 5", "money"),
        ("5 - cost", "money"),
        ("2 + 3", ""),
        ("1 / orders", "1/orders"),
        ("cost * cost", "money^2"),
        ("cost / (orders + requests)", "money/count"),
        ("share + share", ""),
        ("share * cost", "money"),
        ("per_request * requests", "money"),
        ("per_request / requests", "money/requests^2"),
        ("square / per_request", "money*requests"),
    ],
)
def test_units_follow_the_arithmetic(text: str, unit: str) -> None:
    units = {"cost": "money", "orders": "orders", "requests": "requests"}
    units |= {"input_tokens": "tokens", "output_tokens": "tokens"}
    assert parse(text).unit(units | {"share": "share", "per_request": "money/requests", "square": "money^2"}) == unit


def test_money_and_something_else_are_never_added() -> None:
    with pytest.raises(
        UsageError, match=r"'x=1\+\(cost - orders\)', at '- orders\)' \(character 11\): money and orders"
    ):
        parse("x=1+(cost - orders)").unit({"cost": "money", "orders": "orders"})
    with pytest.raises(UsageError, match="money/orders and a number cannot be added"):
        parse("cost / orders + orders / orders").unit({"cost": "money", "orders": "orders"})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "In the metric '', at its end: a metric, a number or ( is missing here."),
        ("cost //orders", "In the metric 'cost //orders', at '/orders' (character 7): a metric, a number or ( is"),
        ("cost /", "at its end: a metric, a number or ( is missing here."),
        ("(cost", "at '(cost' (character 1): there is no ) for this (."),
        ("cost)", "at ')' (character 5): there is no ( for this )."),
        ("cost orders", "at 'orders' (character 6): + - * or / is missing before it."),
        ("2 cost", "at 'cost' (character 3): + - * or / is missing before it."),
        ("cost ** 2", "at '* 2' (character 7): a metric, a number or ( is missing here."),
        ("cost % 2", "at '% 2' (character 6): '%' has no meaning here; there are + - * / ( ), numbers and metrics."),
        ("a == b", "at '= b' (character 4): '=' has no meaning here"),
        (
            "Per order = cost",
            "(character 1): a name is small letters, digits and underscores, a letter first, not 'Per",
        ),
        ("=cost", "a name is small letters, digits and underscores, a letter first, not ''."),
        ("__import__('os')", '(character 12): "\'" has no meaning here'),
        ("1e999999999", "at '1e999999999' (character 1): a number has at most 38 digits."),
        ("9" * 39, "a number has at most 38 digits."),
        ("٣", "'٣' has no meaning here"),
        ("(" * 5000, "more than 200 names, numbers and signs is too long."),
        ("-" * 5000 + "1", "more than 200 names, numbers and signs is too long."),
        ("(" * 200, "at its end: a metric, a number or ( is missing here."),
    ],
)
def test_an_error_points_at_the_place(text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert words in str(caught.value)
