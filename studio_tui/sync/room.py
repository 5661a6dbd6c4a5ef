"""One room as a client sees it: a state machine of messages, without sockets."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import Any

from relay_server import wire
from relay_server.errors import InvalidUpdate
from studio_tui.document.presence import printable, read_state
from studio_tui.document.replica import DocumentPoisoned, Replica
from studio_tui.errors import Refused, StudioError
from studio_tui.sync.lineage import related

CLIENT = "studio-tui"
LARGEST_UPDATE = wire.CAPS.message - 2 * wire.CAPS.room
"""Bytes of the largest update that fits into a message the relay takes."""


NOTHING = b"\0"
"""The state vector of an empty document."""


class Phase(Enum):
    """Where a room is between "the socket opened" and "we have what the relay has"."""

    CLOSED = "closed"  # the link is down, or the room was left
    JOINING = "joining"
    SYNCING = "syncing"  # let in; what either side lacks is on its way
    LIVE = "live"
    REFUSED = "refused"  # asked again when the link is back
    BROKEN = "broken"  # the document cannot be trusted any more; for good


class Room:
    """The client's end of one room.

    `title` is what people call it, as in what `problem` says: the room's name until set.

    Callbacks are plain attributes, None until somebody listens: `on_presence()` after every change
    of `presence`, `on_edit()` after every edit made here, `on_stream(message)`, `on_call(message)`.

    Edits are counted rather than kept: the document itself holds them, and what the relay lacks is
    found by comparing state vectors, after every reconnect and now and then.

    A relay that lost its store begins a new history. A copy of the old one is then set aside, still
    readable and editable here: nothing of it is sent, and nothing is merged into it, until what the
    relay has turns out to have come from the same document, as it does once the host has restored
    its own copy.

    Args:
        name: the relay's name of the room.
        send: takes one message for this room; called while the link is up.
        hello: what this client says of itself when it joins: JSON for `wire.Token.hello`.
        restores: whether this copy is the one to go on with when the relay lost its own (the
            studio's host).
    """

    def __init__(
        self,
        name: str,
        send: Callable[[wire.Message], None],
        hello: str,
        *,
        restores: bool = False,
    ) -> None:
        self.name = name
        self.title = name
        self.replica = Replica()
        self.phase = Phase.CLOSED
        self.scope = ""
        self.presence: dict[int, dict[str, Any]] = {}
        self.on_presence: Callable[[], None] | None = None
        self.on_edit: Callable[[], None] | None = None
        self.on_stream: Callable[[wire.Stream], None] | None = None
        self.on_call: Callable[[wire.Call], None] | None = None
        self._send = send
        self._token = ""
        self._hello = hello
        self._restores = restores
        self._history = ""  # the id of the history that our copy is of; "" when not known
        self._relay = self._history_relay = ""  # the URLs of the relay, and of the one that has it
        self._newer = ""  # the id of the history that the relay has instead
        self._history_found = ""  # that of `_found`
        self._found: Replica | None = None  # what the relay has, while our copy is set aside
        self._mixed = False  # a reader's copy, of more than one history
        self._why = ""
        self._tail: deque[tuple[int, int]] = deque()  # seq of a message and its edits, unconfirmed
        self._seq = 0
        self._unsent = 0
        self._sent = 0  # edits in the tail
        self._held = 0  # edits that the relay has in memory alone, up to message `_held_seq`
        self._held_seq = 0
        self._caught_up = False  # the relay has, or was sent, all that our next update builds on
        self._oversize = False
        self._clock = 0
        self._shown: str | None = None
        self._stop_observing = self.replica.observe_local(self._edited)

    # -- what the owner asks ------------------------------------------------------------------

    @property
    def joined(self) -> bool:
        """Whether the relay has let this client in."""
        return self.phase in (Phase.SYNCING, Phase.LIVE)

    @property
    def writable(self) -> bool:
        """Whether the relay lets this client change the document."""
        return self.scope != "readonly"

    @property
    def unsaved(self) -> int:
        """How many of this client's edits the relay has not confirmed as being on its disk.

        None where this client may only read. In a room that the relay does not store, and at a
        relay without a disk, no edit is ever confirmed.
        """
        return self._unsent + self._sent + self._held if self.writable else 0

    @property
    def undelivered(self) -> int:
        """How many of `unsaved` the relay has not even taken in and passed on to the others."""
        return self._unsent + self._sent if self.writable else 0

    @property
    def store_failed(self) -> bool:
        """Whether the relay holds edits of ours in memory that it could not write to its disk."""
        return self._held > 0

    @property
    def problem(self) -> StudioError | None:
        """What keeps this room's edits from the relay other than the link; None when nothing."""
        if self.phase is Phase.REFUSED:
            return Refused(
                f"the relay refused {self.title}: {self._why}", "ask its owner for an invite"
            )
        if self.phase is Phase.BROKEN:
            return StudioError(f"{self.title}: {self._why}", "leave the studio and join it again")
        if self.set_aside and self._relay != self._history_relay:
            first = "copy what you typed here, then " * bool(self.unsaved)
            return StudioError(
                f"{self.title} is on another relay now, {self._relay}; no edit is sent from here",
                f"{first}leave and join again",
            )
        if self.set_aside:
            return StudioError(
                f"the relay lost {self.title} and began it anew; what is here is kept apart, and "
                "no edit is sent",
                "wait until the studio's host restores it, or copy what you need and join again",
            )
        if self._oversize:
            limit = f"{LARGEST_UPDATE >> 10} KiB"
            return StudioError(
                f"{self.title}: more was written at once than the relay takes: over {limit}",
                "undo it, then insert it in smaller parts",
            )
        return None

    @property
    def set_aside(self) -> bool:
        """Whether the relay has another history than this copy, which is not merged with it."""
        return self._found is not None and self.phase is not Phase.BROKEN

    def opened(self, token: str, relay: str = "") -> None:
        """The link to the relay at this URL is up: ask to be let in."""
        if self.phase is Phase.BROKEN:
            return
        self._token, self._relay = token, relay
        self._caught_up = False
        self._seq = self._held_seq = 0
        self._found, self._newer = None, ""
        self._ask(self._history)

    def _ask(self, history: str) -> None:
        """Ask to be let in with a copy of this history."""
        hello = self._hello
        if history and not self._restores:
            hello = json.dumps({**json.loads(hello), "history": history})
        self.phase = Phase.JOINING
        self._send(wire.Token(self._token, CLIENT, hello))

    def lost(self) -> None:
        """The link is down."""
        self._leave(self.phase if self.phase in (Phase.REFUSED, Phase.BROKEN) else Phase.CLOSED)

    def closed(self) -> None:
        """Nobody needs the room any more: leave it, and tell nobody of what still comes."""
        self._stop_observing()
        self.on_presence = self.on_edit = self.on_stream = self.on_call = None
        if self.phase in (Phase.JOINING, Phase.SYNCING, Phase.LIVE):
            self.phase = Phase.CLOSED
            self._send(wire.CloseRoom("left"))

    def show(self, state: dict[str, Any]) -> None:
        """Publish this client's presence state; kept, and sent again after a reconnect.

        Raises:
            ValueError: as JSON it is larger than any relay takes (`wire.CAPS.awareness_state`).
        """
        shown = json.dumps(state, ensure_ascii=False)
        if len(shown.encode(errors="replace")) > wire.CAPS.awareness_state:
            raise ValueError(f"presence is over {wire.CAPS.awareness_state} bytes")
        self._shown = shown
        if self.joined:
            self._send_presence(shown)

    def check(self) -> None:
        """Compare state vectors with the relay: heals whatever was lost on the way, if anything."""
        if self.phase is Phase.LIVE:
            self._send(wire.Step1(self.replica.state_vector()))
        elif self._found is not None and self.joined:
            self._send(wire.Step1(self._found.state_vector()))

    # -- what the relay says ------------------------------------------------------------------

    def received(self, message: wire.Message) -> None:
        """Take one message for this room; one that makes no sense in this phase is ignored.

        So the rest of an earlier stay, still on its way when the room is joined again, cannot be
        taken for this one's: its acknowledgements least of all.
        """
        match message:
            case wire.Granted(scope) if self.phase is Phase.JOINING:
                self._let_in(scope)
            case wire.History(id) if self.phase is Phase.JOINING:
                self._newer = id
            case wire.Denied() if self.phase is Phase.JOINING and self._newer:
                self._rejoin()
            case wire.Denied(reason) if self.phase is Phase.JOINING:
                self._refused(reason)
            case _ if self.joined:
                self._heard(message)

    def _heard(self, message: wire.Message) -> None:
        try:
            match message:
                case wire.Update() | wire.Step2() if self._found is not None:
                    self._compare(self._found, message)
                case wire.Step1() if self._found is not None:
                    pass  # what it lacks of our copy is not for it yet
                case wire.History(id) if self._found is None:
                    self._history, self._history_relay = id, self._relay
                case wire.Update(update):
                    self._merge(update)
                case wire.Step2(update):
                    self.replica.apply(update)
                    self.phase = Phase.LIVE
                case wire.Step1(state_vector):
                    self._answer(self.replica.missing_from(state_vector))
                case wire.Awareness(entries):
                    self._see(entries)
                case wire.Ack(seq, level):
                    self._confirmed(seq, level)
                case wire.Stream() if self.on_stream is not None:
                    self.on_stream(message)
                case wire.Call() if self.on_call is not None:
                    self.on_call(message)
                case wire.CloseRoom(reason):
                    self._refused(reason)
        except (InvalidUpdate, DocumentPoisoned) as problem:
            self._break(problem.message)

    def _let_in(self, scope: str) -> None:
        self.scope = scope
        self.phase = Phase.SYNCING
        if self._mixed and self.writable:
            self._break("its copy here is of two histories")
            return
        self._send(wire.Step1((self._found or self.replica).state_vector()))
        if self._shown is not None:
            self._send_presence(self._shown)

    def _break(self, why: str) -> None:
        self._why = why
        self._send(wire.CloseRoom("its document is broken here"))
        self._leave(Phase.BROKEN)

    def _refused(self, reason: str) -> None:
        self._why = printable(reason, wire.CAPS.reason) or "it gave no reason"
        self._leave(Phase.REFUSED)

    def _leave(self, phase: Phase) -> None:
        """This stay is over; what the relay has not confirmed in it counts as unsent again."""
        self.phase = phase
        self._unsent += self._sent + self._held
        self._sent = self._held = 0
        self._tail.clear()
        self._caught_up = False
        self.presence.clear()
        self._tell(self.on_presence)

    def _merge(self, update: bytes) -> None:
        try:
            self.replica.apply(update)
        except InvalidUpdate:
            # One peer's bad update is no reason to end the room for everybody. The relay drops it
            # too, and says what else this copy lacks.
            self.check()

    # -- when the relay has another history -----------------------------------------------------

    def _rejoin(self) -> None:
        """Come in with nothing, to see what the relay has. A reader can do no harm with a copy."""
        newer, self._newer = self._newer, ""
        if self.writable:
            self._found = Replica()
        else:
            self._mixed = True
        self._history_found = newer
        self._ask(newer)

    def _compare(self, found: Replica, message: wire.Update | wire.Step2) -> None:
        """Take in what the relay has, beside our copy; go on with ours when they are related."""
        try:
            found.apply(message.update)
        except InvalidUpdate:
            if isinstance(message, wire.Step2):
                raise
            self.check()  # as `_merge` does
            return
        theirs = found.state_vector()
        if not related(self.replica.state_vector(), theirs):
            return
        self._found, self._history = None, self._history_found
        self._history_relay = self._relay
        self.replica.apply(found.missing_from(NOTHING))
        self.phase = Phase.LIVE
        self._answer(self.replica.missing_from(theirs))

    # -- what becomes of our edits ------------------------------------------------------------

    def _edited(self, update: bytes) -> None:
        if self._caught_up and len(update) <= LARGEST_UPDATE:
            self._send_edits(wire.Update(update), 1)
        else:
            self._oversize = self._oversize or self._caught_up
            self._caught_up = False
            self._unsent += 1
        self._tell(self.on_edit)

    def _answer(self, missing: bytes) -> None:
        """Give the relay what it lacks. Deletions always travel, so this covers every edit."""
        if not self.writable:
            return
        self._oversize = len(missing) > LARGEST_UPDATE
        self._caught_up = not self._oversize
        if self._caught_up:
            edits, self._unsent = self._unsent, 0
            self._send_edits(wire.Step2(missing), edits)

    def _send_edits(self, message: wire.Update | wire.Step2, edits: int) -> None:
        self._seq += 1
        self._sent += edits
        self._tail.append((self._seq, edits))
        self._send(message)

    def _confirmed(self, seq: int, level: wire.Level) -> None:
        """The relay has everything up to `seq`, safe to `level`; below the disk that is not saved.

        What is held is one number, so that a room without a store grows no tail. All of it counts
        until the relay has written all of it.
        """
        durable = level >= wire.Level.DISK
        if durable and seq >= self._held_seq:
            self._held = 0
        while self._tail and self._tail[0][0] <= seq:
            last, edits = self._tail.popleft()
            self._sent -= edits
            if not durable:
                self._held += edits
                self._held_seq = last

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

    def _send_presence(self, state: str) -> None:
        self._clock += 1
        entry = wire.Entry(self.replica.client_id, self._clock, state)
        self._send(wire.Awareness((entry,)))

    def _tell(self, callback: Callable[[], None] | None) -> None:
        if callback is not None:
            callback()
