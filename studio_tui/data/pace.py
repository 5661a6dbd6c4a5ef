"""Many pieces of work at a time, their results in order, a bounded number of them ahead."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

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
