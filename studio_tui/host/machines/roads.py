"""The ways from the host to its machines: each kept up, our own programs at its end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from studio_tui.document.entries import YES, MachineEntry
from studio_tui.document.studio import StudioDocument
from studio_tui.host.machines.sites import Site
from studio_tui.host.questions import Questions
from studio_tui.machines import catalogue
from studio_tui.machines.catalogue import LOCAL, Machine
from studio_tui.machines.connection import Connection
from studio_tui.machines.dial import dial_for
from studio_tui.machines.host_keys import NewHostKey
from studio_tui.machines.install import install
from studio_tui.machines.power import Power, power_for
from studio_tui.machines.reach import Phase, Reach, ReachState
from studio_tui.machines.ssh_login import Questions as Asked

log = logging.getLogger(__name__)

FOLDER = "~/studios"
"""Where studios lie on a machine whose entry names no folder."""

# The studio's folder, made when it is missing, and a Python that our own programs run on.
_ARRIVE = """
case $1 in "~") parent=$HOME;; "~/"*) parent=$HOME/${1#"~/"};; *) parent=$1;; esac
mkdir -p -- "$parent/$2" && cd -- "$parent/$2" && pwd -P || exit 1
recent='import sys; sys.exit(sys.version_info < (3, 8))'
for name in python3 python; do
    python=$(command -v "$name") && "$python" -c "$recent" </dev/null 2>/dev/null || continue
    echo "$python"
    break
done
"""


@dataclass(frozen=True)
class Home:
    """What the host has on its own computer.

    Attributes:
        folder: the studio's folder.
        root: the folder for payload, jobs and terminals.
        python: the host's own interpreter.
    """

    folder: Path
    root: Path
    python: str


class Roads:
    """Finds the machines of the catalogue for one studio.

    Args:
        studio: its id; on other machines its folder is called so.
        home: the host's own computer.
        document: told how each connection stands.
        questions: asks people what a machine wants to know.
        tasks: owns what keeps the connections up.

    Attributes:
        on_up: see Ways.
    """

    def __init__(
        self,
        studio: str,
        home: Home,
        document: StudioDocument,
        questions: Questions,
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._studio = studio
        self._home = home
        self._document = document
        self._questions = questions
        self._tasks = tasks
        self._reaches: dict[str, Reach] = {}
        self.on_up: Callable[[str], None] = lambda machine: None

    def known(self) -> Iterable[Machine]:
        """The catalogue, as it is now."""
        return catalogue.load()

    async def start(self, machine: str, say: Callable[[str], None]) -> None:
        """Has a machine run that one pays for; nothing for one that is simply there.

        Raises:
            StudioError: it cannot be had; the hint says what to do.
        """
        if (power := self._power(machine)) is not None:
            await power.start(say)

    async def runs(self, machine: str) -> bool:
        """Whether a machine is on; True for one that is simply there.

        Raises:
            StudioError: nobody can tell now.
        """
        power = self._power(machine)
        return power is None or await power.runs()

    async def stop(self, machine: str) -> None:
        """Stops a machine that one pays for; nothing for one that is simply there.

        Raises:
            StudioError: it cannot be stopped now; the hint says what to do.
        """
        if (power := self._power(machine)) is not None:
            await power.stop(lambda words: log.info("stopping %s: %s", machine, words))

    async def to(self, machine: str) -> Site:
        """The machine as the host works on it; see Sites.

        One that is down comes back by itself: until then this says why it is.

        Raises:
            NotFound: the catalogue has no such machine.
            ConnectionLost: it cannot be reached now, or somebody has to do something first.
            StudioError: it can be reached, and not worked on.
        """
        found = catalogue.load().find(machine)
        if found.kind == LOCAL:
            connection = await dial_for(found, root=self._home.root)()
            folder, python = str(self._home.folder), self._home.python
            return Site(found, connection, await install(connection), folder, python)
        reach = self._reach(found)
        await reach.tried()
        payload = await install(reach)
        folder, python = await self._arrive(reach, found)
        return Site(found, reach, payload, folder, python)

    async def retry(self, machine: str) -> None:
        """Somebody wants the machine now: what waits for its time, or for a person, is tried."""
        if machine in self._reaches:
            await self._reaches[machine].retry()

    def _power(self, machine: str) -> Power | None:
        return power_for(catalogue.load().find(machine), self._asked_by(machine))

    def _reach(self, machine: Machine) -> Reach:
        if machine.id not in self._reaches:
            reach = Reach(machine.id, dial_for(machine, self._asked_by(machine.id)))
            reach.watch(self._teller(machine))
            self._reaches[machine.id] = reach
            self._tasks.create_task(reach.run_until_closed(), name=f"road to {machine.id}")
        return self._reaches[machine.id]

    def _teller(self, machine: Machine) -> Callable[[ReachState], None]:
        """Tells everybody how the connection to a machine stands."""
        unknown = MachineEntry.read(machine.to_dict())

        def told(state: ReachState) -> None:
            entry = self._document.machines.get(machine.id, unknown)
            self._document.machines.put(replace(entry, state=state.phase.value, note=state.reason))
            if state.phase is Phase.UP:
                self.on_up(machine.id)

        return told

    def _asked_by(self, machine: str) -> Asked:
        async def secret(prompt: str) -> str | None:
            return await self._questions.ask(machine, "secret", prompt)

        async def trust(key: NewHostKey) -> bool:
            text = f"its {key.kind} key was never seen before: {key.fingerprint}"
            return await self._questions.ask(machine, "trust", text) == YES

        return Asked(secret, trust)

    async def _arrive(self, connection: Connection, machine: Machine) -> tuple[str, str]:
        """The studio's folder on a machine, and an interpreter; empty when there is none."""
        parent = str(machine.entry.get("folder", FOLDER))
        argv = ["/bin/sh", "-c", _ARRIVE, "sh", parent, self._studio]
        done = (await connection.run(argv)).check(f"making the studio's folder on {machine.id}")
        folder, _, python = done.stdout.decode().strip().partition("\n")
        return folder, python.strip()
