"""Files and folders that only this user can read: folders 0700, files 0600, replaced whole."""

from __future__ import annotations

import json
import os
import stat
import tempfile
from pathlib import Path
from typing import Any

from studio_tui.errors import StudioError


def private_folder(path: Path) -> Path:
    """Make `path` a folder of mode 0700 that this user owns, and return it.

    Parents that are missing are made with the same mode; parents that exist are left alone.

    Raises:
        StudioError: it cannot be made, is not a folder, or belongs to somebody else.
    """
    try:
        for parent in reversed(path.parents):
            if not parent.exists():
                parent.mkdir(mode=0o700, exist_ok=True)
        path.mkdir(mode=0o700, exist_ok=True)
        status = path.stat()
        if status.st_uid == os.geteuid() and stat.S_IMODE(status.st_mode) & 0o077:
            path.chmod(0o700)
    except OSError as error:
        raise StudioError(
            f"cannot make the folder {path}: {error.strerror}",
            "give STUDIO_HOME a folder that you can write to",
        ) from error
    if status.st_uid != os.geteuid():
        raise StudioError(
            f"the folder {path} belongs to another user", "give STUDIO_HOME a folder of your own"
        )
    return path


def write_private(path: Path, data: bytes) -> None:
    """Replace `path` with `data` at once: a reader sees the old file or the new, never a part.

    The file has mode 0600 from its first byte on, and is on the disk when this returns.

    Raises:
        StudioError: it cannot be written.
    """
    folder = private_folder(path.parent)
    temporary = ""
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=folder)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise StudioError(
            f"cannot write {path}: {error.strerror}", "free some space or check the folder's rights"
        ) from error


def write_json(path: Path, value: object) -> None:
    """Replace `path` with `value` as indented JSON; see `write_private`."""
    write_private(path, json.dumps(value, indent=2, ensure_ascii=False).encode() + b"\n")


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object in `path`; an empty one when there is no such file.

    Raises:
        StudioError: it cannot be read, or holds something other than a JSON object.
    """
    try:
        value = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise StudioError(
            f"cannot read {path}: {error.strerror}", "check the file's rights"
        ) from error
    except ValueError as error:
        raise StudioError(
            f"{path} is damaged: {error}", "move the file away and try again"
        ) from error
    if not isinstance(value, dict):
        raise StudioError(f"{path} is damaged: not an object", "move the file away and try again")
    return value


def readable_by_others(path: Path) -> bool:
    """Say whether anyone but the owner may read or write `path`; False when it is not there."""
    try:
        return bool(path.stat().st_mode & 0o077)
    except FileNotFoundError:
        return False
