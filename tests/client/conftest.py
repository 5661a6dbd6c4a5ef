"""Two kinds of studio: one with a real host, and one whose host the test plays on a real relay."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from relay_server.serve import Relay, serve
from relay_server.settings import RelaySettings
from relay_server.wire import Call
from studio_tui.client import locate, start
from studio_tui.client.locate import Locator
from studio_tui.client.studio import Studio
from studio_tui.document.entries import FileEntry, JobEntry, StudioInfo, TerminalEntry
from studio_tui.document.seed import seed
from studio_tui.document.studio import StudioDocument
from studio_tui.document.text import SharedText
from studio_tui.errors import StudioError
from studio_tui.settings import studios
from studio_tui.settings.studios import StudioRecord
from studio_tui.sync.link import Endpoint
from studio_tui.sync.session import Session

ID = "calm-otter"
Reply = dict[str, Any] | StudioError
SECONDS = 15.0


@contextlib.contextmanager
def at_home(home: Path) -> Iterator[None]:
    """What the product keeps is in `home` meanwhile."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("STUDIO_")]:
            patch.delenv(name)
        patch.setenv("STUDIO_HOME", str(home))
        yield


@dataclass
class Hosted:
    """A studio with a real host in a process of its own."""

    home: Path
    folder: Path
    id: str

    @property
    def record(self) -> StudioRecord:
        return studios.find(self.id)

    def attach(self, name: str = "ana") -> Studio:
        return locate.attach(self.id, name)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosted]:
    """One studio for all tests of a module; they leave it as they found it."""
    home, folder = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("project")
    with at_home(home):
        studio = start.ensure(folder).id
    yield Hosted(home, folder, studio)
    with at_home(home):
        start.stop(studios.find(studio))


@pytest.fixture
def hosted(running: Hosted, studio_home: Path, monkeypatch: pytest.MonkeyPatch) -> Hosted:
    """The module's studio, as its own user sees it."""
    monkeypatch.setenv("STUDIO_HOME", str(running.home))
    return running


@dataclass
class PlayedHost:
    """A studio's host as the test plays it: `answers` maps a method to what it replies.

    A call of any other method is never answered.
    """

    session: Session
    answers: dict[str, Callable[[dict[str, Any]], Reply]] = field(default_factory=dict)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.room = self.session.room(ID)
        self.room.on_call = self._called
        self.document = StudioDocument(self.room.replica)

    def _called(self, call: Call) -> None:
        params = json.loads(call.params)
        self.calls.append((call.method, params))
        if call.method in self.answers:
            self.session.reply(ID, call.call_id, self.answers[call.method](params))

    def asked(self, method: str) -> list[dict[str, Any]]:
        """The parameters of every call of `method` so far."""
        return [params for name, params in self.calls if name == method]

    def stream(self, room: str, stream: str, offset: int, data: bytes) -> None:
        self.session.stream(f"{ID}/{room}", stream, 1, offset.to_bytes(8, "big") + data)

    def logs(self, job: str, log: bytearray) -> None:
        """List a running job whose log is what `log` holds at the time."""
        self.session.room(f"{ID}/job/{job}")
        self.document.jobs.put(JobEntry(job, name="train.py", state="running", started=1.0))
        self.answers["jobs.log"] = lambda params: stretch(bytes(log), params)

    def ends(self, job: str, state: str = "succeeded", code: int | None = 0) -> None:
        name = self.document.jobs[job].name
        self.document.jobs.put(JobEntry(job, name=name, state=state, exit_code=code))

    async def opens(self, path: str, text: str, file: str = "f1") -> None:
        """Open a file with this text when it is asked for."""
        room = await self.session.join(f"{ID}/file/{file}@1")
        seed(SharedText(room.replica.doc), text)
        self.document.files.put(FileEntry(file, path=path, room=room.name))
        self.answers["files.open"] = lambda _: {
            "file": file, "room": room.name, "readonly": False, "reason": "",
        }  # fmt: skip

    def terminal(self, id: str, **fields: Any) -> None:
        """List a terminal."""
        self.session.room(f"{ID}/term/{id}")
        self.document.terminals.put(TerminalEntry(id, title="bash", **fields))


def stretch(data: bytes, params: dict[str, Any]) -> Reply:
    """A stretch of a log or a file, as a host gives it."""
    offset, length = params["offset"], params["length"]
    part = base64.b64encode(data[offset : offset + length]).decode()
    return {"data": part, "offset": offset, "size": len(data)}


class Stage:
    """A studio on a real relay, with a host that the test plays and can take away."""

    def __init__(self, relay: Relay) -> None:
        self.id = ID
        self.relay = relay
        self.host: PlayedHost
        self._joined = contextlib.AsyncExitStack()
        self._hosting = contextlib.AsyncExitStack()

    def studio(self, name: str = "ana", role: str = "owner") -> Studio:
        """The studio for somebody who has not joined it yet."""
        return Studio(ID, self.locator(role), name)

    async def attach(self, name: str = "ana", role: str = "owner") -> Studio:
        """The studio, joined until the end of the test."""
        return await self._joined.enter_async_context(self.studio(name, role))

    def locator(self, role: str) -> Locator:
        """What finds the relay, for that role."""
        endpoint = Endpoint(self.relay.url, self.relay.keys.mint(room=ID, role=role))

        async def locate() -> Endpoint:
            return endpoint

        return locate

    async def open(self) -> PlayedHost:
        """The studio gets a host, with the answers of the one before."""
        session = await self._hosting.enter_async_context(
            Session(self.locator("owner"), "host", "host")
        )
        await session.join(ID)
        host = PlayedHost(session, dict(self.host.answers) if hasattr(self, "host") else {})
        host.document.info = StudioInfo("studio", name="project", dir="/project")
        host.room.show({"host": ID})
        self.host = host
        return host

    async def lose_host(self) -> None:
        """The host goes; what it wrote stays with the relay."""
        await self._hosting.aclose()

    async def close(self) -> None:
        """Everybody leaves."""
        await self._joined.aclose()
        await self._hosting.aclose()


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """A played studio; its relay keeps what it is told on disk."""
    async with serve(RelaySettings(port=0, store=f"sqlite:///{tmp_path}/relay.db")) as relay:
        made = Stage(relay)
        try:
            await made.open()
            yield made
        finally:
            await made.close()


Soon = Callable[[Studio, Callable[[], bool]], Awaitable[None]]


@pytest.fixture
def soon() -> Soon:
    """Wait until something holds in a studio, and fail when it does not come true."""

    async def wait(studio: Studio, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(SECONDS):
            await studio.until(condition)

    return wait
