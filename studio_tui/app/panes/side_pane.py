"""The right side: the machine's meters, the jobs, and the ranks and curves of the one followed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from textual import on, work
from textual.app import ComposeResult
from textual.content import Content

from studio_tui.app.bound import bound
from studio_tui.app.panes.place import Place
from studio_tui.app.problems import told
from studio_tui.app.widgets.curve import Curve
from studio_tui.app.widgets.job_list import JobList
from studio_tui.app.widgets.job_rows import names, progress
from studio_tui.app.widgets.meters_board import MetersBoard
from studio_tui.app.widgets.rank_board import RankBoard, summary
from studio_tui.app.widgets.run_curves import Curves
from studio_tui.client.compare import SPEED
from studio_tui.client.marks import Mark
from studio_tui.client.studio import Studio
from studio_tui.document.entries import JobEntry

RANKS_SECONDS, LONE_SECONDS = 2.0, 10.0
"""Between two looks at the ranks of a job, and at those of one that has a single process so far."""
COMPARED_SECONDS = 2.0
"""Between two looks at the curves of a job that grow below another's, at least."""
STEPS = 12
"""Of a training that are looked at to tell what holds the machine up."""


class SidePane(Place):
    """Framed parts over each other; the jobs have the focus.

    Args:
        studio: what is shown.
        clock: Unix time in seconds, for how long a job has run.
    """

    HELP = """\
### Machine and jobs

**Above**: the machine that the studio is on, once a second. **Middle**: every job of the studio,
the newest first. **Below**: the curves of the job whose log is shown; over them its ranks, while it
runs as several processes.
"""
    DEFAULT_CSS = """
    SidePane {
        border: none;
        &:focus-within { border: none; }
        & > MetersBoard, & > JobList, & > RankBoard, & > Curve {
            border: round $border-blurred;
            border-title-color: $text-muted;
            border-subtitle-color: $text-muted;
            padding: 0;
        }
        & > MetersBoard { height: auto; max-height: 50%; min-height: 5; }
        & > JobList { height: 1fr; min-height: 4; }
        & > Curve { height: 1fr; min-height: 6; }
        & > RankBoard { height: auto; max-height: 30%; min-height: 4; display: none; }
        & > RankBoard.-several { display: block; }
        & > RankBoard:focus { max-height: 60%; }
        & > JobList:focus, & > RankBoard:focus, & > Curve:focus, & > MetersBoard:focus {
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
        # The jobs whose curves are laid over those that are shown.
        self._compared: dict[str, Curves] = {}
        self._marks: Sequence[Mark] = ()
        self._around = ""

    def contents(self) -> ComposeResult:
        """Meters, jobs, ranks, curves."""
        yield MetersBoard(clock=self._clock)
        yield JobList()
        yield RankBoard()
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
        self._name_ranks()

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
        if entry is None:
            return
        name = self._names[job]
        if entry.over:
            self._tell(f"{name} is over: there is nothing to stop")
            return
        by = f" {entry.by} started it." if entry.by else ""
        body = f"{entry.command or entry.name} ends on {entry.machine}.{by}"
        body += " What it has not saved itself is lost."
        question = Confirm(f"stop {name}?", body, "stop it", "let it run")
        if await self.app.push_screen_wait(question):
            with told(self):
                await (await self._studio.job(job)).stop()

    @on(JobList.MoveRequested)
    def _move_requested(self, event: JobList.MoveRequested) -> None:
        event.stop()
        self._move(event.job)

    @work(group="move")
    async def _move(self, job: str) -> None:
        from studio_tui.app.screens import job_move

        with told(self):
            await job_move.visit(self.app, self._studio, job, self.notice)

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
            job_runs=any(_runs_on(machine, job) for job in document.jobs.values()),
        )

    def _step_seconds(self, machine: str) -> list[float]:
        """How long the last steps of the job that is shown took, if it runs on this machine."""
        entry = self._studio.document.jobs.get(self._shown[0])
        if entry is None or not _runs_on(machine, entry):
            return []
        rates = [rate for _, rate in self._shown[2].get(SPEED, [])[-STEPS:]]
        return [1 / rate for rate in rates if rate > 0]

    def show_jobs(self) -> None:
        """Show the jobs as they are now."""
        document, now = self._studio.document, self._clock()
        jobs = [self._priced(job, now) for job in document.jobs.values()]
        serving = {p.job: f":{p.port} {p.state}" for p in document.ports.values() if p.job}
        self.query_one(JobList).show(jobs, now, self._progress | serving)

    @property
    def _names(self) -> dict[str, str]:
        return names(self._studio.document.jobs.values())

    def _tell(self, words: str) -> None:
        self.notice.news(words)
        self.notice.fade()

    def _priced(self, job: JobEntry, now: float) -> JobEntry:
        """A job with what it has cost so far, where that is known."""
        if job.cost is not None:
            return job
        return replace(job, cost=job.cost_until(now, self._studio.document.machines))

    # -- the ranks of the job that is followed -------------------------------------------------

    def follow(self, job: str) -> None:
        """Choose `job`, and look at its ranks for as long as it runs; "" for none."""
        self.show_jobs()
        self.query_one(JobList).choose(job)
        self.query_one(RankBoard).show([])
        self._show_ranks(job)
        self._watch_ranks(job)

    @work(exclusive=True, group="ranks")
    async def _watch_ranks(self, id: str) -> None:
        board = self.query_one(RankBoard)
        with told(self):
            while not self._over(id):
                if self.is_on_screen and self._studio.reachable:
                    board.show(await (await self._studio.job(id)).load_ranks())
                    self._show_ranks(id)
                several = board.has_class("-several")
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(RANKS_SECONDS if several else LONE_SECONDS):
                        await self._studio.until(lambda: self._over(id))
            board.end()
            self._name_ranks()

    def _over(self, job: str) -> bool:
        entry = self._studio.document.jobs.get(job)
        return entry is None or entry.over

    def _show_ranks(self, job: str) -> None:
        """The board is there for a job that has, or is to have, more than one process."""
        board = self.query_one(RankBoard)
        entry = self._studio.document.jobs.get(job)
        several = entry is not None and (len(board.ranks) > 1 or (entry.several and not entry.over))
        board.set_class(several, "-several")
        self._name_ranks()

    def _name_ranks(self) -> None:
        board = self.query_one(RankBoard)
        board.border_title = Content(f"{self._around}{summary(board.ranks)}{self._around}")

    # -- curves -------------------------------------------------------------------------------

    @on(JobList.CompareRequested)
    def _compare_requested(self, event: JobList.CompareRequested) -> None:
        event.stop()
        name = self._names.get(event.job, "")
        if self._compared.pop(event.job, None) is not None:
            self._tell(f"{name} is no longer laid over the curves")
        elif event.job == self._shown[0]:
            self._tell(f"{name} is shown already: choose another job to lay over it")
        else:
            key = bound(self.app, "jobs.compare", "c")
            self._tell(f"{name} is laid over the curves that are shown · {key} takes it away")
            self._compare(event.job)
        self._draw_curves()

    @work(group="compare")
    async def _compare(self, id: str) -> None:
        """Lay the curves of a job over those that are shown, as they grow."""
        mine: Curves = {}
        self._compared[id] = mine
        with told(self):
            job = await self._studio.job(id)
            async for curves in job.curves(COMPARED_SECONDS):
                if self._compared.get(id) is not mine:
                    return  # they were taken away meanwhile
                self._compared[id] = mine = curves
                self._draw_curves()

    @on(JobList.FiguresRequested)
    def _figures_requested(self, event: JobList.FiguresRequested) -> None:
        event.stop()
        self._set_side_by_side(event.job)

    @work(exclusive=True, group="figures")
    async def _set_side_by_side(self, id: str) -> None:
        from studio_tui.app.screens.comparison import Comparison

        shown = self._shown[0]
        if not shown or shown == id:
            self.notice.news("choose another job to set beside the one that is shown")
            return
        with told(self):
            runs = await self._studio.compare(shown, id)
            await self.app.push_screen_wait(Comparison(*runs))

    def _draw_curves(self) -> None:
        job, name, curves = self._shown
        names = self._names
        others = {
            names[other]: found
            for other, found in self._compared.items()
            if other != job and other in names
        }
        self.query_one(Curve).show(curves, names.get(job, name), others, self._marks)

    def show_curves(
        self,
        job: str,
        name: str,
        curves: Mapping[str, list[tuple[int, float]]],
        marks: Sequence[Mark] = (),
    ) -> None:
        """Show the curves of a job with its marks, and how far it is."""
        plain: Curves = dict(curves)
        self._marks = marks
        self._shown = (job, name, plain)
        self._draw_curves()
        entry = self._studio.document.jobs.get(job)
        far = progress(plain, entry.total_steps if entry is not None else None)
        if far and self._progress.get(job) != far:
            self._progress[job] = far
            self.show_jobs()


def _runs_on(machine: str, job: JobEntry) -> bool:
    return job.state == "running" and machine in job.machine.split(",")
