"""A job that has not ended: what its members write is told, and how each of them ends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from studio_tui.errors import NotFound, StudioError
from studio_tui.host.jobs.mergedlog import MergedLog
from studio_tui.host.jobs.tail import Tail
from studio_tui.jobs.launch import JobState, JobStatus, Supervisor
from studio_tui.jobs.mask import Mask, MaskedStream
from studio_tui.jobs.metrics import Metrics
from studio_tui.jobs.ranks import RankBoard
from studio_tui.jobs.watch import Event, Follower, LogChunk, MetricRows, StateChange
from studio_tui.machines.connection import ConnectionLost

log = logging.getLogger(__name__)

RETRY_SECONDS = 2.0
GIVE_UP_SECONDS = 30.0
"""So long after a member failed, one whose machine does not answer is waited for."""
LAST_WORDS_SECONDS = 10.0
"""So long the others may go on that end by themselves for the same reason: one of them says why."""
PEER = "peer"
"""Why a member is stopped when another one has failed."""


@dataclass(frozen=True)
class Member:
    """What of a job runs on one machine: all of it, or one node of several."""

    machine: str
    id: str


@dataclass(frozen=True)
class End:
    """How a member ended; `status` is None when that is in no file of its machine."""

    member: Member
    state: JobState
    status: JobStatus | None
    note: str = ""

    @property
    def own(self) -> bool:
        """Whether it ended by itself or was asked to, and not because another one had failed."""
        return self.status is None or self.status.reason != PEER

    @property
    def failed(self) -> bool:
        """Whether it ended badly, and not because somebody asked."""
        return self.state in (JobState.FAILED, JobState.LOST)

    @property
    def words(self) -> str:
        """How the first member that failed ended, for people."""
        code = self.status.exit_code if self.status else None
        how = "was lost" if code is None else f"ended with {code}"
        return f"{self.member.machine} {how} first"


def decisive(ends: Sequence[End]) -> End:
    """The end that is the job's: the first that was bad by itself."""
    bad = [end for end in ends if end.state is not JobState.SUCCEEDED]
    return next((end for end in bad if end.own), (bad or [*ends])[0])


class Following:
    """Follows every member of a job until all have ended; the first that fails ends the others.

    Args:
        members: one, or a node each.
        supervisor: finds what looks after jobs on a machine; raises as `Sites.at`.
        hidden: values to cover.
        tails: where the log and the metrics are told.
        merged: the one log of several members; None for a single one, whose log it is.
    """

    def __init__(
        self,
        members: Sequence[Member],
        supervisor: Callable[[str], Awaitable[Supervisor]],
        hidden: Iterable[str],
        tails: dict[str, Tail],
        merged: MergedLog | None,
    ) -> None:
        self.members = members
        self.metrics = Metrics()
        self.ranks = RankBoard()
        self.over = asyncio.Event()
        self.on_status: Callable[[JobStatus], None] = lambda status: None
        self.on_rows: Callable[[], None] = lambda: None
        values = list(hidden)
        self._supervisor = supervisor
        self._mask = Mask(values)
        self._rows = Mask(values, rows=True)
        self._log = MaskedStream(self._mask)
        self._tails = tails
        self._merged = merged

    async def run(self, log_offset: int | None) -> list[End]:
        """How the members ended, in that order.

        Args:
            log_offset: bytes of a single member's log that are known; None for all there are now.
        """
        self._begin()
        ends: list[End] = []
        tasks = {asyncio.create_task(self._follow(m, log_offset)): m for m in self.members}
        waiting, patience = set(tasks), None
        try:
            while waiting:
                done, waiting = await asyncio.wait(
                    waiting, timeout=patience, return_when=asyncio.FIRST_COMPLETED
                )
                if not done:
                    break
                ends += [task.result() for task in done]
                if patience is None and any(e.state is not JobState.SUCCEEDED for e in ends):
                    patience = GIVE_UP_SECONDS
                    if waiting:
                        done, waiting = await asyncio.wait(waiting, timeout=LAST_WORDS_SECONDS)
                        ends += [task.result() for task in done]
                    await self.stop([tasks[task] for task in waiting], PEER)
            ends += [_unreachable(tasks[task]) for task in waiting]
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        self._tails["log"].grew(*self._log.rest())
        return ends

    async def stop(self, members: Sequence[Member], why: str = "") -> None:
        """Stop some of the members, as far as their machines can be reached."""

        async def stop(member: Member) -> None:
            with contextlib.suppress(StudioError, TimeoutError):
                async with asyncio.timeout(GIVE_UP_SECONDS):
                    await (await self._supervisor(member.machine)).stop(member.id, why=why)

        await asyncio.gather(*(stop(member) for member in members))

    def close(self) -> None:
        """Tell nothing more."""
        self.over.set()
        for tail in self._tails.values():
            tail.close()

    def _begin(self) -> None:
        if self._merged is not None:
            # What came just before may be the beginning of a secret.
            start = max(0, self._merged.size - self._mask.reach)
            self._log.feed(start, self._merged.read(start, self._mask.reach))

    async def _follow(self, member: Member, log_offset: int | None) -> End:
        """Until its end is known; whatever goes wrong on the way is tried again."""
        follower: Follower | None = None
        while True:
            try:
                follower = follower or await self._follower(member, log_offset)
                async with aclosing(follower.events()) as events:
                    async for event in events:
                        self._take(member, event)
                        if isinstance(event, StateChange):
                            status = await self._status(member)
                            if event.state.ended:
                                return self._ended(member, status)
                            self.on_status(status)
            except StudioError as problem:
                if isinstance(problem, NotFound) and not isinstance(problem, ConnectionLost):
                    return End(member, JobState.LOST, None, problem.message)
                log.warning("job %s: %s", member.id, problem)
            await asyncio.sleep(RETRY_SECONDS)

    async def _follower(self, member: Member, log_offset: int | None) -> Follower:
        try:
            supervisor = await self._supervisor(member.machine)
        except NotFound as problem:
            # A machine that is in no catalogue now may be added again: the job is not lost.
            raise ConnectionLost(problem.message, problem.hint) from problem
        if self._merged is not None:
            log_offset = self._merged.offsets.get(member.id, 0)
        elif log_offset is None:
            status = await supervisor.status(member.id)
            self.on_status(status)
            # What came just before may be the beginning of a secret.
            log_offset = max(0, status.log_size - self._mask.reach)
        return Follower(supervisor, member.id, log_offset=log_offset)

    async def _status(self, member: Member) -> JobStatus:
        return await (await self._supervisor(member.machine)).status(member.id)

    def _take(self, member: Member, event: Event) -> None:
        match event:
            case LogChunk(offset, data):
                if self._merged is not None:
                    offset, data = self._merged.add(member.id, offset, data, member.machine)
                self._tails["log"].grew(*self._log.feed(offset, data))
            case MetricRows(offset, data):
                rows = self._rows.cover(data)
                self._tails["metrics"].grew(offset, rows)
                self.metrics.feed(rows)
                self.ranks.feed(rows, member.machine)
                self.on_rows()

    def _ended(self, member: Member, status: JobStatus) -> End:
        if self._merged is not None:
            self._tails["log"].grew(*self._log.feed(*self._merged.rest(member.id, member.machine)))
        return End(member, status.state, status)


def _unreachable(member: Member) -> End:
    note = f"{member.machine} cannot be reached: what runs there may go on"
    return End(member, JobState.LOST, None, note)
