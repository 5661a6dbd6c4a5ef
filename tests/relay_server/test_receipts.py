"""Nobody is told that something is safe before it is, nor twice."""

from __future__ import annotations

from relay_server.effects import Send
from relay_server.member import Member
from relay_server.receipts import Receipts
from relay_server.wire import Ack, Level, SyncStatus


def crowd(*members: Member) -> dict[int, Member]:
    return {member.id: member for member in members}


def test_what_is_not_written_is_receipted_at_once() -> None:
    ann = Member(1, 10, "Ann", "editor", own=True, sent=3)
    receipts = Receipts(crowd(ann), Level.MEMORY)
    assert not receipts
    receipts.owe(ann)
    assert receipts
    assert receipts.seal(0, written=False) == [Send(1, Ack(3, Level.MEMORY))]
    assert not receipts


def test_what_changes_nothing_waits_behind_what_does() -> None:
    ann, ben = Member(1, 10, "Ann", "editor", own=True, sent=1), Member(2, 20, "Ben", "editor")
    receipts = Receipts(crowd(ann, ben), Level.DISK)
    receipts.owe(ann)
    assert receipts.seal(7, written=True) == []
    receipts.owe(ben)
    assert receipts.seal(7, written=False) == []
    assert receipts.durable(6) == []
    assert receipts.durable(7) == [Send(1, Ack(1, Level.DISK)), Send(2, SyncStatus(True))]
    assert receipts.durable(7) == []


def test_who_has_no_word_for_it_or_is_gone_gets_none() -> None:
    stock, gone = Member(1, 10, "", "editor", told=False), Member(2, 20, "", "editor", own=True)
    receipts = Receipts(members := crowd(stock, gone), Level.DISK)
    receipts.owe(stock)
    assert not receipts
    receipts.owe(gone)
    receipts.seal(1, written=True)
    del members[gone.id]
    assert receipts.durable(1) == []


def test_a_store_that_fails_is_told_of_once() -> None:
    ann, stock = Member(1, 10, "", "editor", own=True, sent=2), Member(2, 20, "", "editor")
    receipts = Receipts(crowd(ann, stock), Level.DISK)
    receipts.owe(ann)
    receipts.owe(stock)
    receipts.seal(1, written=True)
    assert receipts.failed(1) == [Send(1, Ack(2, Level.MEMORY))]
    assert receipts.failed(1) == []
    assert receipts.durable(1) == [Send(1, Ack(2, Level.DISK)), Send(2, SyncStatus(True))]
