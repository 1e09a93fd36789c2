"""The promise of the book: whatever is read, refused, rewritten or cut short, every total is what the API said last.

And what it was after every step can still be asked of it (`tests/store/copies.py`).

The oracle (`tests/store/oracle.py`) is one dict from minute to the newest successful read of it. Set
`TALLYBOOK_EXAMPLES` to look longer, at other examples each time.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from tests.store.book import FAST, on_postgres
from tests.store.copies import Copies
from tests.store.machine import PLACES, Change, Machine, Step
from tests.store.world import BEGIN, DAY, DIMENSIONS, Mood

EXAMPLES = int(os.environ.get("TALLYBOOK_EXAMPLES", "0"))


def seldom(*values: object, otherwise: object = None) -> st.SearchStrategy[object]:
    """Draw `otherwise` two times out of three."""
    return st.sampled_from([otherwise] * 2 * len(values) + list(values))


changes = st.builds(
    Change,
    dataset=st.sampled_from(["completions", "completions", "costs", "costs", "costs_by_user", "vector_stores"]),
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
    prove=st.booleans(),
    crash=seldom("before", "after"),
    crash_at=st.integers(0, 2),
    commit_rows=st.sampled_from([1, 50_000]),
    rival=st.sampled_from([None] * 6 + ["between", "at once"]),
    jump=seldom(5_000, DAY + 60, -3_000, -DAY, otherwise=0),
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
    "another organization was written",
    "two syncs at once",
    "the clock was set forward",
    "the clock was set back",
    "a sync without news",
    *(f"control: {found}" for found in ("equal", "healed", "not comparable")),
    "no dataset known",
    "failure: UnreachableError",
    "refusal: grouping",
    "refusal: the server does not know this dataset (HTTP 404)",
    "refusal: older than the history that the API gives",
    "refusal: costs of the current day are not given yet",
}


def some(dataset: str, kind: str, *places: int) -> tuple[Change, ...]:
    return tuple(Change(dataset, place, kind) for place in places)


def both(kind: str, *places: int) -> tuple[Change, ...]:
    return some("completions", kind, *places) + some("costs", kind, *places) + some("costs_by_user", kind, *places)


LIVES: tuple[tuple[Step, ...], ...] = (
    (  # days, then hours; dimensions come, go and come back
        Step(0, (), Mood(refused=frozenset({"user_id"})), "1d", 0, None),
        Step(
            60, some("completions", "grow", 1, 7), Mood(unknown=frozenset({"vector_stores"})), "1d", 0, None, full=True
        ),
        Step(60, some("completions", "move", 2, 5), Mood(refused=frozenset({"user_id"})), "1d", 0, None, full=True),
        Step(60, some("completions", "vanish", 3, 5), Mood(), "1d", 0, None, full=True, crash="before"),
        Step(60, some("completions", "shrink", 1, 4), Mood(), "1h", 26_000, None),
        Step(60, (), Mood(), "1h", 0, None, again=True, prove=True),
        Step(60, both("grow", 1, 4), Mood(), "1h", 0, None, prove=True),
    ),
    (  # the open day and the days before it are rewritten
        Step(0, (), Mood(split=True), "1d", 0, None),
        Step(60, both("grow", 5, 6, 7), Mood(sparse=True), "1d", 0, None, full=True, commit_rows=1),
        Step(60, both("vanish", 6, 7), Mood(), "1d", 0, None, full=True, crash="after"),
        Step(60, both("appear", 6, 7), Mood(), "1d", 0, None, full=True, again=True),
        Step(-7_000, both("learn", 1), Mood(refused=frozenset({"line_item"})), "1d", 0, None, full=True),
        Step(60, both("grow", 1), Mood(refused=frozenset({"line_item"})), "1d", 0, None, full=True),
        Step(DAY, (), Mood(no_open_day=True), "1m", DAY + 1, 2 * DAY + 45_296),
    ),
    (  # much is refused
        Step(0, (), Mood(unknown=frozenset(DIMENSIONS)), "1h", 0, None),
        Step(60, (), Mood(earliest=BEGIN + DAY), "1h", 0, None),
        Step(60, (), Mood(failing=(BEGIN + DAY, BEGIN + DAY + 60)), "1h", 0, None, full=True),
        Step(3_600, (), Mood(no_open_day=True), "1h", 0, None, again=True),
    ),
    (  # others write, too, and somebody sets the clock
        Step(0, (), Mood(), "1d", 0, None, rival="at once"),
        Step(60, both("grow", 1, 5), Mood(), "1h", 0, None, rival="between", jump=5_000, commit_rows=1),
        Step(60, both("vanish", 3, 6), Mood(), "1h", 0, None, full=True, rival="at once", jump=-7_000, commit_rows=1),
        Step(60, both("appear", 3, 6), Mood(), "1h", 0, None, full=True, rival="at once", crash="after", crash_at=1),
        Step(DAY, both("move", 2), Mood(), "1h", 0, None, rival="between", again=True),
    ),
)


def lived(life: Iterable[Step], *, thoroughly: bool) -> Counter[str]:
    """Return what was met in a life in which everything held, and of which every step can still be told."""
    with tempfile.TemporaryDirectory(dir=FAST) as folder:
        machine = Machine(Path(folder))
        copies = Copies(machine.path)
        for step in life:
            machine.step(step)
            copies.take()
        copies.check(thoroughly=thoroughly)
        return machine.seen


@pytest.mark.parametrize("life", LIVES)
def test_a_book_on_a_server_is_as_exact(life: tuple[Step, ...], tmp_path: Path) -> None:
    machine = Machine(tmp_path, another=on_postgres())
    for step in life:
        machine.step(step)


def test_each_way_to_change_a_book_leaves_it_exact() -> None:
    seen = sum((lived(life, thoroughly=True) for life in LIVES), Counter[str]())
    assert CASES - set(seen) == set(), "cases that no life has met"


def look(examples: int, *, always_the_same: bool) -> None:
    """Live so many random lives."""

    @settings(
        max_examples=examples,
        derandomize=always_the_same,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(steps, min_size=2, max_size=8))
    def live(life: list[Step]) -> None:
        for case in lived(life, thoroughly=not always_the_same):
            event(case)

    live()


def test_the_book_equals_the_newest_read_of_every_minute() -> None:
    look(EXAMPLES or 8, always_the_same=not EXAMPLES)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_the_book_equals_the_newest_read_of_every_minute_in_many_lives(part: int) -> None:
    look(EXAMPLES or 25, always_the_same=False)
