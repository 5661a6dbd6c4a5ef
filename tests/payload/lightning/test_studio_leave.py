"""A process leaves its gloo group before its interpreter goes, and else nothing changes."""

from __future__ import annotations

import atexit
import subprocess
import sys
from pathlib import Path

import pytest

from studio_tui.payload.lightning import studio_leave

# The very race, without the luck that it takes: rank 0's last collective ends while its main thread
# keeps Python's lock, in C, as the last thing before its interpreter goes. A fork, since torch is
# slow to import.
RACE = """
import atexit, ctypes, os, sys, time
atexit.register(ctypes.PyDLL(None).usleep, 900_000)
import torch
import torch.distributed as dist
import studio_leave

studio_leave.for_any()
rank = 0 if os.fork() else 1
dist.init_process_group("gloo", init_method="file://" + sys.argv[1], rank=rank, world_size=2)
rows = torch.ones(4)
if rank == 1:
    time.sleep(0.3)
    dist.all_reduce(rows)
    os._exit(0)
dist.all_reduce(rows, async_op=True)
del rows
sys.exit(5)
"""


def test_a_late_thread_of_gloo_does_not_end_the_process(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="the train extra is not installed")
    environment = {"STUDIO_JOB_DIR": str(tmp_path), "PATH": "", "OMP_NUM_THREADS": "1"}
    environment["PYTHONPATH"] = str(Path(studio_leave.__file__).parent)
    command = [sys.executable, "-c", RACE, str(tmp_path / "store")]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=25)
    assert (ended.returncode, ended.stderr) == (5, "")


class Distributed:
    """What of torch.distributed is asked."""

    def __init__(self, backend: str, fault: str = "") -> None:
        self.backend, self.fault, self.left = backend, fault, False

    def is_initialized(self) -> bool:
        return bool(self.backend)

    def get_backend(self) -> str:
        return self.backend

    def destroy_process_group(self) -> None:
        if self.fault:
            raise RuntimeError(self.fault)
        self.left = True


@pytest.mark.parametrize(
    ("backend", "failed", "left"),
    [("gloo", False, True), ("gloo", True, False), ("nccl", False, False), ("", False, False)],
)
def test_only_a_gloo_group_is_left_and_only_when_nothing_failed(
    backend: str, failed: bool, left: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    distributed = Distributed(backend)
    monkeypatch.setitem(sys.modules, "torch.distributed", distributed)  # type: ignore[arg-type]
    if failed:
        monkeypatch.setattr(sys, "last_value", ValueError(), raising=False)
    studio_leave.leave()
    assert distributed.left is left


def test_a_fault_is_said_and_no_more(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "torch.distributed", Distributed("gloo", "gone"))  # type: ignore[arg-type]
    studio_leave.leave()
    assert capfd.readouterr().err == "studio: leave: RuntimeError: gone\n"


def test_nothing_is_done_outside_of_a_job(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(atexit, "register", asked.append)
    assert studio_leave.for_any() == []
    monkeypatch.setenv("STUDIO_JOB_DIR", "/job")
    assert studio_leave.for_any() == []
    assert asked == [studio_leave.leave]
