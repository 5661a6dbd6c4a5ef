"""The machines' meters: one probe on each, one reading a second for everybody."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

from studio_tui.errors import StudioError
from studio_tui.host.calls import Method, Params, Result, query
from studio_tui.meters.readings import Readings

if TYPE_CHECKING:
    from studio_tui.host.machines.sites import Sites
    from studio_tui.meters.sample import Sample

log = logging.getLogger(__name__)

PERIOD = "1.0"
RETRY_SECONDS = 5.0


class Meters:
    """Reads the studio's machines.

    Args:
        sites: the machines.
        tasks: owns one reading task per machine.
        publish: takes each reading.
    """

    def __init__(
        self, sites: Sites, tasks: asyncio.TaskGroup, publish: Callable[[Sample], None]
    ) -> None:
        self._sites = sites
        self._tasks = tasks
        self._publish = publish
        self._reading: set[str] = set()
        self.latest: dict[str, Sample] = {}

    def calls(self) -> list[Method]:
        """What can be asked of it."""
        return [query("meters.latest", self._latest)]

    async def _latest(self, params: Params) -> Result:
        return {machine: asdict(sample) for machine, sample in self.latest.items()}

    def follow(self, machine: str) -> None:
        """Read a machine from now on; nothing more when it is read already."""
        if machine not in self._reading:
            self._reading.add(machine)
            self._tasks.create_task(self._run(machine), name=f"meters of {machine}")

    async def _run(self, machine: str) -> None:
        """Read for ever; a probe that ends is started again."""
        while True:
            try:
                await self._read(machine)
            except (StudioError, OSError, ValueError) as problem:
                # A machine without a working probe (ValueError: its line is no end of) has no
                # meters; everything else goes on.
                log.info("no meters from %s: %s", machine, problem)
            await asyncio.sleep(RETRY_SECONDS)

    async def _read(self, machine: str) -> None:
        site = await self._sites.at(machine)
        argv = [site.python, f"{site.payload}/probe.py", PERIOD]
        channel = await site.connection.open(argv)
        readings = Readings(machine)
        try:
            while line := await channel.stdout.readline():
                sample = self.latest[machine] = readings.sample(line)
                self._publish(sample)
        finally:
            channel.close()
