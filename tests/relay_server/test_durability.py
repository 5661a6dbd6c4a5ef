"""What the relay acknowledged is there after it was killed."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from relay_server.access import Keys
from relay_server.wire import Ack, Level

ROOT = Path(__file__).parents[2]
Join = Callable[..., Awaitable[Any]]


async def started(folder: Path) -> tuple[asyncio.subprocess.Process, str]:
    relay = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "relay_server", "serve", "--port", "0",
        "--store", f"sqlite:///{folder / 'j.db'}", "--key", str(folder / "key.pem"),
        cwd=ROOT, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert relay.stdout is not None
    line = (await relay.stdout.readline()).decode()
    return relay, line.split()[2].rstrip(",")


async def test_kill_9_after_the_acknowledgement_loses_nothing(tmp_path: Path, join: Join) -> None:
    token = Keys.load(tmp_path / "key.pem").mint(room="*", role="editor")
    written = ""
    for life in range(3):
        relay, url = await started(tmp_path)
        try:
            ann = await join(token=token, url=url)
            assert str(ann.text) == written
            for word in range(5):
                await ann.type(f"life {life} word {word}\n")
            del ann.text[0:4]
            await ann.send(wire_update(ann))
            written = str(ann.text)
            await ann.expect(Ack, lambda ack: ack == Ack(7, Level.DISK))
        finally:
            relay.kill()
            await relay.wait()
        ann.abort()


def wire_update(peer: Any) -> Any:
    from relay_server.wire import Update

    return Update(peer.doc.get_update())
