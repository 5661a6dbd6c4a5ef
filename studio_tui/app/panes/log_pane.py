"""The log of the job that is followed, through every reconnect, and back to its first byte."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.message import Message

from studio_tui.app.bound import bound
from studio_tui.app.panes.place import Place
from studio_tui.app.problems import told
from studio_tui.app.widgets.job_rows import names
from studio_tui.app.widgets.log_drawing import Pin
from studio_tui.app.widgets.log_view import LogView
from studio_tui.client.job import Curves, Job
from studio_tui.client.joblog import JobLog, Stretch
from studio_tui.client.marks import Mark
from studio_tui.client.studio import Studio
from studio_tui.document.entries import JobEntry

if TYPE_CHECKING:
    from studio_tui.app.people import People

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
        marks: list[Mark]

    @dataclass
    class Followed(Message):
        """Another job is followed now; "" for none."""

        job: str

    def __init__(self, studio: Studio, people: People) -> None:
        super().__init__(id="log")
        self._studio = studio
        self._people = people
        self._log: JobLog | None = None
        self.job = ""
        self._known: set[str] | None = None

    def contents(self) -> ComposeResult:
        """The log."""
        yield LogView()

    def on_mount(self) -> None:
        """Say how to get a log."""
        self.query_one(LogView).empty(f"no job yet: {bound(self.app, 'run')} runs the open file")

    def look_for_jobs(self) -> None:
        """Follow the newest job, unless one that still runs is followed."""
        jobs = self._studio.document.jobs
        new = [job for id, job in jobs.items() if self._known is None or id not in self._known]
        self._known = set(jobs)
        followed = jobs.get(self.job)
        if self.job and followed is None:
            self.job = ""
            self._stop_reading()
            self.query_one(LogView).empty("the job was removed")
            self.post_message(self.Followed(""))
        if new and (followed is None or followed.over):
            self.follow(max(new, key=_age).id)
        self.show_pins()

    def _stop_reading(self) -> None:
        self._log = None
        for group in ("job", "stretch", "curves"):
            self.workers.cancel_group(self, group)

    def follow(self, job: str) -> None:
        """Show the log of `job`."""
        jobs = self._studio.document.jobs
        if job != self.job and job in jobs:
            self.job = job
            self.notice.clear()
            self._stop_reading()
            self.query_one(LogView).start(names(jobs.values())[job])
            self.post_message(self.Followed(job))
            self._attend(job)

    @work(exclusive=True, group="job")
    async def _attend(self, id: str) -> None:
        """Give the log to the view as it grows, through every reconnect."""
        view = self.query_one(LogView)
        with told(self):
            job = await self._studio.job(id)
            self._draw_curves(job)
            self._log = job.log
            self.show_pins()
            last = await job.log.last()
            view.open(last.offset, last.data, last.size)
            offset = last.end
            async for chunk in job.chunks(offset):
                view.write(chunk, offset)
                offset += len(chunk)

    # -- other stretches of the log -----------------------------------------------------------

    @on(LogView.Wanted)
    def _wanted(self, event: LogView.Wanted) -> None:
        event.stop()
        if self._log is not None:
            self._bring(self._log, event)

    @work(exclusive=True, group="stretch")
    async def _bring(self, log: JobLog, wanted: LogView.Wanted) -> None:
        """Read what the view asks for."""
        view = self.query_one(LogView)
        try:
            with told(self):
                await self._brought(log, view, wanted)
        finally:
            view.failed()

    async def _brought(self, log: JobLog, view: LogView, wanted: LogView.Wanted) -> None:
        buffer = view.buffer
        match wanted.what:
            case "earlier":
                found = await log.before(buffer.start)
                if view.buffer is buffer and found.end == buffer.start:
                    view.precede(found.data)
            case "later":
                found = await log.after(buffer.end)
                if view.buffer is buffer and found.offset == buffer.end:
                    view.proceed(found.data, found.size)
            case "start":
                _show(view, await log.first())
            case "end":
                _show(view, await log.last())
            case "match":
                await self._match(log, view, wanted)

    async def _match(self, log: JobLog, view: LogView, wanted: LogView.Wanted) -> None:
        """The next match beyond what is here, around the ends of the log."""
        back, size = wanted.back, view.size_known
        places = (view.buffer.start, size) if back else (view.buffer.last, 0)
        for place in places:
            offset = await log.find(wanted.query, place, back=back)
            if offset is not None:
                _show(view, await log.around(offset), offset)
                return
        view.no_match()

    # -- pins ---------------------------------------------------------------------------------

    def show_pins(self) -> None:
        """Show what people noted, in their colours."""
        pins = self._log.pins if self._log is not None else []
        self.query_one(LogView).show_pins(
            [Pin(pin.offset, pin.by, pin.text, self._people.ink(pin.by)) for pin in pins]
        )

    @on(LogView.PinMade)
    def _pin_made(self, event: LogView.PinMade) -> None:
        event.stop()
        if self._log is not None:
            with told(self):
                self._log.pin(event.offset, event.line, event.text)

    @on(LogView.PinsWanted)
    @work(exclusive=True, group="pins")
    async def _list_pins(self) -> None:
        """Choose a pin: go to its line, or take it away."""
        from studio_tui.app.screens.pins import PinList

        log = self._log
        if log is None:
            return
        chosen = await self.app.push_screen_wait(PinList(log.pins, self._people))
        if chosen is None:
            return
        with told(self):
            if chosen.remove:
                log.unpin(chosen.pin.id)
                return
            view, offset = self.query_one(LogView), chosen.pin.offset
            if (number := view.buffer.at(offset)) is not None:
                view.choose(number)
            else:
                _show(view, await log.around(offset), offset)

    @work(exclusive=True, group="curves")
    async def _draw_curves(self, job: Job) -> None:
        with told(self):
            async for curves in job.curves(CURVES_SECONDS):
                name = job.entry.name or job.id
                self.post_message(self.CurvesLoaded(job.id, name, curves, job.marks))


def _show(view: LogView, found: Stretch, line: int | None = None) -> None:
    if line is None:
        view.open(found.offset, found.data, found.size)
    else:
        view.show(found.offset, found.data, found.size, line)


def _age(job: JobEntry) -> float:
    return job.started if job.started is not None else float("inf")
