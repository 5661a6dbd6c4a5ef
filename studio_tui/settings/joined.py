"""The record of the studios of others that this user joined: `state/joined/<id>.json` is one."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from studio_tui.errors import StudioError
from studio_tui.settings import paths
from studio_tui.settings.private import private_folder, read_json, write_json


@dataclass(frozen=True, slots=True)
class Joined:
    """One studio of somebody else, as it was when this user was there last."""

    id: str
    """Its id, by which it is attached to again."""

    relay: str
    """URL of the relay that it was found at."""

    name: str = ""
    """What people call it; "" while an invite to it was accepted but it was never entered."""

    role: str = ""
    """What this user was there: "owner", "editor" or "viewer"; "" as with `name`."""


def remember(studio: Joined) -> None:
    """Keep a studio, in place of an earlier record of the same id.

    Where it cannot be written nobody is kept out of the studio for that: it is not listed.
    """
    with suppress(StudioError):
        if studio not in all_joined():
            write_json(_file(studio.id), asdict(studio))


def forget(studio: str) -> None:
    """Have the studio with this id listed no more; nothing when it is not."""
    with suppress(StudioError, OSError):
        _file(studio).unlink()


def all_joined() -> list[Joined]:
    """Return the studios that were joined, by id; a damaged record is left out."""
    found = (_read(file) for file in sorted(_folder().glob("*.json")))
    return [studio for studio in found if studio]


def _file(studio: str) -> Path:
    return _folder() / f"{studio}.json"


def _folder() -> Path:
    return private_folder(paths.state_folder() / "joined")


def _read(file: Path) -> Joined | None:
    try:
        content = read_json(file)
        return Joined(**{field.name: str(content[field.name]) for field in fields(Joined)})
    except (StudioError, KeyError):
        return None
