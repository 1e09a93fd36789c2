"""A few requests at once: each is taken once, and what is answered is kept when the rest ends early."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tallybook.collect.several import Several

FOREVER = 30.0


class OddError(Exception):
    """Something that ends all."""


def test_each_is_asked_once_and_few_at_a_time() -> None:
    lock, now, most = threading.Lock(), 0, 0

    def ask(number: int) -> int:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        with lock:
            now -= 1
        return number * 10

    with ThreadPoolExecutor(4) as pool:
        found = Several(pool, ask, range(1, 200), 3)
        assert sorted(found) == [n * 10 for n in range(1, 200)]
    assert most <= 3
    assert list(found.rest()) == []


@pytest.mark.parametrize("ends", ["one raises", "whoever takes them raises"])
def test_what_is_under_way_when_it_ends_early_is_kept_and_the_rest_not_asked(ends: str) -> None:
    begun, ended = threading.Event(), threading.Event()
    asked: list[int] = []

    def ask(number: int) -> int:
        asked.append(number)
        if number == 2:
            begun.set()
            assert ended.wait(FOREVER)
        if number == 1:
            assert begun.wait(FOREVER)
            if ends == "one raises":
                raise OddError
        return number

    pool = ThreadPoolExecutor(2)
    found = Several(pool, ask, range(1, 11), 4)
    taken: list[int] = []

    def take() -> None:
        for number in found:
            taken.append(number)
            raise OddError

    with pytest.raises(OddError):
        take()
    ended.set()
    pool.shutdown(wait=True, cancel_futures=True)
    kept = taken + list(found.rest())
    assert sorted(kept) == sorted(set(asked) - ({1} if ends == "one raises" else set()))
    assert 2 in kept
    assert len(asked) < 6
    assert list(found.rest()) == []
