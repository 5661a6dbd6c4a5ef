"""Which files one person has open in each studio, and where in them, for the next time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from studio_tui.errors import StudioError
from studio_tui.settings import paths
from studio_tui.settings.private import private_folder, read_json, write_json

FILES_CAP, STUDIOS_CAP = 20, 50


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A file in a tab: its path, the caret's line and column and the first line seen, from 1.

    `seen` is whether its tab was the one that was looked at.
    """

    path: str
    line: int = 1
    column: int = 1
    top: int = 1
    seen: bool = False


def kept_file() -> Path:
    """Where they are kept."""
    return private_folder(paths.state_folder() / "app") / "open-files.json"


def load(studio: str) -> list[OpenFile]:
    """The files that were open in a studio, by its id; what makes no sense is left out."""
    found = _kept().get(studio)
    read = [_read(value) for value in found] if isinstance(found, list) else []
    return [file for file in read if file is not None][:FILES_CAP]


def save(studio: str, files: Sequence[OpenFile]) -> None:
    """Keep the files that are open in a studio; those of other studios stay.

    Raises:
        StudioError: the state folder cannot be written.
    """
    kept = _kept()
    kept.pop(studio, None)
    if files:
        kept[studio] = [asdict(file) for file in files[:FILES_CAP]]
    write_json(kept_file(), dict(list(kept.items())[-STUDIOS_CAP:]))


def _kept() -> dict[str, Any]:
    try:
        return read_json(kept_file())
    except StudioError:
        return {}


def _read(value: Any) -> OpenFile | None:
    if not isinstance(value, dict) or not isinstance(path := value.get("path"), str) or not path:
        return None
    line, column, top = (_number(value.get(name)) for name in ("line", "column", "top"))
    return OpenFile(path, line, column, top, seen=value.get("seen") is True)


def _number(value: Any) -> int:
    return value if type(value) is int and value > 0 else 1
