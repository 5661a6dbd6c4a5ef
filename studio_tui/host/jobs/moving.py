"""Takes a running job to another machine: held at a checkpoint, carried, gone on with there.

Until it is held and all of it is on the other machine, nothing has happened that training would
notice: whatever goes wrong, it is let go. From then on what is to be done is written down before it
is done, so that a host that dies in between is followed by one that ends it: the job ends where it
was, surely, before it begins where it will be, under a name that was never given before.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from studio_tui.document.entries import JobEntry, JobMove
from studio_tui.errors import StudioError, UsageFault
from studio_tui.host.calls import Method, Params, Result, command
from studio_tui.host.jobs.crew import Crew
from studio_tui.host.jobs.following import Member
from studio_tui.host.jobs.itinerary import Itinerary, under_way, words
from studio_tui.host.jobs.landing import Landing
from studio_tui.host.jobs.orders import Moving, Order, Orders
from studio_tui.host.machines.sites import Site, Sites
from studio_tui.host.switching.arrival import place, prepare, to_look_at
from studio_tui.jobs.launch import Hold, JobState
from studio_tui.jobs.slots import Claim, Placement, Slots
from studio_tui.jobs.spec import canonical_precision
from studio_tui.machines.carry.carrier import carry
from studio_tui.machines.carry.tree import Place

if TYPE_CHECKING:
    from studio_tui.document.studio import StudioDocument
    from studio_tui.host.jobs.jobs import Jobs

log = logging.getLogger(__name__)

ASK_SECONDS = 0.5
RENEW_SECONDS = 10.0
DEAF_SECONDS = 10.0
"""So long a job may take to say that it can be asked for a checkpoint."""
SAVE_SECONDS = 900.0
"""So long it may take to its next step, or to the script's next save."""


@dataclass(frozen=True)
class _Trip:
    """One way of one job."""

    job: str
    member: Member
    order: Order
    source: Site
    target: Site
    restart: bool

    @property
    def name(self) -> str:
        """What the job is called on the target."""
        return f"{self.job}-m{self.order.leg + 1}"

    @property
    def parcel(self) -> Place:
        """Where what the job has written comes to on the target."""
        folder = f"{self.target.supervisor.folder}/.parcel.{self.name}"
        return Place(self.target.machine.id, self.target.connection, folder)


class Moves:
    """The ways of one studio's jobs from machine to machine.

    Args:
        jobs: of the studio.
        sites, document, orders, slots, tasks, clock: theirs.
    """

    def __init__(
        self,
        jobs: Jobs,
        sites: Sites,
        document: StudioDocument,
        orders: Orders,
        slots: Slots,
        tasks: asyncio.TaskGroup,
        clock: Callable[[], float],
    ) -> None:
        self._jobs = jobs
        self._sites = sites
        self._document = document
        self._orders = orders
        self._slots = slots
        self._tasks = tasks
        self._clock = clock
        self._itinerary = Itinerary(document, jobs.ledger)
        self._landing = Landing(jobs, sites, document, orders, slots, tasks, clock, self._itinerary)
        self.land = self._landing.land
        self._going: dict[str, asyncio.Task[None]] = {}

    def calls(self) -> list[Method]:
        """What can be asked of it."""
        return [command("jobs.move", self._move), command("jobs.stay", self._stay)]

    def resume(self, entry: JobEntry) -> None:
        """Take up what an earlier host left half done: to its end, or not at all."""
        move, order = under_way(entry), self._orders.find(entry.id)
        if order is not None and order.moving is not None:
            leaving = self._landing.leave(entry.id, order)
            self._tasks.create_task(leaving, name=f"{entry.id} leaves {entry.machine}")
        elif move is not None:
            stays = f"the host ended on the way; it stays on {move.source}"
            self._itinerary.tell(entry.id, move, "failed", stays)
            member = self._jobs.crew(entry.id).members[0]
            self._tasks.create_task(self._let_go(member), name=f"{entry.id} stays")

    # -- calls --------------------------------------------------------------------------------

    async def _move(self, params: Params) -> Result:
        job_id, machine = self._jobs.known(params), params.text("machine", cap=64)
        precision = canonical_precision(params.text("precision", "", 64))
        entry, order = self._document.jobs[job_id], self._orders.find(job_id)
        self._sites.find(machine)
        going = job_id in self._going or (order is not None and order.moving is not None)
        if going or entry.state != JobState.RUNNING:
            what = "is on its way already" if going else f"is {entry.state}"
            raise StudioError(f"job {job_id} {what}", "only a job that runs can be moved")
        if order is None or len(order.machines) > 1:
            raise UsageFault(
                f"job {job_id} runs on several machines, and cannot be moved",
                "stop it, and run it on others; --retries makes it go on from its checkpoint",
            )
        if machine == entry.machine:
            raise UsageFault(f"job {job_id} runs on {machine} already", "choose another machine")
        asked = self._clock()
        move = JobMove(
            entry.machine, machine, params.sender.name, asked, precision=precision or None
        )
        self._itinerary.put(job_id, move)
        move_it = self._go(job_id, order, move, params.values.get("restart") is True)
        self._going[job_id] = self._tasks.create_task(move_it, name=f"moving {job_id}")
        return {"asked": asked}

    async def _stay(self, params: Params) -> Result:
        """Leave a job where it is that is about to be moved."""
        job_id = self._jobs.known(params)
        task, order = self._going.get(job_id), self._orders.find(job_id)
        if task is None or (order is not None and order.moving is not None):
            raise StudioError(f"job {job_id} is not about to move", "it may have moved already")
        task.cancel()
        await asyncio.wait((task,))
        return {}

    # -- until it is left ---------------------------------------------------------------------

    async def _go(self, job_id: str, order: Order, move: JobMove, restart: bool) -> None:
        trip: _Trip | None = None
        try:
            source = await self._sites.at(move.source, wanted=True)
            await self._sites.start(move.target, lambda words: log.info("%s: %s", job_id, words))
            target = await self._sites.at(move.target, wanted=True)
            member = self._jobs.crew(job_id).members[0]
            trip = _Trip(job_id, member, order, source, target, restart)
            await self._leave(trip, move)
        except asyncio.CancelledError:
            await self._give_up(job_id, trip, "cancelled", "")
            raise
        except (StudioError, OSError) as problem:
            await self._give_up(job_id, trip, "failed", words(problem))
        finally:
            self._going.pop(job_id, None)

    async def _give_up(self, job_id: str, trip: _Trip | None, phase: str, why: str) -> None:
        """Nothing has happened yet: the job goes on where it is."""
        order = self._orders.find(job_id)
        if order is not None and order.moving is not None:
            return  # it has: the next host ends it
        if trip is not None:
            self._slots.release(trip.name)
            self._jobs.admit()
            parcel = trip.parcel
            with contextlib.suppress(TimeoutError, StudioError):
                async with asyncio.timeout(RENEW_SECONDS):
                    await self._let_go(trip.member)
                    await parcel.connection.run(["rm", "-rf", "--", parcel.folder])
        entry = self._document.jobs.get(job_id)
        if entry is not None and (move := under_way(entry)) is not None:
            self._itinerary.tell(job_id, move, phase, why)

    async def _let_go(self, member: Member) -> None:
        with contextlib.suppress(StudioError):  # by itself it does after a minute
            await (await self._sites.at(member.machine)).supervisor.release(member.id)

    async def _leave(self, trip: _Trip, move: JobMove) -> None:
        """All that can be done before the job is stopped; then that it is to be, and the stop."""
        spec = trip.order.spec
        claim = Claim.of(spec, (move.target,))
        claim.check(move.target, await self._jobs.equip(move.target, wanted=True))
        placement = self._slots.reserve(trip.name, claim)
        if placement is None:
            raise StudioError(
                f"{move.target} has no room for it now", "wait for the jobs there, see: job ls"
            )
        outcomes = [await carry(place(trip.source), place(trip.target))]
        say = functools.partial(log.info, "%s: %s", trip.job)
        different = await prepare(trip.source, trip.target, say)
        there = replace(trip.order, machines=(move.target,), leg=trip.order.leg + 1)
        await Crew(trip.job, there, self._sites).check()
        held = await self._hold(trip, self._itinerary.tell(trip.job, move, "saving"))
        move = replace(move, step=held.step if held.who == "trainer" else None)
        move = self._itinerary.tell(trip.job, move, "carrying")
        async with self._renewed(trip, held):
            moving = await self._pack(trip, move, held, placement)
            outcomes.append(await carry(place(trip.source), place(trip.target)))
            self._jobs.ledger.note(trip.job, *to_look_at(outcomes), *different)
            await self._still(trip, held)
            order = replace(trip.order, moving=moving)
            self._orders.keep(trip.job, order)
            self._itinerary.tell(trip.job, move, "leaving")
            await self._landing.leave(trip.job, order)

    async def _hold(self, trip: _Trip, move: JobMove) -> Hold:
        """The job, waiting at a checkpoint; or as it is, when it is to begin anew."""
        supervisor, began = trip.source.supervisor, asyncio.get_running_loop().time()
        while True:
            hold = await supervisor.hold(trip.member.id)
            waited = asyncio.get_running_loop().time() - began
            if hold.status.state.ended:
                raise StudioError("it ended before it was moved", "")
            if hold.checkpoint:
                return hold
            if hold.problem:
                raise StudioError(f"it could save no checkpoint: {hold.problem}", "see its log")
            if not hold.who and (trip.restart or waited > DEAF_SECONDS):
                if trip.restart:
                    await self._let_go(trip.member)
                    listed = await self._jobs.crew(trip.job).newest(trip.member)
                    return replace(hold, checkpoint=listed)
                raise StudioError(
                    f"{trip.order.spec.argv[0]} cannot be asked for a checkpoint: it does not "
                    "train with Lightning, or not yet",
                    f"--restart begins it anew on {move.target}, or from what it has listed in "
                    "$STUDIO_CHECKPOINTS; the rest of what it did is lost",
                )
            if waited > SAVE_SECONDS:
                which = "fabric.save" if hold.who == "fabric" else "the end of a step"
                raise StudioError(f"it did not come to {which} in {waited:.0f} s", "try it later")
            await asyncio.sleep(ASK_SECONDS)

    @contextlib.asynccontextmanager
    async def _renewed(self, trip: _Trip, held: Hold) -> AsyncIterator[None]:
        """Has the job wait for as long as the block runs."""

        async def renew() -> None:
            while held.who:
                await asyncio.sleep(RENEW_SECONDS)
                with contextlib.suppress(StudioError):
                    await trip.source.supervisor.hold(trip.member.id)

        renewing = asyncio.create_task(renew())
        try:
            yield
        finally:
            renewing.cancel()
            await asyncio.wait((renewing,))

    async def _pack(self, trip: _Trip, move: JobMove, held: Hold, placement: Placement) -> Moving:
        """What the job has written, brought to the target."""
        folder, name = await trip.source.supervisor.pack(trip.member.id, held.checkpoint)
        parcel = trip.parcel
        await carry(Place(trip.source.machine.id, trip.source.connection, folder), parcel)
        # What it still writes comes when it has ended.
        there = trip.target.connection
        if name and not (await there.run(["test", "-e", f"{parcel.folder}/{name}"])).ok:
            raise StudioError(
                f"the checkpoint did not come to {move.target}",
                f"is {folder} in a git repository that ignores it?",
            )
        return Moving(
            target=move.target,
            leg=trip.order.leg + 1,
            precision=move.precision or "",
            gpus=placement[move.target],
            source_parcel=folder,
            parcel=parcel.folder,
            checkpoint=name,
            step=move.step,
        )

    async def _still(self, trip: _Trip, held: Hold) -> None:
        """Raises StudioError when the job went on meanwhile, because nobody asked it in time."""
        if not held.who:
            return
        now = await trip.source.supervisor.hold(trip.member.id)
        if (now.step, now.checkpoint) != (held.step, held.checkpoint) or now.status.state.ended:
            raise StudioError("it did not wait while it was carried", "move it again")
