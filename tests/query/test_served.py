"""Random questions to random books answer what plain Python makes of the JSON that was served: no store in between.

The books are real, and so are the syncs: two organizations, days and hours, restatements, refusals, lacking splits.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.query.served import compared
from tests.query.served.asked import Question
from tests.query.served.compared import comparisons
from tests.query.served.lives import Life, lived, lives
from tests.query.served.metrics import METRICS, OWN
from tests.query.served.questions import ABOUT_ORDERS, ALWAYS_ASKED, Expected, questions
from tests.store.book import FAST

QUESTIONS = 45
"""To each book, besides those that are always asked."""
COMPARISONS = 8
"""And so many that are compared with what was before."""
OWN_NUMBERS = 5
"""And so many about numbers of the user's own."""


def _lists(each: st.SearchStrategy[Question], n: int) -> st.SearchStrategy[list[Question]]:
    return st.lists(each, min_size=n, max_size=n)


def live(examples: int) -> Counter[str]:
    """Ask so many books, and return which cases were there."""
    seen: Counter[str] = Counter()

    # A life is not made simpler where an answer is wrong, which takes minutes: the question and both tables are told.
    @settings(
        max_examples=examples, deadline=None, derandomize=True, database=None, phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(
        lives(), _lists(questions(), QUESTIONS), _lists(comparisons(), COMPARISONS),
        _lists(st.sampled_from(ABOUT_ORDERS), OWN_NUMBERS),
    )  # fmt: skip
    def ask(life: Life, asked: list[Question], beside: list[Question], own: list[Question]) -> None:
        with tempfile.TemporaryDirectory(dir=FAST) as folder, lived(life, Path(folder)) as found:
            expected = Expected(found)
            for q in (*ALWAYS_ASKED, *asked, *beside, *own):
                try:
                    compared.check(expected, q) if q.compare else expected.check(q)
                except BaseException as exc:
                    exc.add_note(f"Asked: {q}")
                    raise
        seen.update(expected.seen)

    ask()
    return seen


OFTEN = ("answered", "refused", "not empty", "two groups", "two organizations", "as of", "not known", "nothing")
"""What a few books show many times over."""
CASES = (
    *(
        "Other",
        "(none)",
        "(not held)",
        "(unattributed)",
        "(unassigned)",
        "team",
        "a word beside values",
        "several currencies",
        "negative",
    ),
    *("complete", "not complete", "restated", "widths mixed", "a split lacks a day", "a split without projects"),
    *("hour", "day", "week", "month", "total", "UTC", "Europe/Berlin", "Asia/Kolkata"),
    *("nothing before", "nothing to compare"),
    *("is cut", "by key and by user at once", "not measured there", "has no dimension"),
)
"""What they show at all; the slow test shows it of every metric and dimension."""


def test_answers_are_what_plain_python_makes_of_what_was_served() -> None:
    seen = live(9)
    assert not [case for case in OFTEN if seen[case] < 20]
    assert seen["compared numbers"] > 5
    assert not [case for case in CASES if not seen[case]]
    assert not [metric for metric in (*METRICS, *OWN) if not seen[metric]]


@pytest.mark.slow
def test_so_are_those_of_many_books() -> None:
    seen = live(80)
    assert not [case for case in OFTEN if seen[case] < 200]
    assert not [case for case in (*CASES, "other widths") if not seen[case]]
    assert not [metric for metric in METRICS if seen[metric] < 10]
    told = ("project", "user", "api_key", "key_owner", "service_account", "model", "model_family", "line_item", "org")
    told = (*told, "product", "token_kind", "batch", "service_tier", "currency", "dataset", "weekday", "team")
    assert not [d for d in told if seen[d] < 5]
    assert not [d for d in told if d != "org" and not seen[f"where {d}"]]
