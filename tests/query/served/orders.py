"""Numbers of the user's own, per UTC day: known from the first day to the last, and 0 where a day is left out."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from tests.query.served.held import Bucket
from tests.query.served.provider import BEGIN, DAY

_DAYS = {3: Decimal("1.5"), 4: Decimal(7), 6: Decimal("-2.25"), 10: Decimal(4)}
"""Days after `BEGIN`, with a number each."""
_FOR_EVER = BEGIN + 10**9

ROWS = [{"day": dt.datetime.fromtimestamp(BEGIN + day * DAY, dt.UTC).date(), "orders": n} for day, n in _DAYS.items()]


def buckets(org: str) -> dict[int, Bucket]:
    """Return them as what is held of a dataset."""
    starts = {BEGIN + day * DAY: _DAYS.get(day) for day in range(min(_DAYS), max(_DAYS) + 1)}
    return {
        at: Bucket(org, "orders", at, at + DAY, frozenset(), _FOR_EVER, 0, ({"orders": n},) if n is not None else ())
        for at, n in starts.items()
    }
