"""Calls on their way to the host of a room and back; pure.

The host sees call ids of the relay's making, unique over all rooms, so one counter serves any
number of callers and nobody can answer for another.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from relay_server.wire import CAPS, Call, Reply

if TYPE_CHECKING:
    from collections.abc import Iterator

    from relay_server.wire import Sender


@dataclass(frozen=True, slots=True)
class Pending:
    """A call that the host has not answered: who asked, under which id, and whom."""

    caller: int
    call_id: int
    host: int


def refusal(call_id: int, code: str | int, message: str, hint: str) -> Reply:
    """A reply that the relay makes itself."""
    body = json.dumps({"message": message, "hint": hint, "code": code})
    return Reply(call_id, False, body.encode())


def away(call_id: int) -> Reply:
    """The answer when no host is in the room."""
    return refusal(
        call_id, "away", "the studio's host is away", "it answers again when its machine is back"
    )


class CallTable:
    """The pending calls of one room; members are known by their ids."""

    def __init__(self, ids: Iterator[int]) -> None:
        self._ids = ids
        self._pending: dict[int, Pending] = {}
        self._open: dict[int, int] = {}  # caller -> number of its pending calls

    def __len__(self) -> int:
        return len(self._pending)

    def send(self, caller: int, host: int, call: Call, sender: Sender) -> Call | Reply:
        """The call as the host shall see it, or the reply that refuses it."""
        if self._open.get(caller, 0) >= CAPS.calls:
            return refusal(
                call.call_id, "busy", f"{CAPS.calls} calls are unanswered", "wait for the answers"
            )
        call_id = next(self._ids)
        self._pending[call_id] = Pending(caller, call.call_id, host)
        self._open[caller] = self._open.get(caller, 0) + 1
        return replace(call, call_id=call_id, sender=sender)

    def answer(self, host: int, reply: Reply) -> tuple[int, Reply] | None:
        """Whom a host's reply is for, and as it shall see it; None when nobody waits for it."""
        pending = self._pending.get(reply.call_id)
        if pending is None or pending.host != host:
            return None
        self._drop(reply.call_id)
        return pending.caller, replace(reply, call_id=pending.call_id)

    def leave(self, member: int) -> list[tuple[int, Reply]]:
        """A member is gone: its calls are forgotten, those it should answer are refused."""
        gone = [
            (call_id, pending)
            for call_id, pending in self._pending.items()
            if member in (pending.caller, pending.host)
        ]
        for call_id, _ in gone:
            self._drop(call_id)
        self._open.pop(member, None)
        return [(p.caller, away(p.call_id)) for _, p in gone if p.caller != member]

    def _drop(self, call_id: int) -> None:
        pending = self._pending.pop(call_id)
        left = self._open[pending.caller] - 1
        if left:
            self._open[pending.caller] = left
        else:
            del self._open[pending.caller]
