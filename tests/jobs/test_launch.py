"""Jobs from here: started, seen, stopped, forgotten, and errors that one can act on."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from studio_tui.errors import NotFound, StudioError, UsageFault
from studio_tui.jobs.launch import JobState, JobStatus, Supervisor, parse_status
from studio_tui.jobs.plan import JobPlan, plan
from studio_tui.jobs.spec import JobSpec
from studio_tui.machines.connection import Completed, ConnectionLost


def shell_job(supervisor: Supervisor, studio: Path, text: str, job: str = "j") -> JobPlan:
    spec = JobSpec(command=("sh", "-c", text))
    return plan(spec, job_id=job, cwd=str(studio), payload=supervisor.payload)


def script_job(supervisor: Supervisor, studio: Path, spec: JobSpec) -> JobPlan:
    return plan(
        spec,
        job_id="j",
        cwd=str(studio),
        payload=supervisor.payload,
        default_python=sys.executable,
    )


async def until_ended(supervisor: Supervisor, job: str = "j") -> JobStatus:
    while not (found := await supervisor.status(job)).state.ended:
        await asyncio.sleep(0.02)
    return found


async def test_a_script_from_start_to_end(supervisor: Supervisor, studio: Path) -> None:
    (studio / "train.py").write_text("import sys; print('hello', *sys.argv[1:]); sys.exit(4)")
    spec = JobSpec(script="train.py", args=("a b",))
    await supervisor.start(script_job(supervisor, studio, spec))
    ended = await until_ended(supervisor)
    assert (ended.state, ended.exit_code, ended.log_size) == (JobState.FAILED, 4, 10)
    assert ended.started is not None
    assert ended.ended is not None
    assert ended.ended >= ended.started
    assert [job.id for job in await supervisor.list()] == ["j"]
    assert (await supervisor.read("j", "log", 6, 100)).data == b"a b\n"
    assert (await supervisor.read("j", "log", 0, 2)).size == 10
    await supervisor.remove("j")
    assert await supervisor.list() == []


async def test_a_second_start_changes_nothing(supervisor: Supervisor, studio: Path) -> None:
    first = shell_job(supervisor, studio, "echo once >> ran")
    await asyncio.gather(*(supervisor.start(first) for _ in range(5)))
    await until_ended(supervisor)
    assert (studio / "ran").read_text() == "once\n"


async def test_a_stop_is_a_stop(supervisor: Supervisor, studio: Path) -> None:
    text = "trap 'exit 0' TERM; while :; do sleep 0.05; done"
    await supervisor.start(shell_job(supervisor, studio, text))
    stopped = await supervisor.stop("j", grace=5)
    assert stopped.state is JobState.STOPPED
    assert await supervisor.stop("j") == stopped


async def test_a_running_job_is_not_removed(supervisor: Supervisor, studio: Path) -> None:
    await supervisor.start(shell_job(supervisor, studio, "sleep 30"))
    with pytest.raises(StudioError, match="still running") as raised:
        await supervisor.remove("j")
    assert raised.value.hint == "stop it first"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (JobSpec(script="train.py"), "there is no train.py in "),
        (JobSpec(command=("no-such-program",)), "no program no-such-program"),
        (JobSpec(script="here.py", python="/no/python"), "no Python called /no/python"),
    ],
)
async def test_what_is_not_there_is_said_before_the_start(
    supervisor: Supervisor, studio: Path, spec: JobSpec, message: str
) -> None:
    (studio / "here.py").touch()
    with pytest.raises(NotFound, match=message) as raised:
        await supervisor.start(script_job(supervisor, studio, spec))
    assert raised.value.hint
    assert await supervisor.list() == []


async def test_a_folder_that_is_not_there(supervisor: Supervisor, studio: Path) -> None:
    with pytest.raises(NotFound, match="no folder .*/elsewhere"):
        await supervisor.start(shell_job(supervisor, studio / "elsewhere", "true"))


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("import lightning as L", "lightning"),
        ("import os, lightning.pytorch", "lightning"),
        ("from lightning.fabric import Fabric", "lightning"),
        ("from pytorch_lightning import Trainer", "pytorch_lightning"),
    ],
)
async def test_a_python_without_lightning_is_refused(
    supervisor: Supervisor, studio: Path, bare: str, text: str, missing: str
) -> None:
    (studio / "train.py").write_text(text)
    spec = JobSpec(script="train.py", python=bare)
    with pytest.raises(StudioError) as raised:
        await supervisor.start(script_job(supervisor, studio, spec))
    assert raised.value.exit_code == 1
    assert raised.value.message == f"{bare} has no {missing}, which train.py imports"
    assert raised.value.hint == f"install it: {bare} -m pip install {missing.replace('_', '-')}"
    assert await supervisor.list() == []


@pytest.mark.parametrize(
    "text",
    [
        "# import lightning",
        "import lightningrod",
        "try:\n    import lightning\nexcept ImportError:\n    pass",
        "def later():\n    import lightning",
        '"""\nimport lightning\n"""',
        "from .lightning import x",
        "import lightning and this is no Python",
    ],
)
async def test_other_scripts_are_the_interpreters_business(
    supervisor: Supervisor, studio: Path, bare: str, text: str
) -> None:
    (studio / "train.py").write_text(text)
    await supervisor.check(script_job(supervisor, studio, JobSpec(script="train.py", python=bare)))


@pytest.fixture
def bare(studio: Path) -> str:
    """An interpreter without any package."""
    bare = studio / "bare"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')
    bare.chmod(0o755)
    return "./bare"


async def test_a_job_that_is_not_there(supervisor: Supervisor) -> None:
    for call in (
        supervisor.status("j"),
        supervisor.stop("j"),
        supervisor.read("j", "log", 0, 1),
    ):
        with pytest.raises(NotFound, match="no job j"):
            await call
    await supervisor.remove("j")


def test_a_status_line() -> None:
    assert parse_status("j", "lost - 10 20 1700000000 - reboot") == JobStatus(
        "j", JobState.LOST, None, 10, 20, 1700000000, None, "reboot"
    )
    for line in ("", "running", "odd - 0 0 - - -", "running x 0 0 - - -"):
        with pytest.raises(StudioError, match="makes no sense"):
            parse_status("j", line)


@pytest.mark.parametrize(
    ("code", "error"),
    [(64, UsageFault), (65, StudioError), (66, ConnectionLost), (68, NotFound), (2, StudioError)],
)
async def test_every_failure_of_the_supervisor_is_an_error_with_a_hint(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch, code: int, error: type[StudioError]
) -> None:
    async def failing(argv: list[str], **kwargs: object) -> Completed:
        return Completed(tuple(argv), code, b"", b"a reason")

    monkeypatch.setattr(supervisor.connection, "run", failing)
    with pytest.raises(error) as raised:
        await supervisor.status("j")
    assert type(raised.value) is error
    assert raised.value.hint


def test_which_states_are_final() -> None:
    assert [state.value for state in JobState if not state.ended] == [
        "queued",
        "starting",
        "running",
    ]
