"""What the relay acknowledged is there after it was killed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from relay_server.journal.sqlite import connect as open_store
from relay_server.keys import Keys
from relay_server.serve import serve
from relay_server.settings import RelaySettings
from relay_server.wire import Ack, Level, Step1, Step2, SyncStatus

ROOT = Path(__file__).parents[2]
Join = Callable[..., Awaitable[Any]]


async def started(folder: Path, **options: Any) -> tuple[asyncio.subprocess.Process, str]:
    relay = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "relay_server", "serve", "--port", "0",
        "--store", f"sqlite:///{folder / 'j.db'}", "--key", str(folder / "key.pem"),
        cwd=ROOT, stdout=subprocess.PIPE, **options,
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


@pytest.mark.timeout(120)
async def test_twenty_kills_lose_nothing_and_leave_a_sound_store(tmp_path: Path) -> None:
    from scripts.torture_relay import sound, torture

    tally = await torture(tmp_path, 20)
    assert tally.lost == []
    assert tally.promises > 100
    assert sound(tmp_path)


async def acked(peer: Any, seq: int) -> Level:
    """Waits until the relay has said something of everything up to seq; what it said."""
    level: Level = (await peer.expect(Ack, lambda ack: ack.seq == seq)).level
    return level


async def ready(url: str) -> tuple[int, dict[str, Any]]:
    def fetch() -> tuple[int, dict[str, Any]]:
        try:
            with urllib.request.urlopen(url.replace("ws", "http", 1) + "/readyz") as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    return await asyncio.to_thread(fetch)


@dataclass
class Disk:
    """A folder with little room, until there is more.

    Attributes:
        fill: takes the room away from a process.
        free: gives it back.
    """

    folder: Path
    fill: Callable[[int], object]
    free: Callable[[int], object]


@pytest.fixture(params=["RLIMIT_FSIZE", "ENOSPC"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    """A disk that is full for one process, and one that is full."""
    if request.param == "RLIMIT_FSIZE":
        _, unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)

        def limit(pid: int, size: int) -> object:
            return resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, unlimited))

        yield Disk(tmp_path, lambda pid: limit(pid, 300_000), lambda pid: limit(pid, unlimited))
        return
    mount = ["mount", "-t", "tmpfs", "-o", "size=600k", "relay-test", str(tmp_path)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    grow = ["mount", "-o", "remount,size=16m", str(tmp_path)]
    try:
        yield Disk(tmp_path, lambda pid: None, lambda pid: subprocess.run(grow, check=True))
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


async def test_a_full_disk_is_told_and_nothing_promised_is_lost(disk: Disk, join: Join) -> None:
    token = Keys.load(disk.folder / "key.pem").mint(room="*", role="editor")
    relay, url = await started(disk.folder, stderr=subprocess.PIPE)
    disk.fill(relay.pid)
    ann = await join(token=token, url=url)
    levels: list[Level] = []
    seq = 1
    while Level.MEMORY not in levels:
        await ann.type("x" * 20_000 + "\n")
        seq += 1
        levels.append(await acked(ann, seq))
    assert levels[0] == Level.DISK
    assert await ready(url) == (503, {"ready": False, "reason": "store fails"})
    bob = await join(token=token, url=url)
    assert str(bob.text) == str(ann.text)  # others go on reading and writing
    await bob.type("more")
    assert (await bob.expect(Ack, lambda ack: ack.seq == 2)).level == Level.MEMORY
    stock = await join(token=token, url=url, own=False)
    await stock.type("by a client that knows no levels")
    await bob.until(lambda: "knows no levels" in str(bob.text))
    bob.seen.clear()
    await stock.send(Step1(b"\0"))
    await stock.expect(Step2)  # what would have come by now has come
    assert SyncStatus(True) not in stock.seen
    disk.free(relay.pid)
    await ann.expect(Ack, lambda ack: ack == Ack(seq, Level.DISK))
    assert await stock.expect(SyncStatus) == SyncStatus(True)
    assert (await ready(url))[0] == 200
    relay.kill()
    _, said = await relay.communicate()
    assert b"nothing is acknowledged" in said
    assert b"is written again" in said
    relay, url = await started(disk.folder)
    late = await join(token=token, url=url)
    assert str(late.text).count("x" * 20_000) == len(levels)
    relay.kill()
    await relay.wait()


async def test_killed_while_the_disk_is_full_what_was_promised_is_there(
    tmp_path: Path, join: Join
) -> None:
    token = Keys.load(tmp_path / "key.pem").mint(room="*", role="editor")
    relay, url = await started(tmp_path, stderr=subprocess.DEVNULL)
    resource.prlimit(relay.pid, resource.RLIMIT_FSIZE, (300_000, 300_000))
    ann = await join(token=token, url=url)
    promised, seq = 0, 1
    while True:
        await ann.type("x" * 20_000 + "\n")
        seq += 1
        if await acked(ann, seq) is Level.MEMORY:
            break
        promised += 1
    relay.kill()
    await relay.wait()
    relay, url = await started(tmp_path)
    late = await join(token=token, url=url)
    assert str(late.text).count("x" * 20_000) >= promised > 0
    relay.kill()
    await relay.wait()


async def test_steps_of_the_clock_change_nothing(
    tmp_path: Path, join: Join, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = [0.0]
    real = time.time
    monkeypatch.setattr("time.time", lambda: real() + step[0])
    settings = RelaySettings(
        port=0, store=f"sqlite:///{tmp_path / 'j.db'}", key_path=tmp_path / "key.pem"
    )
    written = ""
    for life in range(2):
        async with serve(settings) as relay:
            token = relay.keys.mint(room="*", role="editor", expires=86400 * 7)
            ann = await join(token=token, url=relay.url)
            assert str(ann.text) == written
            for n, seconds in enumerate((-30, 3600, -86400, 86400)):
                step[0] += seconds
                await ann.type(f"{life}{n} ")
                assert await acked(ann, n + 2) is Level.DISK
                bob = await join(token=token, url=relay.url)
                assert str(bob.text) == str(ann.text)
            written = str(ann.text)
            ann.abort()
    with contextlib.closing(open_store(tmp_path / "j.db")) as db:
        seqs = [seq for (seq,) in db.execute("SELECT seq FROM log ORDER BY seq")]
    assert seqs == sorted(set(seqs))


BOMB = bytes((1, 1, 5, 0, 0x28, 1, 1)) + b"m\1k" + b"\1" + b"\x75\x01" * 100_000 + b"\x7e\0"


@pytest.mark.parametrize("row", [BOMB, b"\xff" * 40, b"", b"\x80\x80\x80\x80\x02\1\5\0"])
async def test_a_poisoned_row_costs_its_room_alone(
    tmp_path: Path, join: Join, row: bytes, typed: Callable[[str], list[bytes]]
) -> None:
    with contextlib.closing(open_store(tmp_path / "j.db")) as db:
        for room in ("bad", "good"):
            for seq, update in enumerate(typed(room), 1):
                db.execute("INSERT INTO log VALUES(?,?,?)", (room, seq, update))
        db.execute("INSERT INTO log VALUES('bad', 9, ?)", (row,))
        db.execute("INSERT INTO log VALUES('worse', 1, ?)", (row,))
    before = await told(tmp_path, "check")
    assert before[0] == 1
    assert "bad: row 9 cannot be applied\n" in before[1]
    token = Keys.load(tmp_path / "key.pem").mint(room="*", role="editor")
    relay, url = await started(tmp_path, stderr=subprocess.PIPE)
    for room, text in (("good", "good"), ("bad", "bad"), ("worse", "")):
        peer = await join(room, token=token, url=url)
        assert str(peer.text) == text
        await peer.type("!")
        await peer.expect(Ack, lambda ack: ack == Ack(2, Level.DISK))
    relay.terminate()
    _, said = await relay.communicate()
    assert b"room bad: 1 stored updates set aside" in said
    assert relay.returncode == 0
    after = await told(tmp_path, "check")
    assert after[0] == 0
    assert "bad: 1 updates set aside\nworse: 1 updates set aside\n" in after[1]


async def told(folder: Path, *command: str) -> tuple[int, str]:
    done = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "relay_server", *command, "--store", f"sqlite:///{folder / 'j.db'}",
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    out, _ = await done.communicate()
    assert done.returncode is not None
    return done.returncode, out.decode()


async def test_check_and_backup_while_people_write(tmp_path: Path, join: Join) -> None:
    settings = RelaySettings(port=0, store=f"sqlite:///{tmp_path / 'j.db'}")
    async with serve(settings) as relay:
        token = relay.keys.mint(room="*", role="editor")
        ann = await join(token=token, url=relay.url)
        writing = asyncio.Event()

        async def write() -> int:
            seq = 1
            while not writing.is_set() or seq < 50:
                await ann.type("word ")
                seq += 1
                assert await acked(ann, seq) is Level.DISK
            return seq

        task = asyncio.create_task(write())
        await asyncio.sleep(0.05)
        assert (await told(tmp_path, "check"))[0] == 0
        before = str(ann.text)
        assert (await told(tmp_path, "backup", str(tmp_path / "copy.db")))[0] == 0
        assert (await told(tmp_path, "rooms"))[0] == 0
        writing.set()
        assert await task >= 50
        ann.abort()
    (tmp_path / "other").mkdir()
    (tmp_path / "copy.db").rename(tmp_path / "other" / "j.db")
    assert (await told(tmp_path / "other", "check"))[0] == 0
    async with serve(
        RelaySettings(port=0, store=f"sqlite:///{tmp_path / 'other' / 'j.db'}")
    ) as two:
        late = await join(token=two.keys.mint(room="*", role="viewer"), url=two.url)
        assert str(late.text).startswith(before)
        late.abort()
