"""From a job's spec to the environment and the shell script that run it; starts nothing."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from studio_tui.errors import UsageFault
from studio_tui.settings.secrets import names_a_secret

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from studio_tui.jobs.meeting import Post
    from studio_tui.jobs.spec import JobSpec

# A launcher around the host (an sbatch, a torchrun) must not be taken for the job's own: Lightning
# picks its cluster environment by these variables.
SCRUBBED_PREFIXES = ("SLURM_", "TORCHELASTIC_")
SCRUBBED_NAMES = (
    "RANK",
    "LOCAL_RANK",
    "GROUP_RANK",
    "NODE_RANK",
    "WORLD_SIZE",
    "LOCAL_WORLD_SIZE",
    "MASTER_ADDR",
    "MASTER_PORT",
)
HIDDEN_LIMIT = 60_000  # they go through one variable, of which the kernel takes 128 KiB
MAX_RUNTIME = "max-runtime"
LIGHTNING_FOLDER = "lightning"  # in the payload: what is put first on a job's PYTHONPATH

# In the studio's folder, $python being an interpreter: the programs of the environment that it
# belongs to come first, those of the folder's .venv before any. Terminals do the same, see
# payload/hold/shell.py; a system's own Python is in no environment.
ENVIRONMENT = """\
around=
case $python in /*/bin/*) around=${python%/bin/*} ;; esac
[ -f "$around/pyvenv.cfg" ] || [ -d "$around/conda-meta" ] || around=
[ -x .venv/bin/python ] && around=$PWD/.venv
if [ "$around" ]; then PATH=$around/bin:$PATH; export PATH; fi
if [ -f "$around/pyvenv.cfg" ]; then VIRTUAL_ENV=$around; export VIRTUAL_ENV; fi"""


@dataclass(frozen=True, slots=True)
class JobPlan:
    """All that a machine needs to run a job.

    Attributes:
        cwd: absolute folder on the machine.
        environment: set for the job, in this order, before the spec's own.
        python: the interpreter when the folder has no .venv, or the one the spec names.
        own_python: whether the spec names the interpreter, so that a .venv does not count.
        text: the POSIX shell script.
        hidden: variables that the script does not have, because nobody may read their values.
        limit: seconds that it may run, 0 for no limit; and the word for why it is stopped then.
        parcel: a folder with what another job has written, with which this one goes on; and the
            line for its log that says so.
    """

    job_id: str
    spec: JobSpec
    cwd: str
    environment: dict[str, str]
    python: str
    own_python: bool
    text: str
    hidden: Mapping[str, str] = field(default_factory=dict, repr=False)
    limit: tuple[int, str] = (0, MAX_RUNTIME)
    parcel: tuple[str, str] = ("", "")


def plan(
    spec: JobSpec,
    *,
    job_id: str,
    cwd: str,
    payload: str,
    default_python: str = "python3",
    secrets: Mapping[str, str] | None = None,
    gpus: Sequence[int] = (),
    post: Post | None = None,
    attempt: int = 0,
    resume: str = "",
    limit: tuple[int, str] | None = None,
    parcel: tuple[str, str] = ("", ""),
) -> JobPlan:
    """Plans a job.

    Args:
        payload: the payload's folder on the machine.
        default_python: for a spec that names no interpreter in a folder that has no .venv.
        secrets: the value of each of the spec's secrets.
        gpus: the GPUs that are the job's own, as NVML numbers them; it sees no other. None: all.
        post: its place among several nodes.
        attempt: how often it was tried before, where the machine itself does not count that.
        resume: a checkpoint to begin with.
        limit, parcel: see JobPlan; the limit is the spec's own when None.

    Raises:
        UsageFault: the folder cannot be written into a script.
    """
    if not cwd.startswith("/") or "\n" in cwd or "\0" in cwd:
        raise UsageFault(f"{cwd!r} is not an absolute folder", "rename the studio's folder")
    environment = {"PYTHONUNBUFFERED": "1"} | gpu_environment(gpus)
    # Among its own GPUs a job counts from 0.
    counted = replace(spec, devices=str(len(gpus))) if gpus and "," in spec.devices else spec
    processes = len(gpus) or spec.device_count or 1
    if post is not None:
        counted = replace(counted, devices=str(processes))
        environment |= meeting_environment(post)
    environment |= lightning_environment(counted)
    if spec.port:
        environment["PORT"] = str(spec.port)
    hidden = {name: value for name, value in spec.env.items() if names_a_secret(name)}
    shown = {name: value for name, value in spec.env.items() if name not in hidden}
    python = spec.python or default_python
    text = "\n".join(
        [
            f"# job {job_id}: {spec.line!r}",
            *_scrub(),
            f"python={shlex.quote(python)}",
            ENVIRONMENT,
            *_exports(environment),
            *_exports(shown),
            f"PYTHONPATH={shlex.quote(f'{payload}/{LIGHTNING_FOLDER}')}"
            '${PYTHONPATH:+":$PYTHONPATH"}; export PYTHONPATH',
            *([f"STUDIO_ATTEMPT={attempt}"] if attempt else []),
            *(
                [f"STUDIO_RESUME=${{STUDIO_RESUME:-{shlex.quote(resume)}}}; export STUDIO_RESUME"]
                if resume
                else []
            ),
            *_command(spec, torchrun(post, processes) if post else ""),
            "",
        ]
    )
    hidden |= secrets or {}
    if (
        sum(len(value.encode("utf-8", "surrogateescape")) for value in hidden.values())
        > HIDDEN_LIMIT
    ):
        raise UsageFault(
            f"the job's secrets have more than {HIDDEN_LIMIT} bytes together",
            "put long ones into files, and give their paths",
        )
    limit = limit or (spec.max_runtime or 0, MAX_RUNTIME)
    return JobPlan(
        job_id,
        spec,
        cwd,
        environment,
        python,
        bool(spec.python),
        text,
        hidden,
        limit,
        parcel,
    )


def gpu_environment(gpus: Sequence[int]) -> dict[str, str]:
    """The variables by which a job sees these GPUs alone; none for none."""
    if not gpus:
        return {}
    # NVML numbers GPUs by their place on the bus, and CUDA by their speed unless it is told.
    return {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": ",".join(map(str, gpus))}


def meeting_environment(post: Post) -> dict[str, str]:
    """The variables by which processes on several nodes find each other, and mark their lines."""
    found = {
        "PL_TRAINER_NUM_NODES": str(post.nodes),
        "LT_NUM_NODES": str(post.nodes),
        "TORCH_NCCL_ASYNC_ERROR_HANDLING": "1",
        "TORCHELASTIC_LOG_LINE_PREFIX_TEMPLATE": "[rank${rank}]: ",
    }
    if post.interface:
        found |= dict.fromkeys(("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME"), post.interface)
    return found


def torchrun(post: Post, processes: int) -> str:
    """The words between the interpreter and the script that start a node's processes.

    torch cannot tell whether an address is its own machine's where the machine's name does not
    lead to it, and waits for ever; hence is_host. The id is the same on all nodes.
    """
    words = {
        "--nnodes": post.nodes,
        "--nproc-per-node": processes,
        "--rdzv-backend": "c10d",
        "--rdzv-endpoint": f"{post.host}:{post.port}",
        "--rdzv-id": f"{post.host}:{post.port}",
        "--rdzv-conf": f"is_host={int(post.node == 0)}",
        "--local-addr": post.local,
        "--max-restarts": 0,
        "--tee": 3,
    }
    given = " ".join(f"{name} {shlex.quote(str(value))}" for name, value in words.items())
    return f'-m torch.distributed.run {given} --log-dir "$STUDIO_JOB_DIR/ranks" '


def lightning_environment(spec: JobSpec) -> dict[str, str]:
    """The variables by which an unchanged script gets its settings.

    `PL_TRAINER_*` are Trainer's defaults (lightning/pytorch/utilities/argparse.py): a value in the
    script's own Trainer(...) wins, and a subclass of Trainer reads its own class name instead.
    They are read as Python literals, hence the list for indices. `LT_*` are Fabric's
    (lightning/fabric/connector.py) and win over the script's Fabric(...).
    """
    trainer = {
        "ACCELERATOR": spec.accelerator,
        "DEVICES": _trainer_devices(spec.devices),
        "PRECISION": spec.precision,
        "STRATEGY": spec.strategy,
        "MAX_STEPS": str(spec.max_steps or ""),
    }
    fabric = {
        "ACCELERATOR": spec.accelerator,
        "DEVICES": spec.devices,
        "PRECISION": spec.precision,
        "STRATEGY": spec.strategy,
    }
    return {f"PL_TRAINER_{name}": value for name, value in trainer.items() if value} | {
        f"LT_{name}": value for name, value in fabric.items() if value
    }


def _trainer_devices(devices: str) -> str:
    if "," not in devices:
        return devices
    return f"[{', '.join(part for part in devices.split(',') if part)}]"


def _scrub() -> list[str]:
    pattern = "; ".join(rf"s/^\({prefix}[A-Za-z0-9_]*\)=.*/\1/p" for prefix in SCRUBBED_PREFIXES)
    return [
        f"for name in $(env | sed -n '{pattern}'); do unset \"$name\"; done",
        f"unset {' '.join(SCRUBBED_NAMES)}",
    ]


def _exports(variables: dict[str, str]) -> list[str]:
    return [f"{name}={shlex.quote(value)}; export {name}" for name, value in variables.items()]


def _command(spec: JobSpec, launcher: str) -> list[str]:
    if spec.command:
        return [f"exec {shlex.join(spec.command)}"]
    own = "if [ -x .venv/bin/python ]; then python=$PWD/.venv/bin/python; fi"
    run = f'exec "$python" {launcher}{shlex.join((spec.script, *spec.args))}'
    return [run] if spec.python else [own, run]
