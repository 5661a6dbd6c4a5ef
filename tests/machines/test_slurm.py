"""A machine of a Slurm cluster: a real Slurm, whose login node is this machine."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from studio_tui.machines import ssh
from studio_tui.machines.allocation import Request
from studio_tui.machines.connection import Connection, ConnectionLost
from studio_tui.machines.install import describe, install
from studio_tui.machines.local import LocalConnection
from studio_tui.machines.slurm import SlurmConnection
from studio_tui.payload import program
from studio_tui.terminal.holding import Exit, HolderStream, Output, encode_input
from tests.machines.sshd import MakeServer, login_to

pytestmark = pytest.mark.usefixtures("slurm_commands")
GPU = Request(partition="gpu", gpus="1", cpus=1, memory="100M", minutes=10)


async def begin(root: Path, request: Request = GPU) -> SlurmConnection:
    return await SlurmConnection.begin(LocalConnection(root), "cluster", request, lambda _: None)


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[SlurmConnection]:
    """In one allocation for all these tests, but for those that end it."""
    connection = await begin(tmp_path / "root")
    yield connection
    await connection.close()


def steps(job_id: str) -> dict[int, str]:
    """Process to the step of the job that it belongs to, as Slurm sees it."""
    shown = subprocess.run(["scontrol", "listpids", job_id], capture_output=True, text=True)
    lines = [line.split() for line in shown.stdout.splitlines()[1:]]
    return {int(pid): step for pid, _, step, *_ in lines}


async def test_a_command_with_input_folder_and_environment(
    node: Connection, tmp_path: Path
) -> None:
    script = "cat; pwd; echo $MINE $SLURM_JOB_PARTITION $CUDA_VISIBLE_DEVICES; echo no >&2; exit 3"
    done = await node.run(
        ["sh", "-c", script], input=b"in\n", cwd=str(tmp_path), env={"MINE": "it's"}
    )
    assert done.stdout.decode().splitlines() == ["in", str(tmp_path), "it's gpu 0"]
    assert (done.exit_code, done.stderr) == (3, b"no\n")


async def test_every_byte_and_a_signal(node: Connection) -> None:
    data = bytes(range(256)) * 400
    assert (await node.run(["cat"], input=data)).stdout == data
    assert (await node.run(["sh", "-c", "printf '\\n5'; kill -KILL $$"])).exit_code == 137
    assert (await node.run(["printf", "\\n5"])).stdout == b"\n5"


async def test_a_conversation_whose_bytes_come_at_once(node: Connection) -> None:
    channel = await node.open(["sh", "-c", "printf 'no newline'; read a; printf $a; exit 5"])
    assert await channel.stdout.readexactly(10) == b"no newline"
    channel.stdin.write(b"\xffit\n")
    assert await channel.stdout.readexactly(3) == b"\xffit"
    assert await channel.wait() == 5


async def test_close_ends_the_program_on_the_node(node: SlurmConnection) -> None:
    channel = await node.open(["sh", "-c", "sleep 60 & echo $!; wait"])
    child = int(await channel.stdout.readline())
    assert steps(node.job.id)[child] == "batch"
    channel.close()
    await channel.wait()
    while child in steps(node.job.id):
        await asyncio.sleep(0.05)


async def test_a_terminal_outlives_the_connection(tmp_path: Path) -> None:
    node = await begin(tmp_path / "root")
    payload = await install(node)
    home = f"{node.root}/terminals/one"
    asked = "start", home, "80", "24", "--", "cat"
    start = program(sys.executable, payload, "hold.start", *asked)
    told = json.loads((await node.run(start)).check().stdout)
    assert steps(node.job.id)[told["pid"]] == "batch"  # no step that ends, and it with it
    await node.close()

    again = await begin(tmp_path / "root")
    assert again.job.id == node.job.id
    reader, writer = await again.connect(told["socket"])
    stream, seen, code = HolderStream(), b"", None
    writer.write(stream.attach() + encode_input(b"still here\n\x04"))
    while code is None:
        for event in stream.feed(await reader.read(4096)):
            seen += event.data if isinstance(event, Output) else b""
            code = event.code if isinstance(event, Exit) else code
    assert b"still here\r\nstill here\r\n" in seen
    assert code == 0
    writer.close()
    await again.release()


async def test_the_end_of_the_allocation_is_that_of_all_that_was_left_in_it(
    node: SlurmConnection,
) -> None:
    daemon = "import os, time\nif os.fork(): os._exit(0)\nos.setsid()\nprint(os.getpid(), flush=1)"
    daemon += "\nfor fd in range(3): os.close(fd)\ntime.sleep(60)"
    left = int((await node.run([sys.executable, "-c", daemon])).stdout)
    assert steps(node.job.id)[left] == "batch"
    await node.release()
    while Path(f"/proc/{left}").exists():
        await asyncio.sleep(0.05)


async def test_a_port_of_the_node(node: Connection) -> None:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = await node.forward(server.getsockname()[1])
        assert port == await node.forward(server.getsockname()[1])
        assert port != server.getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"ask")
        writer.write_eof()
        peer, _ = await asyncio.to_thread(server.accept)
        with peer:
            assert await asyncio.to_thread(peer.makefile("rb").read) == b"ask"
            peer.sendall(b"answer")
        assert await reader.read() == b"answer"
        writer.close()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    assert await reader.read() == b""  # nobody listens there any more
    writer.close()
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as taken:
        busy = taken.getsockname()[1]
        assert await node.forward(1, at=busy) not in (0, busy)
    assert await node.forward(2, at=busy) == busy
    await node.unforward(2)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", busy)


async def test_what_the_node_is(node: Connection) -> None:
    facts = await describe(node, await install(node))
    assert facts.cpus
    assert facts.python


async def test_a_secret_is_on_no_command_line(node: Connection) -> None:
    channel = await node.open(["sh", "-c", "echo up; read a"], env={"TOKEN": "hush-hush"})
    await channel.stdout.readline()
    lines = b"".join(path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path)
    assert b"allocation.py\0enter" in lines
    assert b"hush-hush" not in lines
    channel.close()
    await channel.wait()


async def test_a_login_node_that_is_reached_by_ssh(make_sshd: MakeServer, tmp_path: Path) -> None:
    home = tmp_path / "sshd-0" / "home"
    server = make_sshd(f"SetEnv HOME={home} SLURM_CONF={os.environ['SLURM_CONF']}")
    login = await ssh.connect(login_to(server, tmp_path), root=str(tmp_path / "root"))
    node = await SlurmConnection.begin(login, "cluster", GPU, lambda _: None)
    data = os.urandom(1 << 20)
    assert (await node.run(["cat"], input=data)).stdout == data
    channel = await node.open(["sh", "-c", "printf ready; sleep 60 & echo $!; wait"])
    assert await channel.stdout.readexactly(5) == b"ready"
    child = int(await channel.stdout.readline())
    lost = asyncio.create_task(node.lost())
    server.cut()
    assert await lost
    with pytest.raises(ConnectionLost):
        await node.run(["true"])
    with pytest.raises(ConnectionLost):
        await channel.wait()
    while child in steps(node.job.id):  # nobody listens to it any more
        await asyncio.sleep(0.05)
    await node.close()


async def test_a_cancelled_allocation_says_so(node: SlurmConnection) -> None:
    channel = await node.open(["sh", "-c", "echo up; sleep 60"])
    call = asyncio.create_task(node.run(["sleep", "60"]))
    await channel.stdout.readline()
    subprocess.run(["scancel", node.job.id], check=True)
    with pytest.raises(ConnectionLost, match=r"the allocation \d+ is over: it was cancelled"):
        await channel.wait()
    with pytest.raises(ConnectionLost, match="it was cancelled"):
        await call
    with pytest.raises(ConnectionLost, match="it was cancelled"):
        await node.open(["true"])
    with pytest.raises(ConnectionLost, match="it was cancelled"):
        await node.connect("/anything")


async def test_a_failed_node_says_so(node: SlurmConnection) -> None:
    change = ["scontrol", "update", f"nodename={node.job.node}"]
    subprocess.run([*change, "state=down", "reason=test"], check=True)
    try:
        with pytest.raises(ConnectionLost, match="is over: its node .* failed"):
            await node.run(["true"])
    finally:
        subprocess.run([*change, "state=resume"], capture_output=True)  # it may be back by itself


async def test_an_allocation_whose_holder_was_killed(node: SlurmConnection) -> None:
    holder = int((await node.run(["sh", "-c", "echo $PPID"])).stdout)
    os.kill(holder, signal.SIGKILL)
    with pytest.raises(ConnectionLost, match="its holder failed with exit code 137"):
        await node.run(["true"])


async def test_an_end_is_noticed_though_nothing_is_called(
    node: SlurmConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio_tui.machines.slurm.WATCH", 0.05)
    again = await SlurmConnection.begin(node._login, "cluster", GPU, lambda _: None)
    assert again.job.id == node.job.id
    subprocess.run(["scancel", node.job.id], check=True)
    assert await again.lost() == f"the allocation {node.job.id} is over: it was cancelled"
    await again.close()


async def test_closing_is_no_loss(tmp_path: Path) -> None:
    node = await begin(tmp_path / "root")
    lost = asyncio.create_task(node.lost())
    await node.close()
    assert await lost == ""


async def test_giving_it_back_is_no_loss_either(tmp_path: Path) -> None:
    node = await begin(tmp_path / "root")
    await node.release()
    assert await node.lost() == ""
    with pytest.raises(ConnectionLost):
        await node.run(["true"])


async def test_an_allocation_of_another_version_is_entered_by_its_own_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = Request(partition="cpu")
    first = await SlurmConnection.begin(
        LocalConnection(tmp_path / "root"), "older", request, lambda _: None
    )
    with monkeypatch.context() as newer:
        newer.setattr("studio_tui.payload.version", lambda: "another")
        second = await SlurmConnection.begin(
            LocalConnection(tmp_path / "root"), "older", request, lambda _: None
        )
    assert second._enter == first._enter
    assert (await second.run(["true"])).ok
    await first.close()
    await second.release()
