"""Work in threads: many pieces at a time with their results in order, and one beside another."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self, TypeVar

WORKERS = 8

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """`work(item)` of each item, in order, `WORKERS` of them at a time.

    No more than so many results wait to be taken. Left early, what has not begun never does, and
    what has is waited for.
    """
    pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="studio-tui data")
    ahead: deque[Future[Result]] = deque()
    try:
        for item in items:
            if len(ahead) == WORKERS:
                yield ahead.popleft().result()
            ahead.append(pool.submit(work, item))
        while ahead:
            yield ahead.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


class Beside:
    """One piece of work at a time, done beside what the caller does meanwhile, in order."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="studio-tui data")
        self._ahead: Future[object] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.shutdown()

    def do(self, work: Callable[[Item], object], item: Item) -> None:
        """Begin `work(item)`, once what was begun before is done; raises what that raised."""
        self.wait()
        self._ahead = self._pool.submit(work, item)

    def wait(self) -> None:
        """Until all is done that was begun; raises what it raised."""
        if self._ahead is not None:
            self._ahead.result()
            self._ahead = None
