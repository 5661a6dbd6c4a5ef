"""Kills a relay again and again while people write through it, and counts what it had promised.

    python scripts/torture_relay.py [LIVES]        (make torture: 200)

Each life: a relay on the same store, writers that send updates as fast as they are acknowledged,
`kill -9` at a random moment. At the next start everything that was acknowledged as being on the
disk must be there, and the store must be sound. Ends with 1 when anything was lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from click import echo
from pycrdt import Doc, Map
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from relay_server import wire
from relay_server.keys import Keys

ROOT = Path(__file__).parents[1]


@dataclass
class Tally:
    """What happened so far.

    Attributes:
        acknowledged: keys that the relay said are on its disk, by room.
        sent: updates, acknowledged or not.
        lost: acknowledged keys that were not there after a start.
    """

    acknowledged: dict[str, set[str]] = field(default_factory=dict)
    sent: int = 0
    lost: list[str] = field(default_factory=list)

    @property
    def promises(self) -> int:
        """How many updates were acknowledged."""
        return sum(len(keys) for keys in self.acknowledged.values())


async def start(folder: Path, *options: str) -> tuple[asyncio.subprocess.Process, str]:
    """A relay on the folder's store, and its URL."""
    relay = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "relay_server", "serve", "--port", "0", "--log-level", "error",
        "--store", f"sqlite:///{folder / 'j.db'}", "--key", str(folder / "key.pem"), *options,
        cwd=ROOT, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert relay.stdout is not None
    line = (await relay.stdout.readline()).decode()
    return relay, line.split()[2].rstrip(",")


async def write(url: str, token: str, room: str, life: int, tally: Tally) -> None:
    """Joins, checks that what was promised is there, and writes until the relay is gone."""
    doc: Doc[Any] = Doc()
    entries = doc.get("map", type=Map)
    promised = tally.acknowledged.setdefault(room, set())
    keys: list[str] = []  # by seq: the first message is the answer to the relay's step 1
    hello = json.dumps({"name": "writer", "as": ""})
    with contextlib.suppress(ConnectionClosed):
        async with connect(url, compression=None, max_size=None) as socket:

            async def send(message: wire.Message) -> None:
                await socket.send(wire.encode(room, message))

            await send(wire.Token(token, "1", hello))
            await send(wire.Step1(doc.get_state()))
            while True:
                message = wire.decode(await socket.recv(decode=False))[1]
                match message:
                    case wire.Step2(update):
                        doc.apply_update(update)
                        tally.lost += sorted(promised - set(entries.keys()))
                        await send(wire.Step2(b"\0\0"))
                        keys.append("")
                    case wire.Ack(seq, wire.Level.DISK):
                        promised.update(keys[:seq])
                        promised.discard("")
                    case wire.Update(update):
                        doc.apply_update(update)
                        continue
                    case _:
                        continue
                for _ in range(random.randrange(1, 8)):
                    key = f"{life}.{len(keys)}.{random.getrandbits(24):x}"
                    before = doc.get_state()
                    entries[key] = "x" * random.choice((1, 10, 2000))
                    keys.append(key)
                    tally.sent += 1
                    await send(wire.Update(doc.get_update(before)))


async def live(folder: Path, token: str, life: int, tally: Tally, writers: int = 3) -> None:
    """One life of the relay, at most half a second under load."""
    relay, url = await start(folder)
    rooms = [f"r{n % 2}/{n}" for n in range(writers)]
    tasks = [asyncio.create_task(write(url, token, room, life, tally)) for room in rooms]
    try:
        await asyncio.sleep(random.uniform(0.02, 0.4))
    finally:
        relay.kill()
        await relay.wait()
        await asyncio.gather(*tasks)


def sound(folder: Path) -> bool:
    """Whether `studio-relay check` finds nothing wrong with the store."""
    done = subprocess.run(
        [sys.executable, "-m", "relay_server", "check", "--store", f"sqlite:///{folder / 'j.db'}"],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        check=False,
    )
    return done.returncode == 0


async def torture(folder: Path, lives: int, tell: bool = False) -> Tally:
    """Many lives on one store, and one more to see what the last one left."""
    tally = Tally()
    token = Keys.load(folder / "key.pem").mint(room="*", role="editor")
    for life in range(lives + 1):
        await live(folder, token, life, tally)
        if tell and life % 10 == 0:
            echo(f"{life}: {tally.promises} acknowledged, {len(tally.lost)} lost")
    return tally


def main() -> None:
    """See the module."""
    lives = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        tally = asyncio.run(torture(Path(name), lives, tell=True))
        whole = sound(Path(name))
    echo(
        f"{lives} kills in {time.monotonic() - began:.0f} s: {tally.sent} updates sent,"
        f" {tally.promises} acknowledged, {len(tally.lost)} lost,"
        f" store {'sound' if whole else 'DAMAGED'}"
    )
    sys.exit(bool(tally.lost) or not whole)


if __name__ == "__main__":
    main()
