"""Jobs of the studio: started on the machine, followed by offset, told to everybody."""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace

from studio_tui.document.entries import JobEntry
from studio_tui.document.studio import StudioDocument
from studio_tui.errors import NotFound, StudioError
from studio_tui.host.calls import Method, Params, Result, command, query
from studio_tui.jobs.launch import JobStatus, Supervisor
from studio_tui.jobs.metrics import Metrics
from studio_tui.jobs.plan import plan
from studio_tui.jobs.spec import JobSpec
from studio_tui.jobs.watch import Follower, LogChunk, MetricRows
from studio_tui.machines.connection import ConnectionLost
from studio_tui.sync.session import Session

READ_CAP = 256 * 1024
CURVE_POINTS = 500
RETRY_SECONDS = 2.0
OFFSET_BYTES = 8


@dataclass
class _Watched:
    """What the host knows of one job beside its entry."""

    spec: JobSpec | None
    metrics: Metrics
    seq: int = 0


class Jobs:
    """Every job of one studio on one machine.

    Args:
        supervisor: starts and looks after jobs on the machine.
        machine: the machine's id.
        folder: the studio's folder on that machine; jobs run in it.
        python: the interpreter for scripts, where the folder has no environment of its own.
        document: the studio document.
        session: the host's session with the relay.
        studio: the studio's id.
        tasks: owns one following task per running job.
        clock: Unix time in seconds.
    """

    def __init__(
        self,
        supervisor: Supervisor,
        machine: str,
        folder: str,
        python: str,
        document: StudioDocument,
        session: Session,
        studio: str,
        tasks: asyncio.TaskGroup,
        clock: Callable[[], float],
    ) -> None:
        self._supervisor = supervisor
        self._machine = machine
        self._folder = folder
        self._python = python
        self._document = document
        self._session = session
        self._studio = studio
        self._tasks = tasks
        self._clock = clock
        self._watched: dict[str, _Watched] = {}

    def calls(self) -> list[Method]:
        """What can be asked of it."""
        return [
            query("jobs.log", self._log),
            query("jobs.metrics", self._metrics),
            command("jobs.run", self._run),
            command("jobs.stop", self._stop),
            command("jobs.remove", self._remove),
        ]

    async def resume(self) -> None:
        """Follow again every job that an earlier host left running."""
        for entry in list(self._document.jobs.values()):
            if entry.over:
                continue
            try:
                status = await self._supervisor.status(entry.id)
            except NotFound:
                self._document.jobs.put(replace(entry, state="lost", ended=self._clock()))
                continue
            self._update(entry.id, status)
            self._watch(entry.id, None, status.log_size)

    def running(self) -> int:
        """How many jobs have not come to their end."""
        return sum(not entry.over for entry in self._document.jobs.values())

    # -- calls --------------------------------------------------------------------------------

    async def _run(self, params: Params) -> Result:
        spec = JobSpec.from_params(params.values)
        job_id = secrets.token_hex(3)
        planned = plan(
            spec,
            job_id=job_id,
            cwd=self._folder,
            payload=self._supervisor.payload,
            default_python=self._python,
        )
        launched = await self._supervisor.start(planned)
        entry = JobEntry(
            id=job_id,
            name=spec.name,
            state=launched.status.state.value,
            machine=self._machine,
            command=spec.line,
            precision=spec.precision or None,
            devices=spec.devices or None,
            started=self._clock(),
            notes=list(launched.notes),
            by=params.sender.name,
        )
        self._document.jobs.put(entry)
        self._watch(job_id, spec, 0)
        return entry.plain()

    async def _stop(self, params: Params) -> Result:
        job_id = self._known(params)
        self._update(job_id, await self._supervisor.stop(job_id))
        return {}

    async def _remove(self, params: Params) -> Result:
        job_id = self._known(params)
        await self._supervisor.remove(job_id)
        self._watched.pop(job_id, None)
        self._document.jobs.remove(job_id)
        return {}

    async def _log(self, params: Params) -> Result:
        job_id = self._known(params)
        offset = params.number("offset", 0, 1 << 53, 0)
        length = params.number("length", 0, READ_CAP, READ_CAP)
        piece = await self._supervisor.read(job_id, "log", offset, length)
        data = base64.b64encode(piece.data).decode()
        return {"data": data, "offset": piece.offset, "size": piece.size}

    async def _metrics(self, params: Params) -> Result:
        job_id = self._known(params)
        if job_id not in self._watched:
            self._watched[job_id] = _Watched(None, await self._read_metrics(job_id))
        return {"metrics": self._watched[job_id].metrics.curves(CURVE_POINTS)}

    async def _read_metrics(self, job_id: str) -> Metrics:
        """The metrics of a job that nobody follows any more, from its file."""
        metrics, offset = Metrics(), 0
        while True:
            piece = await self._supervisor.read(job_id, "metrics", offset, READ_CAP)
            metrics.feed(piece.data)
            offset += len(piece.data)
            if offset >= piece.size or not piece.data:
                return metrics

    def _known(self, params: Params) -> str:
        job_id = params.text("job", cap=64)
        if job_id not in self._document.jobs:
            raise NotFound(f"no job {job_id!r}", f"see: studio-tui job ls {self._studio}")
        return job_id

    # -- following ----------------------------------------------------------------------------

    def _watch(self, job_id: str, spec: JobSpec | None, log_offset: int) -> None:
        """Follow a job from `log_offset` of its log and the start of its metrics."""
        self._watched[job_id] = _Watched(spec, Metrics())
        self._session.room(self._room(job_id))
        follower = Follower(self._supervisor, job_id, log_offset=log_offset)
        self._tasks.create_task(self._follow(job_id, follower), name=f"following {job_id}")

    async def _follow(self, job_id: str, follower: Follower) -> None:
        try:
            while True:
                try:
                    async for event in follower.events():
                        await self._take(job_id, event)
                    return
                except ConnectionLost:
                    await asyncio.sleep(RETRY_SECONDS)
        except StudioError as problem:
            self._lose(job_id, problem)
        finally:
            self._session.leave(self._room(job_id))

    async def _take(self, job_id: str, event: object) -> None:
        watched = self._watched.get(job_id)
        if watched is None:
            return
        if isinstance(event, (LogChunk, MetricRows)):
            stream = "log" if isinstance(event, LogChunk) else "metrics"
            watched.seq += 1
            head = event.offset.to_bytes(OFFSET_BYTES, "big")
            self._session.stream(self._room(job_id), stream, watched.seq, head + event.data)
            if isinstance(event, MetricRows):
                watched.metrics.feed(event.data)
                self._note(job_id, watched)
        else:
            self._update(job_id, await self._supervisor.status(job_id))

    def _note(self, job_id: str, watched: _Watched) -> None:
        """Tell when the script fixed a value itself, so that an option had no effect."""
        entry = self._document.jobs.get(job_id)
        if entry is None or watched.spec is None:
            return
        fresh = [n for n in watched.metrics.notes(watched.spec) if n not in entry.notes]
        if fresh:
            self._document.jobs.put(replace(entry, notes=[*entry.notes, *fresh]))

    def _update(self, job_id: str, status: JobStatus) -> None:
        entry = self._document.jobs.get(job_id)
        if entry is None:
            return
        ended = (status.ended or self._clock()) if status.state.ended else None
        self._document.jobs.put(
            replace(
                entry,
                state=status.state.value,
                exit_code=status.exit_code,
                started=status.started or entry.started,
                ended=ended,
            )
        )

    def _lose(self, job_id: str, problem: StudioError) -> None:
        entry = self._document.jobs.get(job_id)
        if entry is not None:
            notes = [*entry.notes, problem.message]
            self._document.jobs.put(replace(entry, state="lost", ended=self._clock(), notes=notes))

    def _room(self, job_id: str) -> str:
        return f"{self._studio}/job/{job_id}"
