"""What a studio's host does when it is asked, beside the things that are followed live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from studio_tui.client.findings import Findings
from studio_tui.client.pipelines import Pipelines
from studio_tui.client.ports import Ports, answering
from studio_tui.client.project import Project
from studio_tui.client.recordings import Recordings
from studio_tui.client.remarks import Remarks
from studio_tui.client.sharing import Guests
from studio_tui.document.entries import read_as
from studio_tui.meters.sample import Sample

if TYPE_CHECKING:
    from studio_tui.client.job import Job
    from studio_tui.client.studio import Studio


@dataclass(frozen=True)
class Stopped:
    """What became of a studio that was stopped: terminals that ended, jobs that go on."""

    terminals: int = 0
    jobs: int = 0


class Services:
    """The part of a studio that is nothing but calls; `Studio` says how they are made."""

    meters: dict[str, Sample]

    async def query(self, method: str, **params: Any) -> dict[str, Any]:
        """Ask the host something that changes nothing."""
        raise NotImplementedError

    async def command(self, method: str, **params: Any) -> dict[str, Any]:
        """Have the host do something."""
        raise NotImplementedError

    @property
    def _studio(self) -> Studio:
        """This studio, with what is followed live."""
        return cast("Studio", self)

    @cached_property
    def project(self) -> Project:
        """All files: found, searched, replaced in, made, moved, deleted and brought back."""
        return Project(self._studio)

    @cached_property
    def remarks(self) -> Remarks:
        """Comments and marks in all files; `file.comment` and `file.mark_line` make them."""
        return Remarks(self._studio)

    @cached_property
    def findings(self) -> Findings:
        """What the host's checker says of the open files."""
        return Findings(self._studio)

    @cached_property
    def recordings(self) -> Recordings:
        """What was recorded of the terminals; `terminal.record` begins one."""
        return Recordings(self._studio)

    async def point(self, path: str, line: int = 0, say: str = "") -> None:
        """Show everybody who is attached a place in a file; they go there with one key.

        Args:
            path: relative to the studio's folder, or below it.
            line: from 1 on; 0 for the file as such.
            say: one line, why.

        Raises:
            NotFound: there is no such file. Refused: it is outside of the studio's folder.
        """
        root = self._studio.document.info.dir
        path = path.removeprefix(f"{root}/") if root else path
        await self.project.piece(path, 0, 1)
        await self.command("studio.point", path=path, line=line, text=say)

    @cached_property
    def pipelines(self) -> Pipelines:
        """Pipelines: begun, followed, stopped, and given their times."""
        return Pipelines(self._studio)

    @cached_property
    def ports(self) -> Ports:
        """Ports of the studio's machines: forwarded, led to this computer, given back."""
        return Ports(self._studio)

    async def serve(
        self, script: str = "", args: Sequence[str] = (), *, port: int = 0, **options: Any
    ) -> Job:
        """Start a server as a job, and wait until it answers; see `Studio.run`.

        It finds its port in the variable PORT. `ports.forward(job.entry.port)` leads it here.

        Args:
            script: a Python file, relative to the studio's folder, such as one with LitServe.
            args: what follows the script.
            port: where it serves HTTP on its machine; any that is free when 0.
            options: those of `Studio.run`, and `health`, the path that tells how it is
                ("/health"): it is well unless it answers with 5xx there.

        Raises:
            NotFound: there is no such script or machine.
            StudioError: it ended before it answered, or an option makes no sense.
        """
        job = await self._studio.run(script, args, port=port, **options)
        await answering(self._studio, job)
        return job

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

    async def stop(self) -> Stopped:
        """Stop the studio for everybody: its terminals end, its jobs go on.

        Raises:
            Refused: a viewer.
        """
        return read_as(Stopped, await self.command("studio.stop"))
