"""Jobs of the studio: started on the machine, followed by offset, told to everybody."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from studio_tui.document.entries import JobEntry
from studio_tui.document.studio import StudioDocument
from studio_tui.errors import NotFound, StudioError
from studio_tui.host.calls import Method, Params, Result, command, query
from studio_tui.host.ids import is_id, new_id
from studio_tui.host.jobs.budgets import Budgets
from studio_tui.host.jobs.crew import READ_CAP, Crew, check_machines
from studio_tui.host.jobs.following import End, Following, decisive
from studio_tui.host.jobs.ledger import Ledger
from studio_tui.host.jobs.lending import NOTE, lend
from studio_tui.host.jobs.moving import Moves
from studio_tui.host.jobs.orders import Order, Orders
from studio_tui.host.jobs.records import AGAIN, Records, plain
from studio_tui.host.jobs.serving import served
from studio_tui.host.jobs.tail import Tail
from studio_tui.host.machines.sites import Sites
from studio_tui.jobs.launch import JobState, Supervisor
from studio_tui.jobs.mask import Mask
from studio_tui.jobs.slots import Claim, Placement, Slots
from studio_tui.jobs.spec import JobSpec
from studio_tui.settings import paths
from studio_tui.settings.secrets import secret
from studio_tui.sync.session import Session

log = logging.getLogger(__name__)

QUERY_CAP = 200
RETRY_SECONDS = 2.0
END_SECONDS = 5.0
PORT_TAKEN = (b"address already in use", b"eaddrinuse")


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
        self._starting: set[str] = set()
        self._slots = Slots()
        self._orders = Orders(paths.studio_folder(studio) / "jobs")
        self._records = Records(paths.studio_folder(studio) / "jobs", self.crew, self._order)
        self._unwanted: set[str] = set()
        self.ledger = Ledger(document, self._records.mask, clock)
        self.budgets = Budgets(self, sites, document, tasks, clock)
        self._moves = Moves(self, sites, document, self._orders, self._slots, tasks, clock)

    def calls(self) -> list[Method]:
        """What can be asked of it."""
        return [
            query("jobs.log", self._log),
            query("jobs.find", self._find),
            query("jobs.metrics", self._metrics),
            query("jobs.ranks", self._ranks),
            command("jobs.run", self._run),
            command("jobs.stop", self._stop),
            command("jobs.remove", self._remove),
            *self._moves.calls(),
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
                self._moves.resume(entry)
        self._queue_again()
        self._tasks.create_task(self.budgets.watch(), name="watching budgets")

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

    def on(self, machine: str) -> set[str]:
        """The jobs that run on a machine, wait for it or are on their way to it."""
        listed = self._document.jobs.values()
        return {job.id for job in listed if not job.over and machine in job.machines}

    async def end_on(self, machine: str) -> None:
        """Stop the jobs of one machine, those that wait for it first, as far as they can be."""
        for job_id in self.on(machine):
            if self._document.jobs[job_id].state == JobState.QUEUED:
                self._end(job_id, JobState.STOPPED)
        listed = self._document.jobs
        there = [id for id in self.on(machine) if machine in listed[id].machine.split(",")]
        await asyncio.gather(*(self._stop_if_possible(job_id) for job_id in there))

    # -- the queue ----------------------------------------------------------------------------

    async def equip(self, machine: str, *, wanted: bool = False) -> int:
        """Learn how many GPUs a machine has, and how many jobs it takes; see Sites.at."""
        facts = await self._sites.facts(machine, wanted=wanted)
        self._slots.equip(machine, len(facts.gpus), facts.max_jobs)
        return len(facts.gpus)

    async def _equip_patiently(self, machine: str) -> None:
        while True:
            try:
                await self.equip(machine)
                break
            except StudioError as problem:
                log.warning("jobs wait for %s: %s", machine, problem)
                await asyncio.sleep(RETRY_SECONDS)
        self.admit()

    def admit(self) -> None:
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
        self.admit()

    # -- calls --------------------------------------------------------------------------------

    async def _run(self, params: Params) -> Result:
        named = params.text("machine", "", 4096) or self._sites.here
        machines = tuple(name.strip() for name in named.split(","))
        given = {key: value for key, value in params.values.items() if key != "machine"}
        spec = JobSpec.from_params({"nodes": len(machines)} | given)
        check_machines(machines, spec.nodes)
        budget = self.budgets.given(spec, machines)
        claim = Claim.of(spec, machines)
        for machine in machines:
            claim.check(machine, await self.equip(machine, wanted=True))
        spec = await served(spec, machines[0], self._sites, self._document)
        secrets = {name: await asyncio.to_thread(secret, name) for name in spec.secrets}
        loan = await lend(spec.data, spec.max_runtime)
        spec = replace(spec, env={**loan.env, **spec.env})
        order = Order(spec, machines, self._clock(), {**loan.secrets, **secrets})
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
            budget=budget,
            budget_alarm=None if budget is None else spec.budget_alarm,
            port=spec.port,
            health="" if spec.port is None else spec.health,
        )
        self._document.jobs.put(entry)
        try:
            await self._start_or_queue(job_id, claim)
        except StudioError:
            self._document.jobs.remove(job_id)
            self._orders.forget(job_id)
            self._release(job_id)
            self._session.leave(self._room(job_id))
            raise
        self.ledger.note(job_id, *loan.notes)
        return self._document.jobs[job_id].plain()

    async def _start_or_queue(self, job_id: str, claim: Claim) -> None:
        self._slots.ask(job_id, claim)
        placement = self._slots.admit().get(job_id)
        if placement is not None:
            await self._start(job_id, placement)
            return
        self._session.room(self._room(job_id))
        self.ledger.change(job_id, notes=[self._slots.waits_for(job_id)])
        await self.crew(job_id).check()

    async def _start(self, job_id: str, placement: Placement) -> None:
        """Start a job that holds its GPUs; see Supervisor.start."""
        self.ledger.change(
            job_id, state=JobState.STARTING.value, notes=self._trained_on(job_id),
            started=self._clock(),
            gpus={machine: list(gpus) for machine, gpus in placement.items() if gpus},
        )  # fmt: skip
        await self._start_crew(job_id, placement)
        self._watch(job_id, 0)

    def _trained_on(self, job_id: str) -> list[str]:
        return [note for note in self._document.jobs[job_id].notes if note.startswith(NOTE)]

    async def _start_crew(self, job_id: str, placement: Placement, resume: str = "") -> None:
        """See Crew.start; a job that was stopped meanwhile does not go on."""
        crew = self.crew(job_id)
        limit = self.budgets.limit(self._document.jobs[job_id], self._order(job_id))
        with self.starting(job_id) as unwanted:
            statuses = await crew.start(placement, limit, resume)
            if unwanted():
                await crew.stop()
        for status in statuses:
            self.ledger.update(job_id, status)

    @contextlib.contextmanager
    def starting(self, job_id: str) -> Iterator[Callable[[], bool]]:
        """A job is being started; gives what tells whether it was stopped meanwhile."""
        self._starting.add(job_id)
        try:
            yield lambda: job_id in self._unwanted
        finally:
            self._starting.discard(job_id)
            self._unwanted.discard(job_id)

    def _order(self, job_id: str) -> Order:
        """What was asked for; of a job of which that is known no more, what its entry tells."""
        order = self._orders.find(job_id)
        if order is None:
            entry = self._document.jobs[job_id]
            return Order(JobSpec(command=(entry.command or "?",)), (entry.machine,))
        return order

    def crew(self, job_id: str) -> Crew:
        """What runs of a job, or ran last."""
        return Crew(job_id, self._order(job_id), self._sites)

    async def _stop(self, params: Params) -> Result:
        await self._stop_job(self.known(params))
        return {}

    async def _stop_if_possible(self, job_id: str) -> None:
        with contextlib.suppress(StudioError):
            await self._stop_job(job_id)

    async def _stop_job(self, job_id: str) -> None:
        """Stop a job; raises StudioError when none of its machines can be told."""
        if self._document.jobs[job_id].state == JobState.QUEUED:
            self._end(job_id, JobState.STOPPED)
            return
        if job_id in self._starting:
            self._unwanted.add(job_id)
        crew = self.crew(job_id)
        problems = await crew.stop()
        if len(problems) == len(crew.members) and job_id not in self._unwanted:
            raise problems[0]
        watched = self._watched.get(job_id)
        if watched is not None:
            # The follower tells of the end; a machine that is slow to does not hold the caller up.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(END_SECONDS):
                    await watched.over.wait()

    async def _remove(self, params: Params) -> Result:
        job_id = self.known(params)
        if job_id in self._starting:
            raise StudioError(f"job {job_id} is still starting", "stop it first")
        if self._document.jobs[job_id].state == JobState.QUEUED:
            raise StudioError(f"job {job_id} is still queued", "stop it first")
        await self.crew(job_id).remove()
        self._watched.pop(job_id, None)
        self._records.forget(job_id)
        self._orders.forget(job_id)
        self._document.jobs.remove(job_id)
        for pin in [pin for pin in self._document.pins.values() if pin.job == job_id]:
            self._document.pins.remove(pin.id)
        return {}

    async def _log(self, params: Params) -> Result:
        job_id = self.known(params)
        offset = params.number("offset", 0, 1 << 53, 0)
        length = params.number("length", 0, READ_CAP, READ_CAP)
        offset = max(offset, self._records.start(job_id))
        data, size = await self._records.log(self._document.jobs[job_id], offset, length)
        return {"data": base64.b64encode(data).decode(), "offset": offset, "size": size}

    async def _find(self, params: Params) -> Result:
        """Where the next line with some text starts."""
        job_id, text = self.known(params), params.text("text", cap=QUERY_CAP)
        offset, back = params.number("offset", 0, 1 << 53, 0), params.values.get("back") is True
        entry = self._document.jobs[job_id]
        return {"offset": await self._records.find(entry, text, offset, back=back)}

    async def _metrics(self, params: Params) -> Result:
        job_id = self.known(params)
        watched = self._watched.get(job_id)
        if watched is not None:
            return plain(watched.metrics)
        return await self._records.metrics(self._document.jobs[job_id])

    async def _ranks(self, params: Params) -> Result:
        """The ranks of a job that runs; none of one that does not."""
        watched = self._watched.get(self.known(params))
        return {"ranks": watched.ranks.told(self._clock()) if watched else []}

    def known(self, params: Params) -> str:
        """The id of the job that a call is about; raises NotFound when there is none."""
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
        order, room = self._order(job_id), self._room(job_id)

        def tail(stream: str) -> Tail:
            return Tail(lambda seq, data: self._session.stream(room, stream, seq, data))

        async def supervisor(machine: str) -> Supervisor:
            return (await self._sites.at(machine)).supervisor

        following = Following(
            order.members(job_id, order.attempt),
            supervisor,
            order.hidden,
            {stream: tail(stream) for stream in ("log", "metrics")},
            self._records.merged(job_id),
        )
        following.on_status = lambda status: self.ledger.update(job_id, status)
        # A value that the script fixes itself is told, so that nobody wonders about an option.
        following.on_rows = lambda: self.ledger.learn(job_id, following.metrics, order.spec)
        self._watched[job_id] = following
        return following

    async def _follow(self, job_id: str, following: Following, log_offset: int | None) -> None:
        while True:
            ends = await following.run(log_offset)
            end = decisive(ends)
            if await self._moves.land(job_id, end):
                following, log_offset = self._following(job_id), None
                continue
            if not await self._again(job_id, end):
                break
            metrics, following = following.metrics, self._following(job_id)
            following.metrics, log_offset = metrics, 0
            metrics.mark(AGAIN)
        await self._tell_end(job_id, end, ends)
        if self._watched.pop(job_id, None) is not None:
            self._records.keep(job_id, following.metrics)
        following.close()
        self._release(job_id)
        self._session.leave(self._room(job_id))

    async def _again(self, job_id: str, end: End) -> bool:
        """Run a job on several machines again, if it failed and may be; on one its machine does."""
        order, entry = self._orders.find(job_id), self._document.jobs.get(job_id)
        if order is None or entry is None or len(order.machines) == 1 or not end.failed:
            return False
        merged = self._records.merged(job_id)
        moved = merged is not None and not order.moved and merged.says(PORT_TAKEN)
        if not moved and order.attempt - order.moved >= order.spec.retries:
            return False
        try:
            resume = "" if moved else await self.crew(job_id).checkpoint()
            next_one = replace(order, attempt=order.attempt + 1, moved=order.moved or moved)
            self._orders.keep(job_id, next_one)
            why = "its port was taken" if moved else end.words
            begins = f", from {resume}" if resume else ""
            self.ledger.note(job_id, f"run again: {why}{begins}")
            await self._start_crew(job_id, _placement(entry), resume)
        except StudioError as problem:
            self._orders.keep(job_id, order)
            self.ledger.change(job_id, notes=entry.notes)
            self.ledger.note(job_id, f"not run again: {problem.message}")
            return False
        return True

    async def _tell_end(self, job_id: str, end: End, ends: Sequence[End]) -> None:
        entry = self._document.jobs.get(job_id)
        if entry is None:
            return
        notes = [*await self.budgets.reason(entry, end), *(e.note for e in ends if e.note)]
        if len(ends) > 1 and end.failed:
            notes.insert(0, end.words)
        self.ledger.note(job_id, *notes)
        if end.status is None:
            self._end(job_id, end.state)
        else:
            ended = [e.status.ended for e in ends if e.status and e.status.ended]
            status = replace(end.status, ended=max(ended, default=None))
            self.ledger.update(job_id, status, last=True)

    def _lose(self, job_id: str, problem: StudioError) -> None:
        self._end(job_id, JobState.LOST, problem.message)

    def _end(self, job_id: str, state: JobState, *notes: str) -> None:
        """A job is over whose end is in no file of a machine."""
        self.ledger.end(job_id, state, *notes)
        self._release(job_id)
        self._session.leave(self._room(job_id))

    def _room(self, job_id: str) -> str:
        return f"{self._studio}/job/{job_id}"


def _placement(entry: JobEntry) -> Placement:
    """The GPUs of a job that runs, as its entry has them."""
    read = {m: [g for g in gpus if isinstance(g, int)] for m, gpus in entry.gpus.items() if gpus}
    return {machine: tuple(read.get(machine, ())) for machine in entry.machine.split(",")}
