from __future__ import annotations

import asyncio
import socket
import time
from typing import Any

from studio_tui.client.clock import skew


async def test_a_clock_against_a_relays(stage: Any) -> None:
    url = stage.relay.url
    assert abs(await asyncio.to_thread(skew, url) or 0.0) < 5
    ahead = await asyncio.to_thread(skew, url, 3.0, lambda: time.time() + 3600)
    behind = await asyncio.to_thread(skew, url, 3.0, lambda: time.time() - 3600)
    assert ahead is not None
    assert behind is not None
    assert 3500 < ahead < 3700
    assert -3700 < behind < -3500


def test_a_relay_that_is_not_there_tells_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert skew(f"ws://127.0.0.1:{port}", 1.0) is None
