"""Takes the studio from one machine to another, seen by everybody; until the last step it stays."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace

from studio_tui.document.entries import SwitchEntry
from studio_tui.document.progress import Progress
from studio_tui.document.studio import SWITCH, StudioDocument
from studio_tui.errors import StudioError, UsageFault
from studio_tui.host.calls import Method, Params, Result, command
from studio_tui.host.files.files import Files
from studio_tui.host.files.folder import Folder
from studio_tui.host.machines.sites import Sites
from studio_tui.host.switching.arrival import environment_planned, place, prepare, to_look_at
from studio_tui.machines.carry.carrier import Carrier
from studio_tui.machines.carry.carrier import Progress as Carried

log = logging.getLogger(__name__)

NAME_CAP = 64
PROGRESS_SECONDS = 0.2
SHOWN = 100
"""How many paths a plan names."""


class Switch:
    """The one way of the studio to another machine.

    Files and environment are brought to the target while everybody works on. Then the files stand
    still for the last difference, and one write to the studio document moves the studio. Whatever
    ends it before that write leaves the studio where it is, and all its files there.

    Args:
        sites: the studio's machines.
        files: the files that people have open.
        document: the studio document.
        folder_at: the studio's folder on a machine.
        publish: streams how far it is.
        tasks: owns the switch that is under way.
        clock: Unix time in seconds.
    """

    def __init__(
        self,
        sites: Sites,
        files: Files,
        document: StudioDocument,
        folder_at: Callable[[str], Folder],
        publish: Callable[[Progress], None],
        tasks: asyncio.TaskGroup,
        clock: Callable[[], float],
    ) -> None:
        self._sites = sites
        self._files = files
        self._document = document
        self._folder_at = folder_at
        self._publish = publish
        self._tasks = tasks
        self._clock = clock
        self._under_way: asyncio.Task[SwitchEntry] | None = None
        self._told_at = 0.0

    def calls(self) -> list[Method]:
        """What can be asked of it."""
        return [
            command("machines.plan", self._plan),
            command("machines.switch", self._switch),
            command("machines.cancel", self._cancel),
        ]

    async def resume(self) -> None:
        """Say of a switch that ended with an earlier host that it did."""
        entry = self._document.switch
        if entry is not None and not entry.over:
            self._end(entry, "failed", "the studio's host ended on the way")

    @property
    def going(self) -> SwitchEntry | None:
        """The switch that is under way; None when none is."""
        return self._document.switch if self._under_way is not None else None

    async def bring(self, machine: str, by: str) -> None:
        """Take the studio to a machine without being asked by a person; returns once it is there.

        Args:
            by: who does so, for everybody to see.

        Raises:
            StudioError: it stays where it is, and why.
        """
        self._check_free()
        moving = self._begin(machine, by)
        await asyncio.wait((moving,))
        if moving.cancelled():
            raise StudioError("the switch was cancelled", "switch yourself when you are ready")
        if (ended := moving.result()).phase != "done":
            raise StudioError(ended.note, f"switch by hand: studio-tui machine switch … {machine}")

    # -- calls --------------------------------------------------------------------------------

    async def _plan(self, params: Params) -> Result:
        machine = self._wanted(params)
        source = await self._sites.at(self._sites.here, wanted=True)
        target = await self._sites.at(machine, wanted=True)
        async with Carrier.opened(place(source), place(target)) as carrier:
            planned = await carrier.plan()
        return {
            "machine": machine,
            "folder": target.folder,
            "files": len(planned.to_target.wanted),
            "bytes": planned.to_target.bytes,
            "back": len(planned.to_source.wanted),
            "conflicts": [conflict.path for conflict in planned.conflicts][:SHOWN],
            "environment": await environment_planned(source, target),
            "warnings": _held(planned.held),
        }

    async def _switch(self, params: Params) -> Result:
        machine, epoch = self._wanted(params), params.number("epoch", 0, 1 << 53)
        self._check_free()
        info = self._document.info
        if epoch != info.epoch:
            raise StudioError(
                f"the studio has just moved to {info.machine}", "look at it, then switch again"
            )
        self._begin(machine, params.sender.name)
        return {}

    async def _cancel(self, params: Params) -> Result:
        if self._under_way is None:
            raise StudioError("no switch is under way", "see: studio-tui status")
        self._under_way.cancel()
        await asyncio.wait((self._under_way,))
        return {}

    def _wanted(self, params: Params) -> str:
        machine = params.text("machine", cap=NAME_CAP)
        if machine == self._sites.here:
            raise UsageFault(f"the studio is on {machine} already", "choose another machine")
        self._sites.find(machine)
        return machine

    # -- one switch ---------------------------------------------------------------------------

    def _check_free(self) -> None:
        running = self._document.switch
        if self._under_way is not None and running is not None:
            raise StudioError(
                f"{running.by} is taking the studio to {running.target}", "wait for it, or cancel"
            )

    def _begin(self, machine: str, by: str) -> asyncio.Task[SwitchEntry]:
        source = self._sites.here
        entry = SwitchEntry(SWITCH, source, machine, by, "planning", started=self._clock())
        self._document.switch = entry
        self._under_way = self._tasks.create_task(self._run(entry), name=f"switch to {machine}")
        return self._under_way

    async def _run(self, entry: SwitchEntry) -> SwitchEntry:
        """The whole of a switch; returns how it ended."""
        try:
            look_at = await self._go(entry)
        except asyncio.CancelledError:
            self._end(entry, "cancelled")
            raise
        except StudioError as problem:
            return self._end(entry, "failed", f"{problem.message}; {problem.hint}".rstrip("; "))
        except OSError as problem:
            said = f"{problem.strerror or problem}; check the machines' disks"
            return self._end(entry, "failed", said)
        else:
            return self._end(entry, "done", "; ".join(look_at))
        finally:
            self._under_way = None

    async def _go(self, entry: SwitchEntry) -> list[str]:
        """Every step; returns what people should look at afterwards."""
        source = await self._sites.at(entry.source, wanted=True)
        await self._sites.start(entry.target, lambda words: self._tell(Progress(text=words)))
        target = await self._sites.at(entry.target, wanted=True)
        async with Carrier.opened(place(source), place(target)) as carrier:
            self._enter(entry, "copying")
            outcomes = [await carrier.carry(report=self._carried)]
            self._enter(entry, "preparing")
            tell = self._tell
            different = await prepare(source, target, lambda line: tell(Progress(text=line)))
            self._enter(entry, "finishing")
            await self._files.save_all()
            async with self._files.still_all():
                outcomes.append(await carrier.carry(report=self._carried))
                # From here to the end of the block nothing waits, so nothing can come between.
                info = self._document.info
                self._document.info = replace(
                    info, machine=entry.target, epoch=info.epoch + 1, dir=target.folder
                )
                self._files.move_to(self._folder_at(entry.target))
        return to_look_at(outcomes) + different

    def _enter(self, entry: SwitchEntry, phase: str) -> None:
        log.info("switch to %s: %s", entry.target, phase)
        self._document.switch = replace(entry, phase=phase)

    def _end(self, entry: SwitchEntry, phase: str, note: str = "") -> SwitchEntry:
        log.info("switch to %s: %s %s", entry.target, phase, note)
        ended = replace(entry, phase=phase, note=note, ended=self._clock())
        self._document.switch = ended
        return ended

    def _carried(self, carried: Carried) -> None:
        self._tell(Progress(carried.bytes, carried.all_bytes))

    def _tell(self, progress: Progress) -> None:
        """Stream how far it is, but not more often than people can read."""
        now = asyncio.get_running_loop().time()
        if now - self._told_at >= PROGRESS_SECONDS:
            self._told_at = now
            self._publish(progress)


def _held(held: Mapping[str, str]) -> list[str]:
    return [f"{path} stays as it is: {why}" for path, why in list(held.items())[:SHOWN]]
