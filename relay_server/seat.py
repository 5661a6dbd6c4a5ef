"""A seat: a connection's place in one room, and how the room's messages reach it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from relay_server import wire
from relay_server.fanout import binary_frame

if TYPE_CHECKING:
    from relay_server.access import Grant
    from relay_server.outbox import Outbox
    from relay_server.room import Room


class Client(Protocol):
    """A connection as the rooms see it.

    Attributes:
        number: unique over the relay's life; others see it.
        address: where it comes from.
        reached: the relay's URL as the client knows it.
        heard: when it was last heard, on the loop's clock.
        seats: its places, by the address that the client uses: a room's name, perhaps with more
            behind a NUL; "" on y-websocket connections.
        outbox: what waits to be written to it.
    """

    number: int
    address: str
    reached: str
    heard: float
    seats: dict[str, Seat]
    outbox: Outbox

    def close(self, code: int, reason: str) -> None:
        """Ends the connection, politely at first."""

    def abort(self) -> None:
        """Ends it at once."""

    def watch(self, now: float) -> None:
        """Finds out whether the client is still there."""

    def hold(self, why: str) -> None:
        """Reads it no more, until every reason is released."""

    def release(self, why: str) -> None:
        """Ends one reason not to read it."""


@dataclass(frozen=True, slots=True)
class Seat:
    """A connection's place in one room.

    Attributes:
        prefix: what precedes each message on the wire; None on y-websocket connections.
    """

    client: Client
    outbox: Outbox
    member: int
    room: Room
    grant: Grant
    prefix: bytes | None

    def send(self, message: wire.Message) -> None:
        """One message to this member alone."""
        if type(message) is wire.Step2:
            self._send_state(message.update)
            return
        frame = framed(self.prefix, wire.encode_body(message), message)
        if frame is not None:
            self.outbox.send(frame)

    def _send_state(self, update: bytes) -> None:
        """A Step2, which may be large: it is copied once."""
        frame = binary_frame(self.prefix or b"", *wire.step2_parts(update))
        self.outbox.allow(len(frame))
        self.outbox.send(frame)


def framed(prefix: bytes | None, body: bytes, message: wire.Message) -> bytes | None:
    """A message's websocket frame for members with this prefix; None when they have no word."""
    if prefix is not None:
        return binary_frame(prefix, body)
    if type(message) is wire.Update:
        return binary_frame(body)
    body_y = wire.encode_y(message)
    return None if body_y is None else binary_frame(body_y)
