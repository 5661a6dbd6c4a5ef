"""What this process follows of a studio: files, terminals and jobs, one object per room."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

from studio_tui.client.file import SharedFile
from studio_tui.client.job import Job
from studio_tui.client.terminal import SharedTerminal
from studio_tui.document.studio import StudioDocument
from studio_tui.sync.room import Room
from studio_tui.sync.session import Session

Shared = SharedFile | SharedTerminal | Job
S = TypeVar("S", bound=Shared)


class Followed:
    """The rooms that were joined for something in them, until that is forgotten or removed.

    Args:
        session: joins and leaves the rooms.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._shared: dict[str, Shared] = {}

    async def join(self, room: str, make: Callable[[Room], S]) -> S:
        """What is shared in `room`: one object, however often and by whom it is asked for.

        Raises:
            StudioError: see `Session.join`.
        """
        if room not in self._shared:
            joined = await self._session.join(room)
            if room not in self._shared:
                self._shared[room] = make(joined)
        return cast("S", self._shared[room])

    def forget(self, shared: Shared) -> None:
        """Leave the room of something that nobody here follows any more."""
        room = shared.room.name
        if self._shared.get(room) is shared:
            del self._shared[room]
            shared.release()
            self._session.leave(room)

    def forget_removed(self, document: StudioDocument) -> None:
        """Leave the rooms of what the host has removed."""
        for shared in [one for one in self._shared.values() if _is_removed(one, document)]:
            self.forget(shared)

    def release(self) -> None:
        """Stop following all of it; the session leaves the rooms."""
        for shared in self._shared.values():
            shared.release()
        self._shared.clear()


def _is_removed(shared: Shared, document: StudioDocument) -> bool:
    match shared:
        case SharedTerminal():
            return shared.id not in document.terminals
        case Job():
            return shared.id not in document.jobs
    # A file that is closed on the host keeps its text, and the edits that are on their way.
    return False
