"""The studio's folder: listing, reading, creating, renaming, deleting, never outside of it."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import heapq
import json
import os
import shutil
import stat
import time
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from studio_tui.errors import NotFound, Refused, StudioError, UsageFault
from studio_tui.host import disk
from studio_tui.host.calls import Method, Params, Result, command, query
from studio_tui.host.disk import Spot
from studio_tui.host.finder import FIND_CAP, ranked

ENTRY_CAP = 5000
LISTING_BYTES = 900 * 1024
ENTRY_BYTES = 100
FRESH_SECONDS = 2.0
READ_CAP = 512 * 1024
PRIVATE = frozenset({".ssh", ".aws", ".gnupg", ".netrc", ".pgpass", ".env"})
"""Names of what holds keys and passwords: a shared text would hand them to everybody."""
SAMPLES = (".example", ".sample", ".template")
SKIPPED = frozenset({".git", ".venv", "node_modules", "__pycache__", ".mypy_cache", ".ruff_cache"})

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class Moved(NamedTuple):
    """What a file or folder was called, and is called now."""

    old: str
    new: str


class Folder:
    """The files of one studio. Every path that comes from outside goes through `at`.

    Paths are relative to the folder, "/" between their parts.

    Args:
        root: the studio's folder, resolved.
        private: folders that nobody may look into, even when they lie in the studio's folder:
            what a token in them opens is more than its reader may do.
    """

    def __init__(self, root: Path, private: Sequence[Path] = ()) -> None:
        self.root = root
        inside = [path.resolve() for path in private if path.resolve() != root]
        self._private = [
            path.relative_to(root).as_posix() for path in inside if path.is_relative_to(root)
        ]
        self._finding = asyncio.Lock()
        self._found: tuple[float, list[str]] | None = None

    def calls(self) -> list[Method]:
        """What can be asked of it."""
        return [
            query("files.list", self._list),
            query("files.read", self._read),
            query("files.find", self._find),
            command("files.create", self._create),
        ]

    # -- where things are ---------------------------------------------------------------------

    def name(self, path: str, *, link: bool = False) -> str:
        """The one name of what is at `path`: relative to the folder, links resolved.

        Args:
            link: when the last part is a symbolic link, name the link and not its target.

        Raises:
            Refused: it leads out of the folder, by ".." or through a link, or it is private.
        """
        given = PurePosixPath(path)
        if "\0" in path or given.is_absolute() or ".." in given.parts:
            raise Refused(f"{path!r} is outside of the studio's folder", "use a path inside of it")
        full = self.root.joinpath(given)
        # Not Path.resolve: it fails on a link to itself, this leaves that to whoever opens it.
        if link and given.parts:
            real = Path(os.path.realpath(full.parent), full.name)
        else:
            real = Path(os.path.realpath(full))
        if not real.is_relative_to(self.root):
            raise Refused(f"{path!r} is a link out of the studio's folder", "copy the file into it")
        name = "" if real == self.root else real.relative_to(self.root).as_posix()
        if self._is_private(name):
            raise Refused(f"{path!r} is not shared: it may hold secrets", "use a terminal for it")
        return name

    def _is_private(self, name: str) -> bool:
        if any(name == private or name.startswith(private + "/") for private in self._private):
            return True
        return any(holds_secrets(part) for part in name.split("/"))

    @contextlib.contextmanager
    def at(self, path: str, *, link: bool = False, make: bool = False) -> Iterator[Spot]:
        """Where `path` is, for as long as the block runs.

        The folders on the way are opened one by one and no link is followed any more: one that is
        put there between the look and the deed leads nowhere.

        Args:
            link: as for `name`.
            make: create the folders on the way that are missing.

        Raises:
            Refused: as for `name`.
            NotFound, StudioError: a folder on the way is missing, or cannot be entered; and what
                the system says to what is done in the block.
        """
        with _told(path or "."):
            *folders, last = PurePosixPath(self.name(path, link=link)).parts or (".",)
            opened = os.open(self.root, _FOLDER)
            try:
                for part in folders:
                    if make:
                        with contextlib.suppress(FileExistsError):
                            os.mkdir(part, dir_fd=opened)
                    above, opened = opened, os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=opened)
                    os.close(above)
                yield Spot(opened, last)
            finally:
                os.close(opened)

    # -- what is done there -------------------------------------------------------------------

    def entries(self, path: str) -> Result:
        """The entries of the folder at `path`, by name.

        Returns:
            {"entries": [{"name", "kind": "dir" | "file" | "other", "size", "mtime"}], "truncated"};
            a link is what it leads to, "other" when that is nothing or not to be opened here.
        """
        folder = self.name(path)
        with self.at(path) as spot, _opened(spot, os.O_DIRECTORY) as number:
            with os.scandir(number) as found:
                first = heapq.nsmallest(ENTRY_CAP + 1, found, key=lambda entry: entry.name)
            shown, size = [], 0
            for entry in first[:ENTRY_CAP]:
                size += ENTRY_BYTES + len(json.dumps(entry.name))
                if size > LISTING_BYTES:
                    break
                with contextlib.suppress(FileNotFoundError):  # gone since
                    shown.append(self._entry(f"{folder}/{entry.name}".lstrip("/"), entry))
        truncated = size > LISTING_BYTES or len(first) > ENTRY_CAP
        return {"entries": shown, "truncated": truncated}

    def _entry(self, name: str, entry: os.DirEntry[str]) -> dict[str, Any]:
        status, kind = entry.stat(follow_symlinks=False), "other"
        with contextlib.suppress(Refused, OSError):
            if entry.is_symlink():
                status = os.stat(self.root / self.name(name), follow_symlinks=False)
            if self._shows(name):
                kind = _KINDS.get(stat.S_IFMT(status.st_mode), "other")
        # A name that is not UTF-8 has no place in a message: it is shown, not openable.
        shown = entry.name.encode("utf-8", "replace").decode()
        return {"name": shown, "kind": kind, "size": status.st_size, "mtime": status.st_mtime}

    def piece(self, path: str, offset: int, length: int) -> Result:
        """Bytes of any regular file; see the call `files.read`."""
        with self.at(path) as spot, _opened(spot) as number:
            status = os.fstat(number)
            disk.check_regular(status)
            binary = b"\0" in os.pread(number, disk.SNIFF, 0)
            data = os.pread(number, length, offset)
        encoded = base64.b64encode(data).decode()
        return {"data": encoded, "offset": offset, "size": status.st_size, "binary": binary}

    def paths(self) -> list[str]:
        """The files below the folder, links included, the first `FIND_CAP` of them."""
        found: list[str] = []
        for folder, folders, files in os.walk(self.root):
            inside = os.path.relpath(folder, self.root)
            prefix = "" if inside == "." else inside + "/"
            folders[:] = sorted(
                name for name in folders if name not in SKIPPED and self._shows(prefix + name)
            )
            found += [prefix + name for name in sorted(files) if self._shows(prefix + name)]
            if len(found) >= FIND_CAP:
                break
        return found[:FIND_CAP]

    def _shows(self, name: str) -> bool:
        """Whether the last part of `name` may be opened, its folder being one that may."""
        try:
            name.encode()
        except UnicodeEncodeError:
            return False
        return name not in self._private and not holds_secrets(name.rpartition("/")[2])

    def create(self, path: str, kind: str) -> None:
        """Make an empty file, or a folder, and the folders above it.

        Raises:
            UsageFault: something is there already, or the name cannot be shown.
        """
        _check_showable(path)
        self._found = None
        with self.at(path, link=True, make=True) as spot:
            try:
                if kind == "dir":
                    os.mkdir(spot.name, dir_fd=spot.folder)
                else:
                    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
                    os.close(os.open(spot.name, flags, disk.NEW_FILE_MODE, dir_fd=spot.folder))
            except FileExistsError:
                raise UsageFault(
                    f"{path or '.'} exists already", "open it, or choose another name"
                ) from None

    def rename(self, path: str, to: str) -> Moved:
        """Give a file or folder another name, or another place in the folder.

        Raises:
            NotFound: it is not there.
            UsageFault: something else has the new name.
        """
        _check_showable(to)
        moved = Moved(self.name(path, link=True), self.name(to, link=True))
        self._check_not_root(moved.old)
        self._found = None
        with self.at(path, link=True) as source, self.at(to, link=True, make=True) as target:
            with _told(path):
                os.lstat(source.name, dir_fd=source.folder)
            with contextlib.suppress(FileNotFoundError):
                os.lstat(target.name, dir_fd=target.folder)
                raise UsageFault(f"{to} exists already", "choose another name, or delete it first")
            os.rename(source.name, target.name, src_dir_fd=source.folder, dst_dir_fd=target.folder)
        return moved

    def delete(self, path: str) -> None:
        """Delete a file, or a folder with all that is in it; of a link the link alone.

        Raises:
            NotFound: it is not there.
        """
        self._check_not_root(self.name(path, link=True))
        self._found = None
        with self.at(path, link=True) as spot:
            if stat.S_ISDIR(os.lstat(spot.name, dir_fd=spot.folder).st_mode):
                shutil.rmtree(spot.name, dir_fd=spot.folder)
            else:
                os.unlink(spot.name, dir_fd=spot.folder)

    def _check_not_root(self, name: str) -> None:
        if not name:
            raise Refused("this is the studio's own folder", "name something in it")

    # -- calls --------------------------------------------------------------------------------

    async def _list(self, params: Params) -> Result:
        return await asyncio.to_thread(self.entries, params.text("path", ""))

    async def _read(self, params: Params) -> Result:
        offset = params.number("offset", 0, 1 << 62, 0)
        length = params.number("length", 0, READ_CAP, READ_CAP)
        return await asyncio.to_thread(self.piece, params.text("path"), offset, length)

    async def _find(self, params: Params) -> Result:
        wanted, limit = params.text("query", "", 256), params.number("limit", 1, 500, 50)
        async with self._finding:  # one at a time: saving needs the threads too
            return {"paths": await asyncio.to_thread(self._ranked, wanted, limit)}

    def _ranked(self, wanted: str, limit: int) -> list[str]:
        """People type a letter at a time: the folder is not walked anew for each of them."""
        found = self._found
        if found is None or time.monotonic() - found[0] > FRESH_SECONDS:
            found = self._found = time.monotonic(), self.paths()
        return ranked(found[1], wanted, limit)

    async def _create(self, params: Params) -> Result:
        kind = params.text("kind", "file")
        if kind not in ("file", "dir"):
            raise UsageFault(f"{kind!r} cannot be created", 'the kind is "file" or "dir"')
        await asyncio.to_thread(self.create, params.text("path"), kind)
        return {}


_KINDS = {stat.S_IFDIR: "dir", stat.S_IFREG: "file"}


def holds_secrets(name: str) -> bool:
    """Whether a file or folder of this name, whatever its case, is where people keep secrets."""
    name = name.casefold()
    return name in PRIVATE or (name.startswith(".env.") and not name.endswith(SAMPLES))


def _check_showable(path: str) -> None:
    if not path.isprintable():
        raise UsageFault(f"{path!r} cannot be shown as a name", "leave out control characters")


@contextlib.contextmanager
def _opened(spot: Spot, flags: int = 0) -> Iterator[int]:
    """The spot's file, opened to read; a pipe or a device does not hold the opener up."""
    flags |= os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
    if not flags & os.O_DIRECTORY:
        disk.check_regular(os.lstat(spot.name, dir_fd=spot.folder))
    number = os.open(spot.name, flags, dir_fd=spot.folder)
    try:
        yield number
    finally:
        os.close(number)


@contextlib.contextmanager
def _told(name: str) -> Iterator[None]:
    """What the system says, in words: for whoever asked for `name`."""
    try:
        yield
    except FileNotFoundError:
        raise NotFound(f"there is no {name}", "it may have been moved or deleted") from None
    except NotADirectoryError:
        raise UsageFault(f"{name} is not a folder, or not in one", "check the path") from None
    except PermissionError:
        raise StudioError(f"no permission for {name}", f"check it: ls -ld {name}") from None
    except OSError as problem:
        raise StudioError(
            f"{name}: {problem.strerror}", "check it on the studio's machine"
        ) from problem
