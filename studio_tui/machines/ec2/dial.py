"""A machine of kind ec2, as its entry in machines.toml says: connected to, started, stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio_tui.machines import ssh
from studio_tui.machines.ec2.client import Client
from studio_tui.machines.ec2.connect import connect
from studio_tui.machines.ec2.instance import Instance
from studio_tui.machines.ec2.shape import read_rental
from studio_tui.machines.ssh_dial import destination
from studio_tui.machines.ssh_login import Questions
from studio_tui.settings import paths

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from studio_tui.machines.catalogue import Machine
    from studio_tui.machines.power import Progress


def dial_for(
    machine: Machine, questions: Questions | None = None
) -> Callable[[], Awaitable[ssh.SSHConnection]]:
    """What connects to the instance, at the address that it has then.

    Raises:
        UsageFault: its entry makes no sense.
    """
    rental = read_rental(machine.id, machine.entry)
    instance = Instance(Client(rental.region, rental.profile), rental.instance)
    at, root = destination(machine), machine.entry.get("root", ssh.ROOT)
    asked = questions or Questions()

    async def dial() -> ssh.SSHConnection:
        return await connect(instance, at, paths.known_hosts_file(), asked, root)

    return dial


def power_for(machine: Machine, questions: Questions | None = None) -> Switch:
    """What starts and stops the instance; raises UsageFault as dial_for() does."""
    rental = read_rental(machine.id, machine.entry)
    return Switch(Instance(Client(rental.region, rental.profile), rental.instance), rental.type)


class Switch:
    """Starts an instance, as the type it is to have, and stops it; see Power."""

    def __init__(self, instance: Instance, kind: str | None) -> None:
        self._instance = instance
        self._kind = kind

    async def runs(self) -> bool:
        """Whether AWS has it run, or is about to."""
        return (await self._instance.look()).state in ("running", "pending")

    async def start(self, progress: Progress, *, restart: bool = False) -> None:
        """Starts it; where it runs as another type, only a restart changes that."""
        if self._kind is None:
            await self._instance.start(progress)
        else:
            await self._instance.change_type(self._kind, progress, stop=restart)

    async def stop(self, progress: Progress) -> None:
        """Stops it: its disks stay, and cost."""
        await self._instance.stop(progress)
