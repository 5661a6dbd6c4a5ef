"""Jobs of the studio: started on the machine, followed by offset, told to everybody."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import shlex
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from studio_tui.document.entries import JobEntry
from studio_tui.document.studio import StudioDocument
from studio_tui.errors import NotFound, StudioError, UsageFault
from studio_tui.host.calls import Method, Params, Result, command, query
from studio_tui.host.ids import is_id, new_id
from studio_tui.host.sites import Sites
from studio_tui.host.tail import Tail
from studio_tui.jobs.find import find
from studio_tui.jobs.launch import JobState, JobStatus, Supervisor
from studio_tui.jobs.metrics import Metrics, Point
from studio_tui.jobs.plan import plan
from studio_tui.jobs.spec import JobSpec
from studio_tui.jobs.watch import Event, Follower, LogChunk, MetricRows, StateChange
from studio_tui.machines.connection import ConnectionLost
from studio_tui.sync.session import Session

log = logging.getLogger(__name__)

READ_CAP = 256 * 1024
QUERY_CAP = 200
CURVE_POINTS = 500
ANSWER_POINTS = 16_000
"""Points in one answer, over all curves: some forty bytes each."""
RETRY_SECONDS = 2.0
END_SECONDS = 5.0

Curves = dict[str, list[Point]]


@dataclass
class _Watched:
    """What the host knows of a job that it follows, beside its entry."""

    spec: JobSpec | None
    tails: dict[str, Tail]
    metrics: Metrics = field(default_factory=Metrics)
    over: asyncio.Event = field(default_factory=asyncio.Event)


class Jobs:
    """Every job of one studio, on whichever machine it was started.

    Args:
        sites: the studio's machines; a job that names none runs where the studio is.
        document: the studio document.
        session: the host's session with the relay.
        studio: the studio's id.
        tasks: owns one following task per running job.
        clock: Unix time in seconds.
    """

    def __init__(
        self,
        sites: Sites,
        document: StudioDocument,
        session: Session,
        studio: str,
        tasks: asyncio.TaskGroup,
        clock: Callable[[], float],
    ) -> None:
        self._sites = sites
        self._document = document
        self._session = session
        self._studio = studio
        self._tasks = tasks
        self._clock = clock
        self._watched: dict[str, _Watched] = {}
        self._curves: dict[str, Curves] = {}
        self._starting: set[str] = set()

    def calls(self) -> list[Method]:
        """What can be asked of it."""
        return [
            query("jobs.log", self._log),
            query("jobs.find", self._find),
            query("jobs.metrics", self._metrics),
            command("jobs.run", self._run),
            command("jobs.stop", self._stop),
            command("jobs.remove", self._remove),
        ]

    async def resume(self) -> None:
        """Follow again every job that an earlier host left running."""
        for entry in list(self._document.jobs.values()):
            if not is_id(entry.id):
                log.warning("%r is no id of a job: forgotten", entry.id)
                self._document.jobs.remove(entry.id)
                continue
            if not entry.over:
                self._watch(entry.id, _spec_of(entry), None)

    def running(self) -> int:
        """How many jobs have not come to their end."""
        return sum(not entry.over for entry in self._document.jobs.values())

    # -- calls --------------------------------------------------------------------------------

    async def _run(self, params: Params) -> Result:
        machine = params.text("machine", "", 64) or self._sites.here
        spec = JobSpec.from_params({k: v for k, v in params.values.items() if k != "machine"})
        job_id, site = new_id(), await self._sites.at(machine, wanted=True)
        planned = plan(
            spec,
            job_id=job_id,
            cwd=site.folder,
            payload=site.payload,
            default_python=site.interpreter or "python3",
        )
        # Listed before it starts: a host that dies in between leaves no job that nobody knows of.
        entry = JobEntry(
            id=job_id,
            name=spec.name,
            state=JobState.STARTING.value,
            machine=machine,
            command=spec.line,
            precision=spec.precision or None,
            devices=spec.devices or None,
            started=self._clock(),
            by=params.sender.name,
        )
        self._document.jobs.put(entry)
        self._starting.add(job_id)
        try:
            status = await site.supervisor.start(planned)
        except StudioError:
            self._document.jobs.remove(job_id)
            raise
        finally:
            self._starting.discard(job_id)
        self._update(job_id, status)
        self._watch(job_id, spec, 0)
        return self._document.jobs[job_id].plain()

    async def _supervisor(self, job_id: str) -> Supervisor:
        """What looks after a job, on the machine where it runs."""
        return (await self._sites.at(self._document.jobs[job_id].machine)).supervisor

    async def _stop(self, params: Params) -> Result:
        job_id = self._known(params)
        await (await self._supervisor(job_id)).stop(job_id)
        watched = self._watched.get(job_id)
        if watched is not None:
            # The follower tells of the end; a machine that is slow to does not hold the caller up.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(END_SECONDS):
                    await watched.over.wait()
        return {}

    async def _remove(self, params: Params) -> Result:
        job_id = self._known(params)
        if job_id in self._starting:
            raise StudioError(f"job {job_id} is still starting", "stop it first")
        await (await self._supervisor(job_id)).remove(job_id)
        self._watched.pop(job_id, None)
        self._curves.pop(job_id, None)
        self._document.jobs.remove(job_id)
        for pin in [pin for pin in self._document.pins.values() if pin.job == job_id]:
            self._document.pins.remove(pin.id)
        return {}

    async def _log(self, params: Params) -> Result:
        job_id = self._known(params)
        offset = params.number("offset", 0, 1 << 53, 0)
        length = params.number("length", 0, READ_CAP, READ_CAP)
        piece = await (await self._supervisor(job_id)).read(job_id, "log", offset, length)
        data = base64.b64encode(piece.data).decode()
        return {"data": data, "offset": piece.offset, "size": piece.size}

    async def _find(self, params: Params) -> Result:
        """Where the next line with some text starts; looked for on the machine."""
        job_id, text = self._known(params), params.text("text", cap=QUERY_CAP)
        offset, back = params.number("offset", 0, 1 << 53, 0), params.values.get("back") is True
        found = await find(await self._supervisor(job_id), job_id, text, offset, back=back)
        return {"offset": found}

    async def _metrics(self, params: Params) -> Result:
        job_id = self._known(params)
        watched = self._watched.get(job_id)
        if watched is not None:
            return {"metrics": _thinned(watched.metrics)}
        if job_id not in self._curves:
            curves = _thinned(await self._read_metrics(job_id))
            if job_id not in self._document.jobs:
                return {"metrics": curves}
            self._curves[job_id] = curves
        return {"metrics": self._curves[job_id]}

    async def _read_metrics(self, job_id: str) -> Metrics:
        """The metrics of a job that nobody follows any more, from its file."""
        supervisor, metrics, offset = await self._supervisor(job_id), Metrics(), 0
        while True:
            piece = await supervisor.read(job_id, "metrics", offset, READ_CAP)
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

    def _watch(self, job_id: str, spec: JobSpec | None, log_offset: int | None) -> None:
        """Follow a job from the start of its metrics.

        Args:
            log_offset: bytes of its log that are known; None for all there are now.
        """
        self._session.room(self._room(job_id))
        tails = {stream: self._tail(job_id, stream) for stream in ("log", "metrics")}
        self._watched[job_id] = _Watched(spec, tails)
        self._tasks.create_task(self._follow(job_id, log_offset), name=f"following {job_id}")

    def _tail(self, job_id: str, stream: str) -> Tail:
        room = self._room(job_id)
        return Tail(lambda seq, data: self._session.stream(room, stream, seq, data))

    async def _follow(self, job_id: str, log_offset: int | None) -> None:
        """Until the job's end is known; whatever goes wrong on the way is tried again."""
        follower: Follower | None = None
        while True:
            try:
                follower = follower or await self._follower(job_id, log_offset)
                async with aclosing(follower.events()) as events:
                    async for event in events:
                        await self._take(job_id, event)
                break
            except StudioError as problem:
                if isinstance(problem, NotFound) and not isinstance(problem, ConnectionLost):
                    self._lose(job_id, problem)
                    break
                log.warning("job %s: %s", job_id, problem)
            await asyncio.sleep(RETRY_SECONDS)
        watched = self._watched.pop(job_id, None)
        if watched is not None:
            watched.over.set()
            self._curves[job_id] = _thinned(watched.metrics)
            for tail in watched.tails.values():
                tail.close()
        self._session.leave(self._room(job_id))

    async def _follower(self, job_id: str, log_offset: int | None) -> Follower:
        try:
            supervisor = await self._supervisor(job_id)
        except NotFound as problem:
            # A machine that is in no catalogue now may be added again: the job is not lost.
            raise ConnectionLost(problem.message, problem.hint) from problem
        if log_offset is None:
            status = await supervisor.status(job_id)
            self._update(job_id, status)
            log_offset = status.log_size
        return Follower(supervisor, job_id, log_offset=log_offset)

    async def _take(self, job_id: str, event: Event) -> None:
        watched = self._watched.get(job_id)
        if watched is None:
            return
        match event:
            case LogChunk(offset, data):
                watched.tails["log"].grew(offset, data)
            case MetricRows(offset, data):
                watched.tails["metrics"].grew(offset, data)
                watched.metrics.feed(data)
                self._note(job_id, watched)
            case StateChange(state):
                status = await (await self._supervisor(job_id)).status(job_id)
                self._update(job_id, status, last=state.ended)

    def _note(self, job_id: str, watched: _Watched) -> None:
        """Tell when the script fixed a value itself, so that an option had no effect."""
        entry = self._document.jobs.get(job_id)
        if entry is None or watched.spec is None:
            return
        fresh = [n for n in watched.metrics.notes(watched.spec) if n not in entry.notes]
        if fresh:
            self._document.jobs.put(replace(entry, notes=[*entry.notes, *fresh]))

    def _update(self, job_id: str, status: JobStatus, *, last: bool = False) -> None:
        """Tell what became of a job; of its end once all that it wrote is known.

        Args:
            last: whether the follower has come to the end.
        """
        entry = self._document.jobs.get(job_id)
        if entry is None or entry.over or status.state.ended != last:
            return
        ended = (status.ended or self._clock()) if last else None
        entry = replace(
            entry,
            state=status.state.value,
            exit_code=status.exit_code,
            started=status.started or entry.started,
            ended=ended,
        )
        self._document.jobs.put(replace(entry, cost=self._cost(entry)) if last else entry)

    def _cost(self, entry: JobEntry) -> float | None:
        machine = self._document.machines.get(entry.machine)
        price = machine.price_per_hour if machine is not None else None
        return entry.cost_until(self._clock(), price)

    def _lose(self, job_id: str, problem: StudioError) -> None:
        entry = self._document.jobs.get(job_id)
        if entry is not None:
            notes = [*entry.notes, problem.message]
            self._document.jobs.put(replace(entry, state="lost", ended=self._clock(), notes=notes))

    def _room(self, job_id: str) -> str:
        return f"{self._studio}/job/{job_id}"


def _thinned(metrics: Metrics) -> Curves:
    """The curves, with as many points of each as fit into one answer."""
    names = len(metrics.latest) or 1
    return metrics.curves(max(4, min(CURVE_POINTS, ANSWER_POINTS // names)))


def _spec_of(entry: JobEntry) -> JobSpec | None:
    """What was asked for, as far as its entry tells: enough to compare the run with it."""
    try:
        return JobSpec.of(
            shlex.split(entry.command),
            name=entry.name,
            precision=entry.precision or "",
            devices=entry.devices or "",
        )
    except (UsageFault, ValueError):
        return None
