"""Machines on the command line."""

from __future__ import annotations

import os
import pty
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from studio_tui.settings import paths
from tests.machines.sshd import MakeServer, Server

if TYPE_CHECKING:
    from .conftest import Typed


def test_this_machine_with_what_it_has(typed: Typed) -> None:
    (local,) = typed("machine", "ls", "--json").json
    assert set(local) == {
        "id", "kind", "state", "cpus", "memory_bytes", "gpus", "price_per_hour", "found",
    }  # fmt: skip
    assert (local["id"], local["kind"], local["state"]) == ("local", "local", "up")
    assert local["cpus"] == len(os.sched_getaffinity(0))
    assert local["memory_bytes"] > 1 << 28
    assert all(set(gpu) == {"name", "memory_bytes"} for gpu in local["gpus"])


def test_for_people(typed: Typed) -> None:
    header, row = typed("machine", "ls").out.splitlines()
    assert header.split() == ["ID", "KIND", "STATE", "CPUS", "MEMORY", "GPUS", "PER", "HOUR"]
    assert row.split()[:3] == ["local", "local", "up"]
    assert "GiB" in row


@pytest.fixture
def config(sshd: Server, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An ssh_config that names `box`, a server, and nothing else."""
    path = sshd.client_config
    monkeypatch.setenv("STUDIO_SSH_CONFIG", str(path))
    return path


def test_added_listed_and_removed(typed: Typed, config: Path) -> None:
    done = typed("machine", "add", "gpu-box", "--host", "box", "--price", "6.98", "--folder", "~/s")
    assert (done.code, done.out) == (0, "")
    assert "studio-tui machine check gpu-box" in done.err
    local, big, found = typed("machine", "ls", "--json").json
    assert (local["id"], big["id"], found["id"]) == ("local", "gpu-box", "box")
    assert (big["state"], big["price_per_hour"], big["found"]) == ("up", 6.98, False)
    assert big["cpus"] == local["cpus"]
    assert (found["state"], found["found"], found["cpus"]) == ("unknown", True, None)
    assert "in ssh's configuration" in typed("machine", "ls").out
    assert typed("machine", "ls", "--all", "--json").json[2]["state"] == "up"
    assert typed("machine", "rm", "gpu-box").code == 0
    assert [m["id"] for m in typed("machine", "ls", "--json").json] == ["local", "box"]


def test_a_machine_that_is_down_delays_no_other(typed: Typed, make_sshd: MakeServer) -> None:
    server = make_sshd()
    server.stop()
    typed("machine", "add", "gone", "--host", "127.0.0.1", "--port", str(server.port))
    Path(os.environ["STUDIO_SSH_CONFIG"]).touch()
    done = typed("machine", "ls", "--json", "--timeout", "20")
    assert [(m["id"], m["state"]) for m in done.json] == [("local", "up"), ("gone", "down")]
    assert "gone: " in done.err
    assert "refused" in done.err


def test_a_machine_that_says_nothing_is_given_up(typed: Typed, sshd: Server) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = str(silent.getsockname()[1])
        typed("machine", "add", "silent", "--host", "127.0.0.1", "--port", port)
        Path(os.environ["STUDIO_SSH_CONFIG"]).touch()
        done = typed("machine", "ls", "--json", "--timeout", "0.5")
    assert done.json[1]["state"] == "down"
    assert "silent does not answer within 0.5 seconds" in done.err


def test_bad_requests(typed: Typed) -> None:
    assert typed("machine", "add", "a b").code == 2
    assert typed("machine", "add", "box", "--kind", "boat").code == 2
    assert typed("machine", "add", "box").code == 0
    again = typed("machine", "add", "box")
    assert (again.code, again.hint) == (2, "first: studio-tui machine rm box")
    assert typed("machine", "rm", "none").code == 3
    assert typed("machine", "check", "none").code == 3
    paths.machines_file().write_text('[machines.x]\nkind = "ssh"\npotr = 22\n')
    wrong = typed("machine", "ls")
    assert (wrong.code, wrong.hint) == (2, "did you mean 'port'?")
    assert str(paths.machines_file()) in wrong.error


def test_check_says_line_by_line(typed: Typed, config: Path, sshd: Server) -> None:
    done = typed("machine", "check", "box")
    assert done.code in (0, 1)  # this machine may lack rsync, or a driver
    words = [line.split()[1] for line in done.out.splitlines() if line.startswith(("ok", "note"))]
    assert {"reached", "user", "shell", "python3", "tar", "disk", "clock"} <= set(words)
    findings = typed("machine", "check", "box", "--json").json
    assert set(findings[0]) == {"state", "what", "detail", "hint"}
    sshd.accept()
    refused = typed("machine", "check", "box", "--json")
    assert refused.code == 4
    assert refused.json[0]["state"] == "bad"
    sshd.stop()
    assert typed("machine", "check", "box").code == 3


def test_a_new_host_without_a_terminal(typed: Typed, config: Path, sshd: Server) -> None:
    (sshd.folder / "known_hosts").unlink()
    done = typed("machine", "check", "box")
    assert done.code == 4
    assert sshd.host_key.get_fingerprint() in done.out
    assert "studio-tui machine check box" in done.out
    assert not paths.known_hosts_file().exists()


@pytest.mark.parametrize(("answer", "trusted"), [(b"y\n", True), (b"n\n", False), (b"\n", False)])
def test_a_new_host_on_a_terminal(config: Path, sshd: Server, answer: bytes, trusted: bool) -> None:
    (sshd.folder / "known_hosts").unlink()
    shown, code = on_a_terminal(["machine", "check", "box", "--json"], b"[y/N]", answer)
    assert sshd.host_key.get_fingerprint().encode() in shown
    assert paths.known_hosts_file().exists() is trusted
    assert (code in (0, 1)) is trusted


def on_a_terminal(arguments: list[str], question: bytes, answer: bytes) -> tuple[bytes, int]:
    """What a command shows on a terminal where `question` is answered, and its exit code."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "studio_tui", *arguments], stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    shown = b""
    while question not in shown:
        shown += os.read(ours, 4096)
    os.write(ours, answer)
    try:
        while data := os.read(ours, 4096):
            shown += data
    except OSError:  # Linux says so when the other side is closed
        pass
    os.close(ours)
    return shown, process.wait()


def test_a_machine_that_one_pays_for_is_started_and_stopped(
    typed: Typed,
    slurm: None,
    make_sshd: MakeServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = tmp_path / "sshd-0" / "home"
    server = make_sshd(f"SetEnv HOME={home} SLURM_CONF={os.environ['SLURM_CONF']}")
    monkeypatch.setenv("STUDIO_SSH_CONFIG", str(server.client_config))
    paths.machines_file().write_text(
        '[machines.cluster]\nkind = "slurm"\nhost = "box"\npartition = "gpu"\ngpus = 1\n'
    )
    before = typed("machine", "check", "cluster")
    assert before.code != 0
    assert "has no allocation" in before.out + before.err
    started = typed("machine", "start", "cluster")
    assert (started.code, started.out) == (0, "")
    assert started.err.splitlines()[-1] == "cluster is up"
    assert typed("machine", "check", "cluster").code == 0
    stopped = typed("machine", "stop", "cluster")
    assert stopped.err.splitlines()[-1] == "cluster is stopped"


def test_a_machine_that_is_simply_there_is_neither(typed: Typed) -> None:
    for verb in ("start", "stop"):
        done = typed("machine", verb, "local")
        assert (done.code, done.error) == (2, "local is of kind local, and simply there")
