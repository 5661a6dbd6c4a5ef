"""The right side: the machine's meters, the jobs, and the curves of the job that is followed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from textual import on, work
from textual.app import ComposeResult
from textual.content import Content

from studio_tui.app.panes.place import Place
from studio_tui.app.problems import told
from studio_tui.app.widgets.curve import Curve, Curves
from studio_tui.app.widgets.job_list import JobList, progress
from studio_tui.app.widgets.meters_board import MetersBoard
from studio_tui.client.compare import SPEED
from studio_tui.client.job import curves_of
from studio_tui.client.studio import Studio
from studio_tui.document.entries import JobEntry

STEPS = 12
"""Of a training that are looked at to tell what holds the machine up."""


class SidePane(Place):
    """Three framed parts over each other; the jobs have the focus.

    Args:
        studio: what is shown.
        clock: Unix time in seconds, for how long a job has run.
    """

    HELP = """\
### Machine and jobs

**Above**: the machine that the studio is on, once a second. **Middle**: every job of the studio,
the newest first. **Below**: the curves of the job whose log is shown.
"""
    DEFAULT_CSS = """
    SidePane {
        border: none;
        &:focus-within { border: none; }
        & > MetersBoard, & > JobList, & > Curve {
            border: round $border-blurred;
            border-title-color: $text-muted;
            border-subtitle-color: $text-muted;
            padding: 0;
        }
        & > MetersBoard { height: auto; max-height: 50%; min-height: 5; }
        & > JobList { height: 1fr; min-height: 4; }
        & > Curve { height: 1fr; min-height: 6; }
        & > JobList:focus, & > Curve:focus, & > MetersBoard:focus {
            border: round $border;
            border-title-color: $block-cursor-foreground;
            border-title-background: $block-cursor-background;
            border-title-style: bold;
        }
    }
    """

    def __init__(self, studio: Studio, clock: Callable[[], float]) -> None:
        super().__init__(id="side")
        self._studio = studio
        self._clock = clock
        self._progress: dict[str, str] = {}
        self._shown: tuple[str, str, Curves] = ("", "", {})
        # The jobs whose curves are laid over those that are shown, as they were when chosen.
        self._compared: dict[str, Curves] = {}
        self._around = ""

    def contents(self) -> ComposeResult:
        """Meters, jobs, curves."""
        yield MetersBoard(clock=self._clock)
        yield JobList()
        yield Curve()

    def on_mount(self) -> None:
        """Name the parts."""
        self.frame(True)
        self.show_jobs()
        self.show_meters()

    def frame(self, framed: bool) -> None:
        """Name the parts; a bare rule over a part leaves no space around its name, a frame does."""
        self._around = "" if framed else " "
        self.query_one(JobList).border_title = Content(f"{self._around}jobs{self._around}")
        self.query_one(Curve).border_title = Content(f"{self._around}curves{self._around}")
        self.show_meters()

    def enter(self) -> None:
        """The jobs have the focus."""
        self.query_one(JobList).focus()

    @on(JobList.StopRequested)
    def _stop_requested(self, event: JobList.StopRequested) -> None:
        event.stop()
        self._stop(event.job)

    @work(exclusive=True, group="stop")
    async def _stop(self, job: str) -> None:
        """Stop a job, after one question."""
        from studio_tui.app.screens.dialogs import Confirm

        entry = self._studio.document.jobs.get(job)
        if entry is None or entry.over:
            return
        by = f" {entry.by} started it." if entry.by else ""
        body = f"{entry.command or entry.name} ends on {entry.machine}.{by}"
        body += " What it has not saved itself is lost."
        question = Confirm(f"stop {entry.name}?", body, "stop it", "let it run")
        if await self.app.push_screen_wait(question):
            with told(self):
                await (await self._studio.job(job)).stop()

    def show_meters(self) -> None:
        """Show the newest sample of the studio's machine."""
        document = self._studio.document
        machine = document.info.machine
        board = self.query_one(MetersBoard)
        board.border_title = Content(f"{self._around}{machine or 'machine'}{self._around}")
        others = [
            sample
            for id, sample in sorted(self._studio.meters.items())
            if id != machine and id in document.machines
        ]
        board.show(
            self._studio.meters.get(machine),
            self._studio.series.get(machine),
            document.machines.get(machine),
            others=others,
            jobs={job.id: job.name for job in document.jobs.values()},
            steps=self._step_seconds(machine),
        )

    def _step_seconds(self, machine: str) -> list[float]:
        """How long the last steps of the job that is shown took, if it runs on this machine."""
        entry = self._studio.document.jobs.get(self._shown[0])
        if entry is None or entry.state != "running" or machine not in entry.machine.split(","):
            return []
        rates = [rate for _, rate in self._shown[2].get(SPEED, [])[-STEPS:]]
        return [1 / rate for rate in rates if rate > 0]

    def show_jobs(self) -> None:
        """Show the jobs as they are now."""
        document, now = self._studio.document, self._clock()
        jobs = [self._priced(job, now) for job in document.jobs.values()]
        serving = {p.job: f":{p.port} {p.state}" for p in document.ports.values() if p.job}
        self.query_one(JobList).show(jobs, now, self._progress | serving)

    def _priced(self, job: JobEntry, now: float) -> JobEntry:
        """A job with what it has cost so far, where that is known."""
        if job.cost is not None:
            return job
        return replace(job, cost=job.cost_until(now, self._studio.document.machines))

    @on(JobList.CompareRequested)
    def _compare_requested(self, event: JobList.CompareRequested) -> None:
        event.stop()
        if self._compared.pop(event.job, None) is None and event.job != self._shown[0]:
            self._compare(event.job)
        self._draw_curves()

    @work(group="compare")
    async def _compare(self, job: str) -> None:
        with told(self):
            self._compared[job] = await curves_of(self._studio, job)
            self._draw_curves()

    def _draw_curves(self) -> None:
        job, name, curves = self._shown
        jobs = self._studio.document.jobs
        others = {
            jobs[other].name or other: found
            for other, found in self._compared.items()
            if other != job and other in jobs
        }
        self.query_one(Curve).show(curves, name, others)

    def show_curves(
        self, job: str, name: str, curves: Mapping[str, list[tuple[int, float]]]
    ) -> None:
        """Show the curves of a job, and how far it is."""
        plain: Curves = dict(curves)
        self._shown = (job, name, plain)
        self._draw_curves()
        far = progress(plain)
        if far and self._progress.get(job) != far:
            self._progress[job] = far
            self.show_jobs()
