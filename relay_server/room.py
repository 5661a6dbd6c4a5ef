"""One room: its members, roles, presence, document and calls; messages in, effects out.

Sans-I/O: no sockets, clocks or files. An update is validated, joins the turn's batch, and `flush`
turns the batch into as few messages as possible: to the journal first, then to the members. An
update is acknowledged once the journal has called `durable` with the ticket of its batch.
"""

from __future__ import annotations

from collections import deque
from itertools import chain
from typing import TYPE_CHECKING, Final

from relay_server.access import Policy, authorize
from relay_server.calls import CallTable, away, refusal
from relay_server.effects import Append, Broadcast, Effects, Expel, Reload, Send, Snapshot
from relay_server.errors import InvalidUpdate, WireError
from relay_server.keystroke import keystroke
from relay_server.presence import PresenceTable
from relay_server.receipts import Receipts
from relay_server.replica import BATCH, EMPTY, NOTHING, Broken, Replica, merge
from relay_server.validate import check_state_vector, survey
from relay_server.wire import (
    Awareness,
    Call,
    Close,
    CloseRoom,
    Level,
    Message,
    QueryAwareness,
    Reply,
    Step1,
    Step2,
    Stream,
    SyncStatus,
    Update,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from relay_server.member import Member
    from relay_server.validate import Survey

SNAPSHOT_EVERY: Final = 4096  # appended rows before a room in use gets a snapshot in a rest
SNAPSHOT_AT_LAST: Final = 16 * SNAPSHOT_EVERY  # ... before it gets one while it works
REST: Final = 5.0  # seconds without a new row


class Room:
    """A room, which starts without its history: `restore` brings it.

    Args:
        name: the room's name.
        policy: its rules.
        ids: relay-wide numbers, for calls and journal tickets: none may mean two things.
        best: what the journal's word is worth, `Level.DISK` or `Level.MEMORY`.
    """

    def __init__(self, name: str, policy: Policy, ids: Iterator[int], best: Level) -> None:
        self.name = name
        self.policy = policy
        self.members: dict[int, Member] = {}
        self.due = False  # something waits for `flush`
        self._presence = PresenceTable()
        self._calls = CallTable(ids)
        self._replica: Replica | None = None if policy.journaled else Replica()
        self._early: list[bytes] = []  # taken in while the history is not here
        self._early_reach: list[Survey] = []
        self._waiting: dict[int, bytes] = {}  # member -> state vector it asked about meanwhile
        self._updates: dict[int, list[bytes]] = {}  # by the member that sent them
        self._recent: deque[tuple[int, int]] = deque(maxlen=2 * BATCH)  # member, hash of row
        self._receipts = Receipts(self.members, best if policy.journaled else Level.MEMORY)
        self._ids = ids
        self._ticket = 0
        self._rows = 0  # in the journal since the last snapshot
        self._rest = (0, 0.0)  # how many there were, and when that was first seen

    # ------------------------------------------------------------ members

    def join(self, member: Member) -> Effects:
        """Lets a member in and tells it who is here."""
        self.members[member.id] = member
        member.writes = authorize(member.role, Update(b""), self.policy)
        present = self._presence.everybody()
        return [Send(member.id, Awareness(present))] if present else []

    def leave(self, member_id: int) -> Effects:
        """A member is gone, politely or not."""
        if self.members.pop(member_id, None) is None:
            return []
        self._waiting.pop(member_id, None)
        if self._presence.remove(member_id) is not None:
            self.due = True
        return [Send(caller, reply) for caller, reply in self._calls.leave(member_id)]

    def host(self) -> Member | None:
        """The member that answers calls: the host that joined last."""
        hosts = (m for m in reversed(self.members.values()) if m.role == "host")
        return next(hosts, None)

    # ------------------------------------------------------------ messages

    def receive(self, member_id: int, message: Message) -> Effects:
        """Takes a member's message in."""
        if type(message) is Update:
            return self.update(member_id, message.update)
        try:
            return self._receive(self.members[member_id], message)
        except WireError as error:
            return [Expel(member_id, error.close_code, error.message)]
        except InvalidUpdate as error:
            return [Expel(member_id, Close.PROTOCOL, error.message)]

    def _receive(self, member: Member, message: Message) -> Effects:
        match message:
            case Step2(update):
                return self._step2(member, message, update)
            case Step1(state_vector):
                check_state_vector(state_vector)
                return self._step1(member, state_vector)
        if not authorize(member.role, message, self.policy):
            return self._refuse(member, message)
        match message:
            case Awareness(entries):
                if self._presence.update(member, entries) is not None:
                    self.due = True
            case QueryAwareness():
                return [Send(member.id, Awareness(self._presence.everybody()))]
            case Stream(stream, seq, data):
                return self._stream(member, Stream(stream, seq, data, member.sender))
            case Call():
                return [self._call(member, message)]
            case Reply():
                answer = self._calls.answer(member.id, message)
                return [Send(*answer)] if answer and answer[0] in self.members else []
            case CloseRoom():
                return self.leave(member.id)
        return []

    def _refuse(self, member: Member, message: Message) -> Effects:
        if isinstance(message, Call):
            reply = refusal(
                message.call_id,
                "refused",
                f"a {member.role} may not do {message.method}",
                "ask the studio's owner for another role",
            )
            return [Send(member.id, reply)]
        return []

    def update(self, member_id: int, update: bytes) -> Effects:
        """Takes the update of an Update message in."""
        member = self.members[member_id]
        member.sent += 1
        if not member.writes:
            return [Send(member_id, SyncStatus(False))]
        replica, typed = self._replica, keystroke(update)
        if replica is not None and typed is not None:
            replica.expect_of(*typed)
        else:
            try:
                self._expect(survey(update))
            except InvalidUpdate as error:
                return [Expel(member_id, Close.PROTOCOL, error.message)]
        self._take(member, update)
        return []

    def _step2(self, member: Member, message: Message, update: bytes) -> Effects:
        member.sent += 1
        found = survey(update)
        try:
            news = update != EMPTY and self._has_news(found)
        except Broken:
            return self._broken()
        if not news:
            self._receipts.owe(member)
            self.due = True
        elif authorize(member.role, message, self.policy):
            self._expect(found)
            self._take(member, update)
        else:
            return [Send(member.id, SyncStatus(False))]
        return []

    def _has_news(self, found: Survey) -> bool:
        return self._replica is None or self._replica.has_news(found)

    def _expect(self, found: Survey) -> None:
        if self._replica is None:
            self._early_reach.append(found)
        else:
            self._replica.expect(found)

    def _take(self, member: Member, update: bytes) -> None:
        waiting = self._updates.get(member.id)
        if waiting is None:
            self._updates[member.id] = [update]
        else:
            waiting.append(update)
        self._receipts.owe(member)
        self.due = True

    def _step1(self, member: Member, state_vector: bytes) -> Effects:
        if self._replica is None:
            self._waiting[member.id] = state_vector
            return []
        try:
            return [
                Send(member.id, Step2(self._replica.diff(state_vector))),
                Send(member.id, Step1(self._replica.state_vector())),
            ]
        except Broken:
            self._waiting[member.id] = state_vector
            return self._broken()

    def _stream(self, member: Member, stream: Stream) -> Effects:
        if member.role == "host":
            return [Broadcast(stream, frozenset((member.id,)))]
        host = self.host()
        return [Send(host.id, stream)] if host else []

    def _call(self, member: Member, call: Call) -> Send:
        host = self.host()
        if host is None:
            return Send(member.id, away(call.call_id))
        sent = self._calls.send(member.id, host.id, call, member.sender)
        return Send(member.id if isinstance(sent, Reply) else host.id, sent)

    # ------------------------------------------------------------ the turn's batch

    def flush(self) -> Effects:
        """Ends the turn: what came in goes to the journal and to the members."""
        self.due = False
        effects: Effects = []
        if self._updates:
            self._flush_updates(effects)
        if self._receipts:
            written = any(type(effect) is Append for effect in effects)
            effects += self._receipts.seal(self._ticket, written=written)
        return effects + self._presence.flush()

    def _flush_updates(self, effects: Effects) -> None:
        # One sender's updates are never merged with another's: should they turn out not to fit
        # the document, they alone are lost.
        senders, self._updates = self._updates, {}
        updates: list[bytes] = []
        for member_id, sent in senders.items():
            for row in sent if len(sent) == 1 else _merged(sent):
                updates.append(row)
                self._recent.append((member_id, hash(row)))
        if self.policy.journaled:
            awaited = bool(self._receipts)
            for update in updates:
                self._ticket = next(self._ids)
                effects.append(Append(self._ticket, update, awaited))
            self._rows += len(updates)
        # With one sender it is spared its own words; with several an echo is cheaper, and harmless.
        skip = frozenset(senders) if len(senders) == 1 else frozenset[int]()
        for update in updates:
            effects.append(Broadcast(Update(update), skip))
        self._keep(updates, effects)

    def _keep(self, updates: list[bytes], effects: Effects) -> None:
        if self._replica is None:
            self._early += updates
            return
        try:
            for update in updates:
                self._replica.append(update)
            if self._rows >= SNAPSHOT_AT_LAST:
                effects += self.snapshot()
        except Broken:
            effects += self._broken()

    # ------------------------------------------------------------ the journal's word

    def durable(self, ticket: int) -> Effects:
        """The journal has everything up to a ticket."""
        return self._receipts.durable(ticket)

    def failed(self, ticket: int) -> Effects:
        """The store fails; everything up to a ticket waits for it in memory."""
        return self._receipts.failed(ticket)

    # ------------------------------------------------------------ history

    @property
    def restored(self) -> bool:
        """Whether the room has its history."""
        return self._replica is not None

    def restore(self, history: Iterable[bytes], found: Iterable[Survey] = ()) -> Effects:
        """The journal's rows are here, and those who wait for them get their answers.

        Args:
            history: the rows, oldest first, walked by the validator.
            found: what the walks found.

        Raises:
            Broken: the rows cannot be applied.
        """
        rows = list(history)
        replica = Replica(rows)
        unflushed = map(survey, chain.from_iterable(self._updates.values()))
        for one in (*found, *self._early_reach, *unflushed):
            replica.expect(one)
        self._replica = replica
        self._rows = max(self._rows, len(rows) - 1)  # the first may be a snapshot
        early, self._early, self._early_reach = self._early, [], []
        effects: Effects = []
        self._keep(early, effects)
        waiting, self._waiting = self._waiting, {}
        for member_id, state_vector in waiting.items():
            effects += self._step1(self.members[member_id], state_vector)
        return effects

    def blame(self, rows: Iterable[bytes]) -> Effects:
        """Closes the connections of those who sent rows that do not fit the document."""
        bad = {hash(row) for row in rows}
        guilty = {member for member, row in self._recent if row in bad and member in self.members}
        reason = "an update does not fit the document"
        return [Expel(member, Close.PROTOCOL, reason) for member in guilty]

    def rest(self, now: float) -> Effects:
        """Call now and then: makes a snapshot when many rows have come, and none in a while.

        A large document takes time to write out, and a copy of it; both are missed least in a rest.
        """
        rows, since = self._rest
        if rows != self._rows:
            self._rest = (self._rows, now)
        elif rows >= SNAPSHOT_EVERY and now - since >= REST:
            return self.snapshot()
        return []

    def snapshot(self) -> Effects:
        """The whole state for the journal, unless it keeps it already or it would lose something.

        Call `flush` first: what waits for it is not part of the state.
        """
        if self._replica is None or not self.policy.journaled or not self._rows or self._updates:
            return []
        try:
            if not self._replica.complete():
                return []
            self._rows = 0
            return [Snapshot(self._replica.diff(NOTHING))]
        except Broken:
            return self._broken()

    def _broken(self) -> Effects:
        """Drops the document, and asks for the journal or, where there is none, for the host's."""
        if not self.policy.journaled:
            self._replica = Replica()
            return [Broadcast(Step1(NOTHING))]
        self._replica = None
        return [Reload()]


def _merged(updates: list[bytes]) -> list[bytes]:
    try:
        return merge(updates)
    except Broken:
        return updates
