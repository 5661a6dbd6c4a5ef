from __future__ import annotations

from typing import TYPE_CHECKING

from studio_tui.payload.hold import stream

if TYPE_CHECKING:
    pass


def test_ring_knows_every_byte_by_its_offset() -> None:
    ring = stream.Ring(10)
    for _ in range(3):
        ring.add(bytes(stream.CHUNK))
    ring.add(b"0123456789ab")
    assert ring.end == 3 * stream.CHUNK + 12
    assert ring.start == ring.end - 10
    assert ring.read(ring.start, 4) == b"2345"
    assert ring.read(ring.end - 2, 100) == b"ab"
