"""Errands: what takes time is done on a thread, and the event loop goes on meanwhile."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from relay_server.errors import InvalidUpdate
from relay_server.validate import Walked

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Errands:
    """The errands of one relay, and their tasks.

    Args:
        loop: the event loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._tasks: set[asyncio.Task[None]] = set()
        self._walker = ThreadPoolExecutor(1, "walker")

    def run(
        self,
        errand: Callable[[], T],
        done: Callable[[T], None],
        thread: ThreadPoolExecutor | None = None,
    ) -> None:
        """Has an errand done, and calls `done` with what it returned, on the loop."""

        async def run() -> None:
            done(await self._loop.run_in_executor(thread, errand))

        task = self._loop.create_task(run(), name="errand")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def walk(self, update: bytes, done: Callable[[Walked | InvalidUpdate], None]) -> None:
        """Has a large update walked by the validator, one at a time."""

        def errand() -> Walked | InvalidUpdate:
            try:
                return Walked(update)
            except InvalidUpdate as error:
                return error

        self.run(errand, done, self._walker)

    async def settle(self) -> None:
        """Waits for those under way, and takes no more to walk."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._walker.shutdown()
