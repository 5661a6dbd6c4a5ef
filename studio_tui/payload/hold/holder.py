"""The event loop between one program and any number of clients."""

from __future__ import annotations

import contextlib
import json
import os
import select
import selectors
import signal
import socket
import struct
import sys
import time
from typing import TYPE_CHECKING

from .place import write_atomically
from .stream import CHUNK, FRAME_LIMIT, Client, Ring, frame

if TYPE_CHECKING:
    from .program import Program

LAG = 1 << 19  # a client this far behind holds the program up, or is about to lose output
PATIENCE = 2.0  # seconds for which such a client may hold the program up
INPUT_LIMIT = 1 << 20  # bytes the program has yet to read before clients must wait
MOST_CLIENTS = 32
LINGER = 60.0  # seconds without a client after one was told the exit code
KEEP = 86400.0  # seconds after the end in any case; the files stay
TICK, IDLE_TICK = 0.25, 1.0
QUIET = 0.05  # seconds without output after which a program that ended has said everything


class Holder:
    """Serves the clients of one program until it is over and everyone who may ask was told."""

    def __init__(self, directory: str, listener: socket.socket, program: Program) -> None:
        self._directory = directory
        self._listener = listener
        self._program = program
        self._ring = Ring()
        self._clients: dict[socket.socket, Client] = {}
        self._over_at: float | None = None
        self._alone_since: float | None = None
        self._flags = -1
        self._anyone_told = False
        self._hung_up = False
        # macOS: its kqueue does not report ptys.
        linux = sys.platform.startswith("linux")
        self._selector = selectors.DefaultSelector() if linux else selectors.SelectSelector()
        self._selector.register(listener, selectors.EVENT_READ)
        self._wake, wake_write = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(wake_write, False)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _stack: None)
        signal.signal(signal.SIGTERM, self._on_term)
        self._selector.register(self._wake, selectors.EVENT_READ)
        self._wanted: dict[int, int] = {}

    def _on_term(self, _number: int, _stack: object) -> None:
        self._hung_up = True

    def run(self) -> None:
        """Serve until the program is over and everyone who may ask has had time to."""
        while not self._may_go(time.monotonic()):
            self._arm(time.monotonic())
            busy = self._clients or self._program.killed_at is not None
            for key, events in self._selector.select(TICK if busy else IDLE_TICK):
                self._serve(key.fileobj, events, time.monotonic())
            self._tick(time.monotonic())

    def _serve(self, source: object, events: int, now: float) -> None:
        if source is self._listener:
            self._accept(now)
        elif source == self._wake:
            with contextlib.suppress(BlockingIOError):
                os.read(self._wake, 4096)
        elif source == self._program.master:
            if events & selectors.EVENT_READ:
                self._ring.add(self._program.read())
            if events & selectors.EVENT_WRITE:
                self._program.write()
        elif isinstance(source, socket.socket) and source in self._clients:
            client = self._clients[source]
            if events & selectors.EVENT_READ:
                self._receive(client, now)
            if events & selectors.EVENT_WRITE and source in self._clients:
                self._fill(client, now)

    def _tick(self, now: float) -> None:
        program = self._program
        if self._hung_up:
            self._hung_up = False
            program.hang_up(now)
        program.kill_when_due(now)
        program.reap()
        if self._over_at is None:
            if program.code is not None:
                self._drain()
                self._finish(now)
            elif self._clients:
                self._flags = program.flags()
        for client in list(self._clients.values()):
            self._understand(client, now)
            if client.sock in self._clients:
                self._fill(client, now)

    def _drain(self) -> None:
        """Take what the program wrote before it ended; children with the pty are not awaited."""
        deadline = time.monotonic() + 1.0
        while not self._program.ended and time.monotonic() < deadline:
            data = self._program.read()
            self._ring.add(data)
            # The kernel hands over a pty's output a moment after it was written.
            if not data and not select.select([self._program.master], [], [], QUIET)[0]:
                break

    def _finish(self, now: float) -> None:
        """The program is over: the tail goes to disk before anyone is told."""
        self._over_at = now
        self._want(self._program.master, self._program.master, 0)
        os.close(self._program.master)
        self._program.pending.clear()
        ring = self._ring
        note = {"code": self._program.code, "offset": ring.end, "ring": ring.start}
        with contextlib.suppress(OSError):  # the folder may have been removed: then nobody will ask
            write_atomically(self._directory, "ring", ring.read(ring.start, ring.end))
            write_atomically(self._directory, "exit", json.dumps(note).encode())

    def _may_go(self, now: float) -> bool:
        if self._over_at is None:
            return False
        if self._clients:
            self._alone_since = None
        elif self._alone_since is None:
            self._alone_since = now
        alone = 0.0 if self._alone_since is None else now - self._alone_since
        told = self._anyone_told and alone >= LINGER
        return told or now - self._over_at > KEEP or not os.path.isdir(self._directory)

    # What to wait for

    def _arm(self, now: float) -> None:
        if self._over_at is None:
            events = 0
            if not self._program.ended and not self._must_pause(now):
                events |= selectors.EVENT_READ
            if self._program.pending:
                events |= selectors.EVENT_WRITE
            self._want(self._program.master, self._program.master, events)
        for client in self._clients.values():
            events = 0 if client.stalled_input else selectors.EVENT_READ
            behind = client.attached and client.position < self._ring.end
            if client.outbox or behind:
                events |= selectors.EVENT_WRITE
            self._want(client.sock, client.sock.fileno(), events)

    def _want(self, source: object, number: int, events: int) -> None:
        before = self._wanted.get(number, 0)
        if events == before:
            return
        if not before:
            self._selector.register(source, events)  # type: ignore[arg-type]
        elif not events:
            self._selector.unregister(source)  # type: ignore[arg-type]
        else:
            self._selector.modify(source, events)  # type: ignore[arg-type]
        self._wanted[number] = events

    def _must_pause(self, now: float) -> bool:
        """Whether reading the pty waits for a client that is about to lose output.

        A client alone may take its time as long as it takes something; with others attached it may
        hold them up for PATIENCE each time it falls behind. After that it loses what leaves the
        ring, and is told the new offset.
        """
        attached = [client for client in self._clients.values() if client.attached]
        for client in attached:
            if self._ring.end - client.position <= LAG:
                client.behind_since = None
                continue
            if client.behind_since is None:
                client.behind_since = now
            since = client.moved_at if len(attached) == 1 else client.behind_since
            if now - since < PATIENCE:
                return True
        return False

    # Clients

    def _accept(self, now: float) -> None:
        try:
            sock, _ = self._listener.accept()
        except OSError:
            return
        if len(self._clients) >= MOST_CLIENTS:
            sock.close()
            return
        sock.setblocking(False)
        self._clients[sock] = Client(sock, now)

    def _drop(self, client: Client) -> None:
        if self._clients.pop(client.sock, None) is not None:
            client.inbox.clear()
            self._want(client.sock, client.sock.fileno(), 0)
            client.sock.close()

    def _receive(self, client: Client, now: float) -> None:
        try:
            data = client.sock.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._drop(client)
            return
        client.inbox += data
        self._understand(client, now)

    def _understand(self, client: Client, now: float) -> None:
        """Take whole frames; input waits in the client's hands while the program does not read."""
        inbox = client.inbox
        client.stalled_input = False
        while len(inbox) >= 5:
            (length,) = struct.unpack(">I", inbox[1:5])
            if length > FRAME_LIMIT:
                self._drop(client)
                return
            if len(inbox) < 5 + length:
                return
            kind, payload = bytes(inbox[:1]), bytes(inbox[5 : 5 + length])
            if kind == b"D" and len(self._program.pending) >= INPUT_LIMIT:
                client.stalled_input = True
                return
            del inbox[: 5 + length]
            if not self._obey(client, kind, payload, now):
                self._drop(client)
                return

    def _obey(self, client: Client, kind: bytes, payload: bytes, now: float) -> bool:
        """Do what a frame asks; False when it makes no sense."""
        program, size = self._program, len(payload)
        if kind == b"A" and size == 8:
            (offset,) = struct.unpack(">Q", payload)
            client.attached, client.moved_at, client.flags = True, now, -1
            client.position = max(self._ring.start, min(offset, self._ring.end))
            client.asked_at = self._ring.end
            client.outbox += frame(b"O", struct.pack(">QQ", client.position, client.asked_at))
        elif kind == b"D":
            if self._over_at is None:
                program.pending += payload
                program.write()
        elif kind == b"R" and size == 4:
            cols, rows = struct.unpack(">HH", payload)
            if not (cols and rows):
                return False
            if self._over_at is None:
                program.resize(cols, rows)
        elif kind == b"C" and not size:
            for other in list(self._clients.values()):
                if other is not client:
                    self._drop(other)
            if self._over_at is None:
                program.forget_input()
        elif kind == b"K" and not size:
            if self._over_at is None:
                program.hang_up(now)
        else:
            return False
        return True

    def _fill(self, client: Client, now: float) -> None:
        """Put what the client lacks into its outbox, which stays small: the ring is the queue."""
        if not client.attached:
            return
        ring = self._ring
        while client.position < ring.end and len(client.outbox) < CHUNK:
            if client.position < ring.start:
                client.position = ring.start
                client.outbox += frame(b"O", struct.pack(">QQ", client.position, client.asked_at))
            data = ring.read(client.position, CHUNK)
            client.outbox += frame(b"D", data)
            client.position += len(data)
        if client.flags != self._flags and self._flags >= 0:
            client.flags = self._flags
            client.outbox += frame(b"E", bytes((self._flags,)))
        if self._over_at is not None and client.position == ring.end and not client.told_exit:
            client.told_exit = True
            client.outbox += frame(b"X", struct.pack(">i", self._program.code))
        if client.outbox:
            self._send(client, now)

    def _send(self, client: Client, now: float) -> None:
        try:
            sent = client.sock.send(client.outbox)
        except BlockingIOError:
            return
        except OSError:
            self._drop(client)
            return
        del client.outbox[:sent]
        client.moved_at = now
        if client.told_exit and not client.outbox:
            self._anyone_told = True
