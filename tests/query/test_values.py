"""Numbers of a statement as Python has them: as exact, and cheap to divide."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallybook.model.arrow import column
from tallybook.model.schema import MONEY
from tallybook.query.metrics import METRICS, Metric
from tallybook.query.values import plain

COUNTS = st.one_of(st.none(), st.integers(-(10**37), 10**37), st.integers(-(2**63), 2**63 - 1), st.just(0))
RATIOS = [m for m in METRICS.values() if m.kind == "ratio" and not m.has_currency]


@given(st.lists(COUNTS))
def test_sums_of_whole_numbers_are_ints_however_large(counts: list[int | None]) -> None:
    said = [None if n is None else Decimal(n) for n in counts]
    found = plain(pa.table({"t0": column(said, pa.decimal128(38, 0))}))["t0"]
    assert found == counts
    assert {type(n) for n in found} <= {int, type(None)}


def test_money_stays_as_it_is() -> None:
    amounts = [Decimal("0.1"), None]
    assert plain(pa.table({"cost": column(amounts, MONEY)})) == {"cost": amounts}


@pytest.mark.parametrize("known", RATIOS, ids=[m.name for m in RATIOS])
@given(over=COUNTS, under=COUNTS)
def test_a_ratio_of_ints_is_the_ratio_of_what_they_stand_for(known: Metric, over: Any, under: Any) -> None:
    by_hand = None if over is None or not under else Fraction(over) / Fraction(under) * known.scale
    assert known.value([over, under]) == by_hand
