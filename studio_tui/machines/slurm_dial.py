"""A machine of kind slurm, as machines.toml says: connected to, asked for, given back."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from studio_tui.machines import ssh_dial
from studio_tui.machines.allocation import Request, read_request
from studio_tui.machines.cluster import Cluster
from studio_tui.machines.slurm import SlurmConnection

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from studio_tui.machines.catalogue import Machine
    from studio_tui.machines.connection import Connection
    from studio_tui.machines.power import Progress
    from studio_tui.machines.ssh_login import Questions


def dial_for(
    machine: Machine, questions: Questions | None = None
) -> Callable[[], Awaitable[SlurmConnection]]:
    """What connects to the machine's allocation, by its login node.

    Raises:
        UsageFault: its entry makes no sense.
    """
    request = read_request(machine.id, machine.entry)
    to_login = ssh_dial.dial_for(machine, questions)

    async def dial() -> SlurmConnection:
        login = await to_login()
        try:
            return await SlurmConnection.join(login, machine.id, request)
        except BaseException:
            await login.close()
            raise

    return dial


def power_for(machine: Machine, questions: Questions | None = None) -> Allocations:
    """What asks for the machine's allocation; raises UsageFault as dial_for() does."""
    request = read_request(machine.id, machine.entry)
    return Allocations(machine.id, request, ssh_dial.dial_for(machine, questions))


class Allocations:
    """Asks for a machine's allocation and gives it back; see Power."""

    def __init__(
        self, name: str, request: Request, dial: Callable[[], Awaitable[Connection]]
    ) -> None:
        self._name = name
        self._request = request
        self._dial = dial

    async def runs(self) -> bool:
        """Whether there is an allocation, also one that still waits."""
        async with self._cluster() as cluster:
            return await cluster.find() is not None

    async def start(self, progress: Progress, *, restart: bool = False) -> None:
        """Waits for an allocation, a new one when there is none."""
        async with self._cluster() as cluster:
            await cluster.allocate(progress)

    async def stop(self, progress: Progress) -> None:
        """Gives the allocation back."""
        async with self._cluster() as cluster:
            if (found := await cluster.find()) is not None:
                progress(f"{self._name}: allocation {found.id} is given back")
                await cluster.release(found.id)

    @asynccontextmanager
    async def _cluster(self) -> AsyncIterator[Cluster]:
        login = await self._dial()
        try:
            yield Cluster(login, self._name, self._request)
        finally:
            await login.close()
