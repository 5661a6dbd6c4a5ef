"""What this process follows of a studio: files, terminals and jobs, one object per room."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar, cast

from studio_tui.sync.room import Room
from studio_tui.sync.session import Session


class Shared(Protocol):
    """What one follows: it has a room, and `release` is called when that is left."""

    room: Room

    def release(self) -> None:
        """Stop taking what comes from the room."""


S = TypeVar("S", bound=Shared)
Gone = Callable[[], bool]
"""Whether the host has removed what is shared in a room."""


def never() -> bool:
    """A file that is closed on the host keeps its text, and the edits that are on their way."""
    return False


class Followed:
    """The rooms that were joined for something in them, until that is forgotten or removed.

    Args:
        session: joins and leaves the rooms.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._shared: dict[str, tuple[Shared, Gone]] = {}

    def __iter__(self) -> Iterator[Shared]:
        return (shared for shared, _ in self._shared.values())

    async def join(self, room: str, make: Callable[[Room], S], gone: Gone = never) -> S:
        """What is shared in `room`: one object, however often and by whom it is asked for.

        Raises:
            StudioError: see `Session.join`.
        """
        if room not in self._shared:
            joined = await self._session.join(room)
            if room not in self._shared:
                self._shared[room] = make(joined), gone
        return cast("S", self._shared[room][0])

    def forget(self, shared: Shared) -> None:
        """Leave the room of something that nobody here follows any more."""
        room = shared.room.name
        if room in self._shared and self._shared[room][0] is shared:
            del self._shared[room]
            shared.release()
            self._session.leave(room)

    def forget_gone(self) -> None:
        """Leave the rooms of what the host has removed."""
        for shared in [shared for shared, gone in self._shared.values() if gone()]:
            self.forget(shared)

    def release(self) -> None:
        """Stop following all of it; the session leaves the rooms."""
        for shared, _ in self._shared.values():
            shared.release()
        self._shared.clear()
