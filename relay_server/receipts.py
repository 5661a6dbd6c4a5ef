"""Receipts: who is told that what they sent is safe, and when; pure.

What comes in during a turn shares one journal ticket, and so one batch of receipts. A batch waits
for the journal's word about its ticket, and behind the batches before it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from relay_server.effects import Send
from relay_server.wire import Ack, Level, SyncStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from relay_server.effects import Effects
    from relay_server.member import Member


@dataclass(slots=True)
class _Batch:
    """Per member: its last message in the batch, and how many they are."""

    ticket: int = 0
    members: dict[int, tuple[int, int]] = field(default_factory=dict)
    told: bool = False  # that the store failed

    def add(self, member: int, seq: int, count: int = 1) -> None:
        _, before = self.members.get(member, (0, 0))
        self.members[member] = (seq, before + count)


class Receipts:
    """The receipts of one room.

    Args:
        members: who is in the room, by id.
        level: what the journal's word is worth.
    """

    def __init__(self, members: Mapping[int, Member], level: Level) -> None:
        self._members = members
        self._level = level
        self._batch = _Batch()
        self._waiting: deque[_Batch] = deque()

    def __bool__(self) -> bool:
        """Whether the turn owes any."""
        return bool(self._batch.members)

    def owe(self, member: Member) -> None:
        """Owes a member one for what it sent last, if it has a word for it."""
        if member.told:
            self._batch.add(member.id, member.sent)

    def seal(self, ticket: int, *, written: bool) -> Effects:
        """Ends the turn's batch.

        Args:
            ticket: the journal's last one.
            written: something was given to the journal in this turn.
        """
        batch, self._batch = self._batch, _Batch()
        if not (written or self._waiting):
            return self._give([batch], self._level)
        batch.ticket = ticket
        self._waiting.append(batch)
        return []

    def durable(self, ticket: int) -> Effects:
        """The journal has everything up to a ticket."""
        done = []
        while self._waiting and self._waiting[0].ticket <= ticket:
            done.append(self._waiting.popleft())
        return self._give(done, self._level)

    def failed(self, ticket: int) -> Effects:
        """The store fails: what waits for it is in memory, which our own clients are told once."""
        waiting = [b for b in self._waiting if b.ticket <= ticket and not b.told]
        for batch in waiting:
            batch.told = True
        effects = self._give(waiting, Level.MEMORY)
        return [e for e in effects if isinstance(e, Send) and isinstance(e.message, Ack)]

    def _give(self, batches: Iterable[_Batch], level: Level) -> Effects:
        total = _Batch()
        for batch in batches:
            for member_id, (seq, count) in batch.members.items():
                total.add(member_id, seq, count)
        effects: Effects = []
        for member_id, (seq, count) in total.members.items():
            member = self._members.get(member_id)
            if member is None:
                continue
            if member.own:
                effects.append(Send(member_id, Ack(seq, level)))
            else:
                effects += [Send(member_id, SyncStatus(True))] * count
        return effects
