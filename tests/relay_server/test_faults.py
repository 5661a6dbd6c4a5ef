"""What goes wrong around a relay: no files left, everybody back at once, a secret looked for."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import resource
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidMessage,
    InvalidStatus,
)

from relay_server import wire
from relay_server.keys import Keys
from relay_server.serve import serve
from relay_server.settings import RelaySettings
from relay_server.wire import Ack, Close, Level

ROOT = Path(__file__).parents[2]
Join = Callable[..., Awaitable[Any]]


@contextlib.asynccontextmanager
async def process(
    folder: Path, *options: str, files: int | None = None
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """A relay as operators run it, and its URL."""

    def limit() -> None:
        assert files is not None
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))

    with (folder / "log").open("wb") as log:
        relay = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "relay_server", "serve", "--port", "0",
            "--store", f"sqlite:///{folder / 'j.db'}", "--key", str(folder / "key.pem"), *options,
            cwd=ROOT, stdout=subprocess.PIPE, stderr=log,
            preexec_fn=limit if files else None,
        )  # fmt: skip
    assert relay.stdout is not None
    line = (await relay.stdout.readline()).decode()
    try:
        yield relay, line.split()[2].rstrip(",")
    finally:
        if relay.returncode is None:
            relay.kill()
        await relay.communicate()


async def get(url: str, path: str) -> str:
    host, _, port = url.removeprefix("ws://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    answer = (await reader.read()).decode()
    writer.close()
    return answer


async def test_without_files_left_those_who_are_here_go_on(tmp_path: Path, join: Join) -> None:
    token = Keys.load(tmp_path / "key.pem").mint(room="*", role="editor")
    async with process(tmp_path, files=64) as (relay, url):
        ann = await join(token=token, url=url)
        crowd: list[ClientConnection] = []
        turned_away = 0
        for _ in range(100):
            try:
                crowd.append(await connect(url, compression=None, open_timeout=10))
            except (InvalidHandshake, InvalidMessage, OSError, EOFError):
                turned_away += 1
        assert turned_away > 50
        for n in range(3):
            await ann.type("still here")
            await ann.expect(Ack, lambda ack, seq=n + 2: ack == Ack(seq, Level.DISK))
        raw = [await asyncio.open_connection(*url.removeprefix("ws://").split(":"))
               for _ in range(100)]  # fmt: skip
        await ann.type("and here")
        await ann.expect(Ack, lambda ack: ack == Ack(5, Level.DISK))
        for _, writer in raw:
            writer.close()
        await asyncio.gather(*(socket.close() for socket in crowd))
        async with asyncio.timeout(20):
            while True:
                with contextlib.suppress(InvalidHandshake, InvalidMessage, OSError, EOFError):
                    late = await join(token=token, url=url)
                    break
        assert str(late.text) == str(ann.text)
        assert relay.returncode is None
    said = (tmp_path / "log").read_text()
    assert "Too many open files" not in said
    assert "Traceback" not in said


async def test_an_address_gets_as_many_connections_as_the_operator_says(tmp_path: Path) -> None:
    async with process(tmp_path, "--per-address", "2") as (_, url):
        first, second = await connect(url), await connect(url)
        with pytest.raises(InvalidStatus) as caught:
            await connect(url)
        assert caught.value.response.status_code == 429
        assert caught.value.response.headers["Retry-After"] == "1"
        await asyncio.gather(first.close(), second.close())
    assert re.search(r"connection 3 of 127\.0\.0\.1: 429, ", (tmp_path / "log").read_text())


async def member(url: str, room: str, token: str) -> ClientConnection:
    socket = await connect(url, compression=None, open_timeout=20)
    await socket.send(wire.encode(room, wire.Token(token, "1", '{"name": "x"}')))
    await socket.send(wire.encode(room, wire.Step1(b"\0")))
    async with asyncio.timeout(20):
        while not isinstance(wire.decode(await socket.recv(decode=False))[1], wire.Step2):
            pass
    return socket


@pytest.mark.timeout(90)
async def test_everybody_is_told_to_come_back_and_comes_back(tmp_path: Path, join: Join) -> None:
    crowd = 300
    token = Keys.load(tmp_path / "key.pem").mint(room="*", role="editor")
    async with process(tmp_path) as (relay, url):
        ann = await join("r0", token=token, url=url)
        await ann.type("kept")
        await ann.expect(Ack, lambda ack: ack == Ack(2, Level.DISK))
        sockets = [await member(url, f"r{n % 30}", token) for n in range(crowd)]
        relay.terminate()
        async with asyncio.timeout(20):
            await asyncio.gather(*(socket.wait_closed() for socket in sockets))
            assert await relay.wait() == 0
    assert {socket.close_code for socket in sockets} == {Close.RESTART}
    assert {socket.close_reason for socket in sockets} == {"relay restarts; retry-after=1"}
    async with process(tmp_path, "--log-level", "warning") as (relay, url):
        sockets = await asyncio.gather(*(member(url, f"r{n % 30}", token) for n in range(crowd)))
        metrics = await get(url, "/metrics")
        assert f"relay_members {crowd}\n" in metrics
        late = await join("r0", token=token, url=url)
        assert str(late.text) == "kept"
        for socket in sockets:
            socket.transport.abort()
        await asyncio.gather(*(socket.wait_closed() for socket in sockets))
        relay.terminate()
        assert await relay.wait() == 0
    assert (tmp_path / "log").read_text() == ""


async def test_the_hint_grows_with_the_crowd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relay_server.serve.RETURNS", 2)
    async with serve(RelaySettings(port=0)) as relay:
        token = relay.keys.mint(room="*", role="editor")
        sockets = [await member(relay.url, "r", token) for _ in range(6)]
        closing = [asyncio.create_task(socket.wait_closed()) for socket in sockets]
    await asyncio.gather(*closing)
    assert {socket.close_reason for socket in sockets} == {"relay restarts; retry-after=3"}


@pytest.mark.parametrize("shape", [[], ["--log-json"]])
async def test_no_secret_is_told_anywhere(tmp_path: Path, join: Join, shape: list[str]) -> None:
    audit = tmp_path / "audit"
    owner = Keys.load(tmp_path / "key.pem").mint(room="*", role="owner")
    options = ["--log-level", "debug", "--audit", str(audit), *shape]
    async with process(tmp_path, *options) as (relay, url):
        ann = await join(token=owner, url=url, name="Ann")
        await ann.type("canary text")
        await ann.send(wire.Call(1, "relay.invite", b'{"role": "editor"}', True))
        made = json.loads((await ann.expect(wire.Reply)).body)
        async with connect(url, compression=None) as socket:
            await socket.send(wire.encode("calm-otter", wire.Token(f"invite:{made['code']}")))
            issued = wire.decode(await socket.recv(decode=False))[1]
        assert isinstance(issued, wire.Issued)
        for query, headers in [
            (f"?token={issued.token}", {}),
            ("", {"Authorization": f"Bearer {issued.token}"}),
            ("?token=canary-query", {}),
            (f"?token={issued.token[:-3]}", {}),
        ]:
            with contextlib.suppress(ConnectionClosed):
                async with connect(
                    f"{url}/calm-otter{query}", additional_headers=headers, compression=None
                ) as socket:
                    await socket.send(wire.encode_y(wire.Step1(b"\0")) or b"")
                    await asyncio.wait_for(socket.recv(), 10)
        bad = await join(token="canary-token", url=url, synced=False)
        assert await bad.closed() == Close.TOKEN
        metrics = await get(url, "/metrics")
        command = Path(f"/proc/{relay.pid}/cmdline").read_text()
        relay.terminate()
        await relay.wait()
    log = (tmp_path / "log").read_text()
    assert "GET /calm-otter" in log  # what was looked through is what could have told it
    told = log + metrics + command + audit.read_text()
    secrets = [owner, issued.token, made["code"], "canary"]
    secrets += [part for token in (owner, issued.token) for part in token.split(".")[1:]]
    assert not [secret for secret in secrets if secret in told]
    if shape:
        assert all(json.loads(line) for line in log.splitlines())
    else:
        assert all(re.match(r"\d{4}-\d\d-\d\d ", line) for line in log.splitlines())
