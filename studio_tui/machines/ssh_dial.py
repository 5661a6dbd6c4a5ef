"""Connects to a machine of kind ssh, as its entry in machines.toml says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from studio_tui.machines import ssh
from studio_tui.machines.host_keys import HostKeyUnknown
from studio_tui.machines.ssh_login import Login, Questions
from studio_tui.machines.ssh_options import Destination
from studio_tui.settings import paths

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from studio_tui.machines.catalogue import Machine
    from studio_tui.machines.ssh import SSHConnection


def destination(machine: Machine) -> Destination:
    """The host of an entry with the keys of kind ssh; its name is that of the machine if unsaid."""
    entry, config = machine.entry, paths.ssh_config()
    identity = entry.get("identity_file")
    known_hosts = entry.get("known_hosts")
    return Destination(
        entry.get("host", machine.id),
        port=entry.get("port"),
        user=entry.get("user"),
        identity_file=str(Path(identity).expanduser()) if identity else None,
        known_hosts=str(Path(known_hosts).expanduser()) if known_hosts else None,
        config=str(config) if config else None,
    )


def dial_for(
    machine: Machine, questions: Questions | None = None
) -> Callable[[], Awaitable[SSHConnection]]:
    """What connects to the machine; an unlocked key is kept from one call to the next."""
    login = Login(destination(machine), paths.known_hosts_file(), questions)
    root = machine.entry.get("root", ssh.ROOT)

    async def dial() -> SSHConnection:
        try:
            return await ssh.connect(login, root=root)
        except HostKeyUnknown as problem:
            raise HostKeyUnknown(
                problem.message,
                "compare it with the host's own and accept it, in a terminal: "
                f"studio-tui machine check {machine.id}",
            ) from problem

    return dial
