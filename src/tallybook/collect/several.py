"""A few requests under way at once, taken as they are answered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from typing import Generic, TypeVar

A = TypeVar("A")
T = TypeVar("T")


class Several(Generic[A, T]):
    """What `ask` says of each of `asks`, as it comes, with at most so many submitted to `pool` at any time."""

    def __init__(self, pool: Executor, ask: Callable[[A], T], asks: Iterable[A], most: int) -> None:
        self._pool, self._ask, self._todo, self._most = pool, ask, iter(asks), most
        self._under_way: set[Future[T]] = set()

    def __iter__(self) -> Iterator[T]:
        """Yield what is answered; what one of them raises ends it."""
        while True:
            while len(self._under_way) < self._most and (step := next(self._todo, None)) is not None:
                self._under_way.add(self._pool.submit(self._ask, step))
            if not self._under_way:
                return
            for future in wait(self._under_way, return_when=FIRST_COMPLETED).done:
                self._under_way.discard(future)
                yield future.result()

    def rest(self) -> Iterator[T]:
        """Yield what else was answered where it ended early; to be called when the pool is shut down."""
        for future in self._under_way:
            if future.done() and not future.cancelled() and future.exception() is None:
                yield future.result()
        self._under_way.clear()
