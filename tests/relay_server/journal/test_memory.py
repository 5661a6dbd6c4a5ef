"""The journal in memory: in order, at once, and no more than it promises."""

from __future__ import annotations

from relay_server.journal import Row
from relay_server.journal.memory import MemoryJournal
from relay_server.wire import Level


class Told:
    """Keeps what a journal says."""

    def __init__(self) -> None:
        self.words: list[tuple[str, str, int]] = []

    def durable(self, room: str, ticket: int) -> None:
        self.words.append(("durable", room, ticket))

    def failed(self, room: str, ticket: int) -> None:
        self.words.append(("failed", room, ticket))


async def test_what_is_appended_is_loaded_in_order() -> None:
    journal, told = MemoryJournal(), Told()
    await journal.open(told)
    journal.append("a", 7, b"one")
    journal.append("b", 8, b"other")
    journal.append("a", 9, b"two")
    assert told.words == [("durable", "a", 7), ("durable", "b", 8), ("durable", "a", 9)]
    assert await journal.load("a") == (Row(1, b"one"), Row(2, b"two"))
    assert await journal.load("nobody") == ()
    assert journal.level is Level.MEMORY


async def test_a_snapshot_replaces_what_was_before_it() -> None:
    journal = MemoryJournal()
    await journal.open(Told())
    journal.append("a", 1, b"one")
    journal.snapshot("a", b"STATE")
    journal.append("a", 2, b"two")
    assert await journal.load("a") == (Row(0, b"STATE"), Row(1, b"two"))


async def test_bad_rows_are_dropped() -> None:
    journal = MemoryJournal()
    await journal.open(Told())
    journal.append("a", 1, b"good")
    journal.append("a", 2, b"bad")
    await journal.quarantine("a", [Row(2, b"bad")])
    assert await journal.load("a") == (Row(1, b"good"),)
    await journal.close()
