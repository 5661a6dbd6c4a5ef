"""The studio's folder on its machine: listing, reading, creating, renaming, deleting."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from studio_tui import payload
from studio_tui.errors import StudioError, UsageFault
from studio_tui.host.calls import Params, Result
from studio_tui.host.files import disk, repository
from studio_tui.host.files.disk import Seen, Stamp
from studio_tui.host.files.envoy import Envoy, NotThere
from studio_tui.host.files.finder import FIND_CAP, ranked
from studio_tui.payload.folder.names import SKIPPED, holds_secrets

if TYPE_CHECKING:
    from studio_tui.host.machines.sites import Site
    from studio_tui.machines.connection import Channel

FRESH_SECONDS = 2.0
READ_CAP = 512 * 1024
WHOLE = "is the payload on the machine whole?"


class Moved(NamedTuple):
    """What a file or folder was called, and is called now."""

    old: str
    new: str


class Folder:
    """The files of one studio on one machine, reached by `payload/folder` there.

    Paths are relative to the folder, "/" between their parts. None of them leads out of it, by ".."
    or through a link: that is Refused. Every method raises ConnectionLost when the machine cannot
    be reached; what changes something may then have been done.

    Args:
        site: finds the machine.
        private: folders there that nobody may look into, even when they lie in the studio's folder.
    """

    def __init__(
        self, site: Callable[[], Awaitable[Site]], private: Sequence[str | Path] = ()
    ) -> None:
        self._site = site
        self.private = [str(path) for path in private]
        self._envoy = Envoy(self._open)
        self._finding = asyncio.Lock()
        self._found: tuple[float, list[str]] | None = None

    async def _open(self) -> Channel:
        site = await self._site()
        served = site.folder, *self.private
        argv = payload.program(site.python, site.payload, "folder.service", *served)
        return await site.connection.open(argv)

    async def site(self) -> Site:
        """The machine that it is on. Raises as `host.roads` does for one that cannot be reached."""
        return await self._site()

    async def close(self) -> None:
        """Nothing more can be asked of it."""
        await self._envoy.close()

    # -- files --------------------------------------------------------------------------------

    async def name(self, path: str, *, link: bool = False) -> str:
        """The one name of what is at `path`: links resolved.

        Args:
            link: when the last part is a symbolic link, name the link and not its target.
        """
        reply = await self._envoy.look("name", path=path, link=link)
        return reply.told("name", str)

    async def load(self, path: str) -> Seen | None:
        """The whole file; None when there is none.

        Raises:
            NotEditable: not a regular file, or larger than `LOAD_CAP`.
            StudioError: it cannot be read.
        """
        try:
            reply = await self._envoy.look("load", path=path, most=disk.LOAD_CAP)
        except NotThere:
            return None
        disk.check_size(reply.told("size", int), disk.LOAD_CAP)
        return Seen(reply.body, _stamp(reply.told("stamp", list)))

    async def write(self, path: str, data: bytes, before: Stamp | None) -> Stamp:
        """Make `data` the file's content and return its stamp.

        After a crash there is the old content or the new one. Mode, owner and attributes stay.

        Args:
            before: its stamp when it was last read; None when there was no file.

        Raises:
            ChangedOnDisk: it is not what it was then.
            NotEditable: it is no regular file now.
            StudioError: it cannot be written.
        """
        reply = await self._envoy.change("write", data, path=path, before=before)
        return _stamp(reply.told("stamp", list))

    async def stamps(self, paths: Sequence[str]) -> list[Stamp | None]:
        """The stamp of each file, None where there is no file that may be seen."""
        reply = await self._envoy.look("stamps", "\0".join(paths).encode())
        stamps = reply.told("stamps", list)
        if len(stamps) != len(paths):
            raise StudioError(f"{len(stamps)} stamps for {len(paths)} files", WHOLE)
        return [None if stamp is None else _stamp(stamp) for stamp in stamps]

    async def create(self, path: str, kind: str) -> None:
        """Make an empty file, or a folder ("file" or "dir"), and the folders above it.

        Raises:
            UsageFault: something is there already, or the name cannot be shown.
        """
        self._found = None
        await self._envoy.change("create", path=path, kind=kind)

    async def rename(self, path: str, to: str, *, over: bool = False) -> Moved:
        """Give a file or folder another name, or another place in the folder.

        Args:
            over: it may take the place of a file or a link, but never of a folder.

        Raises:
            NotFound: it is not there.
            UsageFault: something else has the new name.
        """
        self._found = None
        reply = await self._envoy.change("rename", path=path, to=to, over=over)
        return Moved(reply.told("old", str), reply.told("new", str))

    async def delete(self, path: str) -> None:
        """Delete a file, or a folder with all that is in it; of a link the link alone.

        Raises:
            NotFound: it is not there.
        """
        self._found = None
        await self._envoy.change("delete", path=path)

    # -- what is copied piece by piece --------------------------------------------------------

    async def size(self, path: str) -> int:
        """Bytes of a regular file. NotThere: there is none."""
        return (await self._envoy.look("read", path=path, offset=0, length=0)).told("size", int)

    async def bytes_at(self, path: str, offset: int, length: int) -> bytes:
        """Bytes of a regular file; the program gives 16 MB at most."""
        return (await self._envoy.look("read", path=path, offset=offset, length=length)).body

    async def append(self, path: str, offset: int, data: bytes, *, sync: bool = False) -> None:
        """Put bytes where the file at `path` ends, which is made when it is not there.

        Args:
            sync: they, and all before them, are to be on the disk.
        """
        self._found = None
        # Doing it twice is as doing it once, so that it may be asked for again.
        await self._envoy.look("append", data, path=path, offset=offset, sync=sync)

    # -- what can be asked for ----------------------------------------------------------------

    async def entries(self, path: str) -> Result:
        """The entries of the folder at `path`, by name.

        Returns:
            {"entries": [{"name", "kind": "dir" | "file" | "other", "size", "mtime"}], "truncated"};
            a link is what it leads to, "other" when that is nothing or not to be opened here.
        """
        reply = await self._envoy.look("list", path=path)
        return {"entries": reply.told("entries", list), "truncated": reply.told("truncated", bool)}

    async def page(self, path: str, after: bytes = b"") -> tuple[list[dict[str, Any]], bytes]:
        """Some entries of a folder as `entries` has them, a link with "link": true.

        Args:
            after: what the page before gave; what this one gives is b"" at the folder's end.
        """
        reply = await self._envoy.look("list", after, path=path)
        return reply.told("entries", list), reply.body

    async def piece(self, path: str, offset: int, length: int) -> Result:
        """Bytes of any regular file; see the call `files.read`."""
        reply = await self._envoy.look("read", path=path, offset=offset, length=length)
        encoded = base64.b64encode(reply.body).decode()
        size, binary = reply.told("size", int), reply.told("binary", bool)
        return {"data": encoded, "offset": offset, "size": size, "binary": binary}

    async def paths(self) -> list[str]:
        """The files below the folder, links included, the first `FIND_CAP` of them.

        In a repository those that git ignores are left out, as is what may hold secrets.
        """
        site = await self._site()
        listed = await repository.listed(site)
        if listed is not None:
            return [path for path in listed if self._shows(site.folder, path)][:FIND_CAP]
        reply = await self._envoy.look("walk", most=FIND_CAP)
        return reply.body.decode(errors="replace").split("\0") if reply.body else []

    def _shows(self, root: str, path: str) -> bool:
        """Whether a path that git told may be named to everybody."""
        if "\ufffd" in path or any(
            part in SKIPPED or holds_secrets(part) for part in path.split("/")
        ):
            return False
        full = f"{root}/{path}"
        return not any(full == each or full.startswith(f"{each}/") for each in self.private)

    async def list_call(self, params: Params) -> Result:
        """Answers `files.list`."""
        return await self.entries(params.text("path", ""))

    async def read_call(self, params: Params) -> Result:
        """Answers `files.read`."""
        offset = params.number("offset", 0, 1 << 62, 0)
        length = params.number("length", 0, READ_CAP, READ_CAP)
        return await self.piece(params.text("path"), offset, length)

    async def find_call(self, params: Params) -> Result:
        """Answers `files.find`."""
        wanted, limit = params.text("query", "", 256), params.number("limit", 1, 500, 50)
        async with self._finding:  # one at a time: the answer of a walk serves them all
            paths = await self._fresh_paths()
            return {"paths": await asyncio.to_thread(ranked, paths, wanted, limit)}

    async def _fresh_paths(self) -> list[str]:
        """People type a letter at a time: the folder is not walked anew for each of them."""
        found = self._found
        if found is None or time.monotonic() - found[0] > FRESH_SECONDS:
            found = self._found = time.monotonic(), await self.paths()
        return found[1]

    async def create_call(self, params: Params) -> Result:
        """Answers `files.create`."""
        kind = params.text("kind", "file")
        if kind not in ("file", "dir"):
            raise UsageFault(f"{kind!r} cannot be created", 'the kind is "file" or "dir"')
        await self.create(params.text("path"), kind)
        return {}


def _stamp(told: Any) -> Stamp:
    try:
        return Stamp(*map(int, told))
    except (TypeError, ValueError) as problem:
        raise StudioError(f"a file has the stamp {told!r:.80}", WHOLE) from problem
