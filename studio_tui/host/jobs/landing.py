"""Has a job go on that was stopped to be moved: on the target, or where it was, never on both.

What was asked of a machine is written down before it is asked. A machine that was told to start a
job, and whose answer was lost, is asked until it answers: nobody else is told before.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from studio_tui.document.entries import JobEntry, JobMove
from studio_tui.errors import NotFound, StudioError
from studio_tui.host.jobs.crew import Crew
from studio_tui.host.jobs.following import End, Member
from studio_tui.host.jobs.itinerary import Itinerary, under_way, words
from studio_tui.host.jobs.orders import Moving, Order, Orders
from studio_tui.host.machines.sites import Sites
from studio_tui.jobs.slots import Slots
from studio_tui.machines.carry.carrier import carry
from studio_tui.machines.carry.tree import Place
from studio_tui.machines.connection import ConnectionLost

if TYPE_CHECKING:
    from studio_tui.document.studio import StudioDocument
    from studio_tui.host.jobs.jobs import Jobs

log = logging.getLogger(__name__)

MOVED = "moved"
"""Why a job that goes on elsewhere was stopped."""
RETRY_SECONDS = 2.0
PATIENCE_SECONDS = 60.0
"""So long a target that is gone, and was told nothing yet, is waited for."""
GRACE = 5.0
"""Seconds that a held job has for its end: what matters is saved."""


class Landing:
    """Where the studio's jobs go on that were left.

    Args:
        jobs: of the studio.
        sites, document, orders, slots, tasks, clock: theirs.
        itinerary: tells everybody.
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
        itinerary: Itinerary,
    ) -> None:
        self._jobs = jobs
        self._sites = sites
        self._document = document
        self._orders = orders
        self._slots = slots
        self._tasks = tasks
        self._clock = clock
        self._itinerary = itinerary

    async def leave(self, job_id: str, order: Order) -> None:
        """Stop what was left, however long it takes to reach it; who follows it does the rest."""
        (member,) = order.members(job_id, order.attempt)
        while True:
            try:
                supervisor = (await self._sites.at(member.machine)).supervisor
                await supervisor.stop(member.id, grace=GRACE, why=MOVED)
            except StudioError as problem:
                log.warning("job %s cannot be told to leave: %s", job_id, problem)
                if isinstance(problem, NotFound) and not isinstance(problem, ConnectionLost):
                    return
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return

    async def land(self, job_id: str, end: End) -> bool:
        """Have a job go on that was left; whether it does."""
        order, entry = self._orders.find(job_id), self._document.jobs.get(job_id)
        if order is None or entry is None or order.moving is None:
            return False
        move = under_way(entry) or JobMove(end.member.machine, order.moving.target)
        if end.status is None or end.status.reason != MOVED:
            self._orders.keep(job_id, replace(order, moving=None))
            self._slots.release(f"{job_id}-m{order.moving.leg}")
            self._itinerary.tell(job_id, move, "failed", "it ended before it was moved")
            return False
        spent = entry.cost_until(end.status.ended or self._clock(), self._document.machines)
        with self._jobs.starting(job_id) as unwanted:
            found = await self._there(job_id, order, end.member, unwanted)
            if (moving := found.moving or order.moving).back:
                found = await self._back(job_id, found, end.member, unwanted)
        if found.moving is not None:
            self._lay_down(job_id, found, move)
            return False
        self._arrive(job_id, found, moving, replace(move, spent=spent))
        return True

    async def _there(
        self, job_id: str, order: Order, member: Member, unwanted: Callable[[], bool]
    ) -> Order:
        """Start a job on the target: the order of what runs there, or of what could not."""
        moving = order.moving
        assert moving is not None
        began = asyncio.get_running_loop().time()
        while not moving.back:
            try:
                if not moving.sent:
                    if unwanted():
                        return order
                    await self._rest(member, moving)
                    moving = replace(moving, sent=True)
                    self._orders.keep(job_id, replace(order, moving=moving))
                return await self._started(job_id, order, moving, member, unwanted)
            except ConnectionLost as problem:
                self._itinerary.warn(job_id, problem)
                if not moving.sent and asyncio.get_running_loop().time() - began > PATIENCE_SECONDS:
                    moving = replace(moving, back=words(problem))
                else:
                    await asyncio.sleep(RETRY_SECONDS)
            except (StudioError, OSError) as problem:
                moving = replace(moving, back=words(problem))
        order = replace(order, moving=moving)
        self._orders.keep(job_id, order)  # before it begins again where it was
        return order

    async def _rest(self, member: Member, moving: Moving) -> None:
        """What the job wrote at its end, to the target."""
        source = await self._sites.at(member.machine, wanted=True)
        target = await self._sites.at(moving.target, wanted=True)
        await carry(
            Place(source.machine.id, source.connection, moving.source_parcel),
            Place(target.machine.id, target.connection, moving.parcel),
        )

    async def _started(
        self,
        job_id: str,
        order: Order,
        moving: Moving,
        member: Member,
        unwanted: Callable[[], bool],
    ) -> Order:
        """Start it on the target.

        Raises:
            ConnectionLost: whether it runs there is not known.
            StudioError: it does not.
        """
        spec = replace(order.spec, precision=moving.precision or order.spec.precision)
        there = replace(
            order, spec=spec, machines=(moving.target,), leg=moving.leg, moving=None,
            left=(*order.left, (member.machine, member.id)),
        )  # fmt: skip
        mark = f"studio: moved from {member.machine} to {moving.target}{_at(moving.step)}"
        try:
            await self._begin(job_id, there, moving, (moving.parcel, mark), unwanted)
        except ConnectionLost:
            raise
        except StudioError:
            await self._surely_not(there.members(job_id, 0)[0])
            raise
        return there

    async def _surely_not(self, member: Member) -> None:
        try:
            await (await self._sites.at(member.machine)).supervisor.stop(member.id, why=MOVED)
        except ConnectionLost:
            raise
        except NotFound:
            return

    async def _begin(
        self,
        job_id: str,
        order: Order,
        moving: Moving,
        parcel: tuple[str, str],
        unwanted: Callable[[], bool],
    ) -> None:
        (machine,), crew = order.machines, Crew(job_id, order, self._sites)
        supervisor = (await self._sites.at(machine, wanted=True)).supervisor
        name = crew.members[0].id
        resume = f"{supervisor.folder}/{name}/{moving.checkpoint}" if moving.checkpoint else ""
        gpus = moving.gpus if machine == moving.target else _gpus(self._document.jobs[job_id])
        limit = self._jobs.budgets.limit(self._document.jobs[job_id], order)
        if not await crew.start({machine: gpus}, limit, resume, parcel):
            raise ConnectionLost(
                f"{machine} did not say whether {job_id} runs there", "it is asked again"
            )
        if unwanted():
            await crew.stop()

    async def _back(
        self, job_id: str, order: Order, member: Member, unwanted: Callable[[], bool]
    ) -> Order:
        """Start a job again where it was; what it has written is there, too."""
        moving = order.moving
        assert moving is not None
        here = replace(
            order, leg=moving.leg + 1, moving=None, left=(*order.left, (member.machine, member.id))
        )
        mark = f"studio: not moved to {moving.target}: it goes on here{_at(moving.step)}"
        parcel = (moving.source_parcel, mark)
        while not unwanted():
            try:
                await self._begin(job_id, here, moving, parcel, unwanted)
            except ConnectionLost as problem:
                self._itinerary.warn(job_id, problem)
                await asyncio.sleep(RETRY_SECONDS)
            except StudioError as problem:
                failed = replace(moving, back=f"{moving.back}; then: {words(problem)}")
                return replace(order, moving=failed)
            else:
                return here
        return order

    def _arrive(self, job_id: str, order: Order, moving: Moving, move: JobMove) -> None:
        """It runs, there or again here: everybody is told, and what it left is forgotten."""
        self._orders.keep(job_id, order)
        self._slots.release(f"{job_id}-m{moving.leg}")
        if order.machines == (move.target,):
            self._slots.release(job_id)
            self._slots.hold(job_id, {move.target: moving.gpus})
            gpus = {move.target: list(moving.gpus)} if moving.gpus else {}
            self._jobs.ledger.change(
                job_id, machine=move.target, gpus=gpus, precision=order.spec.precision or None
            )
            self._itinerary.tell(
                job_id, replace(move, at=self._clock()), "done", _how(moving, move)
            )
        else:
            self._itinerary.tell(
                job_id, move, "failed", f"{moving.back}; it goes on on {move.source}"
            )
        self._jobs.admit()
        forgetting = self._forget(job_id, order)
        self._tasks.create_task(forgetting, name=f"forgetting what {job_id} left")

    async def _forget(self, job_id: str, order: Order) -> None:
        for machine, member in order.left:
            with contextlib.suppress(StudioError):  # it is tried again when the job is removed
                await (await self._sites.at(machine)).supervisor.remove(member)

    def _lay_down(self, job_id: str, order: Order, move: JobMove) -> None:
        """It goes on nowhere; how a person may have it go on."""
        moving = order.moving
        assert moving is not None
        self._orders.keep(job_id, replace(order, moving=None))
        self._slots.release(f"{job_id}-m{moving.leg}")
        why = moving.back or "it was stopped on the way"
        if moving.checkpoint:
            path = f"{moving.source_parcel}/{moving.checkpoint}"
            why += (
                f"; its checkpoint is on {move.source}, go on there: studio-tui job run … "
                f"-m {move.source} --env STUDIO_RESUME={path} -- {order.spec.line}"
            )
        self._itinerary.tell(job_id, move, "failed", why)


def _gpus(entry: JobEntry) -> tuple[int, ...]:
    held = entry.gpus.get(entry.machine)
    return tuple(gpu for gpu in held if isinstance(gpu, int)) if isinstance(held, list) else ()


def _at(step: int | None) -> str:
    return "" if step is None else f" at step {step}"


def _how(moving: Moving, move: JobMove) -> str:
    """What a move came to, for people."""
    moved = f"moved from {move.source} to {move.target}{_at(moving.step)}"
    if not moving.checkpoint:
        return f"{moved}: it began anew, without a checkpoint"
    if moving.step is None:
        return f"{moved}, from the last checkpoint that it saved; the script loads $STUDIO_RESUME"
    return moved
