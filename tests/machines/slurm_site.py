"""A real Slurm of this user's own, for the tests that need a cluster."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

SLURM = Path(__file__).parents[1] / "servers" / "slurm.sh"
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun")
ADMIN_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


@pytest.fixture(scope="session")
def slurm_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A Slurm of one node, for the whole session; its slurm.conf."""
    folder = tmp_path_factory.mktemp("slurm")
    ports = [str(port) for port in free_ports(2)]
    with subprocess.Popen(
        [SLURM, folder, *ports],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PATH": ADMIN_PATH},
        text=True,
    ) as site:
        assert site.stdin is not None
        assert site.stdout is not None
        assert site.stderr is not None
        try:
            if site.stdout.readline() != "ready\n":
                pytest.fail(f"{SLURM.name}: {site.stderr.read()}")
            yield folder / "slurm.conf"
        finally:
            site.stdin.close()
            site.wait()


@pytest.fixture
def slurm_programs(require: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip without Slurm's programs; slurmctld and munged lie where only root looks."""
    assert callable(require)
    monkeypatch.setenv("PATH", ADMIN_PATH)
    for program in PROGRAMS:
        require(program)


@pytest.fixture
def slurm_commands(
    slurm_programs: None, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commands of this test talk with a real Slurm, where earlier tests may have left jobs."""
    monkeypatch.setenv("SLURM_CONF", str(request.getfixturevalue("slurm_site")))


@pytest.fixture
def slurm(slurm_commands: None) -> None:
    """A real Slurm without any job."""
    subprocess.run(["scancel", "--user", str(os.getuid())], check=True, capture_output=True)
    while subprocess.run(["squeue", "--noheader"], check=True, capture_output=True).stdout:
        time.sleep(0.05)
