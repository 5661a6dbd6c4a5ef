"""A server under a real host, reached through the relay; and what is refused and what is lost."""

from __future__ import annotations

import asyncio
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from studio_tui.client.studio import Studio
from studio_tui.document.entries import JobEntry, PortEntry
from studio_tui.errors import NotFound, Refused, StudioError

SERVER = """
import os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"ok" if self.path == "/health" else bytes(1 << 20))
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body[::-1])
HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


async def fetched(url: str, body: bytes | None = None) -> bytes:
    def fetch() -> bytes:
        with urllib.request.urlopen(url, body, timeout=15) as answer:
            return bytes(answer.read())

    return await asyncio.to_thread(fetch)


async def test_a_server_is_started_seen_reached_and_ended(hosted: Any, soon: Any) -> None:
    (hosted.folder / "serve.py").write_text(SERVER)
    async with hosted.attach() as studio:
        job = await studio.serve("serve.py", name="api")
        listed = studio.ports.list()
        assert [(p.port, p.state, p.job) for p in listed] == [(job.entry.port, "up", job.id)]
        assert listed[0].note == "GET /health: 200 OK"
        with pytest.raises(StudioError, match="api, which runs"):
            await studio.ports.close(job.entry.port)
        async with hosted.attach("bob") as bobs:
            async with await bobs.ports.forward(job.entry.port) as led:
                assert led.port != job.entry.port
                assert await fetched(led.url) == bytes(1 << 20)
                posted = bytes(range(256)) * 2000
                assert await fetched(led.url, posted) == posted[::-1]
            with pytest.raises(OSError, match=r"refused|urlopen"):
                await fetched(led.url)
            again = await bobs.ports.forward(job.entry.port)
            await job.stop()
            await job.wait()
            with pytest.raises(NotFound, match="not forwarded"):
                await again.wait()
            await again.close()
        await soon(studio, lambda: not studio.ports.list())


async def test_a_server_that_ends_at_once_says_so(hosted: Any) -> None:
    (hosted.folder / "broken.py").write_text("raise SystemExit('no model')\n")
    async with hosted.attach() as studio:
        with pytest.raises(StudioError, match="failed before it answered") as problem:
            await studio.serve("broken.py")
        assert "job logs" in problem.value.hint


async def test_any_port_of_the_machine_is_forwarded_and_given_back(hosted: Any) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello from the notebook\n")
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server, hosted.attach() as ana:
        port = server.sockets[0].getsockname()[1]
        async with await ana.ports.forward(port) as led:
            reader, writer = await asyncio.open_connection("127.0.0.1", led.port)
            assert await reader.read() == b"hello from the notebook\n"
            writer.close()
            with pytest.raises(StudioError, match="cannot be had"):
                await ana.ports.forward(port, at=led.port)
        assert ana.ports.find(port).by == "ana"
        await ana.ports.close(port)
        with pytest.raises(NotFound, match=f"port {port} is not forwarded"):
            await ana.ports.close(port)


async def test_a_viewer_opens_nothing(stage: Any) -> None:
    viewer = await stage.attach("vera", "viewer")
    for asked in (viewer.ports.open(8000), viewer.ports.forward(8000)):
        with pytest.raises(Refused):
            await asked


async def test_a_host_does_not_send_people_into_other_rooms(stage: Any) -> None:
    studio: Studio = await stage.attach()
    stage.host.answers["ports.open"] = lambda _: PortEntry("local:80", "local", 80).plain()
    stage.host.answers["ports.lead"] = lambda _: {"room": "another-studio"}
    with pytest.raises(Refused, match="outside of this studio"):
        await studio.ports.forward(80)


async def test_the_studios_own_machine_comes_first(stage: Any, soon: Any) -> None:
    studio: Studio = await stage.attach()
    for machine in ("box", "local", "zebra"):
        stage.host.document.ports.put(PortEntry(f"{machine}:80", machine, 80))
    await soon(studio, lambda: len(studio.ports.list()) == 3)
    assert studio.ports.find(80).machine == "local"
    assert studio.ports.find(80, "zebra").machine == "zebra"
    with pytest.raises(NotFound):
        studio.ports.find(80, "nowhere")


def test_the_only_address_is_the_loopback() -> None:
    source = Path(Studio.__module__.replace(".", "/")).parent / "ports.py"
    assert source.read_text().count("start_server(") == 1
    assert "start_server(made._accepted, LOOPBACK, at)" in source.read_text()
    assert JobEntry("j").port is None
