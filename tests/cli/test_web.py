"""The app in a browser: seen, typed in and left, by whoever has the link and nobody else."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psutil
import pytest

import studio_tui.cli
from studio_tui import sdk
from studio_tui.cli import web
from studio_tui.settings import studios
from tests.browser import Page, browser
from tests.processes import gone

if TYPE_CHECKING:
    from .conftest import Hosted, Typed

COMMAND = [sys.executable, "-m", "studio_tui", "web"]


@dataclass(frozen=True)
class Served:
    """A studio in a browser."""

    process: subprocess.Popen[str]
    link: str


@pytest.fixture
def served(hosted: Hosted) -> Iterator[Served]:
    command = [*COMMAND, hosted.id, "--as", "webby"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield Served(process, process.stdout.readline().strip())
        process.kill()


async def test_a_person_sees_types_and_edits_and_the_studio_goes_on(
    hosted: Hosted, served: Served, require: Callable[[str], str], tmp_path: Path
) -> None:
    (hosted.folder / "note.py").write_text("rate = 1\n")
    chromium = require("chromium-headless-shell")
    async with sdk.attach(hosted.id, name="alice") as studio, browser(chromium, tmp_path) as page:
        file = await studio.file("note.py")
        await page.go(served.link)
        await page.until(lambda: "webby" in page.text)
        assert await page.evaluate("location.href") == served.link.split("?")[0]
        assert await page.evaluate("document.cookie") == ""
        await studio.until(lambda: "webby" in {person.name for person in studio.people})
        await page.click(500, 150)
        await page.press("o", 79, control=True)
        await page.until(lambda: "part of a file's name" in page.text)
        await page.type("note.py")
        await page.until(lambda: page.text.count("note.py") == 2)  # what was typed, and found
        await page.type("\r")
        await page.until(lambda: "rate = 1" in page.text)
        await studio.until(
            lambda: [p.gaze.path for p in studio.people if p.name == "webby"] == ["note.py"]
        )
        await page.type("x")
        await studio.until(lambda: str(file) == "xrate = 1\n")
        await page.until(lambda: "xrate = 1" in page.text)
        await file.flush()
        assert (hosted.folder / "note.py").read_text() == "xrate = 1\n"
        apps = psutil.Process(served.process.pid).children(recursive=True)
        token = served.link.partition("=")[2]
        lines = [" ".join(each.cmdline()) for each in [psutil.Process(served.process.pid), *apps]]
        assert any("attach" in line for line in lines)
        assert not any(token in line for line in lines)
        served.process.send_signal(signal.SIGINT)
        await page.until(lambda: page.closed)
        assert "cookie:" not in await shown_by(page)
        assert await asyncio.to_thread(served.process.wait) == 0
        assert all(gone(each.pid) for each in apps)
        await studio.until(lambda: "webby" not in {person.name for person in studio.people})
        assert studios.alive(studios.find(hosted.id))


async def test_an_app_whose_server_was_killed_leaves(hosted: Hosted, served: Served) -> None:
    import aiohttp

    async with (
        sdk.attach(hosted.id, name="alice") as studio,
        aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session,
    ):
        await (await session.get(served.link)).text()
        address = served.link.split("?")[0]
        origin = f"http://{urlsplit(address).netloc}"
        window = await session.ws_connect(f"{address}ws", headers={"Origin": origin})
        await studio.until(lambda: "webby" in {person.name for person in studio.people})
        os.kill(served.process.pid, signal.SIGKILL)
        await studio.until(lambda: "webby" not in {person.name for person in studio.people})
        await window.close()


async def shown_by(page: Page) -> str:
    """What a browser tells another server on this computer, such as a port that is forwarded."""
    told: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):  # a browser connects ahead, too
            head = await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.0 204 No Content\r\n\r\n")
            if not told.done():
                told.set_result(head.decode().lower())
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        await page.go(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        return await told
    finally:
        server.close()


def test_a_port_that_is_taken_is_told(typed: Typed, hosted: Hosted) -> None:
    listening = web._listening(0)
    with listening:
        listening.listen()
        done = typed("web", hosted.id, "--port", str(listening.getsockname()[1]))
    assert "cannot be had" in done.error
    assert "--port" in done.hint


def test_an_unknown_studio_is_told(typed: Typed) -> None:
    done = typed("web", "no-such")
    assert done.code == 3
    assert done.error == "no studio 'no-such'"


def test_a_missing_package_is_told(
    typed: Typed, hosted: Hosted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "textual_serve", None)
    monkeypatch.setitem(sys.modules, "textual_serve.app_service", None)
    monkeypatch.delitem(sys.modules, "studio_tui.cli.pages", raising=False)
    monkeypatch.delattr(studio_tui.cli, "pages", raising=False)
    done = typed("web", hosted.id)
    assert "is not installed" in done.error
    assert done.hint == "pip install 'studio-tui[web]'"
