"""The studio's folder: listing, finding, creating, renaming, deleting, never outside of it."""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from rapidfuzz import fuzz, process

from studio_tui.errors import NotFound, Refused, StudioError, UsageFault
from studio_tui.host.calls import Method, Params, Result, command, query

ENTRY_CAP = 5000
FIND_CAP = 50_000
READ_CAP = 512 * 1024
SNIFF = 8192
SKIPPED = frozenset({".git", ".venv", "node_modules", "__pycache__", ".mypy_cache", ".ruff_cache"})


class Folder:
    """The files of one studio. Every path that comes from outside goes through `inside`.

    Args:
        root: the studio's folder, resolved.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def calls(self) -> list[Method]:
        """What can be asked of it."""
        return [
            query("files.list", self._list),
            query("files.read", self._read),
            query("files.find", self._find),
            command("files.create", self._create),
            command("files.rename", self._rename),
            command("files.delete", self._delete),
        ]

    def inside(self, path: str) -> Path:
        """The absolute path of `path`, which is relative to the folder, "/" between its parts.

        Raises:
            Refused: it leads out of the folder, by ".." or through a symbolic link.
        """
        parts = PurePosixPath(path)
        if "\0" in path or parts.is_absolute() or ".." in parts.parts:
            raise Refused(f"{path!r} is outside of the studio's folder", "use a path inside of it")
        full = self.root.joinpath(*parts.parts)
        # The last part may not exist yet; what leads to it must stay inside.
        real = full.resolve()
        if not real.is_relative_to(self.root):
            raise Refused(f"{path!r} is a link out of the studio's folder", "copy the file into it")
        return full

    # -- queries ------------------------------------------------------------------------------

    async def _list(self, params: Params) -> Result:
        folder = self.inside(params.text("path", ""))
        return await asyncio.to_thread(_listing, folder, params.text("path", ""))

    async def _read(self, params: Params) -> Result:
        path = self.inside(params.text("path"))
        offset = params.number("offset", 0, 1 << 62, 0)
        length = params.number("length", 0, READ_CAP, READ_CAP)
        return await asyncio.to_thread(_piece, path, params.text("path"), offset, length)

    async def _find(self, params: Params) -> Result:
        wanted, limit = params.text("query", ""), params.number("limit", 1, 500, 50)
        paths = await asyncio.to_thread(lambda: list(_walk(self.root)))
        if not wanted:
            return {"paths": sorted(paths)[:limit]}
        ranked = process.extract(wanted, paths, scorer=fuzz.WRatio, limit=limit, score_cutoff=40)
        exact = [path for path in paths if wanted.lower() in path.lower()]
        ordered = sorted(exact, key=lambda path: (len(path), path)) + [path for path, *_ in ranked]
        return {"paths": list(dict.fromkeys(ordered))[:limit]}

    # -- commands -----------------------------------------------------------------------------

    async def _create(self, params: Params) -> Result:
        name = params.text("path")
        path = self.inside(name)
        if path.exists():
            raise UsageFault(f"{name} exists already", "open it, or choose another name")
        if params.text("kind", "file") == "dir":
            path.mkdir(parents=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(exist_ok=False)
        return {}

    async def _rename(self, params: Params) -> Result:
        name, to = params.text("path"), params.text("to")
        source, target = self._existing(name), self.inside(to)
        if target.exists():
            raise UsageFault(f"{to} exists already", "choose another name, or delete it first")
        target.parent.mkdir(parents=True, exist_ok=True)
        source.rename(target)
        return {}

    async def _delete(self, params: Params) -> Result:
        name = params.text("path")
        path = self._existing(name)
        if path == self.root:
            raise Refused("the studio's own folder cannot be deleted", "delete what is in it")
        if path.is_dir() and not path.is_symlink():
            await asyncio.to_thread(shutil.rmtree, path)
        else:
            path.unlink()
        return {}

    def _existing(self, name: str) -> Path:
        path = self.inside(name)
        if not os.path.lexists(path):
            raise NotFound(f"there is no {name}", "it may have been moved; refresh the list")
        return path


def _listing(folder: Path, name: str) -> Result:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except FileNotFoundError:
        raise NotFound(f"there is no folder {name or '.'}") from None
    except NotADirectoryError:
        raise UsageFault(f"{name} is not a folder") from None
    except PermissionError:
        raise StudioError(f"{name or '.'} cannot be read", "check its permissions") from None
    shown = [_entry(entry) for entry in entries[:ENTRY_CAP]]
    return {"entries": shown, "truncated": len(entries) > ENTRY_CAP}


def _entry(entry: os.DirEntry[str]) -> dict[str, Any]:
    try:
        status = entry.stat()
    except OSError:
        status = entry.stat(follow_symlinks=False)
    kinds = {stat.S_IFDIR: "dir", stat.S_IFREG: "file"}
    # A name that is not UTF-8 would break the reply's encoding; it is shown, not openable.
    return {
        "name": entry.name.encode("utf-8", "replace").decode(),
        "kind": kinds.get(stat.S_IFMT(status.st_mode), "other"),
        "size": status.st_size,
        "mtime": status.st_mtime,
    }


def _piece(path: Path, name: str, offset: int, length: int) -> Result:
    try:
        if not path.is_file():
            raise NotFound(f"{name} is not a file" if path.exists() else f"there is no file {name}")
        with path.open("rb") as file:
            binary = b"\0" in file.read(SNIFF)
            file.seek(offset)
            data = file.read(length)
            size = os.fstat(file.fileno()).st_size
    except PermissionError:
        raise StudioError(
            f"{name} cannot be read", f"check its permissions: ls -l {name}"
        ) from None
    encoded = base64.b64encode(data).decode()
    return {"data": encoded, "offset": offset, "size": size, "binary": binary}


def _walk(root: Path) -> Iterator[str]:
    """Relative paths of files below `root`, the first `FIND_CAP` of them."""
    count = 0
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in SKIPPED)
        for name in sorted(files):
            yield (Path(folder) / name).relative_to(root).as_posix()
            count += 1
            if count >= FIND_CAP:
                return
