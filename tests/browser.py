"""A page in headless Chromium, driven by the DevTools protocol."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import json
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from studio_tui.terminal.emulator import Emulator

SIZE = (1000, 600)


class Page:
    """One page; the terminal in it is read off what the page was sent."""

    def __init__(self, wire: ClientConnection, session: str) -> None:
        self._wire = wire
        self._session = session
        self._numbers = itertools.count(1)
        self._emulator = Emulator(120, 40)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._heard = asyncio.Event()
        self.asked: list[str] = []
        """Addresses that were asked for, websockets included."""
        self.closed = False
        """Whether the page's websocket has come to its end."""

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        self._answers[number] = asyncio.get_running_loop().create_future()
        message = {"id": number, "method": method, "params": params, "sessionId": self._session}
        await self._wire.send(json.dumps(message))
        return await self._answers[number]

    async def evaluate(self, script: str) -> Any:
        told = await self.call("Runtime.evaluate", expression=script, returnByValue=True)
        return told["result"].get("value")

    async def go(self, address: str) -> None:
        await self.call("Page.navigate", url=address)

    async def type(self, text: str) -> None:
        for character in text:
            await self.call("Input.dispatchKeyEvent", type="keyDown", text=character)
            await self.call("Input.dispatchKeyEvent", type="keyUp")

    async def click(self, x: int, y: int) -> None:
        at = {"x": x, "y": y, "button": "left", "clickCount": 1}
        await self.call("Input.dispatchMouseEvent", type="mousePressed", **at)
        await self.call("Input.dispatchMouseEvent", type="mouseReleased", **at)

    async def press(self, key: str, code: int, *, control: bool = False) -> None:
        """Press a key by its DOM name and its Windows key code."""
        named = {"key": key, "windowsVirtualKeyCode": code, "modifiers": 2 if control else 0}
        await self.call("Input.dispatchKeyEvent", type="rawKeyDown", **named)
        await self.call("Input.dispatchKeyEvent", type="keyUp", **named)

    @property
    def text(self) -> str:
        """What the page's terminal shows."""
        return "\n".join(self._emulator.history(0, 1000).rows)

    async def until(self, ready: Callable[[], bool]) -> None:
        """Wait until something holds that changes with what the page is sent."""
        while not ready():
            self._heard.clear()
            await self._heard.wait()

    async def listen(self) -> None:
        async for message in self._wire:
            told = json.loads(message)
            if "id" in told:
                if waiting := self._answers.pop(told["id"], None):
                    waiting.set_result(told.get("result", {}))
            else:
                self._event(told["method"], told["params"])
                self._heard.set()

    def _event(self, method: str, params: dict[str, Any]) -> None:
        if method == "Network.requestWillBeSent":
            self.asked.append(params["request"]["url"])
        elif method == "Network.webSocketCreated":
            self.asked.append(params["url"])
            self._emulator = Emulator(120, 40)
        elif method == "Network.webSocketFrameReceived" and params["response"]["opcode"] == 2:
            self._emulator.feed(base64.b64decode(params["response"]["payloadData"]))
        elif method == "Network.webSocketClosed":
            self.closed = True


@contextlib.asynccontextmanager
async def browser(program: str, folder: Path) -> AsyncIterator[Page]:
    """A page of a browser that keeps what it keeps in `folder`."""
    process = await asyncio.create_subprocess_exec(
        program, "--remote-debugging-port=0", f"--user-data-dir={folder}", "--no-first-run",
        "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
        "--no-proxy-server", f"--window-size={SIZE[0]},{SIZE[1]}",
        *(["--no-sandbox"] if os.geteuid() == 0 else []), "about:blank",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip
    try:
        assert process.stderr is not None
        line = b""
        while b"DevTools listening on" not in line:
            line = await process.stderr.readline()
            assert line, "the browser does not start"
        drain = asyncio.create_task(process.stderr.read())
        async with connect(line.split()[-1].decode(), max_size=None, proxy=None) as wire:
            page = await _attached(wire)
            listening = asyncio.create_task(page.listen())
            for domain in ("Page", "Network", "Runtime"):
                await page.call(f"{domain}.enable")
            await page.call("Emulation.setFocusEmulationEnabled", enabled=True)
            try:
                yield page
            finally:
                listening.cancel()
                drain.cancel()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # its processes, too: they hold our pipe
        await process.wait()


async def _attached(wire: ClientConnection) -> Page:
    async def asked(method: str, **params: Any) -> dict[str, Any]:
        await wire.send(json.dumps({"id": 0, "method": method, "params": params}))
        while (told := json.loads(await wire.recv())).get("id") != 0:
            pass
        return dict(told["result"])

    targets = await asked("Target.getTargets")
    target = next(each for each in targets["targetInfos"] if each["type"] == "page")
    session = await asked("Target.attachToTarget", targetId=target["targetId"], flatten=True)
    return Page(wire, session["sessionId"])
