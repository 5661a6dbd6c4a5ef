"""Pipelines of a studio: begun, followed, stopped, and given their times."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from studio_tui.document.entries import PipelineEntry, ScheduleEntry
from studio_tui.errors import NotFound

if TYPE_CHECKING:
    from studio_tui.client.attachment import Attachment


class Pipelines:
    """The pipelines of a studio.

    Args:
        studio: the studio.
    """

    def __init__(self, studio: Attachment) -> None:
        self._studio = studio

    def runs(self) -> list[PipelineEntry]:
        """The runs, the newest first; the host keeps the last twenty."""
        runs = self._studio.document.pipelines.values()
        return sorted(runs, key=lambda run: -run.started)

    def find(self, run: str) -> PipelineRun:
        """The run with this id, or the newest one of this name.

        Raises:
            NotFound: there is none.
        """
        found = next((r for r in self.runs() if run in (r.id, r.name)), None)
        if found is None:
            hint = f"see: studio-tui pipeline ls {self._studio.id}"
            raise NotFound(f"no pipeline {run!r} has run in {self._studio.id}", hint)
        return PipelineRun(self._studio, found.id)

    async def run(self, pipeline: str | Mapping[str, Any], *, force: bool = False) -> PipelineRun:
        """Begin a pipeline; the host goes on with it, whoever leaves.

        Args:
            pipeline: the path of a pipeline.toml in the studio's folder, or what would be in it:
                `{"name": "nightly", "steps": {"train": {"script": "train.py"}}}`.
            force: run also those steps of which nothing has changed.

        Raises:
            NotFound: there is no such file.
            UsageFault: it makes no sense; the message says in which line or step.
        """
        given = {"path": pipeline} if isinstance(pipeline, str) else {"pipeline": dict(pipeline)}
        made = await self._studio.command("pipelines.run", force=force, **given)
        entry = PipelineEntry.read(made)
        await self._studio.until(lambda: entry.id in self._studio.document.pipelines)
        return PipelineRun(self._studio, entry.id)

    def schedules(self) -> list[ScheduleEntry]:
        """The pipelines that have their times, the next one first."""
        return sorted(self._studio.document.schedules.values(), key=lambda s: s.next)

    async def schedule(self, path: str, cron: str) -> ScheduleEntry:
        """Have the host run a pipeline's file at certain times, until `unschedule`.

        Args:
            path: in the studio's folder; it is read anew each time.
            cron: "30 2 * * 1-5" for half past two on weekdays, by the host's clock; or @daily.

        Raises:
            NotFound: there is no such file.
            UsageFault: one of both makes no sense.
        """
        made = await self._studio.command("pipelines.schedule", path=path, cron=cron)
        return ScheduleEntry.read(made)

    async def unschedule(self, path: str) -> None:
        """Run it at no time any more.

        Raises:
            NotFound: it had none.
        """
        await self._studio.command("pipelines.unschedule", path=path)


class PipelineRun:
    """One run of a pipeline, followed.

    Args:
        studio: the studio.
        id: the run's id.
    """

    def __init__(self, studio: Attachment, id: str) -> None:
        self._studio = studio
        self.id = id

    @property
    def entry(self) -> PipelineEntry:
        """The run as the studio document has it.

        Raises:
            NotFound: it is forgotten.
        """
        entry = self._studio.document.pipelines.get(self.id)
        if entry is None:
            raise NotFound(f"pipeline {self.id} is forgotten", "the last twenty are kept")
        return entry

    async def wait(self) -> PipelineEntry:
        """Wait for its end; `state` of the result is succeeded, failed or stopped."""
        await self._studio.until(lambda: self.entry.state != "running")
        return self.entry

    async def stop(self) -> None:
        """Stop it, and the jobs of the steps that run; servers that are well are left.

        Raises:
            NotFound: it does not run.
        """
        await self._studio.command("pipelines.stop", id=self.id)
