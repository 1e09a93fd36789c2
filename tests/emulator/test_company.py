"""The synthetic organization: deterministic, bounded, alive."""

import tracemalloc

import pytest

from tallybook.emulator import Company
from tallybook.emulator.company import KEPT_EVENTS
from tallybook.emulator.served import DATASETS
from tallybook.model.errors import UnknownNameError
from tests.clock import FakeClock
from tests.emulator.wire import DAY, MIDNIGHT, NOW, Org, organization

FULL = {"start_time": MIDNIGHT - 9 * DAY, "group_by": list(DATASETS["completions"].dimensions)}


def completions(seed: int, **company: object) -> bytes:
    with organization(seed=seed, **company) as org:
        return org.get("/usage/completions", FULL).content


def test_seed_and_now_decide_everything() -> None:
    first, again, other = completions(3), completions(3), completions(4)
    assert first == again
    assert first != other


def test_the_length_of_the_history_does_not_change_the_recent_past() -> None:
    bodies = [completions(3, days=days) for days in (20, 380)]
    assert bodies[0] == bodies[1]


def test_the_past_stays_as_it_was_when_time_passes() -> None:
    with organization() as org:
        question = {**FULL, "end_time": MIDNIGHT}
        before = org.get("/usage/completions", question).json()["data"]
        today = org.get("/usage/completions", {"start_time": MIDNIGHT}).json()
        org.clock.advance(4 * 3_600)
        assert org.get("/usage/completions", question).json()["data"] == before
        later = org.get("/usage/completions", {"start_time": MIDNIGHT}).json()
        requests = [body["data"][0]["results"][0]["num_model_requests"] for body in (today, later)]
        assert requests[0] < requests[1]


def test_nothing_is_older_than_the_company() -> None:
    with organization(days=5) as org:
        data = org.get("/usage/completions", FULL).json()["data"]
        assert [bool(bucket["results"]) for bucket in data] == [False] * 4 + [True] * 3


def test_memory_does_not_grow_with_days() -> None:
    company = Company(days=3_000, requests_per_day=300, clock=FakeClock(NOW))
    company.ledger(MIDNIGHT - 40 * DAY, MIDNIGHT, "completions")
    tracemalloc.start()
    try:
        for days in range(3_000, 0, -600):
            company.ledger(MIDNIGHT - days * DAY, MIDNIGHT - days * DAY + 40 * DAY, "completions")
        assert tracemalloc.get_traced_memory()[1] < 40_000_000
    finally:
        tracemalloc.stop()
    assert sum(map(len, company._days.values())) == company._kept <= KEPT_EVENTS
    assert company._kept > KEPT_EVENTS * 0.9


def test_the_default_company_is_as_large_as_promised() -> None:
    company = Company(requests_per_day=400, clock=FakeClock(NOW))
    rows = company.ledger(MIDNIGHT - 90 * DAY, MIDNIGHT, "completions", DATASETS["completions"].dimensions, "day")
    assert 13_000 < len(rows["completions"]) < 20_000
    roster, now = company.roster, company.now()
    present, keys = roster.present(now), [key for key in roster.keys if key.exists(now)]
    assert (len(roster.projects), len(present), len(keys)) == (12, 41, 58)
    assert (len(roster.people), len(roster.keys)) == (45, 67)
    assert len({row["model"] for row in rows["completions"]}) == 9


@pytest.mark.parametrize("seed", [7, 8])
def test_an_average_day_of_the_last_year_has_the_requests_that_were_asked_for(seed: int) -> None:
    company = Company(seed=seed, requests_per_day=200, clock=FakeClock(NOW))
    requests = company.ledger(MIDNIGHT - 365 * DAY, MIDNIGHT, "completions")["completions"][0]["num_model_requests"]
    assert requests / 365 == pytest.approx(200, rel=0.05)


def test_weekends_and_nights_are_quiet(org: Org) -> None:
    rows = org.company.ledger(MIDNIGHT - 91 * DAY, MIDNIGHT, "completions", grain="hour")["completions"]
    weekday, weekend, night = [0, 0], [0, 0], [0, 0]
    for row in rows:
        day, hour = row["start_time"] // DAY, row["start_time"] % DAY // 3_600
        kind = weekend if (day + 3) % 7 > 4 else night if hour < 6 else weekday
        kind[0] += row["num_model_requests"]
        kind[1] += 1
    means = [total / count for total, count in (weekday, weekend, night)]
    assert means[0] > 1.5 * means[1]
    assert means[0] > 2 * means[2]


def test_the_ledger_refuses_words_it_does_not_know(org: Org) -> None:
    for words in ({"dataset": "nothing"}, {"dataset": "images", "by": ["batch"]}, {"grain": "year"}):
        with pytest.raises(UnknownNameError):
            org.company.ledger(MIDNIGHT - DAY, MIDNIGHT, **words)


def test_the_ledger_of_all_datasets_has_those_with_the_dimension(org: Org) -> None:
    totals = org.control("/_ledger", start=MIDNIGHT - DAY, end=MIDNIGHT, by="batch")
    assert set(totals["datasets"]) == {"completions", "decisions"}
    assert set(org.control("/_ledger")["datasets"]) == set(DATASETS)
