"""Reaches a running instance by ssh: at the address it has now, by the host key it always had."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from studio_tui.errors import Refused, StudioError
from studio_tui.machines import ssh
from studio_tui.machines.connection import ConnectionLost
from studio_tui.machines.ec2.console import HostKeys
from studio_tui.machines.ssh_login import Login, Questions

if TYPE_CHECKING:
    from pathlib import Path

    from studio_tui.machines.ec2.instance import Instance
    from studio_tui.machines.host_keys import NewHostKey
    from studio_tui.machines.ssh_options import Destination


async def connect(
    instance: Instance,
    destination: Destination,
    own_known_hosts: Path,
    questions: Questions,
    root: str = ssh.ROOT,
) -> ssh.SSHConnection:
    """Logs in to an instance that runs; its host key is known by its id.

    Args:
        destination: user, port, key and so on; its host is not looked at.
        own_known_hosts: our own file of accepted host keys.
        questions: who answers what the console leaves open.
        root: see ssh.connect().

    Raises:
        ConnectionLost: it does not run, or cannot be reached yet.
        Refused: it shows another host key than it had, or than its console tells.
        StudioError: see Client.call() and ssh.connect().
    """
    seen = await instance.look()
    if seen.state != "running" or not seen.address:
        raise ConnectionLost(f"{instance.id} is {seen.state}", "start it: studio-tui machine start")
    at = replace(destination, host=seen.address, alias=instance.id)
    return await ssh.connect(Login(at, own_known_hosts, _vouched(instance, questions)), root)


def _vouched(instance: Instance, questions: Questions) -> Questions:
    """Questions of which the instance's console answers the one for its first host key."""

    async def host_key(question: NewHostKey) -> bool | None:
        try:
            printed = await instance.host_keys()
        except StudioError:  # whoever may not read the console can still compare by eye
            printed = HostKeys()
        if question.fingerprint in printed.fingerprints or _key(question.line) in printed.keys:
            return True
        if printed.fingerprints or printed.keys:
            raise Refused(
                f"{question.label} shows the host key {question.fingerprint}, "
                f"and {instance.id} has printed another one on its console",
                "somebody may be listening in; if its keys were renewed, compare them yourself: "
                "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub there",
            )
        return await questions.host_key(question)

    return replace(questions, host_key=host_key)


def _key(line: str) -> str:
    """The key in a line of known_hosts."""
    return line.partition(" ")[2]
