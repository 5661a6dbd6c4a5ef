"""The machines that a studio works on, each reached when it is first needed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from studio_tui.document.entries import MachineEntry
from studio_tui.document.studio import StudioDocument
from studio_tui.errors import StudioError
from studio_tui.host.calls import Method, Params, Result, query
from studio_tui.jobs.launch import Supervisor
from studio_tui.machines.catalogue import Machine
from studio_tui.machines.connection import Connection
from studio_tui.machines.install import describe

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Site:
    """One machine as the host works on it. Paths are paths on that machine.

    Attributes:
        machine: what the catalogue says of it.
        connection: reaches it.
        payload: the folder of our own programs.
        folder: the studio's folder; shells and jobs start in it.
        interpreter: a Python for our own programs, empty when there is none.
    """

    machine: Machine
    connection: Connection
    payload: str
    folder: str
    interpreter: str

    @cached_property
    def supervisor(self) -> Supervisor:
        """What looks after jobs there."""
        return Supervisor(self.connection, self.payload)

    @property
    def python(self) -> str:
        """A Python for our own programs.

        Raises:
            StudioError: there is none.
        """
        if not self.interpreter:
            raise StudioError(
                f"{self.machine.id} has no python3, which terminals and meters need",
                "install Python 3.8 or later there; jobs work without it",
            )
        return self.interpreter


Reach = Callable[[str], Awaitable[Site]]


class Sites:
    """Every machine that the studio has used since its host began.

    Args:
        reach: makes the site of a machine by its id; raises NotFound for an id that nobody knows,
            ConnectionLost for a machine that cannot be reached now.
        known: the machines of the catalogue, as it is now.
        document: says which machine the studio is on, and is told what each machine is.
        tasks: owns the tasks that ask machines what they are.

    Attributes:
        on_reached: called with each machine's id once it is reached for the first time.
    """

    def __init__(
        self,
        reach: Reach,
        known: Callable[[], Iterable[Machine]],
        document: StudioDocument,
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._reach = reach
        self._known = known
        self._document = document
        self._tasks = tasks
        self._sites: dict[str, Site] = {}
        self._facts: dict[str, asyncio.Task[Machine]] = {}
        self._reaching: dict[str, asyncio.Lock] = {}
        self.on_reached: Callable[[str], None] = lambda machine: None

    def calls(self) -> list[Method]:
        """What can be asked of it."""
        return [query("machines.list", self._list)]

    async def _list(self, params: Params) -> Result:
        """Every machine of the catalogue; what was found on one that has been reached, too."""
        told = self._document.machines
        entries = [MachineEntry.read(machine.to_dict()) for machine in self._known()]
        return {"machines": [told.get(entry.id, entry).plain() for entry in entries]}

    @property
    def here(self) -> str:
        """The id of the machine that the studio is on."""
        return self._document.info.machine

    async def at(self, machine: str) -> Site:
        """The machine called `machine`.

        Raises:
            NotFound: there is no such machine.
            ConnectionLost: it cannot be reached now.
            StudioError: it can be reached, and not worked on.
        """
        async with self._reaching.setdefault(machine, asyncio.Lock()):
            if machine not in self._sites:
                site = self._sites[machine] = await self._reach(machine)
                asking = self._tasks.create_task(self._describe(site), name=f"facts of {machine}")
                self._facts[machine] = asking
                self.on_reached(machine)
        return self._sites[machine]

    async def facts(self, machine: str) -> Machine:
        """What the machine is, as far as it tells. Raises as `at` does."""
        await self.at(machine)
        return await asyncio.shield(self._facts[machine])

    async def close(self) -> None:
        """Leave every machine; what runs there goes on."""
        for site in self._sites.values():
            await site.connection.close()
        self._sites.clear()

    async def _describe(self, site: Site) -> Machine:
        """List a machine; one that does not tell what it is has no facts, and works as well."""
        machine = site.machine
        try:
            machine = machine.described(await describe(site.connection, site.payload))
        except StudioError as problem:
            log.warning("%s does not tell what it is: %s", machine.id, problem)
        self._document.machines.put(MachineEntry.read(machine.to_dict()))
        return machine
