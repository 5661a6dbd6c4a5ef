"""Whose turn it is: a server opens few sessions on one connection, ten unless it says otherwise."""

from __future__ import annotations

import asyncio
from typing import Literal

from studio_tui.errors import StudioError

MOST = 9
"""sshd's MaxSessions is 10; one of them is the connection's own."""
FOR_COMMANDS = 3
"""Sessions that long-lived channels leave to short commands, so that neither waits for ever."""


Kind = Literal["long", "short"]


class Sessions:
    """The sessions of one connection. Whoever finds none free waits for its turn."""

    def __init__(self, most: int = MOST) -> None:
        self._limit = most
        self._most = most  # believed to be open at once
        self._seen = 0  # known to be
        self._probing = False
        self._used = {"long": 0, "short": 0}
        self._waiting: list[asyncio.Future[None]] = []

    async def take(self, kind: Kind) -> Turn:
        """Waits for a session; "short" is for what ends soon by itself.

        Raises:
            StudioError: the server opens so few that none would be left for commands.
        """
        while not self._free(kind):
            if self._room(kind) < 1:
                raise StudioError(
                    f"the host opens only {self._most + 1} sessions on one connection",
                    "set MaxSessions 10 in its sshd_config",
                )
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn
        self._used[kind] += 1
        return Turn(self, kind)

    def opened(self) -> None:
        """The server opened a session: so many there are."""
        self._seen = max(self._seen, self._total)
        self._most = max(self._most, self._seen)

    def give(self, kind: Kind) -> None:
        """Takes a session back."""
        self._used[kind] -= 1
        # Perhaps the server was only late in forgetting a session: a command may try one more.
        self._probing = self._most < self._limit
        self._wake()

    def refused(self, kind: Kind) -> None:
        """The server did not open a session: it opens fewer than was thought."""
        self._used[kind] -= 1
        self._most = max(self._seen, self._total)
        self._probing = False

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for turn in waiting:
            if not turn.done():
                turn.set_result(None)

    @property
    def _total(self) -> int:
        return sum(self._used.values())

    def _free(self, kind: Kind) -> bool:
        more = self._probing and kind == "short"
        return self._total < self._most + more and self._used[kind] < self._room(kind) + more

    def _room(self, kind: Kind) -> int:
        # At least one command can always run, however few sessions there are.
        kept = min(FOR_COMMANDS, max(1, self._most // 2))
        return self._most if kind == "short" else self._most - kept


class Turn:
    """One session: opened or refused, and given back; a second time changes nothing."""

    def __init__(self, sessions: Sessions, kind: Kind) -> None:
        self._sessions: Sessions | None = sessions
        self._kind = kind

    def opened(self) -> None:
        """The server opened it."""
        if self._sessions is not None:
            self._sessions.opened()

    def give(self) -> None:
        """Gives it back."""
        sessions, self._sessions = self._sessions, None
        if sessions is not None:
            sessions.give(self._kind)

    def refused(self) -> None:
        """The server did not open it."""
        sessions, self._sessions = self._sessions, None
        if sessions is not None:
            sessions.refused(self._kind)
