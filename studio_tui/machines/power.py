"""Starts and stops the machines that one pays for, whatever their kind."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from studio_tui.machines.catalogue import Machine
    from studio_tui.machines.ssh_login import Questions

    Progress = Callable[[str], None]

_PLACES = {"ec2": "studio_tui.machines.ec2.dial", "slurm": "studio_tui.machines.slurm_dial"}
"""Kind to the module whose `power_for(machine, questions)` starts and stops it."""


class Power(Protocol):
    """What starts and stops one machine. Both wait until it is so, and can be cancelled."""

    async def runs(self) -> bool:
        """Whether it is on, or on its way to be; False too while it stops."""
        ...

    async def start(self, progress: Progress, *, restart: bool = False) -> None:
        """Has the machine run as its entry says; nothing when it does.

        Args:
            progress: told in words what is waited for.
            restart: whether it may be stopped for that, which ends all that runs on it.

        Raises:
            StudioError: it cannot be had; the hint says what to do.
        """
        ...

    async def stop(self, progress: Progress) -> None:
        """Stops the machine, and with it all that runs there; nothing when it is stopped."""
        ...


def power_for(machine: Machine, questions: Questions | None = None) -> Power | None:
    """What starts and stops the machine; None for one that is simply there.

    Args:
        questions: who answers when a login asks.

    Raises:
        UsageFault: its entry makes no sense.
    """
    if machine.kind not in _PLACES:
        return None
    power: Power = importlib.import_module(_PLACES[machine.kind]).power_for(machine, questions)
    return power
