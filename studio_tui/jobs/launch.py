"""Starts, looks at, stops and forgets jobs on a machine, through the supervisor that is there."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from studio_tui.errors import NotFound, StudioError, UsageFault
from studio_tui.jobs.plan import ENVIRONMENT
from studio_tui.machines.connection import ConnectionLost

if TYPE_CHECKING:
    from studio_tui.jobs.plan import JobPlan
    from studio_tui.machines.connection import Completed, Connection

# Prints what the script imports, outside of any function, class or condition, and does not find.
_IMPORTS = """\
import ast, importlib.util, sys
try:
    with open(sys.argv[1], 'rb') as script:
        body = ast.parse(script.read()).body
except (OSError, SyntaxError, ValueError):
    body = []
names = [node.module or '' for node in body if isinstance(node, ast.ImportFrom) and not node.level]
names += [name.name for node in body if isinstance(node, ast.Import) for name in node.names]
roots = {name.split('.')[0] for name in names}
for name in ('lightning', 'pytorch_lightning', sys.argv[2]):
    if name in roots | {sys.argv[2]} - {''} and importlib.util.find_spec(name) is None:
        print('import', name)
"""

# cwd, script, command, python of the spec, default python, the program above, a module that is
# needed in any case -> "WHAT missing", "python PATH" and "import NAME" lines
_PREFLIGHT = rf"""
cd "$1" 2>/dev/null || {{ echo "folder missing"; exit 0; }}
python=$5
{ENVIRONMENT}
if [ "$3" ]; then command -v "$3" >/dev/null 2>&1 || echo "command missing"; exit 0; fi
[ -f "$2" ] || {{ echo "script missing"; exit 0; }}
if [ -z "$4" ] && [ -x .venv/bin/python ]; then python=$PWD/.venv/bin/python; fi
path=$(command -v "$python") || {{ echo "python missing"; exit 0; }}
echo "python $path"
[ "$7" ] || grep -Eq '^(import|from)[[:space:]].*lightning' "$2" || exit 0
"$path" -c "$6" "$2" "$7" </dev/null
exit 0
"""


class JobState(StrEnum):
    """What is known of a job."""

    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    STOPPED = "stopped"  # by a person, whatever its exit code: Lightning ends with 0 on SIGTERM
    LOST = "lost"  # its end was not seen: the machine rebooted, or its recorder was killed

    @property
    def ended(self) -> bool:
        """Whether the job will never change again."""
        return self not in (JobState.QUEUED, JobState.STARTING, JobState.RUNNING)


@dataclass(frozen=True, slots=True)
class JobStatus:
    """A job as the machine knows it.

    Attributes:
        exit_code: 0-255, 128+n for signal n; None while it runs and when it is unknown.
        log_size, metrics_size: bytes so far.
        started, ended: seconds since 1970 by the machine's clock.
        reason: why it was lost: "reboot", "died" or "never-started"; why it was stopped:
            "max-runtime", "budget", "moved" or another word; else "".
    """

    id: str
    state: JobState
    exit_code: int | None
    log_size: int
    metrics_size: int
    started: float | None
    ended: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class Hold:
    """How a job answers to the question to wait at a checkpoint.

    Attributes:
        who: what it asks for a checkpoint, "trainer" or "fabric"; "" when there is nobody.
        step, checkpoint: where it waits; None and "" while it does not.
        problem: why there is no checkpoint.
    """

    status: JobStatus
    who: str
    step: int | None = None
    checkpoint: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of a job's log or metrics; size is that of the whole file."""

    data: bytes
    offset: int
    size: int


class Supervisor:
    """The jobs of one machine.

    Every method may raise ConnectionLost; all may be repeated after it without harm.

    Args:
        payload: the payload's folder on the machine, as install() returned it.
        shell: the POSIX shell there.
    """

    def __init__(self, connection: Connection, payload: str, *, shell: str = "/bin/sh") -> None:
        self.connection = connection
        self.payload = payload
        self.folder = f"{connection.root}/jobs"
        self.shell = shell

    async def check(self, plan: JobPlan) -> None:
        """Looks whether the job can run at all.

        Raises:
            NotFound: its folder, script, program or interpreter is not there.
            StudioError: the interpreter lacks Lightning, which the script imports.
        """
        spec = plan.spec
        argv = [self.shell, "-c", _PREFLIGHT, "sh", plan.cwd, spec.script]
        argv += [spec.command[0] if spec.command else "", spec.python, plan.python, _IMPORTS]
        argv.append("torch" if spec.nodes > 1 else "")
        done = (await self.connection.run(argv)).check("looking at the job's folder")
        seen = dict(line.split(" ", 1) for line in done.stdout.decode().splitlines() if " " in line)
        for what, (message, hint) in _missing(plan).items():
            if seen.get(what) == "missing":
                raise NotFound(message, hint)
        if name := seen.get("import"):
            raise StudioError(
                f"{seen['python']} has no {name}, which {spec.script} "
                + ("needs on many nodes" if name == "torch" else "imports"),
                f"install it: {seen['python']} -m pip install {name.replace('_', '-')}",
            )

    async def start(self, plan: JobPlan) -> JobStatus:
        """Checks and starts a job. A second start of the same id changes nothing.

        Raises:
            NotFound, StudioError: see check().
            StudioError: the machine cannot run jobs.
        """
        await self.check(plan)
        text = plan.text.encode("utf-8", "surrogateescape")
        hidden = "".join(f"{name}={_one_line(value)}\n" for name, value in plan.hidden.items())
        seconds, why = plan.limit
        numbers = (len(text), plan.spec.retries, seconds, len(plan.hidden))
        done = await self._call(
            "start", plan.job_id, plan.cwd, *map(str, numbers), why, *plan.parcel,
            input=hidden.encode("utf-8", "surrogateescape") + text,
        )  # fmt: skip
        return parse_status(plan.job_id, _only_line(done))

    async def status(self, job_id: str) -> JobStatus:
        """Raises NotFound when the machine has no such job."""
        return parse_status(job_id, _only_line(await self._call("status", job_id)))

    async def list(self) -> list[JobStatus]:
        """All jobs of the machine, in no order."""
        done = await self._call("list")
        rows = [line.split(" ", 1) for line in done.stdout.decode().splitlines() if " " in line]
        # One that is removed meanwhile is listed as missing.
        return [parse_status(id, rest) for id, rest in rows if not rest.startswith("missing")]

    async def stop(self, job_id: str, *, grace: float = 10.0, why: str = "") -> JobStatus:
        """Asks the job and all it started to end, and kills what is left after `grace` seconds.

        A job that has ended stays as it is. Raises NotFound when there is no such job.

        Args:
            why: a word that its status has as its reason.
        """
        done = await self._call("cancel", job_id, str(max(0, math.ceil(grace))), why)
        return parse_status(job_id, _only_line(done))

    async def finish(self, job_id: str, *, grace: float = 30.0, why: str) -> JobStatus:
        """As `stop`, at a checkpoint where the job can be held at one."""
        done = await self._call("finish", job_id, str(math.ceil(grace)), why)
        return parse_status(job_id, _only_line(done))

    async def hold(self, job_id: str) -> Hold:
        """Asks a job to wait at a checkpoint; it does for a minute, unless it is asked again.

        Raises:
            NotFound: there is no such job.
        """
        done = await self._call("hold", job_id)
        line, who, held = done.stdout.decode("utf-8", "surrogateescape").splitlines()
        step, _, rest = held.partition(" ")
        status = parse_status(job_id, line)
        who = "" if who == "-" else who
        if not step.isdigit():
            return Hold(status, who, problem=rest)
        return Hold(status, who, int(step), rest)

    async def release(self, job_id: str) -> None:
        """Lets a job that was asked to wait go on."""
        await self._call("release", job_id)

    async def pack(self, job_id: str, checkpoint: str = "") -> tuple[str, str]:
        """Makes a folder of what a job has written, for another one to go on with.

        Returns:
            the folder, and the checkpoint's name in it.

        Raises:
            StudioError: the disk is full.
        """
        done = await self._call("pack", job_id, checkpoint)
        return f"{self.folder}/{job_id}/parcel", _only_line(done)

    async def remove(self, job_id: str) -> None:
        """Forgets a job that has ended, its log too; a job that is not there is forgotten.

        Raises:
            StudioError: it still runs.
        """
        await self._call("remove", job_id)

    async def read(self, job_id: str, file: str, offset: int, length: int) -> Stretch:
        """A stretch of the job's "log", "metrics" or "checkpoints", at most `length` bytes.

        Raises:
            NotFound: there is no such job.
        """
        done = await self._call("read", job_id, file, str(max(0, offset)), str(max(0, length)))
        size, _, data = done.stdout.partition(b"\n")
        return Stretch(data, offset, int(size))

    async def _call(self, verb: str, *args: str, input: bytes = b"") -> Completed:
        argv = [self.shell, f"{self.payload}/supervise.sh", verb, self.folder, *args]
        done = await self.connection.run(argv, input=input, env={"STUDIO_SH": self.shell})
        if not done.ok:
            raise _failure(done, args[0] if args else "")
        return done


def parse_status(job_id: str, line: str) -> JobStatus:
    """Reads the supervisor's status line.

    Raises:
        NotFound: the machine has no such job.
        StudioError: the line is not one.
    """
    words = line.split()
    if words[:1] == ["missing"]:
        raise NotFound(f"this machine has no job {job_id}", "list the jobs that it has")
    try:
        state, code, log, metrics, started, ended, reason = words
        return JobStatus(
            job_id,
            JobState(state),
            _number(code),
            int(log),
            int(metrics),
            _number(started),
            _number(ended),
            "" if reason == "-" else reason,
        )
    except ValueError as problem:
        raise StudioError(
            f"the machine's answer about job {job_id} makes no sense: {line[:100]!r}",
            "look at the job's folder on the machine",
        ) from problem


def _one_line(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n")


def _number(word: str) -> int | None:
    return None if word == "-" else int(word)


def _only_line(done: Completed) -> str:
    return done.stdout.decode("utf-8", "replace").strip()


def _missing(plan: JobPlan) -> dict[str, tuple[str, str]]:
    spec = plan.spec
    program = spec.command[0] if spec.command else ""
    return {
        "folder": (f"the machine has no folder {plan.cwd}", "copy the studio's files there first"),
        "script": (f"there is no {spec.script} in {plan.cwd}", "check the name and its folder"),
        "command": (f"the machine has no program {program}", "install it, or give its full path"),
        "python": (
            f"the machine has no Python called {plan.python}",
            "make a .venv in the studio's folder, or name an interpreter",
        ),
    }


def _failure(done: Completed, job_id: str) -> StudioError:
    reason = done.stderr.decode("utf-8", "replace").strip()
    match done.exit_code:
        case 64:
            return UsageFault(reason, "this is a fault in the studio's call")
        case 65:
            return StudioError(f"the machine cannot run jobs: {reason}", "install util-linux there")
        case 66:
            return ConnectionLost("the job's script reached the machine in part", "start it again")
        case 67:
            return StudioError(reason, "stop it first")
        case 69:
            return StudioError(reason, "move the job again")
        case 68:
            return NotFound(f"this machine has no job {job_id}", "list the jobs that it has")
        case code:
            return StudioError(
                f"the job supervisor failed with {code}: {reason[-300:]}",
                "check that the machine's disk is not full and its payload folder is whole",
            )
