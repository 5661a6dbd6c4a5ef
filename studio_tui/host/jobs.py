"""Jobs of the studio: started on the machine, followed by offset, told to everybody."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

from studio_tui.document.entries import JobEntry
from studio_tui.document.studio import StudioDocument
from studio_tui.errors import NotFound, StudioError
from studio_tui.host.calls import Method, Params, Result, command, query
from studio_tui.host.ids import is_id, new_id
from studio_tui.host.orders import Order, Orders
from studio_tui.host.sites import Sites
from studio_tui.host.tail import Tail
from studio_tui.jobs.launch import JobState, JobStatus, Supervisor
from studio_tui.jobs.mask import Mask, MaskedStream
from studio_tui.jobs.metrics import Metrics, Point
from studio_tui.jobs.plan import JobPlan, plan
from studio_tui.jobs.slots import Claim, Placement, Slots
from studio_tui.jobs.spec import JobSpec
from studio_tui.jobs.watch import Event, Follower, LogChunk, MetricRows, StateChange
from studio_tui.machines.connection import ConnectionLost
from studio_tui.settings import paths
from studio_tui.settings.secrets import secret
from studio_tui.sync.session import Session

log = logging.getLogger(__name__)

READ_CAP = 256 * 1024
CURVE_POINTS = 500
ANSWER_POINTS = 16_000
"""Points in one answer, over all curves: some forty bytes each."""
RETRY_SECONDS = 2.0
END_SECONDS = 5.0
TOO_LONG = "stopped at the end of its max-runtime"

Curves = dict[str, list[Point]]


@dataclass
class _Watched:
    """What the host knows of a job that it follows, beside its entry."""

    order: Order | None
    tails: dict[str, Tail]
    log: MaskedStream
    rows: Mask
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
        self._slots = Slots()
        self._orders = Orders(paths.studio_folder(studio) / "jobs")
        self._masks: dict[str, Mask] = {}

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
        """Follow again what an earlier host left running, and queue again what it had queued."""
        for entry in list(self._document.jobs.values()):
            if not is_id(entry.id):
                log.warning("%r is no id of a job: forgotten", entry.id)
                self._document.jobs.remove(entry.id)
            elif entry.state != JobState.QUEUED and not entry.over:
                self._slots.hold(entry.id, _placement(entry))
                self._watch(entry.id, None)
        self._queue_again()

    def _queue_again(self) -> None:
        queued = [e.id for e in self._document.jobs.values() if e.state == JobState.QUEUED]
        orders = {job_id: order for job_id in queued if (order := self._orders.find(job_id))}
        for job_id in queued:
            if job_id not in orders:
                self._lose(job_id, NotFound("what was asked for is known no more"))
        for job_id, order in sorted(orders.items(), key=lambda item: item[1].asked):
            self._session.room(self._room(job_id))
            self._slots.ask(job_id, Claim.of(order.spec, order.machines))
        for machine in {name for order in orders.values() for name in order.machines}:
            equipping = self._equip_patiently(machine)
            self._tasks.create_task(equipping, name=f"what {machine} has")

    def running(self) -> int:
        """How many jobs have not come to their end."""
        return sum(not entry.over for entry in self._document.jobs.values())

    # -- the queue ----------------------------------------------------------------------------

    async def _equip(self, machine: str) -> int:
        """Learn how many GPUs a machine has, and how many jobs it takes."""
        facts = await self._sites.facts(machine)
        self._slots.equip(machine, len(facts.gpus), facts.max_jobs)
        return len(facts.gpus)

    async def _equip_patiently(self, machine: str) -> None:
        while True:
            try:
                await self._equip(machine)
                break
            except StudioError as problem:
                log.warning("jobs wait for %s: %s", machine, problem)
                await asyncio.sleep(RETRY_SECONDS)
        self._admit()

    def _admit(self) -> None:
        """Start what need not wait any more."""
        for job_id, placement in self._slots.admit().items():
            starting = self._start_queued(job_id, placement)
            self._tasks.create_task(starting, name=f"starting {job_id}")

    async def _start_queued(self, job_id: str, placement: Placement) -> None:
        try:
            await self._start(job_id, placement)
        except StudioError as problem:
            self._end(job_id, JobState.FAILED, problem.message)

    def _release(self, job_id: str) -> None:
        self._slots.release(job_id)
        self._admit()

    # -- calls --------------------------------------------------------------------------------

    async def _run(self, params: Params) -> Result:
        machine = params.text("machine", "", 64) or self._sites.here
        spec = JobSpec.from_params({k: v for k, v in params.values.items() if k != "machine"})
        claim = Claim.of(spec, [machine])
        claim.check(machine, await self._equip(machine))
        secrets = {name: await asyncio.to_thread(secret, name) for name in spec.secrets}
        order = Order(spec, (machine,), self._clock(), secrets)
        # Listed before it starts: a host that dies in between leaves no job that nobody knows of.
        job_id = new_id()
        self._orders.keep(job_id, order)
        mask = Mask(order.hidden)
        entry = JobEntry(
            id=job_id,
            name=mask.text(spec.name),
            state=JobState.QUEUED.value,
            machine=machine,
            command=mask.text(spec.line),
            precision=spec.precision or None,
            devices=spec.devices or None,
            by=params.sender.name,
        )
        self._document.jobs.put(entry)
        try:
            await self._start_or_queue(job_id, claim)
        except StudioError:
            self._document.jobs.remove(job_id)
            self._orders.forget(job_id)
            self._release(job_id)
            raise
        return self._document.jobs[job_id].plain()

    async def _start_or_queue(self, job_id: str, claim: Claim) -> None:
        self._slots.ask(job_id, claim)
        placement = self._slots.admit().get(job_id)
        if placement is not None:
            await self._start(job_id, placement)
            return
        self._session.room(self._room(job_id))
        self._change(job_id, notes=[self._slots.waits_for(job_id)])
        site = await self._sites.at(claim.machines[0])
        await site.supervisor.check(await self._planned(job_id, {}))

    async def _start(self, job_id: str, placement: Placement) -> None:
        """Start a job that holds its GPUs; see Supervisor.start."""
        self._change(
            job_id, state=JobState.STARTING.value, notes=[], started=self._clock(),
            gpus={machine: list(gpus) for machine, gpus in placement.items() if gpus},
        )  # fmt: skip
        self._starting.add(job_id)
        try:
            planned = await self._planned(job_id, placement)
            self._update(job_id, await (await self._supervisor(job_id)).start(planned))
        except ConnectionLost as problem:
            # Whether it started is not known: who follows it finds out.
            log.warning("job %s: %s", job_id, problem)
        finally:
            self._starting.discard(job_id)
        self._watch(job_id, 0)

    async def _planned(self, job_id: str, placement: Placement) -> JobPlan:
        order = self._orders.find(job_id)
        if order is None:
            raise NotFound(f"what job {job_id} should do is known no more", "run it again")
        site = await self._sites.at(order.machines[0])
        return plan(
            order.spec,
            job_id=job_id,
            cwd=site.folder,
            payload=site.payload,
            default_python=site.interpreter or "python3",
            secrets=order.secrets,
            gpus=placement.get(site.machine.id, ()),
        )

    async def _supervisor(self, job_id: str) -> Supervisor:
        """What looks after a job, on the machine where it runs."""
        return (await self._sites.at(self._document.jobs[job_id].machine)).supervisor

    async def _stop(self, params: Params) -> Result:
        job_id = self._known(params)
        if self._document.jobs[job_id].state == JobState.QUEUED:
            self._end(job_id, JobState.STOPPED)
            return {}
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
        if self._document.jobs[job_id].state == JobState.QUEUED:
            raise StudioError(f"job {job_id} is still queued", "stop it first")
        await (await self._supervisor(job_id)).remove(job_id)
        self._watched.pop(job_id, None)
        self._curves.pop(job_id, None)
        self._masks.pop(job_id, None)
        self._orders.forget(job_id)
        self._document.jobs.remove(job_id)
        return {}

    async def _log(self, params: Params) -> Result:
        job_id = self._known(params)
        offset = params.number("offset", 0, 1 << 53, 0)
        length = params.number("length", 0, READ_CAP, READ_CAP)
        data, size = await self._masked(job_id, offset, length)
        return {"data": base64.b64encode(data).decode(), "offset": offset, "size": size}

    async def _masked(self, job_id: str, offset: int, length: int) -> tuple[bytes, int]:
        """A stretch of a job's log with its secrets covered, and the size of the whole."""
        entry, mask = self._document.jobs[job_id], self._mask(job_id)
        if entry.started is None:
            return b"", 0
        first = max(0, offset - mask.reach)
        supervisor = await self._supervisor(job_id)
        piece = await supervisor.read(job_id, "log", first, offset - first + length + mask.reach)
        data = mask.cover(piece.data)
        if first + len(data) >= piece.size and not entry.over:
            data = data[: len(data) - mask.open_end(piece.data)]
        return data[offset - first : offset - first + length], piece.size

    def _mask(self, job_id: str) -> Mask:
        if job_id not in self._masks:
            order = self._orders.find(job_id)
            self._masks[job_id] = Mask(order.hidden if order else ())
        return self._masks[job_id]

    def _row_mask(self, job_id: str) -> Mask:
        order = self._orders.find(job_id)
        return Mask(order.hidden if order else (), rows=True)

    async def _metrics(self, params: Params) -> Result:
        job_id = self._known(params)
        watched = self._watched.get(job_id)
        if watched is not None:
            return {"metrics": _thinned(watched.metrics)}
        if self._document.jobs[job_id].started is None:
            return {"metrics": {}}
        if job_id not in self._curves:
            curves = _thinned(await self._read_metrics(job_id))
            if job_id not in self._document.jobs:
                return {"metrics": curves}
            self._curves[job_id] = curves
        return {"metrics": self._curves[job_id]}

    async def _read_metrics(self, job_id: str) -> Metrics:
        """The metrics of a job that nobody follows any more, from its file."""
        supervisor, metrics, offset = await self._supervisor(job_id), Metrics(), 0
        masked = MaskedStream(self._row_mask(job_id))
        while True:
            piece = await supervisor.read(job_id, "metrics", offset, READ_CAP)
            metrics.feed(masked.feed(offset, piece.data)[1])
            offset += len(piece.data)
            if offset >= piece.size or not piece.data:
                metrics.feed(masked.rest()[1])
                return metrics

    def _known(self, params: Params) -> str:
        job_id = params.text("job", cap=64)
        if job_id not in self._document.jobs:
            raise NotFound(f"no job {job_id!r}", f"see: studio-tui job ls {self._studio}")
        return job_id

    # -- following ----------------------------------------------------------------------------

    def _watch(self, job_id: str, log_offset: int | None) -> None:
        """Follow a job from the start of its metrics.

        Args:
            log_offset: bytes of its log that are known; None for all there are now.
        """
        self._session.room(self._room(job_id))
        tails = {stream: self._tail(job_id, stream) for stream in ("log", "metrics")}
        order, log = self._orders.find(job_id), MaskedStream(self._mask(job_id))
        self._watched[job_id] = _Watched(order, tails, log, self._row_mask(job_id))
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
            watched.tails["log"].grew(*watched.log.rest())
            watched.over.set()
            self._curves[job_id] = _thinned(watched.metrics)
            for tail in watched.tails.values():
                tail.close()
        self._release(job_id)
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
            # What came just before may be the beginning of a secret.
            log_offset = max(0, status.log_size - self._mask(job_id).reach)
        return Follower(supervisor, job_id, log_offset=log_offset)

    async def _take(self, job_id: str, event: Event) -> None:
        watched = self._watched.get(job_id)
        if watched is None:
            return
        match event:
            case LogChunk(offset, data):
                watched.tails["log"].grew(*watched.log.feed(offset, data))
            case MetricRows(offset, data):
                rows = watched.rows.cover(data)
                watched.tails["metrics"].grew(offset, rows)
                watched.metrics.feed(rows)
                self._note(job_id, watched)
            case StateChange(state):
                status = await (await self._supervisor(job_id)).status(job_id)
                self._update(job_id, status, last=state.ended)

    def _note(self, job_id: str, watched: _Watched) -> None:
        """Tell when the script fixed a value itself, so that an option had no effect."""
        entry = self._document.jobs.get(job_id)
        if entry is None or watched.order is None:
            return
        fresh = [n for n in watched.metrics.notes(watched.order.spec) if n not in entry.notes]
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
        notes = [*entry.notes, TOO_LONG] if status.reason == "max-runtime" else entry.notes
        self._document.jobs.put(
            replace(
                entry,
                state=status.state.value,
                exit_code=status.exit_code,
                started=status.started or entry.started,
                ended=ended,
                notes=notes,
            )
        )

    def _lose(self, job_id: str, problem: StudioError) -> None:
        self._end(job_id, JobState.LOST, problem.message)

    def _end(self, job_id: str, state: JobState, note: str = "") -> None:
        """A job is over whose end is in no file of a machine."""
        entry = self._document.jobs.get(job_id)
        if entry is not None and not entry.over:
            told = self._mask(job_id).text(note)
            notes = [*entry.notes, *([told] if told else [])]
            self._change(job_id, state=state.value, ended=self._clock(), notes=notes)
        self._release(job_id)

    def _change(self, job_id: str, **values: Any) -> None:
        entry = self._document.jobs.get(job_id)
        if entry is not None:
            self._document.jobs.put(replace(entry, **values))

    def _room(self, job_id: str) -> str:
        return f"{self._studio}/job/{job_id}"


def _placement(entry: JobEntry) -> Placement:
    """The GPUs of a job that runs, as its entry has them."""
    read = {m: [g for g in gpus if isinstance(g, int)] for m, gpus in entry.gpus.items() if gpus}
    return {machine: tuple(read.get(machine, ())) for machine in entry.machine.split(",")}


def _thinned(metrics: Metrics) -> Curves:
    """The curves, with as many points of each as fit into one answer."""
    names = len(metrics.latest) or 1
    return metrics.curves(max(4, min(CURVE_POINTS, ANSWER_POINTS // names)))
