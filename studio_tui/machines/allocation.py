"""What is asked of Slurm, and what it says of it, in words for people (pure: text in, text out)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from studio_tui.errors import StudioError, UsageFault
from studio_tui.machines.duration import read_duration

if TYPE_CHECKING:
    from collections.abc import Mapping

_WORDS = ("partition", "account", "qos", "constraint", "reservation", "memory", "gpus")
_OURS = (
    "parsable",
    "job-name",
    "output",
    "error",
    "input",
    "chdir",
    "wrap",
    "array",
    "wait",
    "uid",
)
_OURS_SHORT = ("-J", "-o", "-e", "-i", "-D", "-a", "-W")
_SLURM_TIME = re.compile(r"(\d+-)?\d+(:\d+){0,2}")
_NO_PROGRAM = 127  # a shell's word for it
_FIELD = re.compile(r"(?:^|\s)(\w+)=(\S*)")

_WAITING = ("PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "SPECIAL_EXIT")
_THERE = ("RUNNING", "SUSPENDED", "RESIZING", "STOPPED", "SIGNALING", "COMPLETING", "STAGE_OUT")

_WHY = {
    "None": "Slurm has not looked at it yet",
    "Priority": "others are ahead of it",
    "Resources": "waiting for a node with enough free",
    "Dependency": "waiting for another job",
    "BeginTime": "its time has not come",
    "Reservation": "waiting for its reservation",
    "Licenses": "waiting for a licence",
    "ReqNodeNotAvail": "the nodes it needs are down or reserved",
    "Cleaning": "Slurm clears up after an earlier try",
    "Prolog": "its node is being prepared",
    "JobHeldUser": "it is held",
    "JobHeldAdmin": "an administrator holds it",
}
_NEVER = {
    "PartitionTimeLimit": ("it asks for more time than the partition gives", "lower time"),
    "PartitionNodeLimit": ("it asks for more than the partition gives", "lower gpus or cpus"),
    "PartitionDown": ("the partition is down", "choose another one; sinfo lists them"),
    "PartitionInactive": ("the partition is inactive", "choose another one; sinfo lists them"),
    "BadConstraints": ("no node can ever give that", "ask for less; sinfo -N -l shows the nodes"),
    "AccountNotAllowed": ("the account may not use the partition", "set account"),
    "InvalidAccount": ("the account is not valid", "set account; sacctmgr show assoc lists yours"),
    "InvalidQOS": ("the quality of service is not valid", "set qos"),
    "QOSNotAllowed": ("the partition does not allow that quality of service", "set qos"),
}


@dataclass(frozen=True, slots=True)
class Request:
    """What one allocation should have.

    Attributes:
        gpus: a number, or TYPE:NUMBER; "" for none.
        memory: as Slurm writes it, such as "32G".
        minutes: its longest life; None for what the partition gives.
        options: further options of sbatch, each as "--name=value".
    """

    partition: str = ""
    account: str = ""
    qos: str = ""
    constraint: str = ""
    reservation: str = ""
    memory: str = ""
    gpus: str = ""
    cpus: int | None = None
    minutes: int | None = None
    options: tuple[str, ...] = ()

    def arguments(self) -> list[str]:
        """Options for sbatch."""
        named = {
            "partition": self.partition,
            "account": self.account,
            "qos": self.qos,
            "constraint": self.constraint,
            "reservation": self.reservation,
            "mem": self.memory,
            "gres": f"gpu:{self.gpus}" if self.gpus not in ("", "0") else "",
            "cpus-per-task": "" if self.cpus is None else str(self.cpus),
            "time": "" if self.minutes is None else str(self.minutes),
        }
        return [f"--{name}={value}" for name, value in named.items() if value] + [*self.options]


def read_request(name: str, entry: Mapping[str, Any]) -> Request:
    """What `[machines.NAME]` asks for.

    Raises:
        UsageFault: a value makes no sense.
    """
    words = {key: _word(name, key, entry[key]) for key in _WORDS if key in entry}
    options = entry.get("options", [])
    if not isinstance(options, list):
        raise _fault(name, "options", options, 'write a list, such as ["--exclusive"]')
    return Request(
        **words,
        cpus=_count(name, entry["cpus"]) if "cpus" in entry else None,
        minutes=_minutes(name, entry["time"]) if "time" in entry else None,
        options=tuple(_option(name, option) for option in options),
    )


def _word(name: str, key: str, value: object) -> str:
    if key == "gpus" and isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return str(value)
    if not isinstance(value, str) or not value.isprintable() or not value.strip():
        raise _fault(name, key, value, f'write text, such as {key} = "a100:2"')
    if key == "gpus" and not re.fullmatch(r"([\w.-]+:)?\d+", value):
        raise _fault(name, key, value, 'write a number, or a type and a number: "a100:2"')
    return value


def _count(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise _fault(name, "cpus", value, "write a whole number from 1 on")
    return value


def _minutes(name: str, value: object) -> int:
    seconds = read_duration(value)
    if seconds is not None:
        minutes = -(-seconds // 60)
    else:
        written = isinstance(value, str) and _SLURM_TIME.fullmatch(value.strip())
        minutes = _slurm_minutes(written[0]) if written else 0
    if minutes < 1:
        raise _fault(
            name, "time", value, 'write "8h", "90m", "2d", or what Slurm takes: "1-12:00:00"'
        )
    return minutes


def _slurm_minutes(text: str) -> int:
    """Minutes of M, M:S, H:M:S, D-H, D-H:M, D-H:M:S; seconds round up."""
    days, dash, clock = text.rpartition("-")
    parts = [int(part) for part in clock.split(":")]
    if dash:
        hours, minutes, seconds = (*parts, 0, 0)[:3]
    else:
        hours, minutes, seconds = (0, *parts, 0)[:3] if len(parts) < 3 else parts
    return int(days or 0) * 1440 + hours * 60 + minutes + (seconds > 0)


def _option(name: str, value: object) -> str:
    if not isinstance(value, str) or not value.isprintable() or not re.match(r"--?[A-Za-z]", value):
        raise _fault(name, "options", value, 'each is one word, such as "--exclusive"')
    long = value.removeprefix("--").partition("=")[0]
    if value[:2] in _OURS_SHORT or (value.startswith("--") and long in _OURS):
        raise _fault(name, "options", value, "the studio sets this one itself")
    return value


def _fault(name: str, key: str, value: object, hint: str) -> UsageFault:
    return UsageFault(f"machine {name!r} has {key} = {value!r}", hint)


@dataclass(frozen=True, slots=True)
class Job:
    """An allocation as Slurm tells of it.

    Attributes:
        state, reason: Slurm's own words, such as "PENDING" and "Priority".
        node: where it runs; "" before.
        start: when it has started or is expected to, in the cluster's time; None when unknown.
        time_limit: as Slurm writes it, "8:00:00" or "UNLIMITED".
        exit_code: of the batch job, 128+n for signal n; 0 before its end.
        comment: what was said about it when it was asked for; one word.
    """

    id: str
    state: str
    reason: str
    partition: str
    node: str
    start: datetime | None
    time_limit: str
    exit_code: int
    comment: str

    @property
    def waiting(self) -> bool:
        """Whether it is still to come."""
        return self.state in _WAITING

    @property
    def ended(self) -> bool:
        """Whether it will never run again."""
        return not self.waiting and self.state not in _THERE

    def queued(self, place: tuple[int, int] | None) -> str:
        """Why it waits and how long, such as "queued: others are ahead of it, 3 of 7 in gpu".

        Args:
            place: its place among those that wait in its partition, and how many those are.
        """
        said = [f"queued: {_WHY.get(self.reason, f'Slurm says {self.reason}')}"]
        if place is not None:
            said.append(f"{place[0]} of {place[1]} in {self.partition}")
        if self.start is not None:
            said.append(f"expected to start at {self.start:%Y-%m-%d %H:%M}")
        return ", ".join(said)

    def refusal(self) -> StudioError | None:
        """What is wrong with a request that would wait for ever."""
        if self.waiting and self.reason in _NEVER:
            why, hint = _NEVER[self.reason]
            return StudioError(f"the cluster will never give this: {why}", hint)
        return None

    def end(self) -> str:
        """How it ended, in words."""
        match self.state:
            case "TIMEOUT":
                return f"its time limit of {self.time_limit} was reached"
            case "CANCELLED":
                return "it was cancelled"
            case "PREEMPTED":
                return "a job of higher priority took its place"
            case "NODE_FAIL" | "BOOT_FAIL":
                return f"its node {self.node} failed".replace("  ", " ")
            case "OUT_OF_MEMORY":
                return "it used more memory than it had asked for"
            case "DEADLINE":
                return "its deadline was reached"
            case "COMPLETING":
                return "it is being cleared away"
            case "COMPLETED":
                return "its holder ended"
            case "FAILED" if self.exit_code == _NO_PROGRAM:
                return f"its node {self.node} has no python3"
            case "FAILED":
                return f"its holder failed with exit code {self.exit_code}"
        return f"Slurm calls it {self.state}"


def read_job(text: str) -> Job:
    """What `scontrol --oneliner show job ID` says.

    Raises:
        StudioError: it makes no sense.
    """
    fields = dict(_FIELD.findall(text))
    try:
        state = fields["JobState"]
        code, _, signal = fields["ExitCode"].partition(":")
        node = fields.get("BatchHost") or fields.get("NodeList", "")
        return Job(
            id=fields["JobId"],
            state=state,
            reason=fields.get("Reason", "None").split(",")[0],
            partition=fields["Partition"],
            node="" if node == "(null)" else node,
            start=_time(fields.get("StartTime", "")),
            time_limit=fields.get("TimeLimit", ""),
            exit_code=int(code) or (128 + int(signal) if int(signal or 0) else 0),
            comment=fields.get("Comment", ""),
        )
    except (KeyError, ValueError) as problem:
        raise StudioError(
            f"what scontrol says makes no sense: {text[:80]!r}", "run scontrol show job to see why"
        ) from problem


def read_place(listed: str, job_id: str) -> tuple[int, int] | None:
    """Its place in what squeue lists, one id a line by falling priority; None when not in it."""
    ids = [line.strip().partition("_")[0] for line in listed.splitlines() if line.strip()]
    return (ids.index(job_id) + 1, len(ids)) if job_id in ids else None


def _time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
