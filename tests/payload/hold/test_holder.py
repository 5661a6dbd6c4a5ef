from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from studio_tui.terminal.holding import (
    encode_forget,
    encode_input,
)

if TYPE_CHECKING:
    pass

from tests.payload.hold.conftest import PATIENCE, Terminal, eventually, gone


def test_a_client_is_told_where_the_output_becomes_live(terminal: Terminal) -> None:
    terminal.start("sh", "-c", "printf 12345; read go; printf 67; read end")
    first = terminal.attach()
    first.expect(b"12345")
    second = terminal.attach()
    # Two sockets have no order between them: the holder must have taken the second attach first.
    second.until(lambda: second.stream.live_at is not None)
    first.type(b"\n")
    second.expect(b"67")
    assert second.stream.live_at == 5
    assert first.stream.live_at in (0, 5)


def test_every_line_once_though_the_client_is_killed(terminal: Terminal) -> None:
    terminal.start(
        "sh", "-c", "read go; i=0; while [ $i -lt 4000 ]; do i=$((i+1)); echo line$i; done"
    )
    reader = terminal.attach()
    reader.most = 700
    reader.type(b"\n")
    lost = 0
    while reader.code is None:
        for _ in range(3):
            reader.read()
        if reader.code is None and lost < 12:
            # Closed with output unread, as after SIGKILL: whatever was on its way is lost.
            reader.sock.close()
            reader.connect()
            lost += 1
    assert lost == 12
    assert reader.data.replace(b"\r", b"").split(b"\n")[1:-1] == [
        b"line%d" % number for number in range(1, 4001)
    ]
    assert not reader.gaps


def test_a_client_process_killed_mid_output(terminal: Terminal) -> None:
    """The same with a real client under SIGKILL that has read an unknown part."""
    terminal.start("sh", "-c", "read go; seq 1 60000; read end")
    script = (
        "import socket,sys;s=socket.socket(socket.AF_UNIX);s.connect(sys.argv[1]);"
        "s.sendall(b'A'+(8).to_bytes(4,'big')+bytes(8)+b'D'+(1).to_bytes(4,'big')+b'\\n');"
        "print(len(s.recv(50)),flush=True)\nwhile 1: s.recv(100)"
    )
    path = (terminal.directory / "socket").read_text().strip()
    with subprocess.Popen([sys.executable, "-c", script, path], stdout=subprocess.PIPE) as victim:
        assert victim.stdout is not None
        victim.stdout.readline()
        victim.kill()
    client = terminal.attach()
    client.expect(b"\n60000\r\n")
    assert client.data.split(b"\r\n")[1:-1] == [b"%d" % number for number in range(1, 60001)]


def test_two_clients_see_and_type_the_same(terminal: Terminal) -> None:
    terminal.start("cat")
    one, two = terminal.attach(), terminal.attach()
    one.type(b"from one\n")
    two.expect(b"from one\r\nfrom one\r\n")
    two.type(b"from two\n")
    one.expect(b"from two\r\nfrom two\r\n")
    late = terminal.attach()
    late.expect(b"from two\r\nfrom two\r\n")
    assert late.data == one.data


def test_the_end_is_kept_for_those_who_were_away(terminal: Terminal) -> None:
    terminal.start("sh", "-c", "echo farewell; exit 3")
    eventually((terminal.directory / "exit").exists)
    note = json.loads((terminal.directory / "exit").read_text())
    assert note == {"code": 3, "offset": 10, "ring": 0}
    assert (terminal.directory / "ring").read_bytes() == b"farewell\r\n"
    for _ in range(2):
        client = terminal.attach()
        assert client.finish() == 3
        assert client.data == b"farewell\r\n"
    again = terminal.start("sh", "-c", "echo again")
    assert again["state"] == "exited"
    assert again["pid"] == int((terminal.directory / "pid").read_text().split()[0])


def test_the_holder_goes_with_its_folder_once_the_program_is_over(terminal: Terminal) -> None:
    pid = terminal.start("true")["pid"]
    eventually((terminal.directory / "exit").exists)
    terminal.directory.rename(terminal.directory.with_name("gone"))
    eventually(lambda: gone(pid))


def test_a_huge_paste_does_not_deadlock(terminal: Terminal) -> None:
    terminal.start("sh", "-c", "stty -echo; echo ready; exec cat")
    client = terminal.attach()
    client.expect(b"ready\r\n")
    lines = b"".join(b"%06d the quick brown fox\n" % number for number in range(100_000))
    paste = memoryview(encode_input(lines))
    client.sock.settimeout(0.01)
    sent, deadline = 0, time.monotonic() + 20
    expected = len(lines) + 100_000 + len(b"ready\r\n")
    while len(client.data) < expected:
        assert time.monotonic() < deadline, (sent, len(client.data))
        if sent < len(paste):
            with contextlib.suppress(TimeoutError):
                sent += client.sock.send(paste[sent : sent + 65536])
        client.read()
    assert client.data == b"ready\r\n" + lines.replace(b"\n", b"\r\n")


def test_a_dead_client_holds_up_nobody_for_long(terminal: Terminal) -> None:
    terminal.start("sh", "-c", "read go; seq 1 500000; echo done; read end")
    dead = terminal.attach()
    live = terminal.attach()
    live.type(b"\n")
    live.expect(b"\ndone\r\n")
    assert live.data.count(b"\r\n") == 500_002
    assert not live.gaps
    # The dead one comes back to life: it gets the tail and is told what it missed.
    dead.expect(b"\ndone\r\n")
    assert dead.gaps
    assert dead.stream.offset == live.stream.offset


def test_a_client_alone_that_is_slow_loses_nothing(terminal: Terminal) -> None:
    terminal.start("sh", "-c", "read go; seq 1 250000; echo done; read end")
    slow = terminal.attach()
    slow.type(b"\n")
    for _ in range(5):
        time.sleep(0.2)
        slow.read()
    slow.expect(b"\ndone\r\n")
    assert slow.data.count(b"\r\n") == 250_002
    assert not slow.gaps


@pytest.mark.parametrize("size", [10, 3_000_000])
def test_input_that_is_not_read_yet_is_forgotten(
    terminal: Terminal, tmp_path: Path, size: int
) -> None:
    """Also what the kernel holds, and what stands in line on a connection that is closed."""
    script = "stty -echo -icanon; echo up; while [ ! -e go ]; do sleep 0.02; done; cat"
    terminal.start("sh", "-c", script, cwd=tmp_path)
    typing = terminal.attach()
    typing.expect(b"up")
    typing.sock.settimeout(0.5)
    with contextlib.suppress(TimeoutError):
        typing.type(b"x" * size)
    typing.sock.close()
    client = terminal.attach()
    client.sock.sendall(encode_forget())
    client.type(b"kept")
    (tmp_path / "go").touch()
    client.expect(b"kept")
    assert b"x" not in client.data


@pytest.mark.parametrize(
    "nonsense",
    [b"Z\x00\x00\x00\x00", b"D\xff\xff\xff\xff", b"R\x00\x00\x00\x01x", b"A\x00\x00\x00\x00"],
)
def test_nonsense_costs_only_the_connection(terminal: Terminal, nonsense: bytes) -> None:
    terminal.start("cat")
    bad, good = terminal.attach(), terminal.attach()
    bad.sock.sendall(nonsense)
    deadline = time.monotonic() + PATIENCE
    with contextlib.suppress(ConnectionResetError):
        while bad.read():
            assert time.monotonic() < deadline
    good.type(b"still here\n")
    good.expect(b"still here\r\nstill here")
