"""A command's way through login shells of every kind."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from studio_tui.machines.connection import CommandFailed
from studio_tui.machines.ssh_command import Command
from tests.conftest import Require

MARK = "0123456789abcdef"
NASTY = "a 'b' \"c\" $d `e` !f\n\\g \u00e9 %% #h ~ * ;"


def sent(
    shell: list[str], command: Command, rest: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*shell, "-c", command.line], input=command.script + rest, capture_output=True, check=False
    )


@pytest.mark.parametrize("shell", ["bash", "dash", "busybox", "fish", "csh"])
def test_every_login_shell_starts_it_alike(shell: str, require: Require, tmp_path: Path) -> None:
    folder = tmp_path / NASTY.replace("/", "")
    folder.mkdir()
    argv = ["sh", "-c", 'printf "%s|" "$PWD" "$V" "$@"; cat; exit 7', "sh", NASTY, ""]
    path = require(shell)
    done = sent(
        [path, "sh"] if shell == "busybox" else [path],
        Command.of(argv, MARK, str(folder), {"V": NASTY}),
        b"the rest\0\n",
    )
    noise, _, out = done.stdout.partition(f"{MARK} ".encode())
    number, _, out = out.partition(b"\n")
    assert (noise, number.isdigit(), done.stderr) == (b"", True, MARK.encode())
    assert out == f"{folder}|{NASTY}|{NASTY}||the rest\0\n".encode()
    assert done.returncode == 7


def test_the_line_that_all_shells_read_holds_nothing_of_the_command() -> None:
    line = Command.of(["secret"], MARK, "/", {"TOKEN": "secret"}).line
    assert "secret" not in line
    assert not set("\\!\n`") & set(line)


def test_it_tells_its_group() -> None:
    assert Command.of(["x"], MARK, "/", None).started(b" 4711\n") == 4711


@pytest.mark.parametrize(
    ("argv", "cwd", "reason"),
    [
        (["/no/such"], "/", "cannot start /no/such: No such"),
        (["no-such"], "/", "cannot start no-such: No such"),
        (["/etc"], "/", "cannot start /etc: No such"),
        (["true"], "/no/such", "the folder /no/such is not there"),
    ],
)
def test_what_cannot_be_started_says_so(argv: list[str], cwd: str, reason: str) -> None:
    command = Command.of(argv, MARK, cwd, None)
    done = sent(["/bin/sh"], command)
    assert done.stdout.startswith(MARK.encode())
    with pytest.raises(CommandFailed, match=reason):
        command.started(done.stdout.removeprefix(MARK.encode()))


def test_a_name_that_is_no_text() -> None:
    argv = ["printf", "%s", os.fsdecode(b"\xff")]
    assert sent(["/bin/sh"], Command.of(argv, MARK, "/", None)).stdout.endswith(b"\n\xff")


def test_a_shell_that_starts_nothing() -> None:
    fault = Command.of(["x"], MARK, "/", None).silent(b"This account is closed.\n")
    assert "This account is closed." in fault.message
