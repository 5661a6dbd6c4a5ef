"""The terminal holder, as real processes."""

from __future__ import annotations

import ast
import contextlib
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from studio_tui.payload import hold
from studio_tui.terminal.holding import (
    Exit,
    Flags,
    Gap,
    HolderStream,
    Output,
    encode_forget,
    encode_input,
    encode_kill,
    encode_resize,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HOLD = Path(hold.__file__)
PATIENCE = 10.0


class Client:
    """A blocking client of one holder that may lose its connection and come back."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.stream = HolderStream()
        self.data = bytearray()
        self.gaps: list[Gap] = []
        self.flags: Flags | None = None
        self.code: int | None = None
        self.most = 1 << 20
        self.sock = self.connect()

    def connect(self) -> socket.socket:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)
        self.sock.settimeout(0.1)
        self.sock.sendall(self.stream.attach())
        return self.sock

    def read(self) -> bool:
        with contextlib.suppress(TimeoutError):
            data = self.sock.recv(self.most)
            for event in self.stream.feed(data):
                match event:
                    case Output():
                        self.data += event.data
                    case Gap():
                        self.gaps.append(event)
                    case Flags():
                        self.flags = event
                    case Exit():
                        self.code = event.code
            return bool(data)
        return True

    def until(self, done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not done():
            assert time.monotonic() < deadline, self.data[-500:]
            assert self.read() or done(), "the holder hung up"

    def expect(self, text: bytes) -> None:
        self.until(lambda: text in self.data[-4096:])

    def finish(self) -> int:
        self.until(lambda: self.code is not None)
        assert self.code is not None
        return self.code

    def type(self, data: bytes) -> None:
        self.sock.sendall(encode_input(data))


class Terminal:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.clients: list[Client] = []
        self.pids: set[int] = set()

    def start(self, *command: str, cols: int = 80, rows: int = 24, cwd: Path | None = None) -> Any:
        argv = [sys.executable, str(HOLD), "start", str(self.directory), str(cols), str(rows)]
        argv += ["--cwd", str(cwd)] if cwd else []
        done = subprocess.run([*argv, "--", *command], capture_output=True, timeout=20, check=True)
        said = json.loads(done.stdout)
        self.pids.add(said["pid"])
        return said

    def attach(self) -> Client:
        path = (self.directory / "socket").read_text().strip()
        self.clients.append(Client(path))
        return self.clients[-1]

    def close(self) -> None:
        for client in self.clients:
            client.sock.close()
        for pid in self.pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path / "term")
    yield terminal
    terminal.close()


def gone(pid: int) -> bool:
    return hold.birth(pid) == ""


def eventually(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_size_folder_and_environment(terminal: Terminal, tmp_path: Path) -> None:
    said = terminal.start(
        "sh", "-c", "stty size; pwd; echo $TERM; tty", cols=99, rows=33, cwd=tmp_path
    )
    assert said["state"] in ("running", "exited")  # it may be over before anybody looks
    client = terminal.attach()
    assert client.finish() == 0
    assert client.data.decode().split("\r\n")[:3] == ["33 99", str(tmp_path), "xterm-256color"]
    assert b"/dev/" in client.data


def test_the_holder_has_left_our_session_and_the_folder_is_private(terminal: Terminal) -> None:
    pid = terminal.start("sleep", "60")["pid"]
    assert os.getsid(pid) not in (os.getsid(0), pid)
    assert stat.S_IMODE(terminal.directory.stat().st_mode) == 0o700
    assert stat.S_IMODE((terminal.directory / "sock").stat().st_mode) == 0o600


def test_start_again_starts_nothing(terminal: Terminal) -> None:
    first = terminal.start("sh", "-c", "echo once; exec sleep 60")
    again = terminal.start("sh", "-c", "echo twice")
    assert again == first
    client = terminal.attach()
    client.expect(b"once")
    assert b"twice" not in client.data


def test_find_starts_nothing(terminal: Terminal) -> None:
    def find() -> Any:
        argv = [sys.executable, str(HOLD), "find", str(terminal.directory)]
        return json.loads(subprocess.run(argv, capture_output=True, timeout=20, check=True).stdout)

    assert find() == {"socket": "", "pid": 0, "state": "missing"}
    assert not terminal.directory.exists()
    said = terminal.start("sh", "-c", "read go")
    assert find() == said
    terminal.attach().type(b"\n")
    eventually((terminal.directory / "exit").exists)
    assert find()["state"] == "exited"


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


def test_resize_reaches_the_program(terminal: Terminal) -> None:
    terminal.start("sh", "-c", "trap 'stty size' WINCH; echo up; while :; do sleep 0.05; done")
    client = terminal.attach()
    client.expect(b"up")
    client.sock.sendall(encode_resize(132, 43))
    client.expect(b"43 132")


@pytest.mark.parametrize(
    ("script", "code"), [("exit 7", 7), ("kill -9 $$", -9), ("exec /no/such/program", 127)]
)
def test_exit_code(terminal: Terminal, script: str, code: int) -> None:
    terminal.start("sh", "-c", script)
    assert terminal.attach().finish() == code


def test_a_command_that_is_not_there(terminal: Terminal) -> None:
    terminal.start("no-such-command")
    client = terminal.attach()
    assert client.finish() == 127
    assert b"no-such-command: No such file" in client.data


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


def test_a_background_child_does_not_keep_the_terminal(terminal: Terminal) -> None:
    terminal.start("sh", "-c", "trap '' HUP; (sleep 30; echo late) & echo bye; exit 2")
    client = terminal.attach()
    assert client.finish() == 2
    assert client.data == b"bye\r\n"


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


def test_password_prompts_are_told(terminal: Terminal) -> None:
    terminal.start("sh", "-c", "echo hi; stty -echo; read secret; stty echo; echo bye; read end")
    client = terminal.attach()
    client.until(lambda: client.flags == Flags(echo=False, canonical=True))
    client.type(b"hunter2\n")
    client.until(lambda: client.flags == Flags(echo=True, canonical=True))
    assert b"hunter2" not in client.data


def test_kill_ends_even_what_ignores_the_hang_up(terminal: Terminal) -> None:
    terminal.start("sh", "-c", "trap '' HUP; sleep 300 & echo pid=$!=; while :; do sleep 0.1; done")
    client = terminal.attach()
    client.until(lambda: client.data.count(b"=") == 2)
    child = int(client.data.split(b"=")[1])
    client.sock.sendall(encode_kill())
    assert client.finish() == -signal.SIGKILL
    eventually(lambda: gone(child))


def test_kill_lets_a_program_end_in_peace(terminal: Terminal) -> None:
    terminal.start(
        "sh", "-c", "trap 'echo saved; exit 5' HUP; echo up; while :; do sleep 0.05; done"
    )
    client = terminal.attach()
    client.expect(b"up")
    client.sock.sendall(encode_kill())
    assert client.finish() == 5
    assert b"saved" in client.data


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


def test_a_folder_too_deep_for_a_socket(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    terminal = Terminal(deep)
    try:
        path = terminal.start("echo", "deep")["socket"]
        assert path.startswith(f"/tmp/studio-tui-{os.getuid()}/")
        assert stat.S_IMODE(Path(path).parent.stat().st_mode) == 0o700
        assert terminal.attach().finish() == 0
    finally:
        terminal.close()
        Path(path).unlink(missing_ok=True)


def test_a_holder_that_was_killed_is_lost(terminal: Terminal) -> None:
    pid = terminal.start("sleep", "60")["pid"]
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: gone(pid))
    assert terminal.start("sleep", "60")["state"] == "lost"


def test_a_reused_pid_is_not_the_holder(terminal: Terminal) -> None:
    pid = terminal.start("sleep", "60")["pid"]
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: gone(pid))
    (terminal.directory / "pid").write_text(f"{os.getpid()} 12345 {hold.boot()}\n")
    assert hold.report(str(terminal.directory)) == {
        "socket": str(terminal.directory / "sock"),
        "pid": os.getpid(),
        "state": "lost",
    }
    assert hold.birth(os.getpid())


@pytest.mark.parametrize(
    "arguments",
    [[], ["start"], ["stop", "d", "1", "1"], ["start", "d", "0", "24"], ["start", "d", "x", "1"]],
)
def test_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert hold.main(arguments) == 2
    assert "usage:" in capsys.readouterr().err


def test_a_folder_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = hold.main(["start", str(tmp_path / "t"), "80", "24", "--cwd", str(tmp_path / "none")])
    assert code == 1
    assert "none" in capsys.readouterr().err


def test_ring_knows_every_byte_by_its_offset() -> None:
    ring = hold.Ring(10)
    for _ in range(3):
        ring.add(bytes(hold.CHUNK))
    ring.add(b"0123456789ab")
    assert ring.end == 3 * hold.CHUNK + 12
    assert ring.start == ring.end - 10
    assert ring.read(ring.start, 4) == b"2345"
    assert ring.read(ring.end - 2, 100) == b"ab"


def test_the_source_runs_on_python_3_8_without_us() -> None:
    tree = ast.parse(HOLD.read_text(), feature_version=(3, 8))
    imported = {
        alias.name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    assert imported <= sys.stdlib_module_names
