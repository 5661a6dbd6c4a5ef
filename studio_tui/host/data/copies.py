"""Copies between a source of data and the studio's folder, each in a thread of its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from studio_tui.data.local import Unsent, draft_name
from studio_tui.data.source import Going, Stopped
from studio_tui.errors import NotFound, StudioError, UsageFault
from studio_tui.host.files.disk import NotEditable
from studio_tui.host.files.envoy import NotThere
from studio_tui.host.files.folder import Folder
from studio_tui.host.ids import new_id

log = logging.getLogger(__name__)

AT_ONCE = 4
REMEMBERED = 100
LOOK_SECONDS = 0.1

Told = TypeVar("Told")


@dataclass
class Copy:
    """One copy, under way or over.

    Attributes:
        url: what is copied out of, or into, a source.
        path: the other end, in the studio's folder.
        state: running, done, stopped or failed.
        result: what became of it, see `studio_tui.data.copying`.
    """

    id: str
    url: str
    path: str
    by: str
    going: Going = field(default_factory=Going)
    state: str = "running"
    result: dict[str, Any] = field(default_factory=dict)
    problem: StudioError | None = None

    def plain(self) -> dict[str, Any]:
        """As calls have it."""
        problem = self.problem
        return {
            "copy": self.id,
            "url": self.url,
            "path": self.path,
            "by": self.by,
            "state": self.state,
            "done": self.going.done,
            "total": self.going.total,
            "text": self.going.text,
            "result": self.result,
            "message": problem.message if problem else "",
            "hint": problem.hint if problem else "",
        }


class Copies:
    """The copies of one studio; those that are over are remembered for a while.

    Args:
        tasks: owns one task per copy.
    """

    def __init__(self, tasks: asyncio.TaskGroup) -> None:
        self._tasks = tasks
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="studio-tui copy")
        self._known: dict[str, Copy] = {}
        self._ended = asyncio.Condition()

    def begin(self, url: str, path: str, by: str, work: Callable[[Going], dict[str, Any]]) -> Copy:
        """Start a copy.

        Args:
            work: copies, and returns what became of it; blocks.

        Raises:
            UsageFault: too many are under way, or one to the same place.
        """
        if problem := self._in_the_way(url, path):
            raise problem
        copy = Copy(new_id(), url, path, by)
        self._known[copy.id] = copy
        for over in list(self._known)[: max(0, len(self._known) - REMEMBERED)]:
            if self._known[over].state != "running":
                del self._known[over]
        self._tasks.create_task(self._run(copy, work), name=f"copying {url}")
        return copy

    def _in_the_way(self, url: str, path: str) -> UsageFault | None:
        """Why a copy cannot begin now."""
        running = [copy for copy in self._known.values() if copy.state == "running"]
        if len(running) >= AT_ONCE:
            return UsageFault(f"{AT_ONCE} copies are under way", "wait for one, or stop one")
        if any((copy.url, copy.path) == (url, path) for copy in running):
            return UsageFault(f"{url} is being copied already", "wait for it, or stop it")
        return None

    async def turn(self, url: str, path: str) -> None:
        """Wait until nothing is in the way of a copy."""
        async with self._ended:
            await self._ended.wait_for(lambda: self._in_the_way(url, path) is None)

    async def _run(self, copy: Copy, work: Callable[[Going], dict[str, Any]]) -> None:
        working = asyncio.get_running_loop().run_in_executor(self._pool, work, copy.going)
        try:
            copy.result = await asyncio.shield(working)
            copy.state = "done"
        except Stopped as problem:
            copy.state, copy.problem = "stopped", problem
        except StudioError as problem:
            copy.state, copy.problem = "failed", problem
        except OSError as problem:
            said = f"{copy.path}: {problem.strerror or problem}"
            copy.state, copy.problem = "failed", StudioError(said, "check the disk")
        except Exception:
            # What the packages for the sources may raise, nobody can list; the studio goes on.
            log.exception("copy of %s failed", copy.url)
            copy.state = "failed"
            copy.problem = StudioError("the copy failed", "the host's log says why")
        except asyncio.CancelledError:
            # The thread would go on asking this loop, which ends: it is told, and waited for.
            copy.going.stop = True
            await asyncio.wait((working,))
            raise
        log.info("copy of %s %s: %s", copy.url, copy.state, copy.problem or "")
        async with self._ended:
            self._ended.notify_all()

    def find(self, id: str) -> Copy:
        """The copy with this id. NotFound: there is none."""
        if id not in self._known:
            raise NotFound("there is no such copy", "it may have been before the host's last start")
        return self._known[id]

    def known(self) -> list[Copy]:
        """Every copy that is remembered, the oldest first."""
        return list(self._known.values())

    async def news(self, copy: Copy, done: int, seconds: float) -> None:
        """Wait until a copy has got further than `done` or is over, but not for ever."""
        until = asyncio.get_running_loop().time() + seconds
        while copy.state == "running" and copy.going.done <= done:
            if asyncio.get_running_loop().time() >= until:
                return
            await asyncio.sleep(LOOK_SECONDS)


class Loop:
    """The host's event loop, for threads that need something of it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def do(self, work: Coroutine[Any, Any, Told]) -> Told:
        """What `work` returns; blocks the calling thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


class FolderTarget:
    """A file to be made in the studio's folder; see `studio_tui.data.local.Target`.

    Args:
        current: the studio's folder now; it may become another while the copy lasts.
        force: whether it may take the place of another.
    """

    def __init__(
        self, loop: Loop, current: Callable[[], Folder], path: str, *, force: bool = False
    ) -> None:
        self._loop = loop
        self._current = current
        self._folder = current()
        self._path = path
        self._force = force
        self._draft = path
        self._size = 0

    def begin(self, mark: str) -> int:
        """See `Target`. UsageFault: something is there already, which a folder is in any case."""
        if self._there(self._path) is not None and not self._force:
            raise UsageFault(f"{self._path} is there already", "ask for it to be replaced")
        above, _, name = self._path.rpartition("/")
        self._draft = f"{above}/{draft_name(name, mark)}".lstrip("/")
        self._size = self._there(self._draft) or 0
        return self._size

    def _there(self, path: str) -> int | None:
        try:
            return self._loop.do(self._folder.size(path))
        except NotThere:
            return None
        except NotEditable as problem:
            raise UsageFault(f"{path} is {problem.message}", "name a file") from None

    def read(self, offset: int, length: int) -> bytes:
        """See `Target`."""
        return self._loop.do(self._folder.bytes_at(self._draft, offset, length))

    def write(self, offset: int, data: bytes) -> None:
        """See `Target`."""
        self._loop.do(self._folder.append(self._draft, offset, data))
        self._size = offset + len(data)

    def finish(self) -> None:
        """See `Target`. StudioError: the studio has gone to another machine meanwhile."""
        if self._folder is not self._current():
            raise StudioError("the studio went to another machine meanwhile", "copy it again")
        self._loop.do(self._finish())

    async def _finish(self) -> None:
        await self._folder.append(self._draft, self._size, b"", sync=True)
        try:
            await self._folder.rename(self._draft, self._path, over=self._force)
        except UsageFault:
            await self._folder.delete(self._draft)
            raise

    def discard(self) -> None:
        """See `Target`."""
        self._loop.do(self._folder.delete(self._draft))

    def close(self) -> None:
        """Nothing is held open."""


class FolderOrigin:
    """A file of the studio's folder that is copied into a source; see `local.Origin`."""

    def __init__(self, loop: Loop, folder: Folder, path: str) -> None:
        self._loop = loop
        self._folder = folder
        self._path = path
        self._stamp = self._look()
        self._size = loop.do(folder.size(path))

    def _look(self) -> object:
        (stamp,) = self._loop.do(self._folder.stamps([self._path]))
        return stamp

    def size(self) -> int:
        """See `Origin`."""
        return self._size

    def read(self, offset: int, length: int) -> bytes:
        """See `Origin`."""
        return self._loop.do(self._folder.bytes_at(self._path, offset, length))

    def check(self) -> None:
        """See `Origin`."""
        if self._look() != self._stamp:
            raise Unsent(f"{self._path} changed while it was sent", "send it again")

    def close(self) -> None:
        """Nothing is held open."""
