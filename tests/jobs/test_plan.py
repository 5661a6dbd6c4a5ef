"""A plan's script gives a job the environment that its spec asks for, and no other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studio_tui.errors import UsageFault
from studio_tui.jobs.plan import gpu_environment, lightning_environment, plan
from studio_tui.jobs.spec import JobSpec

SHOW = "import json, os, sys; print(json.dumps([sys.executable, sys.argv[1:], dict(os.environ)]))"


def ran(
    folder: Path, spec: JobSpec, env: dict[str, str] | None = None, shell: str = "sh"
) -> tuple[str, list[str], dict[str, str]]:
    """What a job's program sees: its interpreter, arguments and environment."""
    (folder / "show.py").write_text(SHOW)
    made = plan(spec, job_id="j", cwd=str(folder), payload="/pay load", default_python="python3")
    done = subprocess.run(
        [shell],
        input=made.text,
        cwd=folder,
        env={"PATH": os.environ["PATH"], **(env or {})},
        capture_output=True,
        text=True,
        check=True,
    )
    python, args, seen = json.loads(done.stdout)
    return python, args, seen


def test_the_variables_of_trainer_and_fabric() -> None:
    spec = JobSpec(
        script="a.py",
        devices="0,1",
        precision="bf16",
        strategy="ddp",
        accelerator="gpu",
        max_steps=9,
    )
    assert lightning_environment(spec) == {
        "PL_TRAINER_ACCELERATOR": "gpu",
        "PL_TRAINER_DEVICES": "[0, 1]",
        "PL_TRAINER_PRECISION": "bf16-mixed",
        "PL_TRAINER_STRATEGY": "ddp",
        "PL_TRAINER_MAX_STEPS": "9",
        "LT_ACCELERATOR": "gpu",
        "LT_DEVICES": "0,1",
        "LT_PRECISION": "bf16-mixed",
        "LT_STRATEGY": "ddp",
    }
    assert lightning_environment(JobSpec(script="a.py")) == {}


@pytest.mark.parametrize(
    ("devices", "read"), [("2", 2), ("auto", "auto"), ("0,1", [0, 1]), ("3,", [3])]
)
def test_trainer_reads_the_devices_as_meant(
    devices: str, read: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    argparse = pytest.importorskip("lightning.pytorch.utilities.argparse")
    for name, value in lightning_environment(JobSpec(script="a.py", devices=devices)).items():
        monkeypatch.setenv(name, value)

    class Trainer:
        def __init__(self, devices: Any = "auto", precision: Any = None) -> None: ...

    assert vars(argparse._parse_env_variables(Trainer)) == {"devices": read}


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_the_job_sees_what_was_asked_for(
    tmp_path: Path, shell: str, require: Callable[[str], str]
) -> None:
    awkward = 'it\'s "$HOME" `x` \\ \n two'
    spec = JobSpec(
        script="show.py", args=("--a", awkward), precision="16", env={"MINE": awkward}, port=80
    )
    _, args, seen = ran(tmp_path, spec, shell=require(shell))
    assert args == ["--a", awkward]
    assert (seen["MINE"], seen["PORT"]) == (awkward, "80")
    assert seen["PL_TRAINER_PRECISION"] == seen["LT_PRECISION"] == "16-mixed"
    assert seen["PYTHONUNBUFFERED"] == "1"
    assert seen["PYTHONPATH"] == "/pay load/lightning"


def test_a_launcher_around_the_host_is_not_the_jobs(tmp_path: Path) -> None:
    inherited = {"SLURM_JOB_NAME": "x", "SLURM_NTASKS": "4", "TORCHELASTIC_RUN_ID": "y"}
    inherited |= {"LOCAL_RANK": "0", "MASTER_ADDR": "elsewhere", "KEPT": "SLURM_A=1\nSLURM_B=2"}
    _, _, seen = ran(tmp_path, JobSpec(script="show.py", env={"NODE_RANK": "1"}), inherited)
    assert not [name for name in seen if name.startswith(("SLURM_", "TORCHELASTIC_"))]
    assert "LOCAL_RANK" not in seen
    assert "MASTER_ADDR" not in seen
    assert seen["KEPT"] == inherited["KEPT"]
    assert seen["NODE_RANK"] == "1"  # asked for by the spec


def test_the_persons_own_variables_win_and_paths_are_kept(tmp_path: Path) -> None:
    spec = JobSpec(
        script="show.py",
        precision="16",
        env={"PL_TRAINER_PRECISION": "64-true", "PYTHONPATH": "/mine"},
    )
    _, _, seen = ran(tmp_path, spec, {"PYTHONPATH": "/inherited"})
    assert seen["PL_TRAINER_PRECISION"] == "64-true"
    assert seen["PYTHONPATH"] == "/pay load/lightning:/mine"
    _, _, seen = ran(tmp_path, JobSpec(script="show.py"), {"PYTHONPATH": "/inherited"})
    assert seen["PYTHONPATH"] == "/pay load/lightning:/inherited"


def test_a_job_sees_its_own_gpus_alone(tmp_path: Path) -> None:
    spec = JobSpec(script="show.py", devices="5,2")
    made = plan(spec, job_id="j", cwd=str(tmp_path), payload="/p", gpus=(5, 2))
    assert made.environment["CUDA_VISIBLE_DEVICES"] == "5,2"
    assert made.environment["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
    assert made.environment["PL_TRAINER_DEVICES"] == made.environment["LT_DEVICES"] == "2"
    assert gpu_environment(()) == {}


def test_a_secret_is_not_in_the_script(tmp_path: Path) -> None:
    spec = JobSpec(script="show.py", env={"MY_TOKEN": "abcd", "COLOUR": "red"}, secrets=("HF",))
    made = plan(spec, job_id="j", cwd=str(tmp_path), payload="/p", secrets={"HF": "hush"})
    assert made.hidden == {"MY_TOKEN": "abcd", "HF": "hush"}
    assert "abcd" not in made.text + repr(made.environment)
    assert "hush" not in made.text + repr(made)
    assert "COLOUR=red" in made.text


def test_secrets_that_are_too_long(tmp_path: Path) -> None:
    spec = JobSpec(script="show.py", env={"A_KEY": "x" * 40_000}, secrets=("HF",))
    with pytest.raises(UsageFault, match="more than 60000 bytes"):
        plan(spec, job_id="j", cwd=str(tmp_path), payload="/p", secrets={"HF": "y" * 40_000})


def a_venv(folder: Path) -> Path:
    python = folder / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    return python


def test_the_folders_own_venv_is_taken(tmp_path: Path) -> None:
    python = a_venv(tmp_path)
    assert ran(tmp_path, JobSpec(script="show.py"))[0] == str(python)
    assert ran(tmp_path, JobSpec(command=("python", "show.py")))[0] == str(python)


def test_a_command_finds_the_python_that_scripts_have(tmp_path: Path) -> None:
    python = tmp_path / "made" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    spec = JobSpec(command=("sh", "-c", 'command -v python; echo "${VIRTUAL_ENV-none}"'))
    folder = str(tmp_path)
    made = plan(spec, job_id="j", cwd=folder, payload="/p", default_python=str(python))

    def found() -> list[str]:
        env = {"PATH": "/usr/bin:/bin"}
        argv = ["sh", "-c", made.text]
        done = subprocess.run(argv, cwd=tmp_path, env=env, stdout=subprocess.PIPE, check=False)
        return done.stdout.decode().split()

    assert str(python) not in found()  # in no environment: the system's own order stays
    (tmp_path / "made" / "pyvenv.cfg").touch()
    assert found() == [str(python), str(tmp_path / "made")]
    own = a_venv(tmp_path)
    assert found()[0] == str(own)


def test_a_named_interpreter_wins_over_the_venv(tmp_path: Path) -> None:
    a_venv(tmp_path)
    assert ran(tmp_path, JobSpec(script="show.py", python=sys.executable))[0] == sys.executable


@pytest.mark.parametrize("cwd", ["relative", "/two\nlines"])
def test_a_folder_must_be_absolute_and_one_line(cwd: str) -> None:
    with pytest.raises(UsageFault, match="not an absolute folder"):
        plan(JobSpec(script="a.py"), job_id="j", cwd=cwd, payload="/p")
