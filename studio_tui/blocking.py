"""The SDK without `await`: the same objects, driven on an event loop in a thread of its own.

    with sdk.sync.attach("calm-otter") as studio:
        job = studio.run("train.py", precision="bf16-mixed")
        for line in job.logs():
            print(line)

Ctrl-C ends what is waited for, and leaves the studio in good order.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Coroutine,
    ItemsView,
    Iterator,
    KeysView,
    Mapping,
    ValuesView,
)
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from dataclasses import is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from studio_tui.errors import StudioError

if TYPE_CHECKING:
    from studio_tui.blocking_types import Studio

T = TypeVar("T")

_END = object()


class _Loop:
    """An event loop that runs in a thread of its own for as long as a `with` block."""

    def __init__(self) -> None:
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="studio-tui sdk", daemon=True)
        self._thread.start()
        self._ready.wait()

    def _serve(self) -> None:
        # `asyncio.run` also cancels what is left at the end, and closes what was iterated.
        asyncio.run(self._until_closed())

    async def _until_closed(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        self._ready.set()
        await self._over.wait()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`, done on the loop.

        Raises:
            StudioError: the block has ended, or a callback on the loop asks for it: the loop
                cannot wait for itself.
        """
        problem = None
        if threading.current_thread() is self._thread:
            problem = StudioError("a callback cannot wait for the studio", "ask after it")
        elif not self._thread.is_alive():
            problem = StudioError("the studio was left", "use it inside of its with block")
        if problem is not None:
            work.close()
            raise problem
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            # Ctrl-C comes to the waiting thread alone: what it waits for must not go on.
            future.cancel()
            raise

    def do(self, action: Callable[[], Any]) -> Any:
        """What `action` returns, called on the loop and awaited there if need be.

        Documents belong to one thread: nothing of a studio is touched by another.
        """
        if threading.current_thread() is self._thread:
            result = action()
            return self.run(result) if inspect.iscoroutine(result) else self.wrapped(result)
        return self.run(self._done(action))

    async def _done(self, action: Callable[[], Any]) -> Any:
        result = action()
        return self.wrapped(await result if inspect.isawaitable(result) else result)

    def wrapped(self, value: Any) -> Any:
        """What stands for `value` in other threads."""
        if isinstance(value, AsyncIterator):
            return self._iterated(value)
        if isinstance(value, Mapping):
            return dict(value)
        if isinstance(value, (KeysView, ValuesView, ItemsView)):
            return list(value)
        ours = type(value).__module__.startswith("studio_tui.")
        if ours and not is_dataclass(value) and not isinstance(value, type):
            return Blocking(self, value)
        return value

    def _iterated(self, source: AsyncIterator[T]) -> Iterator[T]:
        try:
            while (item := self.do(lambda: anext(source, _END))) is not _END:
                yield item
        finally:
            if isinstance(source, AsyncGenerator) and self._thread.is_alive():
                self.run(_closed(source))

    def close(self) -> None:
        """End the loop and its thread."""
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()


async def _closed(source: AsyncGenerator[Any, Any]) -> None:
    # One that is still on its way out after Ctrl-C closes itself.
    with suppress(RuntimeError):
        await source.aclose()


class Blocking:
    """A stand-in for an SDK object whose coroutine methods return their result directly.

    Attributes are read on the loop's thread; what is an SDK object there is its stand-in here,
    async iterators become iterators, and mappings are copied.
    """

    __slots__ = ("_loop", "_target")

    def __init__(self, loop: _Loop, target: object) -> None:
        self._loop = loop
        self._target = target

    def __str__(self) -> str:
        return str(self._loop.do(lambda: str(self._target)))

    def __repr__(self) -> str:
        return f"<blocking {type(self._target).__name__}>"

    def __dir__(self) -> list[str]:
        return [name for name in dir(self._target) if not name.startswith("_")]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"{type(self._target).__name__} offers no {name!r}")
        value = self._loop.do(lambda: getattr(self._target, name))
        if not inspect.isroutine(value):
            return value

        def method(*args: Any, **kwargs: Any) -> Any:
            return self._loop.do(lambda: value(*args, **kwargs))

        method.__name__, method.__doc__ = name, value.__doc__
        return method


@contextmanager
def attach(studio: str, *, name: str | None = None) -> Iterator[Studio]:
    """As `sdk.attach`, blocking."""
    from studio_tui import sdk

    with _entered(lambda: sdk.attach(studio, name=name)) as attached:
        yield attached


@contextmanager
def open(  # noqa: A001 - the name that scripts use: sdk.sync.open(folder)
    folder: str | Path, *, name: str | None = None, relay: str | None = None
) -> Iterator[Studio]:
    """As `sdk.open`, blocking."""
    from studio_tui import sdk

    with _entered(lambda: sdk.open(folder, name=name, relay=relay)) as attached:
        yield attached


@contextmanager
def _entered(manager: Callable[[], AbstractAsyncContextManager[object]]) -> Iterator[Any]:
    loop = _Loop()
    try:
        context = manager()
        target = loop.run(context.__aenter__())
        try:
            yield loop.wrapped(target)
        except BaseException as problem:
            if not loop.run(context.__aexit__(type(problem), problem, problem.__traceback__)):
                raise
        else:
            loop.run(context.__aexit__(None, None, None))
    finally:
        loop.close()
