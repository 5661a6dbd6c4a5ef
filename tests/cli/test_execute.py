"""Running a command on the studio's machine: its output, its exit code, nothing left of it."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from studio_tui.cli.execute import NAME_CAP, named

if TYPE_CHECKING:
    from .conftest import Hosted, Typed


def test_output_folder_and_exit_code(hosted: Hosted, spawned: Typed) -> None:
    script = "echo out; echo err >&2; pwd; exit 7"
    done = spawned("exec", hosted.id, "--", "sh", "-c", script)
    assert (done.code, done.err) == (7, "")
    assert done.out == f"out\nerr\n{hosted.folder}\n"
    assert spawned("job", "ls", hosted.id, "--json").json == []


@pytest.mark.parametrize(
    ("command", "code"), [(["true"], 0), (["sh", "-c", "kill -9 $$"], 137), (["false"], 1)]
)
def test_exit_codes(command: list[str], code: int, hosted: Hosted, typed: Typed) -> None:
    done = typed("exec", hosted.id, "--", *command)
    assert (done.code, done.out, done.err) == (code, "", "")


def test_words_come_as_they_are(hosted: Hosted, typed: Typed) -> None:
    words = ["a b", "$HOME", "'", '"', "\\", "*", "--json", "é\n"]
    done = typed("exec", hosted.id, "--", "printf", "%s|", *words)
    assert done.out == "".join(f"{word}|" for word in words)


def test_output_is_streamed_and_ctrl_c_stops_the_command(hosted: Hosted, typed: Typed) -> None:
    script = "trap 'echo stopped; exit 3' TERM; echo begun; while :; do sleep 0.05; done"
    command = ["exec", hosted.id, "--", "sh", "-c", script]
    running = subprocess.Popen(
        [sys.executable, "-m", "studio_tui", *command],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert running.stdout is not None
    assert running.stdout.readline() == "begun\n"
    names = [job["name"] for job in typed("job", "ls", hosted.id, "--json").json]
    assert names == [named(tuple(command[3:]))]
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=20)
    assert (running.returncode, err.strip()) == (130, "")
    assert "Traceback" not in out
    assert typed("job", "ls", hosted.id, "--json").json == []


def test_a_reader_that_has_enough_stops_the_command(hosted: Hosted, typed: Typed) -> None:
    script = f'"{sys.executable}" -m studio_tui exec {hosted.id} -- yes | head -n 2'
    done = subprocess.run(
        ["bash", "-c", script + "; echo ${PIPESTATUS[0]}"],
        capture_output=True, text=True, timeout=25, check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("y\ny\n141\n", "")
    assert typed("job", "ls", hosted.id, "--json").json == []


def test_what_cannot_be_run(hosted: Hosted, typed: Typed) -> None:
    done = typed("exec", hosted.id, "--", "no-such-program")
    assert (done.code, done.error) == (3, "the machine has no program no-such-program")
    assert typed("exec", hosted.id).code == 2
    done = typed("exec", hosted.id, "-m", "gpu-box", "--", "true")
    assert (done.code, done.error) == (3, "there is no machine 'gpu-box'")
    assert typed("exec", hosted.id, "-m", "local", "--", "true").code == 0


def test_the_name_is_one_printable_line_of_bounded_length() -> None:
    assert named(("echo", "a b")) == "exec echo 'a b'"
    name = named(("echo", "a\nb\x1b[2J", "x" * 200))
    assert name.isprintable()
    assert len(name) == NAME_CAP
