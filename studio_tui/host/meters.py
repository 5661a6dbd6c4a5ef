"""The machine's meters: one probe on it, one reading a second for everybody."""

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
    from studio_tui.machines.connection import Connection
    from studio_tui.meters.sample import Sample

log = logging.getLogger(__name__)

PERIOD = "1.0"
RETRY_SECONDS = 5.0


class Meters:
    """Reads one machine.

    Args:
        connection: reaches the machine.
        payload: the payload's folder there.
        machine: the machine's id.
        python: an interpreter there, 3.8 or later.
        publish: takes each reading.
    """

    def __init__(
        self,
        connection: Connection,
        payload: str,
        machine: str,
        python: str,
        publish: Callable[[Sample], None],
    ) -> None:
        self._connection = connection
        self._argv = [python, f"{payload}/probe.py", PERIOD]
        self._machine = machine
        self._publish = publish
        self.latest: Sample | None = None

    def calls(self) -> list[Method]:
        """What can be asked of it."""
        return [query("meters.latest", self._latest)]

    async def _latest(self, params: Params) -> Result:
        return {} if self.latest is None else {self._machine: asdict(self.latest)}

    async def run(self) -> None:
        """Read for ever; a probe that ends is started again."""
        while True:
            try:
                await self._read()
            except (StudioError, OSError, ValueError) as problem:
                # A machine without a working probe (ValueError: its line is no end of) has no
                # meters; everything else goes on.
                log.info("no meters from %s: %s", self._machine, problem)
            await asyncio.sleep(RETRY_SECONDS)

    async def _read(self) -> None:
        channel = await self._connection.open(self._argv)
        readings = Readings(self._machine)
        try:
            while line := await channel.stdout.readline():
                self.latest = readings.sample(line)
                self._publish(self.latest)
        finally:
            channel.close()
