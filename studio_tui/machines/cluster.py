"""The allocation that makes a machine of a Slurm cluster, by commands of the login node."""

from __future__ import annotations

import asyncio
import re
import shlex
from typing import TYPE_CHECKING

from studio_tui import payload
from studio_tui.errors import NotFound, StudioError
from studio_tui.machines.allocation import read_job, read_place
from studio_tui.machines.connection import CommandFailed, ConnectionLost
from studio_tui.machines.install import install

if TYPE_CHECKING:
    from collections.abc import Callable

    from studio_tui.machines.allocation import Job, Request
    from studio_tui.machines.connection import Connection

    Progress = Callable[[str], None]

FIRST_LOOK, LONGEST_LOOK = 0.25, 15.0  # seconds between two looks at a job that waits
ENDING, ENDING_LOOK = 20, 0.25  # looks at a job that is about to be over, and seconds between
CONTROLLER = 15.0  # seconds for Slurm's controller to say what became of an allocation
_ALIVE = "PENDING,CONFIGURING,RUNNING,SUSPENDED"  # one that is being cleared away is not
_ASK = "ask for a new one: studio-tui machine start"
_UNKNOWN = b"Invalid job id"


class Forgotten(NotFound):
    """Slurm does not know an allocation any more: it has been over for a while."""


class Cluster:
    """The allocations of one machine of machines.toml, as the login node's commands show them.

    Args:
        login: reaches the login node; its root lies on a file system that the nodes have too.
        name: the machine's name: allocations are found again by it.
        request: what an allocation should have.
    """

    def __init__(self, login: Connection, name: str, request: Request) -> None:
        self.login = login
        self.name = name
        plain = re.sub(r"[^A-Za-z0-9_-]", "_", name)
        self.root = f"{login.root}/slurm/{plain}"
        self._job_name = f"studio-{plain}"
        self._request = request

    async def find(self) -> Job | None:
        """The allocation that there is, the oldest if there are several."""
        argv = ["squeue", "--me", "--noheader", "--sort=i", "--format=%A", f"--states={_ALIVE}"]
        done = await self.login.run([*argv, f"--name={self._job_name}"])
        ids = done.check("asking Slurm for the allocation").stdout.split()
        return await self.look(ids[0].decode()) if ids else None

    async def make_root(self) -> None:
        """Makes the machine's folder on the shared file system."""
        script = 'umask 077; mkdir -p -- "$1" && chmod 700 -- "$1"'
        done = await self.login.run(["/bin/sh", "-c", script, "sh", self.root])
        done.check("making the machine's folder")

    async def submit(self) -> str:
        """Asks for an allocation; returns its id.

        Raises:
            StudioError: the cluster refuses it.
        """
        folder = await install(self.login)
        argv = ["sbatch", "--parsable", f"--job-name={self._job_name}", "--no-requeue"]
        argv.append(f"--comment={payload.version()}")
        argv += [f"--chdir={self.root}", f"--output={self.root}-%j.log"]
        argv += ["--nodes=1", "--ntasks=1", *self._request.arguments()]
        script = f"#!/bin/sh\nexec python3 {shlex.quote(folder)}/allocation.py hold\n"
        done = await self.login.run(argv, input=script.encode())
        if not done.ok:
            raise StudioError(
                f"the cluster refuses the allocation: {last_words(done.stderr)}",
                f"correct [machines.{self.name}] in machines.toml; sinfo shows what there is",
            )
        return done.stdout.decode().strip().partition(";")[0]

    async def program(self, job: Job) -> str:
        """The path of what holds an allocation, in the version that does: others may not fit it."""
        folder = await install(self.login)
        if job.comment in ("", payload.version()):
            return f"{folder}/allocation.py"
        return f"{self.login.root}/payload-{job.comment}/allocation.py"

    async def look(self, job_id: str) -> Job:
        """How an allocation is now.

        Raises:
            Forgotten: Slurm does not know it any more.
        """
        done = await self.login.run(["scontrol", "--oneliner", "show", "job", job_id])
        if not done.ok and _UNKNOWN in done.stderr + done.stdout:
            raise Forgotten(
                f"the allocation {job_id} is over, Slurm has forgotten it",
                f"{_ASK} {self.name}",
            )
        return read_job(done.check("asking Slurm for the allocation").stdout.decode())

    async def place(self, job: Job) -> tuple[int, int] | None:
        """Its place among those that wait in its partition, and how many these are."""
        argv = ["squeue", "--noheader", "--states=PENDING", "--sort=-p,i", "--format=%A"]
        done = await self.login.run([*argv, f"--partition={job.partition}"])
        return read_place(done.stdout.decode(), job.id) if done.ok else None

    async def release(self, job_id: str) -> None:
        """Ends an allocation, and with it all that runs there; one that is over stays so."""
        done = await self.login.run(["scancel", job_id])
        if not done.ok and _UNKNOWN not in done.stderr:
            done.check("ending the allocation")

    async def running(self, job_id: str, progress: Progress) -> Job:
        """Waits until an allocation has begun.

        Args:
            progress: told why it waits, whenever that changes.

        Raises:
            StudioError: it will never begin, or has ended.
        """
        pause, said = FIRST_LOOK, ""
        while (job := await self.look(job_id)).waiting:
            if (refusal := job.refusal()) is not None:
                raise refusal
            words = job.queued(await self.place(job))
            if words != said:
                progress(said := words)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_LOOK)
        if job.ended:
            raise StudioError(
                f"the allocation {job_id} is over: {job.end()}",
                f"its log is {self.root}-{job_id}.log on the login node",
            )
        return job

    async def allocate(self, progress: Progress) -> Job:
        """The allocation that there is, or a new one, once it runs.

        A new one is given back when the call is cancelled or fails.

        Raises:
            StudioError: see make_root(), submit() and running().
        """
        await self.make_root()
        found = await self.find()
        if found is not None:
            return await self.running(found.id, progress)
        job_id = await self.submit()
        try:
            return await self.running(job_id, progress)
        except BaseException:
            await asyncio.shield(self.release(job_id))
            raise

    async def held(self) -> Job:
        """The allocation that there is and runs.

        Raises:
            ConnectionLost: it still waits.
            StudioError: there is none.
        """
        found = await self.find()
        if found is None:
            raise StudioError(f"{self.name} has no allocation", f"{_ASK} {self.name}")
        if found.waiting:
            raise ConnectionLost(
                f"{self.name} is {found.queued(await self.place(found))}", "wait for its turn"
            )
        return found

    async def over(self, job_id: str) -> ConnectionLost | None:
        """Why an allocation is over; None when it is not."""
        try:
            async with asyncio.timeout(CONTROLLER):
                job = await self._settled(job_id)
        except Forgotten as gone:
            return ConnectionLost(gone.message, gone.hint)
        except (CommandFailed, TimeoutError):
            return None  # Slurm's controller is away; allocations outlive that
        if not job.ended and job.state != "COMPLETING":
            return None
        return ConnectionLost(
            f"the allocation {job_id} is over: {job.end()}",
            f"{_ASK} {self.name}",
        )

    async def _settled(self, job_id: str) -> Job:
        job = await self.look(job_id)
        for _ in range(ENDING):
            if job.state != "COMPLETING":
                break
            await asyncio.sleep(ENDING_LOOK)
            job = await self.look(job_id)
        return job


def last_words(stderr: bytes) -> str:
    """The reason in the last line of a complaint, without the command's own prefix."""
    lines = stderr.decode("utf-8", "replace").strip().splitlines()
    said = lines[-1] if lines else "it gives no reason"
    return re.sub(r"^(sbatch|srun): (error: )?(Batch job submission failed: )?", "", said)[:300]
