"""The holder of an allocation and those that enter it, as real processes; no Slurm is needed."""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from studio_tui.payload import allocation
from tests.processes import gone

PROGRAM = [sys.executable, allocation.__file__]
PATIENCE = 15.0

Enter = Callable[..., subprocess.Popen[bytes]]


def frame(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def job(monkeypatch: pytest.MonkeyPatch) -> None:
    """An allocation of this test alone, as Slurm tells its processes of it."""
    monkeypatch.setenv("SLURM_JOB_ID", f"test-{os.getpid()}-{time.monotonic_ns()}")


@pytest.fixture
def holder(job: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[bytes]]:
    monkeypatch.setenv("FROM_THE_BATCH_JOB", "yes")
    with subprocess.Popen([*PROGRAM, "hold"]) as process:
        yield process
        process.kill()


@pytest.fixture
def enter(job: None, tmp_path: Path) -> Iterator[Enter]:
    started: list[subprocess.Popen[bytes]] = []

    def entered(*argv: str, **told: Any) -> subprocess.Popen[bytes]:
        if argv:
            told = {"argv": list(argv), "cwd": str(tmp_path), "env": {}} | told
        process = subprocess.Popen(
            [*PROGRAM, "enter"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
        )
        started.append(process)
        say(process, json.dumps(told).encode())
        return process

    yield entered
    for process in started:
        process.kill()
        with process:  # closes its pipes
            pass


def say(process: subprocess.Popen[bytes], data: bytes) -> None:
    assert process.stdin is not None
    process.stdin.write(frame(data))


def line(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout is not None
    return process.stdout.readline()


def rest(process: subprocess.Popen[bytes]) -> tuple[bytes, bytes, int]:
    assert process.stdout is not None
    assert process.stderr is not None
    return process.stdout.read(), process.stderr.read(), process.wait(PATIENCE)


pytestmark = pytest.mark.usefixtures("holder")


def test_a_program_of_the_batch_job(
    enter: Enter, holder: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    script = "cat; pwd; echo $PPID $FROM_THE_BATCH_JOB $MINE; echo no >&2; exit 3"
    process = enter("sh", "-c", script, env={"MINE": "it's"})
    say(process, b"in\n")
    say(process, b"")
    assert line(process) == b"ok\n"
    output = f"in\n{tmp_path}\n{holder.pid} yes it's\n".encode()
    assert rest(process) == (output, b"no\n", 3)


def test_the_exit_code_follows_where_it_was_asked_for(enter: Enter) -> None:
    process = enter("sh", "-c", "echo '\n7'; kill -KILL $$", whole=True)
    assert rest(process) == (b"ok\n\n7\n\n137", b"", 137)


def test_input_that_nobody_reads(enter: Enter) -> None:
    process = enter("sh", "-c", "exec <&-; echo deaf; read a </dev/null; sleep 0.2")
    assert line(process) == b"ok\n"
    assert line(process) == b"deaf\n"
    for _ in range(20):
        say(process, b"x" * 65536)
    assert rest(process)[2] == 0


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"argv": ["/no/such/program"]}, b"no such file"),
        ({"argv": ["true"], "cwd": "/no/such/folder"}, b"no such file"),
        ({"argv": []}, b""),
        ({"argv": ["true"], "env": 5}, b""),
        ({"argv": ["a\0b"]}, b"embedded null byte"),
        ({"path": "/no/such/socket"}, b"no such file"),
        ({"port": 1}, b"connection refused"),
    ],
)
def test_what_cannot_be_done(enter: Enter, told: dict[str, Any], reason: bytes) -> None:
    process = enter(**({"cwd": "/", "env": {}} | told))
    answer = line(process)
    assert answer.startswith(b"no ")
    assert reason in answer.lower()
    assert rest(process) == (b"", b"", 1)


def test_a_request_that_is_none(enter: Enter) -> None:
    process = subprocess.run([*PROGRAM, "enter"], input=frame(b"nonsense"), capture_output=True)
    assert process.stdout.startswith(b"no ")
    assert subprocess.run([*PROGRAM, "enter"], input=b"\0\0", capture_output=True).returncode == 1
    after = enter("true")
    assert (line(after), rest(after)[2]) == (b"ok\n", 0)


@pytest.mark.parametrize("kill", [False, True], ids=["its stdin ends", "it is killed"])
def test_a_program_whose_caller_has_gone_is_ended(enter: Enter, kill: bool) -> None:
    process = enter("sh", "-c", "sleep 60 & echo $! $$; wait")
    assert line(process) == b"ok\n"
    pids = [int(pid) for pid in line(process).split()]
    assert process.stdin is not None
    if kill:
        process.kill()
    else:
        process.stdin.close()
    until(lambda: all(gone(pid) for pid in pids))


def test_what_does_not_go_is_killed(enter: Enter) -> None:
    process = enter("sh", "-c", "trap '' TERM; echo $$; while :; do sleep 0.1; done")
    line(process)
    pid = int(line(process))
    process.kill()
    until(lambda: gone(pid))


def test_a_program_in_a_session_of_its_own_stays_with_the_batch_job(
    enter: Enter, holder: subprocess.Popen[bytes]
) -> None:
    daemon = "import os, time\nif os.fork(): os._exit(0)\nos.setsid()\nprint(os.getpid(), flush=1)"
    daemon += "\nfor fd in range(3): os.close(fd)\ntime.sleep(60)"
    process = enter(sys.executable, "-c", daemon)
    line(process)
    pid = int(line(process))
    assert rest(process)[2] == 0
    assert not gone(pid)
    parent = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()[1]
    assert int(parent) == holder.pid
    os.kill(pid, signal.SIGKILL)
    until(lambda: not Path(f"/proc/{pid}").exists())  # the holder took it away


def test_a_socket_of_the_node(enter: Enter, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        server.listen()
        process = enter(path=str(tmp_path / "s"))
        peer, _ = server.accept()
    with peer:
        assert line(process) == b"ok\n"
        say(process, b"\xff\0ask")
        say(process, b"")
        assert peer.makefile("rb").read() == b"\xff\0ask"
        peer.sendall(b"answer")
    assert rest(process) == (b"answer", b"", 0)


def test_a_port_of_the_node(enter: Enter) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        process = enter(port=server.getsockname()[1])
        peer, _ = server.accept()
    with peer:
        assert line(process) == b"ok\n"
        assert process.stdin is not None
        process.stdin.close()
        assert peer.recv(1) == b""


def test_an_allocation_that_ends_ends_what_was_asked_of_it(
    enter: Enter, holder: subprocess.Popen[bytes]
) -> None:
    process = enter("sh", "-c", "echo $$; exec cat", whole=True)
    line(process)
    pid = int(line(process))
    holder.kill()
    holder.wait()
    os.kill(pid, signal.SIGKILL)  # as Slurm does with all of a job's processes
    assert rest(process) == (b"", b"", 1)  # no exit code is made up


def test_an_allocation_that_is_told_to_end_outlives_what_runs_in_it(
    enter: Enter, holder: subprocess.Popen[bytes]
) -> None:
    # By another number: a shell gives what it starts with & an empty stdin of its own.
    script = "exec 3<&0; trap 'echo saving; sleep 0.3; exit 4' TERM; echo $$; cat <&3 & wait"
    process = enter("sh", "-c", script)
    line(process)
    pid = int(line(process))
    holder.terminate()  # Slurm signals all of a job's processes
    os.kill(pid, signal.SIGTERM)
    assert line(process) == b"saving\n"
    say(process, b"")
    assert rest(process)[2] == 4
    assert holder.wait(PATIENCE) == 0


def test_an_empty_allocation_ends_at_once(holder: subprocess.Popen[bytes], enter: Enter) -> None:
    process = enter("true")
    assert (line(process), rest(process)[2]) == (b"ok\n", 0)
    holder.terminate()
    assert holder.wait(PATIENCE) == 0
