"""What was last written to an open file, remembered for the host that comes after this one."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from relay_server.errors import InvalidUpdate
from relay_server.validate import check_update
from studio_tui.errors import StudioError
from studio_tui.host.files.disk import Shape
from studio_tui.settings.private import read_json, write_json


@dataclass(frozen=True)
class Written:
    """One content of the file: its shape, its digest, and the document that it was made of.

    A change on disk is merged against `base`, a whole CRDT document as an update.
    """

    shape: Shape
    digest: str
    base: bytes


class Shadow:
    """The last contents of one open file, kept in a file of the host's own.

    It is written before the file itself, with both the content that is there and the one to come:
    whichever a crash leaves on disk, the next host knows it for its own. Were it taken for a
    change by somebody else, everything in it would enter the text a second time.

    Args:
        path: the host's own file.
        room: the open file's room; another room's shadow means nothing here.
    """

    def __init__(self, path: Path, room: str) -> None:
        self._path = path
        self._room = room

    def remember(self, *contents: Written) -> None:
        """Keep these and nothing else, the newest first. Raises StudioError: no place for it."""
        kept = [
            {
                "crlf": content.shape.crlf,
                "bom": content.shape.bom,
                "digest": content.digest,
                "base": base64.b64encode(content.base).decode(),
            }
            for content in contents
        ]
        write_json(self._path, {"room": self._room, "contents": kept})

    def recall(self) -> list[Written]:
        """What an earlier host kept, the newest first; empty when that is unknown or damaged."""
        try:
            kept = read_json(self._path)
            if kept.get("room") != self._room:
                return []
            return [_content(item) for item in kept["contents"]]
        except (StudioError, InvalidUpdate, KeyError, TypeError, binascii.Error):
            return []

    def forget(self) -> None:
        """Keep nothing."""
        self._path.unlink(missing_ok=True)


def _content(item: dict[str, Any]) -> Written:
    base = base64.b64decode(item["base"])
    check_update(base)
    return Written(Shape(bool(item["crlf"]), bool(item["bom"])), str(item["digest"]), base)


def known(contents: Sequence[Written], digest: str) -> Written | None:
    """The one of `contents` with this digest."""
    return next((content for content in contents if content.digest == digest), None)
