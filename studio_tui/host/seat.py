"""The driver's seat of one terminal: who may type, decided without I/O."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from relay_server.wire import Sender
from studio_tui.errors import Refused

MAY_DRIVE = frozenset({"owner", "editor", "host"})


@dataclass(frozen=True)
class Seat:
    """A seat, free or taken by one connection of one person."""

    name: str | None = None
    connection: int | None = None

    @property
    def free(self) -> bool:
        """Whether anybody who types takes it."""
        return self.connection is None

    def taken_by(self, sender: Sender) -> Seat:
        """The seat after `sender` took it, from whoever had it.

        Raises:
            Refused: a viewer.
        """
        if sender.role not in MAY_DRIVE:
            raise Refused("a viewer may not type", "ask the owner for the role of an editor")
        return Seat(sender.name, sender.connection)

    def typed_in_by(self, sender: Sender) -> Seat | None:
        """The seat when `sender` types: a free one is taken; None when the input is not theirs."""
        if sender.role not in MAY_DRIVE:
            return None
        if self.free:
            return Seat(sender.name, sender.connection)
        return self if self.connection == sender.connection else None

    def without(self, present: Set[int]) -> Seat:
        """The seat once only `present` connections are there: who has left drives no more."""
        return self if self.free or self.connection in present else Seat()
