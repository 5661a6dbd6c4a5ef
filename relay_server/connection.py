"""One client's socket: from bytes to messages. What it says goes to the relay.

The library does the handshake and every frame that is not plain.
"""

from __future__ import annotations

import asyncio
import codecs
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, cast

from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import OPEN

from relay_server import handshake, wire
from relay_server.errors import InvalidUpdate, WireError
from relay_server.fanout import binary_frame
from relay_server.frames import FrameCutter
from relay_server.handshake import Framing
from relay_server.invites import PREFIX
from relay_server.limits import TokenBucket
from relay_server.outbox import Outbox
from relay_server.pulse import Pulse, Verdict
from relay_server.seat import Seat, framed
from relay_server.validate import LARGE
from relay_server.wire import CAPS, Close

if TYPE_CHECKING:
    from websockets.typing import Origin

    from relay_server.serve import Relay
    from relay_server.validate import Walked

SLICE: Final = 16 << 10  # bytes of one client that are read in a turn
GRACE: Final = 2.0  # seconds a client has to answer a close
SLOW_GRACE: Final = 0.5  # ... when it is one that does not read, whose bytes are held meanwhile
_UTF8: Final = codecs.getincrementaldecoder("utf-8")
_Y_ADDRESS: Final = ""  # how the one room of a y-websocket connection is addressed


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
        self._welcome = True  # not one too many from its address
        self.reached = ""  # the relay's URL as the client knows it
        self._http_only = http_only
        origins = [None, *(cast("Origin", origin) for origin in settings.origins)]
        self._protocol = Framing(origins=origins, max_size=CAPS.message + CAPS.room)
        self._cutter = FrameCutter()
        self._request_tail: bytes | None = b""  # the end of what was read; None after the request
        self._holds: set[str] = set()  # why it is not read
        self._aside: list[bytes] | None = None  # what came while a large update is walked
        self._framing = ""  # "hocuspocus" or "y" after the handshake
        self._spoke: Seat | None = None  # where it spoke last, and is likely to again
        self._message: list[bytes] = []  # fragments
        self._granted = False
        self._before_auth = 0
        self._closing = False
        self._pulse = Pulse(settings.ping_interval, settings.ping_timeout)
        now = relay.loop.time()
        limits = settings.limits
        self.outbox = Outbox(relay.turns, relay.counters, limits.outgoing_bytes, self._late)
        self._frames = TokenBucket(limits.frames_per_second, limits.frames_burst, now)
        self._bytes = TokenBucket(limits.bytes_per_second, limits.bytes_burst, now)
        self._joins = TokenBucket(limits.joins_per_second, limits.joins_burst, now)
        self._timer: asyncio.TimerHandle | None = None

    # ------------------------------------------------------------ the transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A socket is here."""
        self._transport = cast("asyncio.Transport", transport)
        self.outbox.open(self._transport)
        self.address = str((transport.get_extra_info("peername") or ("",))[0])
        self.heard = self.relay.loop.time()
        timeout = self.relay.settings.auth_timeout
        self._timer = self.relay.loop.call_later(timeout, self._auth_timeout)
        self._welcome = self.relay.crowd.enter(self)

    def connection_lost(self, error: Exception | None) -> None:
        """The socket is gone."""
        self._end()
        if self._timer is not None:
            self._timer.cancel()
        self.relay.crowd.leave(self)

    def pause_writing(self) -> None:
        """The client reads slower than it is written to."""
        self.outbox.fill()

    def resume_writing(self) -> None:
        """The client has caught up."""
        self.outbox.drain()

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

    def close(self, code: int, reason: str) -> None:
        """Leaves every room and closes the socket, politely at first."""
        if self._closing:
            return
        self.outbox.write_out()
        if self._closing:
            return  # that was too much for it
        self._end()
        self.relay.crowd.dropped(self, code, reason)
        if self._protocol.state is OPEN:
            reason = reason.encode()[:120].decode(errors="ignore")
            self._protocol.send_close(code, reason)
            self._write_protocol()
        else:
            self._transport.close()
        self._part(SLOW_GRACE if code == Close.SLOW_READER else GRACE)

    def abort(self) -> None:
        """Ends the socket at once."""
        self._transport.abort()

    def hold(self, why: str) -> None:
        """Reads the client no more, until every reason is released."""
        self._holds.add(why)
        if not self._closing and not self._transport.is_closing():
            self._transport.pause_reading()

    def release(self, why: str) -> None:
        """Ends one reason not to read the client."""
        self._holds.discard(why)
        if not self._holds and not self._transport.is_closing():
            self._transport.resume_reading()

    def watch(self, now: float) -> None:
        """Finds out whether the client is still there; call every second or so."""
        if not self._framing or self._closing:
            return
        if self._pulse.quiet(now, self.heard) and (self._holds or self.outbox.moves()):
            self.heard = now
            return
        verdict = self._pulse.look(now, self.heard)
        if verdict is Verdict.ASK:
            self._protocol.send_ping(b"")
            self._write_protocol()
        elif verdict is Verdict.GONE:
            self.relay.crowd.dropped(self, CloseCode.ABNORMAL_CLOSURE, "it does not answer")
            self.abort()

    # ------------------------------------------------------------ handshake

    def _handshake(self, request: Request) -> None:
        asked = handshake.read(request)
        if not asked.upgrade or self._http_only:
            self._protocol.send_response(handshake.page(self.relay.answer(asked.path)))
            return
        if self.relay.full or not self._welcome:
            self._turn_away()
            return
        response = self._protocol.accept(request)
        self._protocol.send_response(response)
        if response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
            return
        self._write_protocol()
        if asked.host:
            scheme = "wss" if self.relay.settings.tls_cert else "ws"
            self.reached = f"{scheme}://{asked.host}"
        self._framing = "y" if asked.room else "hocuspocus"
        if asked.room:
            self._join_y(asked.room, asked.token)

    def _turn_away(self) -> None:
        status = HTTPStatus.SERVICE_UNAVAILABLE if self._welcome else HTTPStatus.TOO_MANY_REQUESTS
        response = self._protocol.reject(status, "Full.\n")
        response.headers["Retry-After"] = "1"
        self._protocol.send_response(response)
        self.relay.crowd.dropped(self, status, "no place for it")

    def _join_y(self, room: str, token: str) -> None:
        seat = self.relay.join(self, _Y_ADDRESS, room, wire.Token(token))
        if isinstance(seat, wire.Denied):
            frame = framed(None, b"", seat)
            assert frame is not None
            self.outbox.send(frame)
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
                self.outbox.write(data)
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
        self._end()
        self.relay.crowd.dropped(self, code, reason or "what it sends is no websocket's")
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._part(GRACE)

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
            self._pulse.answers = True

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
            self.hold("walk")
            self.relay.errands.walk(
                message.update, lambda walked: self._walked(address, message, walked)
            )

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
        self.release("walk")

    def _dispatch(self, address: str, message: wire.Message) -> None:
        match message:
            case wire.Token():
                self._join(address, message)
            case wire.Ping():
                self.outbox.send(binary_frame(wire.encode_body(wire.Pong())))
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
                        self._spoke = None
                        self.relay.leave(self, address)

    def exchanged(self, address: str, answer: wire.Issued | wire.Denied) -> None:
        """An invite was exchanged for a token, or not."""
        self.outbox.send(binary_frame(wire.encode(address, answer)))
        if isinstance(answer, wire.Denied) and not self.seats:
            self.close(Close.TOKEN, answer.reason)

    def _join(self, address: str, message: wire.Token) -> None:
        if not self._joins.take(1, self.heard):
            self.close(Close.FLOOD, "too many tokens")
            return
        self._spoke = None
        room = address.partition("\0")[0]
        if message.token.startswith(PREFIX):
            self.relay.exchange(self, address, room, message.token)
            return
        seat = self.relay.join(self, address, room, message)
        if isinstance(seat, wire.Denied):
            self.outbox.send(binary_frame(wire.encode(address, seat)))
            if not self.seats:
                self.close(Close.TOKEN, seat.reason)
        elif isinstance(seat, wire.History):
            denied = wire.Denied("the room has another history than your copy of it")
            self.outbox.send(binary_frame(wire.encode(address, seat)))
            self.outbox.send(binary_frame(wire.encode(address, denied)))
            self._be_granted()  # its token is good: it may come in with another copy
        else:
            self._be_granted()

    # ------------------------------------------------------------ ends

    def _late(self) -> None:
        self.close(Close.SLOW_READER, "reads too slowly; come back and sync")

    def _end(self) -> None:
        """Takes nothing more in, sends nothing more, and is in no room."""
        self._closing = self.outbox.closed = True
        self._spoke = None
        for address in list(self.seats):
            self.relay.leave(self, address)

    def _part(self, grace: float) -> None:
        """Reads on for the client's answer, but no longer than that."""
        if not self._transport.is_closing():
            self._transport.resume_reading()
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.relay.loop.call_later(grace, self._transport.abort)
