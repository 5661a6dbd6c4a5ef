from __future__ import annotations

import contextlib
import os
import signal
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from studio_tui.payload.folder import service as served
from studio_tui.payload.folder.faults import Fault
from tests.payload.folder.conftest import (
    MOST,
    UNTIL,
    Serve,
    Service,
    command,
    patched,
)


def test_it_ends_with_its_input(service: Service) -> None:
    assert service.ended() == 0


def test_it_ends_with_its_input_when_nobody_reads_either(service: Service) -> None:
    service.send("load", path="a", most=9)
    service.stdout.close()
    service.stdin.close()
    assert service.process.wait(20) == 0


def test_half_a_request_is_none(service: Service, root: Path) -> None:
    service.stdin.write(struct.pack(">II", 100, 10) + b'{"id": 1, "do": "delete", "path": "a"}')
    assert service.ended() == 0
    assert (root / "a").exists()


def test_without_a_folder_it_says_how_it_is_used() -> None:
    done = subprocess.run(command(sys.executable), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: folder.service ROOT")


@pytest.mark.parametrize(
    "frame",
    [
        struct.pack(">II", served.HEAD_LIMIT + 1, 0),
        struct.pack(">II", 2, served.BODY_LIMIT + 1) + b"{}",
        struct.pack(">II", 2, 0) + b"[]",
        struct.pack(">II", 2, 0) + b"{}",
        struct.pack(">II", 4, 0) + b"\xff\xff\xff\xff",
        struct.pack(">II", 10, 0) + b'{"id": "1"}'[:10],
        struct.pack(">II", 100_000, 0) + b"[" * 100_000,
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_request_is_the_last(service: Service, frame: bytes) -> None:
    service.stdin.write(frame)
    service.stdin.flush()
    head, body = service.receive()
    assert (head["id"], head["error"], body) == (0, "usage", b"")
    assert service.stdout.read() == b""
    assert service.process.wait(20) == 1


@pytest.mark.parametrize(
    ("do", "what"),
    [
        ("fly", {}),
        ([], {}),
        ("load", {}),
        ("load", {"path": 1, "most": 1}),
        ("load", {"path": "\ud800", "most": 1}),
        ("load", {"path": "a", "most": -1}),
        ("load", {"path": "a", "most": True}),
        ("read", {"path": "a", "offset": "0", "length": 1}),
        ("write", {"path": "a", "before": 7}),
        ("create", {"path": "b"}),
        ("rename", {"path": "a", "to": None}),
    ],
)
def test_a_request_that_makes_no_sense_is_told_and_the_others_go_on(
    service: Service, do: Any, what: dict[str, object]
) -> None:
    with pytest.raises(Fault) as raised:
        service.ask(do, **what)
    assert raised.value.kind in ("usage", "other")
    assert service.load("a")[1] == b"old"


def test_an_offset_beyond_all_is_told(service: Service) -> None:
    with pytest.raises(Fault, match="failed|Invalid|too large"):
        service.ask("read", path="a", offset=1 << 70, length=1)
    assert service.load("a")[1] == b"old"


def test_more_than_anybody_asks_is_the_end(serve: Serve, root: Path, tmp_path: Path) -> None:
    wait = f"{UNTIL}folder.Folder.walk = lambda self, most: until('go')\nservice.GRACE = 0.01"
    service = serve(root, script=patched(tmp_path, wait))
    for _ in range(served.MOST + 1):
        service.send("walk", most=1)
    head, _ = service.receive()
    assert (head["id"], head["error"]) == (0, "usage")
    assert service.ended() == 1


def test_a_slow_walk_holds_nothing_up(serve: Serve, root: Path, tmp_path: Path) -> None:
    go = tmp_path / "go"
    wait = f"{UNTIL}folder.Folder.walk = lambda self, most: until({str(go)!r}) or ['end']"
    service = serve(root, script=patched(tmp_path, wait))
    walking = service.send("walk", most=9)
    stamp = service.replace("a", b"new")
    assert service.load("a") == (stamp, b"new")
    go.touch()
    assert service.receive() == ({"id": walking}, b"end")


def test_answers_of_many_at_once_are_whole(service: Service, root: Path) -> None:
    contents = {f"f{n}": bytes([n]) * 300_000 for n in range(16)}
    for name, content in contents.items():
        (root / name).write_bytes(content)
    sent = {service.send("load", path=name, most=MOST): name for name in contents}
    for _ in contents:
        head, content = service.receive()
        assert contents[sent.pop(head["id"])] == content
    assert not sent


def slow_save(service: Service, root: Path) -> int:
    """Have a save begin that waits, with its draft written."""
    before = service.load("a")[0]
    saving = service.send("write", b"new", path="a", before=before)
    while len(os.listdir(root)) < 2:
        pass
    return saving


def test_what_has_begun_is_finished(serve: Serve, root: Path, tmp_path: Path) -> None:
    go = tmp_path / "go"
    slow = (
        f"{UNTIL}put = disk.put\nservice.GRACE = 20\n"
        f"disk.put = lambda number, data: until({str(go)!r}) or put(number, data)"
    )
    service = serve(root, script=patched(tmp_path, slow))
    saving = slow_save(service, root)
    service.stdin.close()
    service.process.send_signal(signal.SIGTERM)
    go.touch()
    head, _ = service.receive()
    assert head["id"] == saving
    assert "stamp" in head
    assert service.process.wait(20) == 0
    assert (root / "a").read_bytes() == b"new"
    assert os.listdir(root) == ["a"]


def test_it_can_be_asked_to_go(serve: Serve, root: Path) -> None:
    service = serve(root)
    service.load("a")
    code = None
    while code is None:  # one that comes right before it reads its input is heard with the next
        service.process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = service.process.wait(0.1)
    assert code == 0


@pytest.mark.parametrize(
    ("call", "caller", "left"),
    [("fsync", "put", b"old"), ("replace", "replace", b"old"), ("fsync", "replace", b"new")],
    ids=["before the draft is on disk", "before it takes the place", "right after that"],
)
def test_killed_in_the_middle_of_a_save_one_version_is_whole(
    serve: Serve, root: Path, tmp_path: Path, call: str, caller: str, left: bytes
) -> None:
    kill = (
        f"real = os.{call}\n"
        "def killed(*args, **how):\n"
        f"    if sys._getframe(1).f_code.co_name == {caller!r}:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    real(*args, **how)\n"
        f"os.{call} = killed"
    )
    service = serve(root, script=patched(tmp_path, kill))
    service.send("write", b"new", path="a", before=service.load("a")[0])
    assert service.process.wait(20) == -signal.SIGKILL
    assert (root / "a").read_bytes() == left
