"""One room as a client sees it: a state machine of messages, without sockets."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from relay_server import wire
from studio_tui.document.presence import read_state
from studio_tui.document.replica import Replica


class Phase(Enum):
    """Where a room is between "the socket opened" and "we have what the relay has"."""

    CLOSED = "closed"
    JOINING = "joining"
    SYNCING = "syncing"
    LIVE = "live"
    REFUSED = "refused"


@dataclass
class _Sent:
    """One update message on its way to the relay's disk, and how many edits it carries."""

    seq: int
    edits: int


class Room:
    """The client's end of one room.

    Callbacks (plain attributes, `None` until somebody listens): `on_phase()`, `on_presence()`,
    `on_saved()`, `on_stream(message)`, `on_call(message)`, `on_reply(message)`.

    Args:
        name: the relay's name of the room.
        send: takes one message for this room; only called while the link is open.
        hello: what this client says of itself when it joins: JSON for `wire.Token.hello`.
    """

    def __init__(self, name: str, send: Callable[[wire.Message], None], hello: str) -> None:
        self.name = name
        self.replica = Replica()
        self.phase = Phase.CLOSED
        self.scope = ""
        self.refusal = ""
        self.presence: dict[int, dict[str, Any]] = {}
        self.level = wire.Level.DISK
        self.on_phase: Callable[[], None] | None = None
        self.on_presence: Callable[[], None] | None = None
        self.on_saved: Callable[[], None] | None = None
        self.on_stream: Callable[[wire.Stream], None] | None = None
        self.on_call: Callable[[wire.Call], None] | None = None
        self.on_reply: Callable[[wire.Reply], None] | None = None
        self._send = send
        self._hello = hello
        self._tail: deque[_Sent] = deque()
        self._seq = 0
        self._offline_edits = 0
        self._clock = 0
        self._presence_state: dict[str, Any] | None = None
        self._stop_observing = self.replica.observe_local(self._edited)

    # -- what the owner asks ------------------------------------------------------------------

    @property
    def unsaved(self) -> int:
        """How many of this client's edits the relay has not yet confirmed as durable."""
        return self._offline_edits + sum(sent.edits for sent in self._tail)

    @property
    def writable(self) -> bool:
        """Whether the relay lets this client change the document."""
        return self.scope != "readonly"

    def opened(self, token: str) -> None:
        """The link is up: ask to be let in."""
        self._seq = 0
        self._enter(Phase.JOINING)
        self._send(wire.Token(token, "studio-tui", self._hello))

    def lost(self) -> None:
        """The link is down: whatever was not confirmed counts as unsaved again."""
        self._offline_edits = self.unsaved
        self._tail.clear()
        self.presence.clear()
        if self.phase is not Phase.REFUSED:
            self._enter(Phase.CLOSED)
        self._tell(self.on_presence)

    def closed(self) -> None:
        """Nobody needs the room any more."""
        self._stop_observing()
        if self.phase in (Phase.SYNCING, Phase.LIVE):
            self._send(wire.CloseRoom("left"))

    def show(self, state: dict[str, Any]) -> None:
        """Publish this client's presence state; kept and sent again after a reconnect."""
        self._presence_state = state
        if self.phase in (Phase.SYNCING, Phase.LIVE):
            self._send_presence()

    def check(self) -> None:
        """Compare state vectors with the relay: heals whatever was lost on the way, if anything."""
        if self.phase is Phase.LIVE:
            self._send(wire.Step1(self.replica.state_vector()))

    # -- what the relay says ------------------------------------------------------------------

    def received(self, message: wire.Message) -> None:
        """Take one message for this room.

        Raises:
            InvalidUpdate, DocumentPoisoned: the room's document cannot be trusted any more.
        """
        match message:
            case wire.Update(update):
                self.replica.apply(update)
            case wire.Step2(update):
                self.replica.apply(update)
                if self.phase is Phase.SYNCING:
                    self._enter(Phase.LIVE)
            case wire.Granted(scope):
                self.scope = scope
                self._enter(Phase.SYNCING)
                self._send(wire.Step1(self.replica.state_vector()))
                if self._presence_state is not None:
                    self._send_presence()
            case wire.Denied(reason):
                self.refusal = reason
                self._enter(Phase.REFUSED)
            case wire.Step1(state_vector):
                self._answer(state_vector)
            case wire.Awareness(entries):
                self._see(entries)
            case wire.Ack(seq, level):
                self._confirmed(seq, level)
            case wire.Stream():
                if self.on_stream is not None:
                    self.on_stream(message)
            case wire.Call():
                if self.on_call is not None:
                    self.on_call(message)
            case wire.Reply():
                if self.on_reply is not None:
                    self.on_reply(message)
            case _:
                pass

    def _answer(self, state_vector: bytes) -> None:
        """Give the relay what it lacks. Deletions always travel, so this covers every edit."""
        if not self.writable:
            return
        edits, self._offline_edits = self._offline_edits, 0
        self._seq += 1
        self._tail.append(_Sent(self._seq, edits))
        self._send(wire.Step2(self.replica.missing_from(state_vector)))

    def _edited(self, update: bytes) -> None:
        if self.phase in (Phase.SYNCING, Phase.LIVE) and self._seq:
            self._seq += 1
            self._tail.append(_Sent(self._seq, 1))
            self._send(wire.Update(update))
        else:
            self._offline_edits += 1
        self._tell(self.on_saved)

    def _confirmed(self, seq: int, level: wire.Level) -> None:
        """The relay has everything up to `seq`, on `level`.

        A level below the disk is the relay saying that its store failed: the edits stay unsaved
        until a later confirmation. Rooms that are never stored have memory as their best level.
        """
        self.level = level
        if level >= wire.Level.DISK or not self.stored:
            while self._tail and self._tail[0].seq <= seq:
                self._tail.popleft()
        self._tell(self.on_saved)

    @property
    def stored(self) -> bool:
        """Whether the relay journals this room; terminals it keeps in memory only."""
        return "/term/" not in self.name

    # -- presence -----------------------------------------------------------------------------

    def _see(self, entries: tuple[wire.Entry, ...]) -> None:
        for entry in entries:
            if entry.client_id == self.replica.client_id:
                self._clock = max(self._clock, entry.clock)
            state = read_state(entry.state)
            if state is None:
                self.presence.pop(entry.client_id, None)
            else:
                self.presence[entry.client_id] = state
        self._tell(self.on_presence)

    def _send_presence(self) -> None:
        self._clock += 1
        state = json.dumps(self._presence_state)
        entry = wire.Entry(self.replica.client_id, self._clock, state)
        self._send(wire.Awareness((entry,)))

    def _enter(self, phase: Phase) -> None:
        self.phase = phase
        self._tell(self.on_phase)

    def _tell(self, callback: Callable[[], None] | None) -> None:
        if callback is not None:
            callback()
