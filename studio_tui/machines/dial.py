"""Connects to a machine of the catalogue, whatever its kind."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from studio_tui.errors import UsageFault
from studio_tui.machines.catalogue import LOCAL
from studio_tui.machines.local import LocalConnection
from studio_tui.settings import paths

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from studio_tui.machines.catalogue import Machine
    from studio_tui.machines.connection import Connection
    from studio_tui.machines.ssh_login import Questions

_PLACES = {
    "ssh": "studio_tui.machines.ssh_dial",
    "ec2": "studio_tui.machines.ec2.dial",
    "slurm": "studio_tui.machines.slurm_dial",
}
"""Kind to the module whose `dial_for(machine, questions)` connects; loaded when it is needed."""


def dial_for(
    machine: Machine, questions: Questions | None = None, *, root: Path | None = None
) -> Callable[[], Awaitable[Connection]]:
    """What connects to the machine, as often as it is called; see Reach.

    A machine that is off is not started by that; see power_for().

    Args:
        questions: who answers when a host key is new or a key has a passphrase; nobody when None.
        root: the root of the local machine, where it is not the usual one.

    Raises:
        UsageFault: its entry makes no sense.
    """
    if machine.kind == LOCAL:
        return lambda: _local(root or paths.machine_root())
    if machine.kind not in _PLACES:
        raise UsageFault(
            f"{machine.id} is of kind {machine.kind}, which cannot be connected to",
            f"use {' or '.join([LOCAL, *_PLACES])}",
        )
    place = importlib.import_module(_PLACES[machine.kind])
    dial: Callable[[], Awaitable[Connection]] = place.dial_for(machine, questions)
    return dial


async def _local(root: Path) -> Connection:
    return LocalConnection(root)
