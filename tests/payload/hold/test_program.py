from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from studio_tui.terminal.holding import (
    Flags,
    encode_kill,
    encode_resize,
)

if TYPE_CHECKING:
    pass

from tests.payload.hold.conftest import Terminal, eventually, gone


def test_size_folder_and_environment(terminal: Terminal, tmp_path: Path) -> None:
    said = terminal.start(
        "sh", "-c", "stty size; pwd; echo $TERM; tty", cols=99, rows=33, cwd=tmp_path
    )
    assert said["state"] in ("running", "exited")  # it may be over before anybody looks
    client = terminal.attach()
    assert client.finish() == 0
    assert client.data.decode().split("\r\n")[:3] == ["33 99", str(tmp_path), "xterm-256color"]
    assert b"/dev/" in client.data


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


def test_a_background_child_does_not_keep_the_terminal(terminal: Terminal) -> None:
    terminal.start("sh", "-c", "trap '' HUP; (sleep 30; echo late) & echo bye; exit 2")
    client = terminal.attach()
    assert client.finish() == 2
    assert client.data == b"bye\r\n"


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
