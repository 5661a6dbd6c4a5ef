"""The driver's seat of one terminal: who may type, decided without I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from relay_server.wire import Sender
from studio_tui.errors import Refused, StudioError

MAY_DRIVE = frozenset({"owner", "editor", "host"})
ASKING_CAP = 8
OPEN, LOCKED, CUT = "open", "locked", "cut"
"""Who types or asks first may take it; only the owner gives it; nobody types at all."""


@dataclass(frozen=True)
class Seat:
    """A seat, free or taken by one connection of one person.

    Attributes:
        name, connection: who types; None while it is free.
        access: OPEN, LOCKED or CUT.
        asking: the names of those who asked for it, the first to ask first.
    """

    name: str | None = None
    connection: int | None = None
    access: str = OPEN
    asking: tuple[str, ...] = ()

    @property
    def free(self) -> bool:
        """Whether nobody has it."""
        return self.connection is None

    def taken_by(self, sender: Sender) -> Seat:
        """The seat after `sender` took it, from whoever had it.

        Raises:
            Refused: a viewer, or somebody else than the owner while it is locked.
            StudioError: the owner has cut the input.
        """
        _check_role(sender)
        if self.access == LOCKED and sender.role != "owner" and not self._is(sender):
            raise Refused("the owner has locked this terminal", "ask for the keyboard")
        return self.given_to(sender.name, sender.connection)

    def given_to(self, name: str, connection: int) -> Seat:
        """The seat once this connection of a person has it.

        Raises:
            StudioError: the owner has cut the input.
        """
        if self.access == CUT:
            raise StudioError(
                "the owner has cut the input of all terminals", "only the owner can give it back"
            )
        asking = tuple(other for other in self.asking if other != name)
        return Seat(name, connection, self.access, asking)

    def asked_for_by(self, sender: Sender) -> Seat:
        """The seat once `sender` has asked for it.

        Raises:
            Refused: a viewer.
            StudioError: too many ask already.
        """
        _check_role(sender)
        if self._is(sender) or sender.name in self.asking:
            return self
        if len(self.asking) >= ASKING_CAP:
            raise StudioError(f"{ASKING_CAP} people ask for the keyboard already", "ask them")
        return replace(self, asking=(*self.asking, sender.name))

    def typed_in_by(self, sender: Sender) -> Seat | None:
        """The seat when `sender` types: a free one is taken; None when the input is not theirs."""
        if sender.role not in MAY_DRIVE or self.access == CUT:
            return None
        if not self.free:
            return self if self._is(sender) else None
        if self.access == LOCKED and sender.role != "owner":
            return None
        return self.given_to(sender.name, sender.connection)

    def left(self) -> Seat:
        """The seat once its driver has got up."""
        return replace(self, name=None, connection=None)

    def among(self, drivers: Mapping[int, str]) -> Seat:
        """The seat once only these may drive, connection to name: all others have no claim."""
        seat = self if self.free or self.connection in drivers else self.left()
        names = set(drivers.values())
        return replace(seat, asking=tuple(name for name in seat.asking if name in names))

    def _is(self, sender: Sender) -> bool:
        return self.connection == sender.connection


def _check_role(sender: Sender) -> None:
    if sender.role not in MAY_DRIVE:
        raise Refused("a viewer may not type", "ask the owner for the role of an editor")
