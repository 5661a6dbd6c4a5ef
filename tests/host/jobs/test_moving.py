"""Jobs that are moved between two machines: the host's own, and one behind a real sshd."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from studio_tui import payload
from studio_tui.document.entries import JobMove
from studio_tui.errors import NotFound, StudioError, UsageFault
from studio_tui.host.jobs import moving
from studio_tui.settings import paths
from tests.host.conftest import STUDIO, Bench
from tests.host.two_machines import COUNT, Machines, logged, machines, steps_come_once

__all__ = ["machines"]
from tests.machines.sshd import Server

pytestmark = pytest.mark.timeout(120)

SUPERVISE = str(Path(payload.__file__).with_name("supervise.sh"))

TRAIN = """
import hashlib, os, time
import lightning as L
from lightning.pytorch.demos.boring_classes import BoringModel

def weights(model):
    parts = [p.detach().float().numpy().tobytes() for p in model.parameters()]
    return hashlib.sha256(b"".join(parts)).hexdigest()

class Model(BoringModel):
    def on_train_start(self):
        print("began", self.global_step, weights(self), flush=True)
    def training_step(self, batch, index):
        print("step", self.global_step, weights(self), flush=True)
        self.log("at", float(self.global_step))
        self.trainer.should_stop = os.path.exists("enough")
        time.sleep(0.02)
        return super().training_step(batch, index)

trainer = L.Trainer(max_epochs=-1, limit_val_batches=0, accelerator="cpu", logger=False,
                    enable_checkpointing=False, enable_progress_bar=False)
trainer.fit(Model())
print("precision", trainer.precision, flush=True)
"""


HOST = """
import asyncio, os, signal, sys
from pathlib import Path
from studio_tui.host.jobs import landing, moving
from studio_tui.host.host import Host, Place
from studio_tui.settings import paths
from studio_tui.sync.link import Endpoint

url, token, folder, home, die_at = sys.argv[1:]

def die(*args):
    os.kill(os.getpid(), signal.SIGKILL)

if die_at == "held":
    moving.Moves._pack = die
elif die_at == "left":
    landing.carry = die
elif die_at == "begun":
    landing.Landing._arrive = die

async def locate():
    return Endpoint(url, token)

state, machine = Path(home, "state"), Path(home, "machine")
answers = paths.answers_socket("calm-otter")
place = Place("calm-otter", "x", Path(folder), state, machine, answers, (state, machine))
asyncio.run(Host(place, locate, lambda: None).serve())
"""


async def test_a_training_goes_on_elsewhere_as_if_nothing_had_been(
    bench: Bench, machines: Machines
) -> None:
    pytest.importorskip("lightning", reason="lightning is not installed")
    (bench.root / "train.py").write_text(TRAIN)
    (bench.root / "notes.md").write_text("carried, too")
    async with machines.hosted(bench):
        ana = await bench.attach("ana")
        job = await ana.run("train.py", python=sys.executable, accelerator="cpu")
        await logged(job, "step 6")
        move = await job.move("box", precision="bf16-mixed")
        assert (move.source, move.target, move.by, move.phase) == ("local", "box", "ana", "done")
        assert (job.entry.machine, job.entry.precision) == ("box", "bf16-mixed")
        assert await machines.jobs() == {"local": [], "box": [f"{job.id}-m1"]}
        assert (Path(machines.box.folder) / "notes.md").read_text() == "carried, too"
        (Path(machines.box.folder) / "enough").touch()
        assert await job.wait() == 0, job.entry
        told = [line async for line in job.logs()]
    steps = [line.split() for line in told if line.startswith("step ")]
    assert [int(words[1]) for words in steps] == list(range(len(steps)))  # each once
    began = [line.split() for line in told if line.startswith("began ")]
    assert [words[1] for words in began] == ["0", str(move.step)]
    # The first step there is made with the very weights that the last one here has left.
    assert move.step is not None
    assert began[1][2] == steps[move.step][2]
    assert steps[move.step][2] != steps[move.step - 1][2]
    assert f"studio: moved from local to box at step {move.step}" in told
    assert "precision bf16-mixed" in told
    curve = job.metrics["at"]
    assert [step for step, _ in curve] == sorted({step for step, _ in curve})
    assert all(value == step - 1 for step, value in curve), (move.step, curve)
    assert curve[-1] == (len(steps), len(steps) - 1)
    assert move.step in [step for step, _ in curve]
    assert f"moved from local to box at step {move.step}" in job.entry.notes
    assert job.entry.started is not None
    assert move.at is not None
    assert job.entry.started < move.at
    assert job.entry.ended is not None
    assert job.entry.cost == pytest.approx(job.entry.ended - move.at)  # the first machine is free
    assert not any("sets precision itself" in note for note in job.entry.notes)


async def test_a_host_that_is_killed_on_the_way_leaves_a_job_that_runs_once(
    bench: Bench, sshd: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed with the job held, with the job left, and with the job begun on the other machine."""
    (bench.root / "count.py").write_text(COUNT)
    monkeypatch.setenv("STUDIO_SSH_CONFIG", str(sshd.client_config))
    paths.machines_file().parent.mkdir(parents=True, exist_ok=True)
    paths.machines_file().write_text(
        f'[machines.box]\nkind = "ssh"\nhost = "box"\nroot = "{tmp_path}/box root"\n'
    )
    hosts: list[asyncio.subprocess.Process] = []

    async def host(die_at: str = "") -> None:
        words = (bench.relay.url, bench.relay.keys.mint(room=STUDIO, role="owner"))
        place = (str(bench.root), str(tmp_path), die_at)
        argv = [sys.executable, "-c", HOST, *words, *place]
        hosts.append(await asyncio.create_subprocess_exec(*argv))
        async with asyncio.timeout(40):
            await ana.until(lambda: ana.reachable)

    async def killed(machine: str) -> None:
        """The host dies on the job's way to a machine."""
        moves.append(asyncio.create_task(job.move(machine)))
        async with asyncio.timeout(40):
            assert await hosts[-1].wait() == -signal.SIGKILL
            await ana.until(lambda: not ana.reachable)

    def roots() -> list[Path]:
        return [tmp_path / "machine", tmp_path / "box root"]

    def running() -> list[str]:
        found = []
        for root in roots():
            argv = ["sh", SUPERVISE, "list", str(root / "jobs")]
            listed = subprocess.run(argv, capture_output=True, check=True).stdout.decode()
            rows = [line.split() for line in listed.splitlines()]
            found += [f"{root.name}/{row[0]}" for row in rows if row[1] == "running"]
        return found

    ana = await bench.attach("ana")
    moves: list[asyncio.Task[JobMove]] = []
    try:
        await host("held")
        job = await ana.run("count.py")
        await logged(job, "step 3")
        await killed("box")
        assert running() == [f"machine/{job.id}"]
        await host("left")
        async with asyncio.timeout(20):
            await ana.until(lambda: job.entry.moved[-1].over)
        assert "the host ended on the way; it stays on local" in job.entry.notes[-1]
        assert running() == [f"machine/{job.id}"]
        await killed("box")
        assert running() == []
        await host("begun")
        async with asyncio.timeout(40):
            assert await hosts[-1].wait() == -signal.SIGKILL
        assert running() == [f"box root/{job.id}-m1"]
        await host()
        async with asyncio.timeout(40):
            await ana.until(lambda: job.entry.machine == "box")
        assert running() == [f"box root/{job.id}-m1"]
        await job.move("local")
        assert running() == [f"machine/{job.id}-m2"]
        (bench.root / "enough").touch()
        assert await job.wait() == 0
        await steps_come_once(job)
        assert [move.phase for move in job.entry.moved] == ["done", "done"]
    finally:
        for process in hosts:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        for task in moves:
            task.cancel()
        await asyncio.gather(*moves, return_exceptions=True)
        for root in roots():
            for script in root.glob("jobs/*/script"):
                argv = ["sh", SUPERVISE, "cancel", str(root / "jobs"), script.parent.name, "0"]
                subprocess.run(argv, capture_output=True, check=True)


async def test_what_cannot_be_asked_stays_unless_it_may_begin_anew(
    bench: Bench, machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "DEAF_SECONDS", 0.2)
    (bench.root / "count.py").write_text(COUNT)
    async with machines.hosted(bench):
        ana = await bench.attach("ana")
        job = await ana.run("count.py", ["deaf"])
        with pytest.raises(UsageFault, match="runs on local already"):
            await job.move("local")
        with pytest.raises(NotFound, match="no machine 'moon'"):
            await job.move("moon")
        with pytest.raises(UsageFault, match="unknown precision"):
            await job.move("box", precision="12-odd")
        with pytest.raises(StudioError, match="cannot be asked for a checkpoint") as problem:
            await job.move("box")
        assert "--restart begins it anew on box" in problem.value.message
        assert await machines.jobs() == {"local": [job.id], "box": []}
        monkeypatch.setattr(moving, "DEAF_SECONDS", 60.0)
        going = asyncio.create_task(job.move("box"))
        await ana.until(lambda: job.entry.moved[-1].phase == "saving")
        with pytest.raises(StudioError, match="is on its way already"):
            await job.move("box")
        await job.stay()
        with pytest.raises(StudioError, match="somebody had it stay"):
            await going
        with pytest.raises(StudioError, match="is not about to move"):
            await job.stay()
        assert await machines.jobs() == {"local": [job.id], "box": []}
        assert not list(Path(machines.local.supervisor.folder).glob("*/hold"))
        await job.move("box", restart=True)
        assert await machines.jobs() == {"local": [], "box": [f"{job.id}-m1"]}
        assert "moved from local to box: it began anew, without a checkpoint" in job.entry.notes
        (Path(machines.box.folder) / "enough").touch()
        assert await job.wait() == 0
        told = [line async for line in job.logs()]
        assert told.count("step 1") == 2
        with pytest.raises(StudioError, match="is succeeded"):
            await job.move("local")
