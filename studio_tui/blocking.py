"""The SDK without `await`: the same objects, driven on an event loop in a thread of its own.

with sdk.sync.attach("calm-otter") as studio:
    job = studio.run("train.py", precision="bf16-mixed")
    for line in job.logs():
        print(line)
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")


class _Loop:
    """An event loop that runs in a daemon thread for as long as a `with` block."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="sdk", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`, done on the loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def call(self, function: Callable[[], T]) -> T:
        """The result of `function`, called on the loop: documents belong to one thread."""

        async def work() -> T:
            return function()

        return self.run(work())

    def close(self) -> None:
        """Stop the loop and its thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Blocking:
    """A stand-in for an SDK object whose coroutine methods return their result directly.

    Attributes are read on the loop's thread; methods that give an SDK object give its stand-in,
    async iterators become iterators.
    """

    def __init__(self, loop: _Loop, target: object) -> None:
        self._loop = loop
        self._target = target

    def __str__(self) -> str:
        return self._loop.call(lambda: str(self._target))

    def __getattr__(self, name: str) -> Any:
        value = self._loop.call(lambda: getattr(self._target, name))
        if not callable(value):
            return self._wrapped(value)

        def method(*args: Any, **kwargs: Any) -> Any:
            result = self._loop.call(lambda: value(*args, **kwargs))
            if inspect.iscoroutine(result):
                result = self._loop.run(result)
            return self._wrapped(result)

        return method

    def _wrapped(self, value: Any) -> Any:
        if isinstance(value, AsyncIterator):
            return self._iterate(value)
        if type(value).__module__.startswith("studio_tui.client."):
            return Blocking(self._loop, value)
        return value

    def _iterate(self, source: AsyncIterator[T]) -> Iterator[T]:
        async def step() -> tuple[bool, Any]:
            try:
                return True, await anext(source)
            except StopAsyncIteration:
                return False, None

        while True:
            more, item = self._loop.run(step())
            if not more:
                return
            yield item


@contextmanager
def attach(studio: str, *, name: str | None = None) -> Iterator[Any]:
    """As `sdk.attach`, blocking."""
    from studio_tui import sdk

    with _entered(lambda: sdk.attach(studio, name=name)) as attached:
        yield attached


@contextmanager
def open(  # noqa: A001 - the name that scripts use: sdk.sync.open(folder)
    folder: str | Path, *, name: str | None = None, relay: str | None = None
) -> Iterator[Any]:
    """As `sdk.open`, blocking."""
    from studio_tui import sdk

    with _entered(lambda: sdk.open(folder, name=name, relay=relay)) as attached:
        yield attached


@contextmanager
def _entered(manager: Callable[[], AbstractAsyncContextManager[object]]) -> Iterator[Blocking]:
    loop = _Loop()
    try:
        context = manager()
        target = loop.run(context.__aenter__())
        try:
            yield Blocking(loop, target)
        except BaseException as problem:
            if not loop.run(context.__aexit__(type(problem), problem, problem.__traceback__)):
                raise
        else:
            loop.run(context.__aexit__(None, None, None))
    finally:
        loop.close()
