"""Jobs of the studio: started on the machine, followed by offset, told to everybody."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import posixpath
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from studio_tui.document.entries import JobEntry
from studio_tui.document.studio import StudioDocument
from studio_tui.errors import NotFound, StudioError, UsageFault
from studio_tui.host.calls import Method, Params, Result, command, query
from studio_tui.host.following import End, Following, Member
from studio_tui.host.ids import is_id, new_id
from studio_tui.host.mergedlog import MergedLog
from studio_tui.host.orders import Order, Orders
from studio_tui.host.sites import Site, Sites
from studio_tui.host.tail import Tail
from studio_tui.jobs.launch import JobState, JobStatus, Supervisor
from studio_tui.jobs.mask import Mask, MaskedStream
from studio_tui.jobs.meeting import Post, ask, posts
from studio_tui.jobs.metrics import Metrics, Point
from studio_tui.jobs.plan import JobPlan, plan
from studio_tui.jobs.slots import Claim, Placement, Slots
from studio_tui.jobs.spec import JobSpec
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
        self._watched: dict[str, Following] = {}
        self._curves: dict[str, Curves] = {}
        self._starting: set[str] = set()
        self._slots = Slots()
        self._orders = Orders(paths.studio_folder(studio) / "jobs")
        self._masks: dict[str, Mask] = {}
        self._logs: dict[str, MergedLog] = {}
        self._unwanted: set[str] = set()

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
        named = params.text("machine", "", 4096) or self._sites.here
        machines = tuple(name.strip() for name in named.split(","))
        given = {key: value for key, value in params.values.items() if key != "machine"}
        spec = JobSpec.from_params({"nodes": len(machines)} | given)
        _check_machines(machines, spec.nodes)
        claim = Claim.of(spec, machines)
        for machine in machines:
            claim.check(machine, await self._equip(machine))
        secrets = {name: await asyncio.to_thread(secret, name) for name in spec.secrets}
        order = Order(spec, machines, self._clock(), secrets)
        # Listed before it starts: a host that dies in between leaves no job that nobody knows of.
        job_id = new_id()
        self._orders.keep(job_id, order)
        mask = Mask(order.hidden)
        entry = JobEntry(
            id=job_id,
            name=mask.text(spec.name),
            state=JobState.QUEUED.value,
            machine=",".join(machines),
            command=mask.text(spec.line),
            precision=spec.precision or None,
            devices=spec.devices or None,
            nodes=spec.nodes,
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
        await self._check(await self._plans(job_id, {}))

    async def _start(self, job_id: str, placement: Placement) -> None:
        """Start a job that holds its GPUs; see Supervisor.start."""
        self._change(
            job_id, state=JobState.STARTING.value, notes=[], started=self._clock(),
            gpus={machine: list(gpus) for machine, gpus in placement.items() if gpus},
        )  # fmt: skip
        await self._start_members(job_id, placement)
        self._watch(job_id, 0)

    async def _start_members(
        self, job_id: str, placement: Mapping[str, Sequence[int]], resume: str = ""
    ) -> None:
        """Start what runs on each machine; when one cannot start, none goes on.

        Args:
            resume: a checkpoint on the first machine to begin with, in the studio's folder.
        """
        self._starting.add(job_id)
        try:
            plans = await self._plans(job_id, placement, resume)
            if len(plans) > 1:
                await self._check(plans)
            starts = [(await self._supervisor(m)).start(planned) for m, planned in plans.items()]
            done = await asyncio.gather(*starts, return_exceptions=True)
            problems = [problem for problem in done if isinstance(problem, BaseException)]
            for problem in problems:
                if not isinstance(problem, ConnectionLost):
                    await self._stop_members(plans)
                    raise problem
                # Whether it started is not known: who follows it finds out.
                log.warning("job %s: %s", job_id, problem)
            if job_id in self._unwanted:
                await self._stop_members(plans)
        finally:
            self._starting.discard(job_id)
            self._unwanted.discard(job_id)
        for status in done:
            if isinstance(status, JobStatus):
                self._update(job_id, status)

    async def _check(self, plans: Mapping[Member, JobPlan]) -> None:
        """Look on every machine whether the job can run there at all."""
        for member, planned in plans.items():
            try:
                await (await self._supervisor(member)).check(planned)
            except StudioError as problem:
                if len(plans) == 1 or isinstance(problem, ConnectionLost):
                    raise
                raise type(problem)(f"{member.machine}: {problem.message}", problem.hint) from None

    async def _stop_members(self, members: Iterable[Member]) -> None:
        for member in members:
            with contextlib.suppress(StudioError):
                await (await self._supervisor(member)).stop(member.id)

    async def _plans(
        self, job_id: str, placement: Mapping[str, Sequence[int]], resume: str = ""
    ) -> dict[Member, JobPlan]:
        """What each member runs.

        Args:
            resume: see _start_members.
        """
        order = self._order(job_id)
        sites = [await self._sites.at(name) for name in order.machines]
        met: list[Post | None] = [None]
        if len(sites) > 1:
            asked = [ask(s.machine.id, s.connection, s.python, s.payload) for s in sites]
            met = [*posts(await asyncio.gather(*asked))]
        spec, started = order.spec, self._document.jobs[job_id].started
        if spec.max_runtime and order.attempt and started:
            left = max(1, int(spec.max_runtime - (self._clock() - started)))
            spec = replace(spec, max_runtime=left)
        if len(sites) > 1:
            spec = replace(spec, retries=0)  # all begin again together, see _again
        members = order.members(job_id, order.attempt)
        return {
            member: plan(
                spec,
                job_id=member.id,
                cwd=site.folder,
                payload=site.payload,
                default_python=site.interpreter or "python3",
                secrets=order.secrets,
                gpus=tuple(placement.get(member.machine, ())),
                post=post,
                attempt=order.attempt,
                resume=_there(resume, sites[0], site),
            )
            for member, site, post in zip(members, sites, met, strict=True)
        }

    def _order(self, job_id: str) -> Order:
        order = self._orders.find(job_id)
        if order is None:
            raise NotFound(f"what job {job_id} should do is known no more", "run it again")
        return order

    def _members(self, job_id: str) -> list[Member]:
        """What of a job runs, or ran last, on which machine."""
        order = self._orders.find(job_id)
        if order is None:
            return [Member(self._document.jobs[job_id].machine, job_id)]
        return order.members(job_id, order.attempt)

    def _all_members(self, job_id: str) -> list[Member]:
        """Those of every attempt, the first one first."""
        order = self._orders.find(job_id)
        if order is None or len(order.machines) == 1:
            return self._members(job_id)
        return [m for n in range(order.attempt + 1) for m in order.members(job_id, n)]

    async def _supervisor(self, member: Member) -> Supervisor:
        """What looks after a member, on the machine where it runs."""
        return (await self._sites.at(member.machine)).supervisor

    async def _stop(self, params: Params) -> Result:
        job_id = self._known(params)
        if self._document.jobs[job_id].state == JobState.QUEUED:
            self._end(job_id, JobState.STOPPED)
            return {}
        if job_id in self._starting:
            self._unwanted.add(job_id)
        members = self._members(job_id)
        stops = [(await self._supervisor(member)).stop(member.id) for member in members]
        done = await asyncio.gather(*stops, return_exceptions=True)
        problems = [problem for problem in done if isinstance(problem, StudioError)]
        if problems and job_id not in self._unwanted and len(problems) == len(members):
            raise problems[0]
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
        for member in self._all_members(job_id):
            await (await self._supervisor(member)).remove(member.id)
        if (merged := self._merged(job_id)) is not None:
            merged.remove()
        for kept in (self._watched, self._curves, self._masks, self._logs):
            kept.pop(job_id, None)
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
        data, size = await self._stretch(job_id, first, offset - first + length + mask.reach)
        covered = mask.cover(data)
        if first + len(data) >= size and not entry.over:
            covered = covered[: len(data) - mask.open_end(data)]
        return covered[offset - first : offset - first + length], size

    async def _stretch(self, job_id: str, offset: int, length: int) -> tuple[bytes, int]:
        """A stretch of a job's log as it is, and the size of the whole."""
        if (merged := self._merged(job_id)) is not None:
            return merged.read(offset, length), merged.size
        (member,) = self._members(job_id)
        piece = await (await self._supervisor(member)).read(member.id, "log", offset, length)
        return piece.data, piece.size

    def _merged(self, job_id: str) -> MergedLog | None:
        """The log of a job on several machines."""
        if job_id not in self._logs and len(self._members(job_id)) > 1:
            folder = paths.studio_folder(self._studio) / "jobs"
            self._logs[job_id] = MergedLog(folder / f"{job_id}.log")
        return self._logs.get(job_id)

    def _mask(self, job_id: str) -> Mask:
        if job_id not in self._masks:
            order = self._orders.find(job_id)
            self._masks[job_id] = Mask(order.hidden if order else ())
        return self._masks[job_id]

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
        """The metrics of a job that nobody follows any more, from its files."""
        order, metrics = self._orders.find(job_id), Metrics()
        for member in self._all_members(job_id):
            await self._feed(metrics, member, Mask(order.hidden if order else (), rows=True))
        return metrics

    async def _feed(self, metrics: Metrics, member: Member, mask: Mask) -> None:
        supervisor, masked, offset = await self._supervisor(member), MaskedStream(mask), 0
        while True:
            piece = await supervisor.read(member.id, "metrics", offset, READ_CAP)
            metrics.feed(masked.feed(offset, piece.data)[1])
            offset += len(piece.data)
            if offset >= piece.size or not piece.data:
                break
        metrics.feed(masked.rest()[1])

    def _known(self, params: Params) -> str:
        job_id = params.text("job", cap=64)
        if job_id not in self._document.jobs:
            raise NotFound(f"no job {job_id!r}", f"see: studio-tui job ls {self._studio}")
        return job_id

    # -- following ----------------------------------------------------------------------------

    def _watch(self, job_id: str, log_offset: int | None) -> None:
        """Follow a job from the start of its metrics, until it is over.

        Args:
            log_offset: bytes of its log that are known; None for all there are now.
        """
        self._session.room(self._room(job_id))
        following = self._following(job_id)
        watching = self._follow(job_id, following, log_offset)
        self._tasks.create_task(watching, name=f"following {job_id}")

    def _following(self, job_id: str) -> Following:
        order, room = self._orders.find(job_id), self._room(job_id)

        def tail(stream: str) -> Tail:
            return Tail(lambda seq, data: self._session.stream(room, stream, seq, data))

        async def supervisor(machine: str) -> Supervisor:
            return (await self._sites.at(machine)).supervisor

        following = Following(
            self._members(job_id),
            supervisor,
            order.hidden if order else (),
            {stream: tail(stream) for stream in ("log", "metrics")},
            self._merged(job_id),
        )
        following.on_status = lambda status: self._update(job_id, status)
        following.on_rows = lambda: self._note(job_id, following.metrics, order)
        self._watched[job_id] = following
        return following

    async def _follow(self, job_id: str, following: Following, log_offset: int | None) -> None:
        while True:
            await self._earlier(job_id, following)
            ends = await following.run(log_offset)
            end = _decisive(ends)
            if not await self._again(job_id, end):
                break
            metrics, following = following.metrics, self._following(job_id)
            following.metrics, log_offset = metrics, 0
        self._tell_end(job_id, end, ends)
        if self._watched.pop(job_id, None) is not None:
            self._curves[job_id] = _thinned(following.metrics)
        following.close()
        self._release(job_id)
        self._session.leave(self._room(job_id))

    async def _earlier(self, job_id: str, following: Following) -> None:
        """What the attempts before told, when an earlier host followed them."""
        order = self._orders.find(job_id)
        if order is None or not order.attempt or following.metrics.run is not None:
            return
        for member in [m for n in range(order.attempt) for m in order.members(job_id, n)]:
            with contextlib.suppress(StudioError):
                await self._feed(following.metrics, member, Mask(order.hidden, rows=True))

    async def _again(self, job_id: str, end: End) -> bool:
        """Run a job on several machines again, if it failed and may be; on one its machine does."""
        order, entry = self._orders.find(job_id), self._document.jobs.get(job_id)
        if order is None or entry is None or len(order.machines) == 1:
            return False
        if end.state not in (JobState.FAILED, JobState.LOST):
            return False
        moved = not order.moved and self._port_was_taken(job_id)
        if not moved and order.attempt - order.moved >= order.spec.retries:
            return False
        resume = "" if moved else await self._checkpoint(job_id)
        self._orders.keep(
            job_id, replace(order, attempt=order.attempt + 1, moved=order.moved or moved)
        )
        why = "its port was taken" if moved else self._why(end)
        from_where = f", from {resume}" if resume else ""
        self._change(job_id, notes=[*entry.notes, f"run again: {why}{from_where}"])
        try:
            await self._start_members(job_id, _placement(entry), resume)
        except StudioError as problem:
            self._orders.keep(job_id, order)
            self._change(job_id, notes=[*entry.notes, f"not run again: {problem.message}"])
            return False
        return True

    def _why(self, end: End) -> str:
        code = end.status.exit_code if end.status else None
        how = "was lost" if code is None else f"ended with {code}"
        return f"{end.member.machine} {how} first"

    def _port_was_taken(self, job_id: str) -> bool:
        merged = self._merged(job_id)
        if merged is None:
            return False
        said = merged.read(max(0, merged.size - READ_CAP), READ_CAP).lower()
        return b"address already in use" in said or b"eaddrinuse" in said

    async def _checkpoint(self, job_id: str) -> str:
        """The newest checkpoint of the last attempt, brought to every machine of the job."""
        for member in self._members(job_id):
            with contextlib.suppress(StudioError):
                source = await self._sites.at(member.machine)
                listed = await source.supervisor.read(member.id, "checkpoints", 0, READ_CAP)
                paths_there = listed.data.decode("utf-8", "surrogateescape").splitlines()
                for path in reversed(paths_there):
                    if (await source.connection.run(["test", "-e", path])).ok:
                        await self._bring(path, source, self._members(job_id))
                        first = await self._sites.at(self._members(job_id)[0].machine)
                        return _there(path, source, first)
        return ""

    async def _bring(self, path: str, source: Site, members: Iterable[Member]) -> None:
        for member in members:
            target = await self._sites.at(member.machine)
            wanted = _there(path, source, target)
            if (await target.connection.run(["test", "-e", wanted])).ok:
                continue
            with tempfile.TemporaryDirectory() as folder:
                between = Path(folder) / "checkpoint"
                await source.connection.get(path, between)
                await target.connection.run(["mkdir", "-p", posixpath.dirname(wanted)])
                await target.connection.put(between, wanted)

    def _tell_end(self, job_id: str, end: End, ends: Sequence[End]) -> None:
        entry = self._document.jobs.get(job_id)
        if entry is None:
            return
        notes = [e.note for e in ends if e.note]
        if len(ends) > 1 and end.state in (JobState.FAILED, JobState.LOST):
            notes.insert(0, self._why(end))
        if notes:
            told = [self._mask(job_id).text(note) for note in notes]
            self._change(job_id, notes=[*entry.notes, *told])
        if end.status is None:
            self._end(job_id, end.state)
        else:
            ended = [e.status.ended for e in ends if e.status and e.status.ended]
            status = replace(end.status, ended=max(ended, default=None))
            self._update(job_id, status, last=True)

    def _note(self, job_id: str, metrics: Metrics, order: Order | None) -> None:
        """Tell when the script fixed a value itself, so that an option had no effect."""
        entry = self._document.jobs.get(job_id)
        if entry is None or order is None:
            return
        fresh = [note for note in metrics.notes(order.spec) if note not in entry.notes]
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


def _check_machines(machines: Sequence[str], nodes: int) -> None:
    for number, machine in enumerate(machines):
        if machine in machines[:number]:
            raise UsageFault(f"{machine} is named twice", "a job has one node on each machine")
    if nodes != len(machines):
        what = f"{len(machines)} machine{'s' * (len(machines) > 1)} for {nodes} node"
        raise UsageFault(
            f"{what}{'s' * (nodes > 1)}: {', '.join(machines)}",
            "name one machine for each node: -m box1,box2 --nodes 2",
        )


def _decisive(ends: Sequence[End]) -> End:
    """The end that is the job's: the first that was bad by itself."""
    bad = [end for end in ends if end.state is not JobState.SUCCEEDED]
    return next((end for end in bad if end.own), (bad or [*ends])[0])


def _there(path: str, source: Site, target: Site) -> str:
    """The path on another machine of a file that may be in the studio's folder."""
    inside = path.startswith(f"{source.folder}/")
    return target.folder + path.removeprefix(source.folder) if inside else path


def _thinned(metrics: Metrics) -> Curves:
    """The curves, with as many points of each as fit into one answer."""
    names = len(metrics.latest) or 1
    return metrics.curves(max(4, min(CURVE_POINTS, ANSWER_POINTS // names)))
