from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from studio_tui.client.logtail import LogTail
from studio_tui.host.jobs import tail as tail_module
from studio_tui.host.jobs.tail import BURST, PIECE, Tail

Sent = list[tuple[int, int, bytes]]


@pytest.fixture
async def sent() -> Sent:
    return []


@pytest.fixture
async def tail(sent: Sent) -> Iterator[Tail]:
    made = Tail(lambda seq, frame: sent.append((seq, int.from_bytes(frame[:8], "big"), frame[8:])))
    yield made
    made.close()


async def test_what_is_added_is_sent_with_its_place(tail: Tail, sent: Sent) -> None:
    tail.grew(0, b"one\n")
    tail.grew(4, b"two\n")
    assert sent == [(1, 0, b"one\n"), (2, 4, b"two\n")]


async def test_much_at_once_goes_in_pieces(tail: Tail, sent: Sent) -> None:
    data = bytes(range(256)) * (3 * PIECE // 256) + b"end"
    tail.grew(10, data)
    assert [seq for seq, _, _ in sent] == [1, 2, 3, 4]
    assert all(len(piece) <= PIECE for _, _, piece in sent)
    assert [offset for _, offset, _ in sent] == [10 + n * PIECE for n in range(4)]
    assert b"".join(piece for _, _, piece in sent) == data


async def test_a_flood_is_left_out_and_told_of(
    tail: Tail, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail_module, "SOON", 0.01)
    chunk, reader = bytes(PIECE), LogTail()
    for number in range(100):
        tail.grew(number * PIECE, chunk)
    assert len(sent) * PIECE <= BURST + 2 * PIECE
    assert all(reader.feed(offset, piece) == piece for _, offset, piece in sent)
    before = len(sent)
    await asyncio.sleep(0.05)
    assert sent[before:] == [(before + 1, 100 * PIECE, b"")]
    assert reader.feed(100 * PIECE, b"") is None


async def test_nothing_is_sent_once_it_is_closed(
    tail: Tail, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail_module, "SOON", 0.0)
    for _ in range(10):
        tail.grew(0, bytes(PIECE))
    before = len(sent)
    tail.close()
    await asyncio.sleep(0.01)
    assert len(sent) == before
