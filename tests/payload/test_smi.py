"""The vendors' tools: stand-ins that print what the real ones do, and what they print when ill."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from studio_tui import payload
from studio_tui.payload.smi import amd_rows, nvidia_row

NVIDIA = """#!/bin/sh
case "$*" in *--format=csv,noheader,nounits*-lms=*) ;; *) exit 2;; esac
while :; do
  echo "0, NVIDIA H100 80GB HBM3, 37, 1024, 81559, 250.50, 700.00, 61, 1980"
  echo "1, NVIDIA H100 80GB HBM3, [N/A], 10, 81559, [N/A], 700.00, 60, 1980"
  sleep 0.05
done
"""
AMD = """#!/bin/sh
[ "$1" = monitor ] || exit 2
echo "WARNING: User is missing the following required groups: render"
echo "gpu,power_usage,hotspot_temperature,memory_temperature,gfx,mem,vram_used,vram_total"
echo "0,120 W,55,60,43 %,1,2048,196592"
echo "1,N/A,N/A,N/A,N/A,N/A,N/A,N/A"
"""


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A machine whose loader finds no library of NVIDIA's; `bin` holds its tools."""
    for name in ("probe.py", "smi.py"):
        (tmp_path / name).write_bytes(payload.files()[name])
    (tmp_path / "bin").mkdir()
    return tmp_path


def gpus(machine: Path, tool: str = "", script: str = "") -> list[dict[str, Any]]:
    """What the probe says of the GPUs once it says anything, with this tool alone on the path."""
    if tool:
        (machine / "bin" / tool).write_text(script)
        (machine / "bin" / tool).chmod(0o755)
    with subprocess.Popen(
        [sys.executable, str(machine / "probe.py"), "0.05", "/"],
        env={"STUDIO_SMI": str(machine / "bin"), "PATH": "/usr/bin:/bin"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as probe:
        assert probe.stdin is not None
        assert probe.stdout is not None
        found: list[dict[str, Any]] = []
        for _ in range(200):
            found = json.loads(probe.stdout.readline()).get("gpus", [])
            if found or not tool:
                break
        probe.stdin.close()
        probe.wait(5)
    return found


def test_nvidias_tool_streams(machine: Path) -> None:
    rows = gpus(machine, "nvidia-smi", NVIDIA)
    assert rows[0] == {
        "i": 0, "name": "NVIDIA H100 80GB HBM3", "util": 37, "mem": [1024 << 20, 81559 << 20],
        "mw": 250500, "limit_mw": 700000, "temp": 61, "sm": 1980, "procs": [],
    }  # fmt: skip


def test_amds_tool_is_asked(machine: Path) -> None:
    first, second = gpus(machine, "amd-smi", AMD)
    assert first | {"name": ""} == {
        "i": 0, "name": "", "util": 43, "mem": [2048 << 20, 196592 << 20], "mw": 120000,
        "limit_mw": None, "temp": 55, "sm": None, "procs": [],
    }  # fmt: skip
    assert (second["i"], second["util"], second["mem"]) == (1, None, None)


def test_a_machine_without_tools(machine: Path) -> None:
    assert gpus(machine) == []


@pytest.mark.parametrize("script", ["#!/bin/sh\nexit 9\n", "#!/no/such/shell\n"])
def test_a_tool_that_fails(machine: Path, script: str) -> None:
    (machine / "bin" / "nvidia-smi").write_text(script)
    (machine / "bin" / "nvidia-smi").chmod(0o755)
    assert gpus(machine) == []


def test_lines_that_are_no_rows() -> None:
    assert nvidia_row("No devices were found") is None
    assert nvidia_row("x, y, 1, 2, 3, 4, 5, 6, 7") is None
    lost = nvidia_row("3, H100, [GPU is lost], [GPU is lost], [GPU is lost], x, x, x, x")
    assert lost is not None
    assert (lost["i"], lost["lost"], lost["mem"], lost["util"]) == (3, True, None, None)
    assert amd_rows("") == []
    assert amd_rows("gpu,gfx\nx,1\n") == []
    assert amd_rows("a,b\n1,2\n") == []
