"""Recordings of the studio's terminals, as files in the format of asciinema (asciicast v3)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from studio_tui.client.answer import Answer

if TYPE_CHECKING:
    from studio_tui.client.attachment import Attachment

READ_SIZE = 512 * 1024


@dataclass(frozen=True)
class RecordingInfo:
    """A recording as it is listed.

    Attributes:
        terminal: the id of the terminal, which may be gone.
        title: what that was called.
        started, ended: Unix times in seconds.
        bytes: size of the file.
        live: whether it is still being made.
    """

    id: str
    terminal: str
    title: str
    started: float
    ended: float
    bytes: int
    live: bool


class Recordings:
    """Every recording that the studio's host keeps."""

    def __init__(self, studio: Attachment) -> None:
        self._studio = studio

    async def list(self) -> list[RecordingInfo]:
        """What there is, the oldest first."""
        told = await self._studio.query("terminals.recordings")
        answer = Answer("terminals.recordings", told)
        return [_read(answer.method, item) for item in answer.items("recordings")]

    async def chunks(self, id: str) -> AsyncIterator[bytes]:
        """The bytes of a recording, in pieces; of one that is being made those there are now.

        Raises:
            NotFound: there is no such recording.
        """
        offset, size = 0, None
        while size is None or offset < size:
            params = {"recording": id, "offset": offset, "length": READ_SIZE}
            told = await self._studio.query("terminals.recording", **params)
            piece = Answer("terminals.recording", told)
            size = piece.count("size") if size is None else size
            data = piece.data("data")[: size - offset]
            if not data:
                return
            offset += len(data)
            yield data

    async def read(self, id: str) -> bytes:
        """All bytes of a recording. Raises as `chunks` does."""
        return b"".join([data async for data in self.chunks(id)])

    async def remove(self, id: str) -> None:
        """Remove a recording for good.

        Raises:
            NotFound: there is no such recording. StudioError: it is still being made.
        """
        await self._studio.command("terminals.remove_recording", recording=id)


def _read(method: str, item: Any) -> RecordingInfo:
    about = Answer(method, item if isinstance(item, Mapping) else {})
    return RecordingInfo(
        id=about.text("id"),
        terminal=about.text("terminal"),
        title=about.text("title"),
        started=about.count("started"),
        ended=about.count("ended"),
        bytes=about.count("bytes"),
        live=about.flag("live"),
    )
