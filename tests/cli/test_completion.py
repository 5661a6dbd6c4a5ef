"""Completion in a shell, as shells ask for it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from studio_tui.settings import joined, paths, studios
from studio_tui.settings.joined import Joined

if TYPE_CHECKING:
    from .conftest import Typed


@pytest.fixture
def known(tmp_path: Path) -> None:
    """Two studios that do not run, the first with two jobs, and one that was joined."""
    joined.remember(Joined("calm-yak", "wss://box"))
    for number, name in enumerate(("calm-otter", "calm-crab")):
        studios.save(
            studios.StudioRecord(name, "my work", "/nowhere", None, "ws://x", "x", 0, number)
        )
    jobs = paths.studio_folder("calm-otter") / "jobs"
    jobs.mkdir()
    for time, job in enumerate(("first-1", "second-2", "other-3")):
        (jobs / f"{job}.json").write_text("{")
        os.utime(jobs / f"{job}.json", (time, time))


def asked(line: str) -> list[str]:
    """What is offered at the end of a line, as bash asks for it."""
    words = line.split(" ")
    asking = {
        "_STUDIO_TUI_COMPLETE": "bash_complete",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
    }
    code = "import sys; sys.argv[0] = 'studio-tui'; from studio_tui.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **asking}, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert done.stderr == ""
    return [line.partition(",")[2] for line in done.stdout.split()]


@pytest.mark.usefixtures("known")
def test_what_is_known_here_is_offered() -> None:
    assert asked("studio-tui att") == ["attach"]
    assert asked("studio-tui attach calm-") == ["calm-yak", "calm-crab", "calm-otter"]
    assert asked("studio-tui job logs calm-otter ") == ["other-3", "second-2", "first-1"]
    assert asked("studio-tui job logs calm-otter s") == ["second-2"]
    assert asked("studio-tui job logs ../../etc ") == []
    assert asked("studio-tui new char") == ["char-gpt"]
    assert "--follow" in asked("studio-tui job logs calm-otter first-1 --")


def test_where_nothing_is_known_nothing_is_offered(studio_home: Path) -> None:
    assert asked("studio-tui attach ") == []
    shutil.rmtree(studio_home / "state")
    (studio_home / "state").touch()
    assert asked("studio-tui stop x") == []


@pytest.mark.usefixtures("known")
def test_fish_completes_by_what_is_printed(tmp_path: Path, require: Callable[[str], str]) -> None:
    program = tmp_path / "bin" / "studio-tui"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m studio_tui "$@"\n')
    program.chmod(0o755)
    script = "studio-tui completion fish | source; complete -C 'studio-tui attach calm-o'"
    done = subprocess.run(
        [require("fish"), "--no-config", "-c", script],
        env={**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == ["calm-otter", "my", "work"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_has_its_own(typed: Typed, shell: str) -> None:
    assert f"_STUDIO_TUI_COMPLETE={shell}_complete" in typed("completion", shell).out


def test_another_shell_is_told(typed: Typed) -> None:
    done = typed("completion", "csh")
    assert done.code == 2
    assert "bash" in done.error
