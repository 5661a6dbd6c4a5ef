"""What a studio's host does when it is asked, beside the things that are followed live."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property

from studio_tui.client.attachment import Attachment
from studio_tui.client.findings import Findings
from studio_tui.client.pipelines import Pipelines
from studio_tui.client.ports import Ports
from studio_tui.client.recordings import Recordings
from studio_tui.client.remarks import Remarks
from studio_tui.client.sharing import Guests
from studio_tui.document import findings
from studio_tui.document.entries import read_as
from studio_tui.meters.sample import Sample, SampleError
from studio_tui.meters.series import Series
from studio_tui.sync.link import Endpoint

METER_SECONDS = 600


@dataclass(frozen=True)
class Stopped:
    """What became of a studio that was stopped: terminals that ended, jobs that go on."""

    terminals: int = 0
    jobs: int = 0


class Services(Attachment):
    """The part of a studio that is nothing but calls, and what the host streams to everybody."""

    def __init__(self, id: str, locate: Callable[[], Awaitable[Endpoint]], name: str = "") -> None:
        super().__init__(id, locate, name)
        self.meters: dict[str, Sample] = {}
        self.series: dict[str, Series] = {}
        self._hear("meters", "meters", self._metered)
        self._hear(findings.STREAM, "findings", lambda data: self.findings.received(data))

    @cached_property
    def remarks(self) -> Remarks:
        """Comments and marks in all files; `file.comment` and `file.mark_line` make them."""
        return Remarks(self)

    @cached_property
    def findings(self) -> Findings:
        """What the host's checker says of the open files."""
        return Findings(self)

    @cached_property
    def recordings(self) -> Recordings:
        """What was recorded of the terminals; `terminal.record` begins one."""
        return Recordings(self)

    @cached_property
    def pipelines(self) -> Pipelines:
        """Pipelines: begun, followed, stopped, and given their times."""
        return Pipelines(self)

    @cached_property
    def ports(self) -> Ports:
        """Ports of the studio's machines: forwarded, led to this computer, given back."""
        return Ports(self)

    @cached_property
    def guests(self) -> Guests:
        """Invites to the studio, for its owner."""
        return Guests(self)

    async def load_meters(self) -> dict[str, Sample]:
        """Fetch the newest sample of each machine at once; `meters` keeps them, and goes on."""
        told = await self.query("meters.latest")
        found = {id: value for id, value in told.items() if isinstance(value, dict)}
        samples = {id: Sample.from_dict(value) for id, value in found.items()}
        self.meters.update(samples)
        return samples

    def _metered(self, data: bytes) -> bool:
        try:
            sample = Sample.from_json(data)
        except SampleError:
            return False
        self.meters[sample.machine] = sample
        self.series.setdefault(sample.machine, Series(METER_SECONDS)).add(sample)
        return True

    async def stop(self) -> Stopped:
        """Stop the studio for everybody: its terminals end, its jobs go on.

        Raises:
            Refused: a viewer.
        """
        return read_as(Stopped, await self.command("studio.stop"))
