"""The studio's pipelines: run step by step through the calls of a client, now or at their time."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from studio_tui.data.source import parse
from studio_tui.document.entries import PipelineEntry, ScheduleEntry
from studio_tui.document.studio import StudioDocument
from studio_tui.errors import NotFound, StudioError, UsageFault
from studio_tui.host.calls import Method, Params, Result, command
from studio_tui.host.ids import is_id, new_id
from studio_tui.host.machines.sites import Sites
from studio_tui.host.pipelines.steps import Done, Run, Steps
from studio_tui.host.pipelines.transfers import Ask, Transfers
from studio_tui.pipelines.course import State
from studio_tui.pipelines.cron import read_cron
from studio_tui.pipelines.spec import MOST_BYTES, Pipeline, read, read_toml
from studio_tui.settings.private import read_json, write_json
from studio_tui.settings.schema import nearest
from studio_tui.sync.session import Session

log = logging.getLogger(__name__)

RUNS = 20
"""Runs that are over and kept, the newest ones."""
RUNNING = 8
SCHEDULES = 32
DONE = "what-is-done.json"
"""Such as no run's id can name."""
LOOK_SECONDS = 20.0
"""So often the clock is looked at: one that was set, or slept, is found out."""


class Pipelines:
    """Every pipeline of one studio.

    Args:
        ask: makes calls of this host.
        sites: the studio's machines.
        document: the studio document.
        session: the host's session.
        folder: where the host keeps what it must know after a restart.
        tasks: owns one task per run.
        clock: Unix time in seconds.
    """

    def __init__(
        self,
        ask: Ask,
        sites: Sites,
        document: StudioDocument,
        session: Session,
        folder: Path,
        tasks: asyncio.TaskGroup,
        clock: Callable[[], float],
    ) -> None:
        self._ask = ask
        self._document = document
        self._folder = folder
        self._tasks = tasks
        self._clock = clock
        self._steps = Steps(ask, sites, document, session, Done(folder / DONE))
        self._runs: dict[str, tuple[Run, asyncio.Task[None]]] = {}
        self._rescheduled = asyncio.Event()

    def calls(self) -> list[Method]:
        """What can be asked of it."""
        return [
            command("pipelines.run", self._run),
            command("pipelines.stop", self._stop),
            command("pipelines.schedule", self._schedule),
            command("pipelines.unschedule", self._unschedule),
        ]

    async def resume(self) -> None:
        """Go on with what an earlier host had begun; times that have passed meanwhile are past."""
        for entry in list(self._document.pipelines.values()):
            if not is_id(entry.id):
                self._document.pipelines.remove(entry.id)
            elif entry.state == "running":
                self._go_on(entry)
        for listed in list(self._document.schedules.values()):
            self._set_again(listed, listed.note)

    def _go_on(self, entry: PipelineEntry) -> None:
        try:
            kept = read_json(self._path(entry.id))
            pipeline = read(kept["plain"], kept["path"], kept["text"], entry.name)
            texts = [{k: v for k, v in s.items() if isinstance(v, str)} for s in entry.steps]
            told = {step["name"]: step for step in texts}
            run = Run(entry.id, pipeline, kept["force"], entry.by, entry.started, told)
        except (StudioError, KeyError, TypeError, ValueError) as problem:
            log.warning("pipeline %s cannot go on: %s", entry.id, problem)
            lost = replace(entry, state="failed", ended=self._clock())
            self._document.pipelines.put(lost)
            return
        self._start(run)

    # -- calls --------------------------------------------------------------------------------

    async def _run(self, params: Params) -> Result:
        force, given = params.values.get("force") is True, params.values.get("pipeline")
        if given is None:
            pipeline = await self._read(params.text("path"))
        else:
            pipeline = read(given)
            await self._check(pipeline)
        return self._begin(pipeline, params.sender.name, force).plain()

    async def _stop(self, params: Params) -> Result:
        id = params.text("id", cap=64)
        if id not in self._runs:
            raise NotFound(f"no pipeline {id} runs", "see: studio-tui pipeline ls")
        run, task = self._runs[id]
        task.cancel()
        await asyncio.wait([task])
        jobs = [run.told[name].get("job", "") for name in run.course.running]
        run.course.stop()
        self._over(run)
        for job in filter(None, jobs):
            with contextlib.suppress(StudioError):
                await self._ask("jobs.stop", {"job": job})
        return {}

    async def _schedule(self, params: Params) -> Result:
        path, line = params.text("path"), params.text("cron", cap=200)
        read_cron(line)
        await self._read(path)
        schedules = self._document.schedules
        if path not in schedules and len(schedules) >= SCHEDULES:
            raise StudioError(f"{SCHEDULES} pipelines have their times", "take one of them back")
        return self._set(path, line, params.sender.name).plain()

    async def _unschedule(self, params: Params) -> Result:
        path = params.text("path")
        if path not in self._document.schedules:
            raise NotFound(f"{path} has no time", "see: studio-tui pipeline ls")
        self._document.schedules.remove(path)
        return {}

    async def _read(self, path: str) -> Pipeline:
        """The pipeline in a file of the studio; its scripts are there, too."""
        params = {"path": path, "offset": 0, "length": MOST_BYTES + 1}
        data = base64.b64decode((await self._ask("files.read", params))["data"])
        try:
            pipeline = read_toml(data.decode(), path)
        except UnicodeDecodeError:
            raise UsageFault(f"{path} is no text", "give the path of a pipeline.toml") from None
        await self._check(pipeline)
        return pipeline

    async def _check(self, pipeline: Pipeline) -> None:
        """Raises UsageFault for what only this host knows to be wrong."""
        await self._check_scripts(pipeline)
        transfers = {n: s.transfer for n, s in pipeline.steps.items() if s.transfer is not None}
        known = await Transfers(self._ask).sources() if transfers else []
        for name, transfer in transfers.items():
            source = parse(transfer.url).source
            if source not in known:
                hint = f"{nearest(source, tuple(known))}; data.toml names more"
                said = f"there is no source of data {source!r}"
                raise pipeline.fault(name, transfer.key, said, hint)

    async def _check_scripts(self, pipeline: Pipeline) -> None:
        made = {path for step in pipeline.steps.values() for path in step.outputs}
        copies = (step.transfer for step in pipeline.steps.values() if step.transfer is not None)
        fetched = tuple(f"{copy.path}/" for copy in copies if not copy.out)
        for step in pipeline.steps.values():
            script = step.options.get("script", "")
            if not script or step.machine or script in made or script.startswith(("/", *fetched)):
                continue
            try:
                await self._ask("files.read", {"path": script, "offset": 0, "length": 0})
            except NotFound:
                raise pipeline.fault(
                    step.name, "script", f"there is no {script}", "check the name and its folder"
                ) from None

    # -- runs ---------------------------------------------------------------------------------

    def _begin(self, pipeline: Pipeline, by: str, force: bool = False) -> PipelineEntry:
        if len(self._runs) >= RUNNING:
            raise StudioError(f"{RUNNING} pipelines run", "wait for one of them, or stop it")
        run = Run(new_id(), pipeline, force, by, self._clock())
        kept = {
            "plain": dict(pipeline.plain), "path": pipeline.path, "text": pipeline.text,
            "force": force,
        }  # fmt: skip
        write_json(self._path(run.id), kept)
        self._document.pipelines.put(run.entry())
        self._start(run)
        self._forget_old()
        return self._document.pipelines[run.id]

    def _start(self, run: Run) -> None:
        task = self._tasks.create_task(self._drive(run), name=f"pipeline {run.id}")
        self._runs[run.id] = (run, task)

    async def _drive(self, run: Run) -> None:
        """Do every step that may begin, several at a time, until nothing more will happen."""

        def changed() -> None:
            self._document.pipelines.put(run.entry())

        course, doing = run.course, dict[asyncio.Task[State], str]()
        again = course.running
        try:
            while not course.over:
                for name in [*again, *course.ready]:
                    if name in doing.values():
                        continue  # it is being looked whether it has to be done at all
                    step = self._steps.do(run, run.pipeline.steps[name], changed)
                    doing[asyncio.create_task(step, name=f"step {name}")] = name
                again = []
                changed()
                done, _ = await asyncio.wait(doing, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    course.ended(doing.pop(task), task.result())
        finally:
            for task in doing:
                task.cancel()
            await asyncio.gather(*doing, return_exceptions=True)
        self._over(run)

    def _over(self, run: Run) -> None:
        self._runs.pop(run.id, None)
        self._document.pipelines.put(run.entry(ended=self._clock()))

    def _forget_old(self) -> None:
        over = [e for e in self._document.pipelines.values() if e.id not in self._runs]
        for entry in sorted(over, key=lambda e: e.started)[:-RUNS]:
            self._document.pipelines.remove(entry.id)
            if is_id(entry.id):
                self._path(entry.id).unlink(missing_ok=True)

    def _path(self, id: str) -> Path:
        """Where what a run needs is kept; `id` is one, see `is_id`."""
        return self._folder / f"{id}.json"

    # -- their times --------------------------------------------------------------------------

    async def keep_time(self) -> None:
        """Begin each pipeline at its time, for ever."""
        while True:
            now = self._clock()
            due = [s for s in self._document.schedules.values() if s.next <= now]
            for schedule in due:
                note = await self._begin_due(schedule)
                if schedule.id in self._document.schedules:
                    self._set_again(schedule, note)
            nexts = [s.next - self._clock() for s in self._document.schedules.values()]
            self._rescheduled.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min([LOOK_SECONDS, *(max(0.0, n) for n in nexts)])):
                    await self._rescheduled.wait()

    async def _begin_due(self, schedule: ScheduleEntry) -> str:
        """Begin a pipeline whose time has come; returns why it was not."""
        if any(run.pipeline.path == schedule.id for run, _ in self._runs.values()):
            return "left out: the run before was not over"
        try:
            self._begin(await self._read(schedule.id), f"{schedule.by} (schedule)")
        except StudioError as problem:
            log.warning("%s was not begun: %s", schedule.id, problem)
            return problem.message
        except OSError as problem:
            log.warning("%s was not begun: %s", schedule.id, problem)
            return problem.strerror or str(problem)
        return ""

    def _set_again(self, listed: ScheduleEntry, note: str) -> None:
        """Give a schedule its next time; one without, which every editor can write, is removed."""
        try:
            self._set(listed.id, listed.cron, listed.by, note)
        except UsageFault as problem:
            log.warning("%r is no schedule: %s", listed.id, problem)
            self._document.schedules.remove(listed.id)

    def _set(self, path: str, line: str, by: str, note: str = "") -> ScheduleEntry:
        moment = read_cron(line).after(datetime.fromtimestamp(self._clock())).timestamp()
        entry = ScheduleEntry(path, line, by, moment, note)
        self._document.schedules.put(entry)
        self._rescheduled.set()
        return entry
