"""The log of the job that is followed, from its first byte on, through every reconnect."""

from __future__ import annotations

from dataclasses import dataclass

from textual import work
from textual.app import ComposeResult
from textual.message import Message

from studio_tui.app.panes.place import Place
from studio_tui.app.problems import told
from studio_tui.app.widgets.log_view import LogView
from studio_tui.client.job import Curves, Job
from studio_tui.client.studio import Studio
from studio_tui.document.entries import JobEntry

CURVES_SECONDS = 0.5


class LogPane(Place):
    """Follows one job at a time; a new job is followed by itself when the last one is over."""

    HELP = LogView.HELP
    DEFAULT_CSS = """
    LogPane {
        border: none;
        &:focus-within { border: none; }
        background: $surface;
        padding: 0 1;
        & > LogView { height: 1fr; background: $surface; }
        &:focus-within .log-view--title { color: $accent; text-style: bold reverse; }
    }
    """

    @dataclass
    class CurvesLoaded(Message):
        """The metrics of the job that is followed."""

        job: str
        name: str
        curves: Curves

    def __init__(self, studio: Studio) -> None:
        super().__init__(id="log")
        self._studio = studio
        self.job = ""
        self._known: set[str] | None = None

    def contents(self) -> ComposeResult:
        """The log."""
        yield LogView()

    def on_mount(self) -> None:
        """Say how to get a log."""
        self.query_one(LogView).empty("no job yet: ^R runs the open file")

    def look_for_jobs(self) -> None:
        """Follow the newest job, unless one that still runs is followed."""
        jobs = self._studio.document.jobs
        new = [job for id, job in jobs.items() if self._known is None or id not in self._known]
        self._known = set(jobs)
        followed = jobs.get(self.job)
        if self.job and followed is None:
            self.job = ""
            self.workers.cancel_group(self, "job")
            self.query_one(LogView).empty("the job was removed")
        if new and (followed is None or followed.over):
            self.follow(max(new, key=_age).id)

    def follow(self, job: str) -> None:
        """Show the log of `job`."""
        if job != self.job and (entry := self._studio.document.jobs.get(job)) is not None:
            self.job = job
            self.notice.clear()
            self.query_one(LogView).start(entry.name or entry.id)
            self.workers.cancel_group(self, "curves")
            self._attend(job)

    @work(exclusive=True, group="job")
    async def _attend(self, id: str) -> None:
        """Give the log to the view as it grows, through every reconnect."""
        view = self.query_one(LogView)
        with told(self):
            job = await self._studio.job(id)
            self._draw_curves(job)
            async for chunk in job.chunks():
                view.write(chunk)

    @work(exclusive=True, group="curves")
    async def _draw_curves(self, job: Job) -> None:
        with told(self):
            async for curves in job.curves(CURVES_SECONDS):
                self.post_message(self.CurvesLoaded(job.id, job.entry.name or job.id, curves))


def _age(job: JobEntry) -> float:
    return job.started if job.started is not None else float("inf")
