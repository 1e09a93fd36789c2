"""The promise of the book: whatever is read, refused, rewritten or cut short, every total is what the API said last.

The oracle (`tests/store/oracle.py`) is one dict from minute to the newest successful read of it. Set
`TALLYBOOK_EXAMPLES` to look longer, at other examples each time.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.store.machine import BEGIN, DAY, PLACES, Change, Machine, Step
from tests.store.world import DIMENSIONS, Mood

EXAMPLES = int(os.environ.get("TALLYBOOK_EXAMPLES", "0"))


def seldom(*values: object, otherwise: object = None) -> st.SearchStrategy[object]:
    """Draw `otherwise` two times out of three."""
    return st.sampled_from([otherwise] * 2 * len(values) + list(values))


changes = st.builds(
    Change,
    dataset=st.sampled_from(["completions", "completions", "costs", "costs", "vector_stores"]),
    place=st.integers(0, PLACES - 1),
    kind=st.sampled_from(["grow", "shrink", "vanish", "appear", "move", "learn"]),
)
moods = st.builds(
    Mood,
    unknown=seldom(frozenset({"vector_stores"}), frozenset({"costs"}), frozenset(DIMENSIONS), otherwise=frozenset()),
    refused=seldom(
        frozenset({"user_id"}), frozenset({"line_item"}), frozenset({"user_id", "batch"}), otherwise=frozenset()
    ),
    earliest=seldom(BEGIN + DAY, BEGIN + 2 * DAY),
    no_open_day=seldom(True, otherwise=False),
    failing=seldom((BEGIN + DAY, BEGIN + DAY + 60), (BEGIN, BEGIN + 3 * DAY)),
    split=st.booleans(),
    sparse=st.booleans(),
)
steps = st.builds(
    Step,
    advance=st.sampled_from([60, 777, 3_600, 20_000, DAY, 2 * DAY + 5, 0, -400, -7_000, -DAY]),
    changes=st.lists(changes, min_size=3, max_size=12).map(tuple),
    mood=moods,
    width=st.sampled_from(["1h", "1h", "1h", "1d", "1d", "1m"]),
    since=st.sampled_from([0, 0, 26_000, DAY + 1]),
    until=seldom(DAY + 18_000, 2 * DAY + 45_296),
    full=seldom(True, otherwise=False),
    again=st.booleans(),
    crash=seldom("before", "after"),
    crash_at=st.integers(0, 2),
    commit_rows=st.sampled_from([1, 50_000]),
)

CASES = {
    "rewidened",
    "an open bucket rewidened",
    "rewidened with another total",
    "fewer dimensions, equal total",
    "fewer dimensions, another total",
    *(f"{r}: {what}" for r in ("open", "restated", "regrouped") for what in ("changed", "vanished", "appeared")),
    "the clock stepped back",
    "unaligned edges",
    *(f"width {w}" for w in ("1m", "1h", "1d")),
    "crash before the commit",
    "crash after the commit",
    "a sync without news",
    "no dataset known",
    "failure: UnreachableError",
    "refusal: grouping",
    "refusal: the server does not know this dataset (HTTP 404)",
    "refusal: older than the history that the API gives",
    "refusal: costs of the current day are not given yet",
}


def test_the_book_equals_the_newest_read_of_every_minute() -> None:
    seen: Counter[str] = Counter()

    @settings(
        max_examples=EXAMPLES or 40,
        derandomize=not EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(steps, min_size=1, max_size=9))
    def holds(life: list[Step]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            machine = Machine(Path(folder))
            for step in life:
                machine.step(step)
            seen.update(machine.seen)

    holds()
    assert not CASES - set(seen), "cases that were never drawn"
