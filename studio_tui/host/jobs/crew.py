"""One job on its machines: what runs on each is planned, checked, started and stopped together."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import posixpath
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from studio_tui.errors import StudioError, UsageFault
from studio_tui.host.jobs.following import Member
from studio_tui.host.jobs.orders import Order
from studio_tui.host.machines.sites import Site, Sites
from studio_tui.jobs.launch import JobStatus, Supervisor
from studio_tui.jobs.mask import Mask, MaskedStream
from studio_tui.jobs.meeting import Post, ask, posts
from studio_tui.jobs.metrics import Metrics
from studio_tui.jobs.plan import JobPlan, plan
from studio_tui.machines.carry.carrier import carry
from studio_tui.machines.carry.tree import Place
from studio_tui.machines.connection import ConnectionLost

log = logging.getLogger(__name__)

READ_CAP = 256 * 1024


class Crew:
    """The members of one job: one, or a node on each of several machines.

    Args:
        job_id: the job's id.
        order: what was asked for; says which attempt it is.
        sites: the studio's machines.
    """

    def __init__(self, job_id: str, order: Order, sites: Sites) -> None:
        self._job_id = job_id
        self._order = order
        self._sites = sites

    @property
    def members(self) -> list[Member]:
        """What runs, or ran last, on which machine."""
        return self._order.members(self._job_id, self._order.attempt)

    @property
    def former(self) -> list[Member]:
        """Those of earlier attempts, the first one first."""
        attempts = range(self._order.attempt if len(self._order.machines) > 1 else 0)
        return [m for n in attempts for m in self._order.members(self._job_id, n)]

    async def supervisor(self, member: Member) -> Supervisor:
        """What looks after a member, on the machine where it runs."""
        return (await self._sites.at(member.machine)).supervisor

    # -- starting and stopping ----------------------------------------------------------------

    async def check(self) -> None:
        """Look on every machine whether the job can run there at all; see Supervisor.check."""
        await self._check(await self._plans({}))

    async def start(
        self,
        placement: Mapping[str, Sequence[int]],
        limit: tuple[int, str] | None = None,
        resume: str = "",
        parcel: tuple[str, str] = ("", ""),
    ) -> list[JobStatus]:
        """Start every member; when one cannot start, none goes on.

        Whether one has started whose machine is gone meanwhile is not known: who follows it finds
        out.

        Args:
            placement: the GPUs on each machine.
            limit: seconds that it may run, and why no longer; see JobPlan.
            resume: a checkpoint to begin with, a path on the first machine.
            parcel: what a job that moved goes on with; see JobPlan.

        Raises:
            StudioError: see Supervisor.start.
        """
        plans = await self._plans(placement, limit, resume, parcel)
        if len(plans) > 1:
            await self._check(plans)
        starts = [(await self.supervisor(m)).start(planned) for m, planned in plans.items()]
        done = await asyncio.gather(*starts, return_exceptions=True)
        problems = [problem for problem in done if isinstance(problem, BaseException)]
        for problem in problems:
            if not isinstance(problem, ConnectionLost):
                await self.stop()
                raise problem
            log.warning("job %s: %s", self._job_id, problem)
        return [status for status in done if isinstance(status, JobStatus)]

    async def stop(self, why: str = "") -> list[StudioError]:
        """Stop every member; returns what went wrong with some.

        Args:
            why: where nobody asked for it: then it is stopped at a checkpoint, if it can be.
        """
        stops = [self._stop(member, why) for member in self.members]
        done = await asyncio.gather(*stops, return_exceptions=True)
        return [problem for problem in done if isinstance(problem, StudioError)]

    async def _stop(self, member: Member, why: str) -> None:
        supervisor = await self.supervisor(member)
        await (supervisor.finish(member.id, why=why) if why else supervisor.stop(member.id))

    async def remove(self) -> None:
        """Forget every member of every attempt. Raises StudioError while one runs.

        What the job has left behind where it moved away is forgotten as far as it can be reached.
        """
        for member in [*self.former, *self.members]:
            await (await self.supervisor(member)).remove(member.id)
        for machine, id in self._order.left:
            with contextlib.suppress(StudioError):
                await (await self.supervisor(Member(machine, id))).remove(id)

    async def _check(self, plans: Mapping[Member, JobPlan]) -> None:
        for member, planned in plans.items():
            try:
                await (await self.supervisor(member)).check(planned)
            except StudioError as problem:
                if len(plans) == 1 or isinstance(problem, ConnectionLost):
                    raise
                raise type(problem)(f"{member.machine}: {problem.message}", problem.hint) from None

    async def _plans(
        self,
        placement: Mapping[str, Sequence[int]],
        limit: tuple[int, str] | None = None,
        resume: str = "",
        parcel: tuple[str, str] = ("", ""),
    ) -> dict[Member, JobPlan]:
        """What each member runs; see start."""
        order = self._order
        sites = [await self._sites.at(name) for name in order.machines]
        spec = order.spec
        met: list[Post | None] = [None]
        if len(sites) > 1:
            spec = replace(spec, retries=0)  # all are run again together, by the host
            asked = [ask(s.machine.id, s.connection, s.python, s.payload) for s in sites]
            met = [*posts(await asyncio.gather(*asked))]
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
                limit=limit,
                parcel=parcel,
            )
            for member, site, post in zip(self.members, sites, met, strict=True)
        }

    # -- what it has written ------------------------------------------------------------------

    async def read_metrics(self, metrics: Metrics, members: Sequence[Member]) -> None:
        """Feed `metrics` with what these members have written so far.

        Raises:
            NotFound: a machine knows nothing of its member, or cannot be reached.
        """
        for member in members:
            supervisor, offset = await self.supervisor(member), 0
            masked = MaskedStream(Mask(self._order.hidden, rows=True))
            while True:
                piece = await supervisor.read(member.id, "metrics", offset, READ_CAP)
                metrics.feed(masked.feed(offset, piece.data)[1])
                offset += len(piece.data)
                if offset >= piece.size or not piece.data:
                    break
            metrics.feed(masked.rest()[1])

    async def checkpoint(self) -> str:
        """The newest checkpoint that is still there, brought to every machine; "" without one.

        Returns:
            its path on the first machine.
        """
        sites = [await self._sites.at(member.machine) for member in self.members]
        for member, site in zip(self.members, sites, strict=True):
            if path := await self.newest(member):
                for other in sites:
                    await _bring(path, site, other)
                return _there(path, site, sites[0])
        return ""

    async def newest(self, member: Member) -> str:
        """The newest checkpoint that a member has listed and that is still there; "" without."""
        supervisor = await self.supervisor(member)
        listed = await supervisor.read(member.id, "checkpoints", 0, READ_CAP)
        for path in reversed(listed.data.decode("utf-8", "surrogateescape").splitlines()):
            if (await supervisor.connection.run(["test", "-e", path])).ok:
                return path
        return ""


def check_machines(machines: Sequence[str], nodes: int) -> None:
    """Raises UsageFault unless there is one machine for each node."""
    for number, machine in enumerate(machines):
        if machine in machines[:number]:
            raise UsageFault(f"{machine} is named twice", "a job has one node on each machine")
    if nodes != len(machines):
        what = f"{len(machines)} machine{'s' * (len(machines) > 1)} for {nodes} node"
        raise UsageFault(
            f"{what}{'s' * (nodes > 1)}: {', '.join(machines)}",
            "name one machine for each node: -m box1,box2 --nodes 2",
        )


def _there(path: str, source: Site, target: Site) -> str:
    """The path on another machine of a file that may be in the studio's folder."""
    inside = path.startswith(f"{source.folder}/")
    return target.folder + path.removeprefix(source.folder) if inside else path


async def _bring(path: str, source: Site, target: Site) -> None:
    wanted = _there(path, source, target)
    if (await target.connection.run(["test", "-e", wanted])).ok:
        return
    if (await source.connection.run(["test", "-d", path])).ok:  # a sharded one
        here, there = source.machine.id, target.machine.id
        await carry(Place(here, source.connection, path), Place(there, target.connection, wanted))
        return
    with tempfile.TemporaryDirectory() as folder:
        between = Path(folder) / "checkpoint"
        await source.connection.get(path, between)
        (await target.connection.run(["mkdir", "-p", posixpath.dirname(wanted)])).check()
        await target.connection.put(between, wanted)
