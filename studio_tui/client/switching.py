"""Taking a studio to another machine, as whoever asks for it sees it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from studio_tui.client.answer import Answer
from studio_tui.document.entries import MachineEntry, SwitchEntry, read_as
from studio_tui.errors import StudioError

if TYPE_CHECKING:
    from studio_tui.client.attachment import Attachment


@dataclass(frozen=True)
class SwitchPlan:
    """What a switch would do; nothing has been done yet.

    Attributes:
        machine: the target.
        folder: where the studio would be there.
        files, bytes: what would be carried there.
        back: files that changed there since the studio was there last, and would be taken over.
        conflicts: paths that changed on both sides; both are kept.
        environment: what would be done for the environment there, in words.
        warnings: what is missing on the target, or works differently there, in words.
    """

    machine: str = ""
    folder: str = ""
    files: int = 0
    bytes: int = 0
    back: int = 0
    conflicts: list[str] = field(default_factory=list)
    environment: str = ""
    warnings: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return asdict(self)


async def machines(studio: Attachment) -> list[MachineEntry]:
    """The machines that the studio can be on. NotFound: the host is away."""
    told = Answer("machines.list", await studio.query("machines.list"))
    return [
        MachineEntry.read(item)
        for item in told.items("machines")
        if isinstance(item, dict) and isinstance(item.get("id"), str)
    ]


async def plan(studio: Attachment, machine: str) -> SwitchPlan:
    """What taking the studio to `machine` would do.

    Raises:
        NotFound: there is no such machine, or it cannot be reached.
        StudioError: it cannot take the studio.
    """
    return read_as(SwitchPlan, await studio.command("machines.plan", machine=machine))


async def switch(studio: Attachment, machine: str) -> SwitchEntry:
    """Take the studio to `machine`; returns once it is there.

    Raises:
        NotFound: there is no such machine, or it cannot be reached.
        StudioError: somebody else is switching it; or it stays where it is, and why.
    """
    epoch = studio.document.info.epoch
    await studio.command("machines.switch", machine=machine, epoch=epoch)
    await studio.until(lambda: _ended(studio, machine))
    ended = studio.document.switch
    if ended is None or ended.phase != "done":
        why = "" if ended is None else ended.note
        raise StudioError(
            f"{studio.id} stays on {studio.document.info.machine}: {why or 'the switch ended'}",
            f"see what {machine} lacks: studio-tui machine check {machine}",
        )
    return ended


def _ended(studio: Attachment, machine: str) -> bool:
    entry = studio.document.switch
    return entry is not None and entry.target == machine and entry.over
