"""A relay in this loop, the parts of a host behind it, and people who attach to it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from relay_server.serve import Relay, serve
from relay_server.settings import RelaySettings
from studio_tui import payload
from studio_tui.client.studio import Studio
from studio_tui.document.studio import StudioDocument
from studio_tui.errors import NotFound
from studio_tui.host.calls import Calls, Method
from studio_tui.host.files import files, openfile
from studio_tui.host.files.files import Files
from studio_tui.host.files.folder import Folder
from studio_tui.host.files.project import Project
from studio_tui.host.machines.sites import Site, Sites
from studio_tui.host.terminals.holder import Holder
from studio_tui.host.terminals.terminals import Terminals
from studio_tui.machines.catalogue import Machine
from studio_tui.machines.install import install
from studio_tui.machines.local import LocalConnection
from studio_tui.sync.link import Endpoint
from studio_tui.sync.session import Session
from tests.conftest import find_program

STUDIO = "calm-otter"
NOBODY = 65534
PATIENCE = 20.0
HELD = "import os, time\nwhile os.path.exists('hold'):\n    time.sleep(0.05)\n"
"""A script that runs as long as there is a file called hold."""

Hosting = Callable[[], AbstractAsyncContextManager[Terminals]]

LOOP = 'while read line; do echo "<$line>"; done'
"""A program that shows what it was given."""


class Bench:
    """A studio whose host is put together by the test, part by part.

    Attributes:
        root: the studio's folder.
        state: where its host keeps its own state.
    """

    def __init__(self, relay: Relay, home: Path) -> None:
        self.relay = relay
        self.root = (home / "project").resolve()
        self.root.mkdir(exist_ok=True)
        self.state = home / "state"
        self.home = home
        self._people = AsyncExitStack()

    def endpoint(self, role: str) -> Callable[[], Awaitable[Endpoint]]:
        token = self.relay.keys.mint(room=STUDIO, role=role)

        async def locate() -> Endpoint:
            return Endpoint(self.relay.url, token)

        return locate

    async def attach(self, name: str, role: str = "editor") -> Studio:
        """Somebody attaches, until the test ends; enter it oneself to leave earlier."""
        return await self._people.enter_async_context(self.person(name, role))

    def person(self, name: str, role: str = "editor") -> Studio:
        return Studio(STUDIO, self.endpoint(role), name)

    async def close(self) -> None:
        await self._people.aclose()

    @asynccontextmanager
    async def host(self) -> AsyncIterator[Parts]:
        """The host's session, document and calls; its tasks are cancelled at the end, unsaved."""
        async with Session(self.endpoint("owner"), "host", "host") as session:
            room = await session.join(STUDIO)
            with contextlib.suppress(Crash):
                try:
                    async with asyncio.TaskGroup() as tasks:
                        calls = Calls(lambda i, result: session.reply(STUDIO, i, result))
                        room.on_call = calls.received
                        calls.open(tasks)
                        room.show({"host": STUDIO})
                        yield Parts(session, StudioDocument(room.replica), calls, tasks)
                        raise Crash
                except* Crash:
                    pass

    @asynccontextmanager
    async def files(self) -> AsyncIterator[Files]:
        """A host that has files and nothing else."""
        async with folder_on(self.home / "machine", self.root) as folder, self.host() as parts:
            found = Files(folder, self.state, parts.session, parts.document, STUDIO, parts.tasks)
            await found.resume()
            parts.answer([*found.calls(), *Project(found).calls()])
            parts.tasks.create_task(found.watch())
            yield found


class Parts:
    """What every part of a host is made with."""

    def __init__(
        self, session: Session, document: StudioDocument, calls: Calls, tasks: asyncio.TaskGroup
    ) -> None:
        self.session = session
        self.document = document
        self.tasks = tasks
        self.calls = calls

    def sites(self, *known: Site) -> Sites:
        """The machines of this host: those that the test knows of."""
        return Sites(Known(*known), self.document, self.tasks)

    def answer(self, methods: list[Method]) -> None:
        self.calls.add(methods)


def found(site: Site) -> Callable[[], Awaitable[Site]]:
    """Finds this machine."""

    async def find() -> Site:
        return site

    return find


class Known:
    """The ways to machines that are simply there."""

    def __init__(self, *sites: Site) -> None:
        self._sites = {site.machine.id: site for site in sites}
        self.on_up: Callable[[str], None] = lambda machine: None

    def change(self, site: Site) -> None:
        """A machine is another one now."""
        self._sites[site.machine.id] = site

    def known(self) -> list[Machine]:
        return [site.machine for site in self._sites.values()]

    async def to(self, machine: str) -> Site:
        if machine not in self._sites:
            raise NotFound(f"there is no machine {machine!r}", "see: studio-tui machine ls")
        return self._sites[machine]

    async def retry(self, machine: str) -> None:
        """Nothing is ever down."""

    async def runs(self, machine: str) -> bool:
        return True

    async def start(self, machine: str, say: Callable[[str], None]) -> None:
        """Nothing costs money."""

    async def stop(self, machine: str) -> None:
        """Nothing can be stopped."""


@asynccontextmanager
async def folder_on(
    machine: Path, root: Path, private: Sequence[Path] = (), prelude: str = ""
) -> AsyncIterator[Folder]:
    """The folder `root` on a machine that keeps its own things in the folder `machine`.

    Args:
        prelude: Python that is run in the program there before its own.
    """
    connection = LocalConnection(machine)
    (machine / "folder").mkdir(exist_ok=True)
    for name, content in payload.files().items():
        if name.startswith("folder/"):
            (machine / name).write_bytes(content)
    (machine / "folder" / "__init__.py").write_text(prelude)
    site = Site(Machine("local"), connection, connection.root, str(root), sys.executable)
    folder = Folder(found(site), private)
    try:
        yield folder
    finally:
        await folder.close()
        await connection.close()


class Crash(Exception):
    """Ends a host's tasks where they stand."""


async def eventually(done: Callable[[], object]) -> None:
    """Wait until `done()` is true."""
    async with asyncio.timeout(PATIENCE):
        while not done():
            await asyncio.sleep(0.01)


@pytest.fixture
async def relay(tmp_path: Path) -> AsyncIterator[Relay]:
    async with serve(RelaySettings(port=0, store=f"sqlite:///{tmp_path}/relay.db")) as running:
        yield running


@pytest.fixture
async def bench(relay: Relay, tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(relay, tmp_path)
    yield made
    await made.close()


@pytest.fixture
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that saves, looks and tries again in a moment."""
    monkeypatch.setattr(openfile, "IDLE", 0.05)
    monkeypatch.setattr(openfile, "LONGEST", 0.3)
    monkeypatch.setattr(openfile, "RETRY_SECONDS", 0.1)
    monkeypatch.setattr(files, "LOOK_EVERY", 0.05)


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[tuple[LocalConnection, str]]:
    """The local machine and the folder of its payload."""
    connection = LocalConnection(tmp_path / "machine")
    yield connection, await install(connection)
    await connection.close()


@pytest.fixture
def site(machine: tuple[LocalConnection, str], tmp_path: Path) -> Site:
    """The local machine as a host works on it, the project of `bench` in it."""
    connection, payload = machine
    folder = tmp_path / "project"
    folder.mkdir(exist_ok=True)
    return Site(Machine("local"), connection, payload, str(folder.resolve()), sys.executable)


@pytest.fixture
async def holder(site: Site) -> AsyncIterator[Callable[[str], Holder]]:
    """Makes the holder of the terminal with this id; what still runs at the end is killed."""
    made: dict[str, Holder] = {}

    def make(terminal_id: str = "t") -> Holder:
        made[terminal_id] = Holder(found(site), terminal_id)
        return made[terminal_id]

    yield make
    for terminal_id in made:
        await make(terminal_id).kill()
        await make(terminal_id).remove()


@pytest.fixture
async def hosting(bench: Bench, site: Site) -> AsyncIterator[Hosting]:
    """Starts a host that has terminals and nothing else; what still runs is ended."""

    def made(parts: Parts) -> Terminals:
        return Terminals(
            parts.sites(site), parts.document, parts.session, STUDIO, bench.state, parts.tasks
        )

    @asynccontextmanager
    async def host() -> AsyncIterator[Terminals]:
        async with bench.host() as parts:
            terminals = made(parts)
            await terminals.resume()
            parts.answer(terminals.calls())
            parts.session.room(STUDIO).on_presence = terminals.present
            yield terminals

    yield host
    async with bench.host() as parts:
        last = made(parts)
        await last.resume()
        await last.end_all()


@pytest.fixture
def somebody(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Be a user whom permissions bind, not root; the folder is that user's."""
    folder = Path(tempfile.mkdtemp(prefix="studio-somebody-"))
    root = os.geteuid() == 0
    if root:
        os.chown(folder, NOBODY, NOBODY)
        # The real ids too: a shell that is started drops an effective one that differs.
        os.setresgid(NOBODY, NOBODY, 0)
        os.setresuid(NOBODY, NOBODY, 0)
    try:
        monkeypatch.setattr(sys, "executable", _python_of_somebody())
        yield folder
    finally:
        if root:
            os.setresuid(0, 0, 0)
            os.setresgid(0, 0, 0)
        shutil.rmtree(folder)


def _python_of_somebody() -> str:
    """An interpreter that this user may run: root's own may lie where nobody else gets to."""
    for path in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        with contextlib.suppress(OSError):
            if subprocess.run([path, "-I", "-c", ""], check=False).returncode == 0:
                return path
    return find_program("python3 for every user")
