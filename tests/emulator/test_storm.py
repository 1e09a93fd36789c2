"""What a storm does on the wire: every kind of fault, as drawn from the seed, and never to the controls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tallybook.emulator.storm import KINDS
from tests.emulator.wire import DAY, MIDNIGHT, Org, organization

SINCE = MIDNIGHT - 5 * DAY
HOURS: dict[str, Any] = {
    "start_time": SINCE,
    "end_time": MIDNIGHT,
    "bucket_width": "1h",
    "group_by": "model",
    "limit": 24,
}
SPLIT: dict[str, Any] = {"start_time": SINCE, "end_time": MIDNIGHT, "group_by": "user_id,project_id,api_key_id"}
MOST = 1_500
Answer = requests.Response | Exception


def answers(org: Org, most: int = MOST) -> Iterator[tuple[str, Answer]]:
    """Ask for this and that until every kind of fault has been seen; yield each with the answer."""
    asked = [("/usage/completions", HOURS), ("/usage/completions", HOURS), ("/costs", SPLIT), ("/projects", {})]
    seen: set[str] = set()
    for number in range(most):
        place = number % len(asked)
        answer = asking(org, *asked[place])
        if place == 0 and isinstance(answer, requests.Response) and b'"next_page":"' in answer.content:
            asked[1] = ("/usage/completions", {**HOURS, "page": answer.json()["next_page"]})
        if fault := org.app.state.log.lines[-1].get("fault"):
            seen.add(fault)
            yield fault, answer
        if seen == set(KINDS):
            return


def asking(org: Org, path: str, params: dict[str, Any]) -> Answer:
    try:
        return org.get(path, params)
    except requests.RequestException as error:
        return error


STATUSES = {
    "rate limit, seconds": 429, "rate limit, date": 429, "rate limit, silent": 429, "no quota": 429,
    "server error": 500, "unavailable": 503, "bare string": 502, "404": 404,
    "look-back": 400, "group_by": 400, "width": 400, "limit": 400, "same-day costs": 400, "user": 400,
    "key floor": 400, "cursor": 400, "unknown 400": 400,
}  # fmt: skip
"""Answers that are no 200; what is in none of the tables comes with 200."""
BROKEN = {
    "cut": requests.exceptions.ChunkedEncodingError,
    "slow": requests.exceptions.ChunkedEncodingError,
    "reset": requests.ConnectionError,
    "not gzip": requests.exceptions.ContentDecodingError,
}


def test_every_kind_of_fault_happens_as_it_is_named() -> None:
    seen: Counter[str] = Counter()
    with organization("storm=1", "user-by-project", days=9) as org:
        for fault, answer in answers(org):
            seen[fault] += 1
            if fault in BROKEN:
                assert isinstance(answer, BROKEN[fault]), (fault, answer)
            else:
                assert isinstance(answer, requests.Response)
                assert answer.status_code == STATUSES.get(fault, 200), fault
        told = org.control("/_requests")["faults"]
    assert set(seen) == set(KINDS)
    assert seen <= Counter(told)


def test_a_reset_is_a_reset_and_a_slow_body_outlasts_every_patience() -> None:
    with organization("storm=1", days=9) as org:
        met: dict[str, tuple[Answer, float]] = {}
        for number in range(MOST):
            before = org.clock.monotonic()
            try:
                org.get("/projects", {"limit": 1 + number % 100})
            except requests.RequestException as error:
                met[org.app.state.log.lines[-1]["fault"]] = (error, org.clock.monotonic() - before)
            if {"slow", "reset"} <= set(met):
                break
    assert "reset by peer" in str(met["reset"][0])
    assert met["slow"][1] == 40


def test_the_same_seed_gives_the_same_storm_and_another_seed_another() -> None:
    storms = []
    for seed in (7, 7, 8):
        with organization("storm=3", days=9, seed=seed) as org:
            for number in range(60):
                try:
                    org.get("/projects", {"limit": 1 + number % 20})
                except requests.RequestException:
                    continue
            storms.append([line.get("fault") for line in org.app.state.log.lines])
    assert storms[0] == storms[1] != storms[2]
    hit = sum(fault is not None for fault in storms[0])
    assert 10 < hit < 35


def test_a_request_that_was_hit_may_be_hit_again() -> None:
    with organization("storm=2", days=9) as org:
        statuses = []
        for _ in range(40):
            try:
                statuses.append(org.get("/projects").status_code)
            except requests.RequestException:
                statuses.append(0)
    assert len(set(statuses)) > 3


@pytest.mark.parametrize("path", ["/_ledger", "/_requests"])
def test_the_controls_are_never_hit(path: str) -> None:
    with organization("storm=1", days=2) as org:
        for _ in range(20):
            org.control(path)
        assert not org.app.state.log.faults
