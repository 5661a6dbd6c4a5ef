"""One client's socket: handshake, frames, liveness and limits. What it says goes to the relay.

The library does the handshake and every frame that is not plain. What goes out is framed here, once
per message for all clients, and written once per turn.
"""

from __future__ import annotations

import asyncio
import codecs
import fcntl
import re
import struct
import sys
import termios
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import parse_qs, unquote

from websockets.datastructures import Headers
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from relay_server import wire
from relay_server.errors import InvalidUpdate, WireError
from relay_server.fanout import binary_frame
from relay_server.frames import FrameCutter
from relay_server.invites import PREFIX
from relay_server.limits import TokenBucket
from relay_server.validate import LARGE
from relay_server.wire import CAPS, Close

if TYPE_CHECKING:
    from websockets.typing import Origin

    from relay_server.access import Grant
    from relay_server.room import Room
    from relay_server.serve import Relay
    from relay_server.validate import Walked

SLICE: Final = 16 << 10  # bytes of one client that are read in a turn
GRACE: Final = 2.0  # seconds a client has to answer a close
SLOW_GRACE: Final = 0.5  # ... when it is one that does not read, whose bytes are held meanwhile
PATIENCE: Final = 20.0  # seconds of silence granted to a client that has never answered a ping
_HOST: Final = re.compile(r"[A-Za-z0-9._-]{1,253}(:\d{1,5})?|\[[0-9a-f:]+\](:\d{1,5})?").fullmatch
_UTF8: Final = codecs.getincrementaldecoder("utf-8")
_Y_ADDRESS: Final = ""  # how the one room of a y-websocket connection is addressed


class Framing(ServerProtocol):
    """The library's protocol, which closes with our own code when a message is too big."""

    def fail(self, code: CloseCode | int, reason: str = "") -> None:
        """See the library."""
        super().fail(Close.TOO_BIG if code == CloseCode.MESSAGE_TOO_BIG else code, reason)


@dataclass(frozen=True, slots=True)
class Seat:
    """A connection's place in one room.

    Attributes:
        prefix: what precedes each message on the wire; None on y-websocket connections.
    """

    connection: Connection
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
            self.connection.send(frame)

    def _send_state(self, update: bytes) -> None:
        """A Step2, which may be large: it is copied once."""
        frame = binary_frame(self.prefix or b"", *wire.step2_parts(update))
        self.connection.allow(len(frame))
        self.connection.send(frame)


def framed(prefix: bytes | None, body: bytes, message: wire.Message) -> bytes | None:
    """A message's websocket frame for members with this prefix; None when they have no word."""
    if prefix is not None:
        return binary_frame(prefix, body)
    if type(message) is wire.Update:
        return binary_frame(body)
    body_y = wire.encode_y(message)
    return None if body_y is None else binary_frame(body_y)


class Connection(asyncio.BufferedProtocol):
    """One socket.

    Args:
        relay: what it belongs to.
        number: unique over the relay's life; others see it.
        http_only: no websockets on this port.
    """

    def __init__(self, relay: Relay, number: int, http_only: bool = False) -> None:
        settings = relay.settings
        self.relay = relay
        self._turns = relay.turns
        self._counters = relay.counters
        self.number = number
        self.seats: dict[str, Seat] = {}  # by the address that the client uses
        self.heard = 0.0
        self.address = ""  # the client's
        self.welcome = True  # not one too many from its address
        self.reached = ""  # the relay's URL as the client knows it
        self._http_only = http_only
        origins = [None, *(cast("Origin", origin) for origin in settings.origins)]
        self._protocol = Framing(origins=origins, max_size=CAPS.message + CAPS.room)
        self._outgoing: list[bytes] = []
        self._cutter = FrameCutter()
        self._request_tail: bytes | None = b""  # the end of what was read; None after the request
        self._held = False  # not read because the store is behind
        self._aside: list[bytes] | None = None  # what came while a large update is walked
        self._framing = ""  # "hocuspocus" or "y" after the handshake
        self._spoke: Seat | None = None  # where it spoke last, and is likely to again
        self._message: list[bytes] = []  # fragments
        self._granted = False
        self._before_auth = 0
        self._closing = False
        self._full = False  # the transport holds more than it likes
        self._allowed = 0  # bytes of room states that may wait on top of the budget
        self._sent = 0
        self._delivered = 0
        self._asked = False  # whether it is there, and has not been heard since
        self._asked_at = 0.0
        self._answers_pings = False
        now = relay.loop.time()
        limits = settings.limits
        self._frames = TokenBucket(limits.frames_per_second, limits.frames_burst, now)
        self._bytes = TokenBucket(limits.bytes_per_second, limits.bytes_burst, now)
        self._joins = TokenBucket(limits.joins_per_second, limits.joins_burst, now)
        self._timer: asyncio.TimerHandle | None = None

    # ------------------------------------------------------------ the transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A socket is here."""
        self._transport = cast("asyncio.Transport", transport)
        self.address = str((transport.get_extra_info("peername") or ("",))[0])
        self.heard = self.relay.loop.time()
        timeout = self.relay.settings.auth_timeout
        self._timer = self.relay.loop.call_later(timeout, self._auth_timeout)
        self.relay.opened(self)

    def connection_lost(self, error: Exception | None) -> None:
        """The socket is gone."""
        self._closing = True
        if self._timer is not None:
            self._timer.cancel()
        self._leave()
        self.relay.lost(self)

    def pause_writing(self) -> None:
        """The client reads slower than it is written to."""
        self._full = True

    def resume_writing(self) -> None:
        """The client has caught up."""
        self._full = False
        self._allowed = 0

    def get_buffer(self, sizehint: int) -> memoryview:
        """One for all connections: what is read is copied out before the next one reads."""
        return self.relay.inbox

    def buffer_updated(self, nbytes: int) -> None:
        """Bytes of the client are in the buffer, which is no larger than `SLICE`."""
        data = bytes(self.relay.inbox[:nbytes])
        self.heard = self.relay.loop.time()
        self._counters.received_bytes += nbytes
        if not self._closing and not self._bytes.take(nbytes, self.heard):
            self.close(Close.FLOOD, "too many bytes")
        read = self._read_frames if self._request_tail is None else self._read
        self._turns.take_in(read, data, self.heard)

    def eof_received(self) -> bool:
        """The client sends no more."""
        self._protocol.receive_eof()
        self._write_protocol()
        return False

    # ------------------------------------------------------------ the relay's side

    def send(self, frames: bytes) -> None:
        """Has frames written at the end of the turn."""
        if self._closing:
            return
        waiting = self._outgoing
        if not waiting:
            self._turns.write_soon(self)
        waiting.append(frames)

    def left(self, seat: Seat) -> None:
        """The connection is no longer in a room."""
        if self._spoke is seat:
            self._spoke = None

    def allow(self, size: int) -> None:
        """Lets that much wait on top of the budget: the state of a room that was asked for."""
        self._allowed += size

    def write_out(self) -> None:
        """Writes what waits, in one go; a client over its budget is dropped."""
        waiting = self._outgoing
        if not waiting:
            return
        blob = waiting[0] if len(waiting) == 1 else b"".join(waiting)
        waiting.clear()
        if self._transport.is_closing():
            return
        size = len(blob)
        self._sent += size
        self._counters.sent_bytes += size
        self._transport.write(blob)
        if self._full:
            budget = self.relay.settings.limits.outgoing_bytes + self._allowed
            if self._transport.get_write_buffer_size() > budget:
                self.close(Close.SLOW_READER, "reads too slowly; come back and sync")

    def close(self, code: int, reason: str) -> None:
        """Leaves every room and closes the socket, politely at first."""
        if self._closing:
            return
        self.write_out()
        self._closing = True
        self.relay.dropped(self, code, reason)
        self._leave()
        if self._protocol.state is OPEN:
            reason = reason.encode()[:120].decode(errors="ignore")
            self._protocol.send_close(code, reason)
            self._write_protocol()
            self.hold(False)  # for the answer
        else:
            self._transport.close()
        if self._timer is not None:
            self._timer.cancel()
        grace = SLOW_GRACE if code == Close.SLOW_READER else GRACE
        self._timer = self.relay.loop.call_later(grace, self._transport.abort)

    def abort(self) -> None:
        """Ends the socket at once."""
        self._transport.abort()

    def hold(self, held: bool) -> None:
        """Stops reading the client, or goes on."""
        self._held = held
        self._read_or_not()

    def _read_or_not(self) -> None:
        if self._transport.is_closing():
            return
        if (self._held or self._aside is not None) and not self._closing:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def watch(self, now: float) -> None:
        """Finds out whether the client is still there; call every second or so."""
        settings = self.relay.settings
        if not self._framing or self._closing:
            return
        if self.heard > self._asked_at:
            self._asked = False
        if now - self.heard < settings.ping_interval:
            return
        if self._held or self._aside is not None or self._progress():
            self.heard = now
            return
        if not self._asked:
            self._asked, self._asked_at = True, now
            self._protocol.send_ping(b"")
            self._write_protocol()
        else:
            patience = settings.ping_timeout
            if not self._answers_pings:
                patience = max(patience, PATIENCE)
            if now - self._asked_at >= patience - settings.ping_interval:
                self.relay.dropped(self, CloseCode.ABNORMAL_CLOSURE, "it does not answer")
                self.abort()

    # ------------------------------------------------------------ handshake

    def _handshake(self, request: Request) -> None:
        path, _, query = request.path.partition("?")
        if request.headers.get("Upgrade") is None or self._http_only:
            self._answer(path)
            return
        if self.relay.full or not self.welcome:
            status = HTTPStatus.SERVICE_UNAVAILABLE
            if not self.welcome:
                status = HTTPStatus.TOO_MANY_REQUESTS
            response = self._protocol.reject(status, "Full.\n")
            response.headers["Retry-After"] = "1"
            self._protocol.send_response(response)
            self.relay.dropped(self, status, "no place for it")
            return
        response = self._protocol.accept(request)
        self._protocol.send_response(response)
        if response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
            return
        self._write_protocol()
        self.reached = self._reached(request.headers)
        room = unquote(path).strip("/")
        self._framing = "y" if room else "hocuspocus"
        if room:
            token = parse_qs(query).get("token", [""])[0]
            self._join_y(room, token or _bearer(request.headers))

    def _answer(self, path: str) -> None:
        answer = self.relay.answer(path)
        status = HTTPStatus(answer.status) if answer else HTTPStatus.NOT_FOUND
        body = (answer.body if answer else "Nothing here.\n").encode()
        headers = Headers()
        headers["Content-Type"] = answer.content_type if answer else "text/plain"
        headers["Content-Length"] = str(len(body))
        headers["Date"] = formatdate(usegmt=True)
        headers["Connection"] = "close"
        self._protocol.send_response(Response(status, status.phrase, headers, body))

    def _join_y(self, room: str, token: str) -> None:
        seat = self.relay.join(self, _Y_ADDRESS, room, wire.Token(token))
        if isinstance(seat, wire.Denied):
            frame = framed(None, b"", seat)
            assert frame is not None
            self.send(frame)
            self.close(Close.TOKEN, seat.reason)
        elif isinstance(seat, Seat):
            self._be_granted()

    def _be_granted(self) -> None:
        if not self._granted:
            # Whoever answers is missed soon when it is gone; see `watch`.
            self._protocol.send_ping(b"")
            self._write_protocol()
        self._granted = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _auth_timeout(self) -> None:
        if not self._framing:
            self.abort()
        else:
            self.close(Close.AUTH_TIMEOUT, "no token came in time")

    # ------------------------------------------------------------ bytes in

    def _read(self, data: bytes) -> None:
        if self._request_tail is not None:
            data = self._read_request(data, self._request_tail)
        if data:
            self._read_frames(data)

    def _read_request(self, data: bytes, tail: bytes) -> bytes:
        """Gives the library the request, or a part of it; what follows it is returned."""
        seen = tail + data
        end = seen.find(b"\r\n\r\n")
        size = len(data) if end < 0 else end + 4 - len(tail)
        self._request_tail = seen[-3:] if end < 0 else None
        self._feed(data[:size])
        return data[size:]

    def _read_frames(self, data: bytes) -> None:
        frames = 1
        one = self._cutter.whole(data)
        if one is None:
            frames = self._read_many(data)
        elif not self._closing and self._protocol.state is OPEN:
            self._received(one)
        self.relay.counters.frames += frames
        if not self._closing and not self._frames.take(frames, self.heard):
            self.close(Close.FLOOD, "too many messages")

    def _read_many(self, data: bytes) -> int:
        frames = 0
        for piece, plain in self._cutter.cut(data):
            if not plain:
                frames += self._feed(piece)
            elif not self._closing and self._protocol.state is OPEN:
                frames += 1
                self._received(piece)
        return frames

    def _feed(self, data: bytes) -> int:
        """Gives the library bytes, and does what it asks; the number of frames it found."""
        protocol = self._protocol
        protocol.receive_data(data)
        frames = 0
        for event in protocol.events_received():
            if isinstance(event, Frame):
                frames += 1
                self._frame(event)
            elif isinstance(event, Request):
                self._handshake(event)
        self._write_protocol()
        return frames

    def _write_protocol(self) -> None:
        for data in self._protocol.data_to_send():
            if self._transport.is_closing():
                return
            if data:
                self._sent += len(data)
                self._transport.write(data)
            elif (said := self._protocol.close_sent) and self._protocol.close_rcvd is None:
                self._fail(said.code, said.reason)
            else:
                self._transport.close()

    def _fail(self, code: int, reason: str) -> None:
        """The library has said why it ends the connection; the client shall read it.

        With bytes of the client unread, closing the socket would take that word back.
        """
        if self._closing:
            return
        self._closing = True
        self.relay.dropped(self, code, reason or "what it sends is no websocket's")
        self._leave()
        self.hold(False)
        if self._transport.can_write_eof():
            self._transport.write_eof()
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.relay.loop.call_later(GRACE, self._transport.abort)

    def _frame(self, frame: Frame) -> None:
        if self._closing:
            return
        if frame.opcode is Opcode.BINARY and frame.fin:
            self._received(bytes(frame.data))
        elif frame.opcode in (Opcode.BINARY, Opcode.CONT):
            self._message.append(bytes(frame.data))
            if frame.fin:
                message, self._message = b"".join(self._message), []
                self._received(message)
        elif frame.opcode is Opcode.TEXT:
            self._refuse_text(bytes(frame.data), frame.fin)
        elif frame.opcode is Opcode.PONG:
            self._answers_pings = True

    def _refuse_text(self, data: bytes, whole: bool) -> None:
        try:
            _UTF8().decode(data, final=whole)
        except UnicodeDecodeError:
            self.close(CloseCode.INVALID_DATA, "text that is not UTF-8")
        else:
            self.close(Close.PROTOCOL, "text frame; messages are binary")

    def _received(self, data: bytes) -> None:
        if self._aside is not None:
            self._aside.append(data)
            return
        seat = self._spoke
        if seat is not None:
            update = wire.short_update(data, seat.prefix or b"")
            if update is not None:
                self.relay.update(seat, update)
                return
        if not self._granted:
            self._before_auth += len(data)
            if self._before_auth > CAPS.before_auth:
                self.close(Close.TOO_BIG, "too much before a token")
                return
        try:
            if self._framing == "y":
                address, message = _Y_ADDRESS, wire.decode_y(data, CAPS.message)
            else:
                address, message = wire.decode(data, CAPS.message + CAPS.room)
        except WireError as error:
            self.close(error.close_code, error.message)
            return
        if isinstance(message, wire.Update | wire.Step2) and len(message.update) > LARGE:
            self._walk_aside(address, message)
        else:
            self._dispatch(address, message)

    def _walk_aside(self, address: str, message: wire.Update | wire.Step2) -> None:
        """Has a large update walked off the loop; the client waits, and nobody else."""
        if address in self.seats:
            self._aside = []
            self._read_or_not()
            self.relay.walk(message.update, lambda walked: self._walked(address, message, walked))

    def _walked(
        self, address: str, message: wire.Update | wire.Step2, walked: Walked | InvalidUpdate
    ) -> None:
        waiting, self._aside = self._aside or [], None
        if self._closing:
            return
        if isinstance(walked, InvalidUpdate):
            self.close(Close.PROTOCOL, walked.message)
            return
        self._dispatch(address, type(message)(walked))
        for at, data in enumerate(waiting):
            if self._closing:
                return
            self._received(data)
            if self._aside is not None:
                self._aside += waiting[at + 1 :]
                return
        self._read_or_not()

    def _dispatch(self, address: str, message: wire.Message) -> None:
        match message:
            case wire.Token():
                self._join(address, message)
            case wire.Ping():
                self.send(binary_frame(wire.encode_body(wire.Pong())))
            case wire.Pong():
                pass
            case _:
                seat = self.seats.get(address)
                # A client need not wait for its token's answer, so what follows a refused one
                # is no offence.
                if seat is not None:
                    self._spoke = seat
                    self.relay.receive(seat, message)
                    if type(message) is wire.CloseRoom:
                        self.relay.leave(self, address)

    def _reached(self, headers: Headers) -> str:
        """The relay's URL by the Host header; "" when that is none."""
        hosts = headers.get_all("Host")
        if len(hosts) != 1 or not _HOST(hosts[0]):
            return ""
        return f"{'wss' if self.relay.settings.tls_cert else 'ws'}://{hosts[0]}"

    def exchanged(self, address: str, answer: wire.Issued | wire.Denied) -> None:
        """An invite was exchanged for a token, or not."""
        self.send(binary_frame(wire.encode(address, answer)))
        if isinstance(answer, wire.Denied) and not self.seats:
            self.close(Close.TOKEN, answer.reason)

    def _join(self, address: str, message: wire.Token) -> None:
        if not self._joins.take(1, self.heard):
            self.close(Close.FLOOD, "too many tokens")
            return
        room = address.partition("\0")[0]
        if message.token.startswith(PREFIX):
            self.relay.exchange(self, address, room, message.token)
            return
        seat = self.relay.join(self, address, room, message)
        if isinstance(seat, wire.Denied):
            self.send(binary_frame(wire.encode(address, seat)))
            if not self.seats:
                self.close(Close.TOKEN, seat.reason)
        elif isinstance(seat, wire.History):
            denied = wire.Denied("the room has another history than your copy of it")
            self.send(binary_frame(wire.encode(address, seat)))
            self.send(binary_frame(wire.encode(address, denied)))
            self._be_granted()  # its token is good: it may come in with another copy
        else:
            self._be_granted()

    # ------------------------------------------------------------ ends

    def _leave(self) -> None:
        for address in list(self.seats):
            self.relay.leave(self, address)

    def _progress(self) -> bool:
        """Whether the client's machine takes what is written to it, and there is still more.

        A client on a thin line answers a ping only after everything before it.
        """
        waiting = self._transport.get_write_buffer_size() + self._in_kernel()
        before, self._delivered = self._delivered, self._sent - waiting
        return waiting > 0 and self._delivered > before

    def _in_kernel(self) -> int:
        if sys.platform != "linux":
            return 0
        socket = self._transport.get_extra_info("socket")
        try:
            raw = fcntl.ioctl(socket.fileno(), termios.TIOCOUTQ, b"\0\0\0\0")
        except OSError:
            return 0
        return int(struct.unpack("i", raw)[0])


def _bearer(headers: Headers) -> str:
    values = headers.get_all("Authorization")
    scheme, _, token = (values[0] if values else "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
