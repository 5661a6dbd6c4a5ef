"""rsync's remote shell: the command goes to the studio, then bytes both ways."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO

from studio_tui.machines.carry import rsh


def start(path: Path, *command: str) -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-IS", rsh.__file__, str(path), "host", *command]
    return subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def pour(pipe: IO[bytes], data: bytes) -> None:
    pipe.write(data)
    pipe.close()


def test_the_command_and_bytes_both_ways(tmp_path: Path) -> None:
    data = os.urandom(1 << 20)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        server.listen()
        program = start(tmp_path / "s", "rsync", "--server", "a b", "\udcff")
        studio, _ = server.accept()
    with studio, studio.makefile("rb") as stream:
        words = stream.read(int.from_bytes(stream.read(4), "big"))
        assert words == b"rsync\0--server\0a b\0\xff"
        sender = threading.Thread(target=studio.sendall, args=(data,))
        sender.start()
        assert program.stdout is not None
        assert program.stdout.read(len(data)) == data
        sender.join()
        assert program.stdin is not None
        other = threading.Thread(target=pour, args=(program.stdin, data))
        other.start()
        assert stream.read() == data
        other.join()
    assert program.wait() == 0
    program.stdout.close()


def test_no_studio_is_a_failure(tmp_path: Path) -> None:
    program = start(tmp_path / "none", "rsync")
    assert program.communicate(b"x")[0] == b""
    assert program.returncode == 1
