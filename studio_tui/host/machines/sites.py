"""The machines that a studio works on, each reached when it is first needed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

from studio_tui.document.entries import MachineEntry
from studio_tui.document.studio import StudioDocument
from studio_tui.errors import NotFound, StudioError
from studio_tui.host.calls import Method, Params, Result, query
from studio_tui.jobs.launch import Supervisor
from studio_tui.machines.catalogue import Machine, unknown_hint
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
                f"{self.machine.id} has no python3, which files, terminals and meters need",
                "install Python 3.8 or later there; jobs work without it",
            )
        return self.interpreter


class Ways(Protocol):
    """The ways to the machines of a catalogue; see `host.roads`.

    Attributes:
        on_up: called with a machine's id each time that it is reached, the first time too.
    """

    on_up: Callable[[str], None]

    def known(self) -> Iterable[Machine]:
        """The machines of the catalogue, as it is now."""
        ...

    async def to(self, machine: str) -> Site:
        """The site of a machine.

        Raises:
            NotFound: nobody knows it.
            ConnectionLost: it cannot be reached now.
            StudioError: it can be reached, and not worked on.
        """
        ...

    async def retry(self, machine: str) -> None:
        """Has a machine that is down tried at once."""
        ...

    async def runs(self, machine: str) -> bool:
        """Whether a machine is on; True for one that is simply there."""
        ...

    async def start(self, machine: str, say: Callable[[str], None]) -> None:
        """Has a machine that one pays for run; `say` is told what is waited for."""
        ...

    async def stop(self, machine: str) -> None:
        """Stops a machine that one pays for, and with it all that runs there."""
        ...


class Sites:
    """Every machine that the studio has used since its host began.

    Args:
        ways: leads to them.
        document: says which machine the studio is on, and is told what each machine is.
        tasks: owns the tasks that ask machines what they are.

    Attributes:
        on_reached: called with each machine's id once it is reached for the first time.
        on_started: called with the id of a machine that was off, just before it is started.
    """

    def __init__(self, ways: Ways, document: StudioDocument, tasks: asyncio.TaskGroup) -> None:
        self._ways = ways
        self._document = document
        self._tasks = tasks
        self._sites: dict[str, Site] = {}
        self._facts: dict[str, asyncio.Task[Machine]] = {}
        self._reaching: dict[str, asyncio.Lock] = {}
        self._turning: dict[str, asyncio.Lock] = {}
        self.on_reached: Callable[[str], None] = lambda machine: None
        self.on_started: Callable[[str], None] = lambda machine: None
        ways.on_up = self._up_again

    def calls(self) -> list[Method]:
        """What can be asked of it."""
        return [query("machines.list", self._list)]

    async def _list(self, params: Params) -> Result:
        """Every machine of the catalogue; what was found on one that has been reached, too."""
        told = self._document.machines
        entries = [MachineEntry.read(machine.to_dict()) for machine in self._ways.known()]
        return {"machines": [told.get(entry.id, entry).plain() for entry in entries]}

    @property
    def here(self) -> str:
        """The id of the machine that the studio is on."""
        return self._document.info.machine

    def find(self, machine: str) -> Machine:
        """What the catalogue says of a machine; raises NotFound when that is nothing."""
        known = {each.id: each for each in self._ways.known()}
        if machine not in known:
            raise NotFound(f"there is no machine {machine!r}", unknown_hint(machine, known))
        return known[machine]

    async def at(self, machine: str, *, wanted: bool = False) -> Site:
        """The machine called `machine`.

        Args:
            wanted: whether a person waits for it, so that one that is down is tried at once.

        Raises:
            NotFound: there is no such machine.
            ConnectionLost: it cannot be reached now.
            StudioError: it can be reached, and not worked on.
        """
        if wanted:
            await self._ways.retry(machine)
        async with self._reaching.setdefault(machine, asyncio.Lock()):
            if machine not in self._sites:
                self._sites[machine] = await self._ways.to(machine)
                self._ask(machine)
                self.on_reached(machine)
        return self._sites[machine]

    async def facts(self, machine: str, *, wanted: bool = False) -> Machine:
        """What the machine is since it was reached last, as far as it tells; raises as `at`."""
        await self.at(machine, wanted=wanted)
        return await asyncio.shield(self._facts[machine])

    async def start(self, machine: str, say: Callable[[str], None]) -> None:
        """Has a machine that one pays for run, and returns when it does.

        Raises:
            StudioError: it cannot be had.
        """
        turning = self._turning.setdefault(machine, asyncio.Lock())
        if turning.locked():
            say(f"{machine} is being stopped, and started then")
        async with turning:
            if not await self._ways.runs(machine):
                # First: one whose start is cut short may be on all the same, and cost.
                self.on_started(machine)
            await self._ways.start(machine, say)

    async def stop(self, machine: str) -> None:
        """Stop a machine that one pays for, and with it all that runs there.

        Raises:
            StudioError: it cannot be stopped now.
        """
        async with self._turning.setdefault(machine, asyncio.Lock()):
            await self._ways.stop(machine)

    async def close(self) -> None:
        """Leave every machine; what runs there goes on."""
        for site in self._sites.values():
            await site.connection.close()
        self._sites.clear()

    def _up_again(self, machine: str) -> None:
        """It may be another one than before: an instance's type changes while it is off."""
        if machine in self._sites:
            self._ask(machine)

    def _ask(self, machine: str) -> None:
        asking = self._describe(self._sites[machine], self._facts.get(machine))
        self._facts[machine] = self._tasks.create_task(asking, name=f"facts of {machine}")

    async def _describe(self, site: Site, before: asyncio.Task[Machine] | None) -> Machine:
        """List a machine as it is now.

        One that does not tell what it is is what it was; if it never told, it has no facts, and
        works as well.
        """
        known = site.machine if before is None else await asyncio.shield(before)
        try:
            found = await describe(site.connection, site.payload)
            machine = self.find(site.machine.id).described(found)
        except StudioError as problem:
            log.warning("%s does not tell what it is: %s", known.id, problem)
            machine = known
        told = self._document.machines.get(machine.id)
        entry = MachineEntry.read(machine.to_dict())
        if told is not None and before is not None:
            entry = replace(entry, state=told.state, note=told.note)
        self._document.machines.put(entry)
        return machine
