"""The job supervisor under each POSIX shell, as a machine would run it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from studio_tui import payload

SUPERVISE = Path(payload.__file__).with_name("supervise.sh")


class Supervision:
    """Calls of supervise.sh, with a root of its own."""

    def __init__(self, shell: str, folder: Path) -> None:
        self.shell = shell
        self.folder = folder
        self.root = folder / "jobs"

    def argv(self, verb: str, *args: object) -> list[str]:
        return [self.shell, str(SUPERVISE), verb, str(self.root), *map(str, args)]

    def call(self, verb: str, *args: object, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.argv(verb, *args),
            input=stdin,
            capture_output=True,
            text=True,
            env=self.environment(),
            check=False,
        )

    def environment(self) -> dict[str, str]:
        return {"PATH": "/usr/local/bin:/usr/bin:/bin", "STUDIO_SH": self.shell, "HOME": "/"}

    def start(self, job: str, script: str, retries: int = 0, limit: int = 0) -> list[str]:
        words = (self.folder, len(script), retries, limit)
        return self.call("start", job, *words, stdin=script).stdout.split()

    def status(self, job: str) -> list[str]:
        return self.call("status", job).stdout.split()

    def until(self, job: str, *states: str) -> list[str]:
        """The status as soon as it is one of the states."""
        while (found := self.status(job))[0] not in states:
            time.sleep(0.02)
        return found

    def log(self, job: str) -> str:
        return (self.root / job / "log").read_text()

    def until_logged(self, job: str, text: str) -> None:
        while text not in self.log(job):
            time.sleep(0.02)

    def pid(self, job: str, file: str = "pid") -> int:
        return int((self.root / job / file).read_text().split()[0])


def make_shell(name: str, folder: Path, require: Callable[[str], str]) -> str:
    """A shell's path; busybox gets a wrapper that says which of its programs is meant."""
    path = require(name)
    if name != "busybox":
        return path
    wrapper = folder / "busybox-sh"
    wrapper.write_text('#!/bin/sh\nexec busybox sh "$@"\n')
    wrapper.chmod(0o755)
    return str(wrapper)


@pytest.fixture(params=["dash", "bash", "busybox"])
def jobs(
    request: pytest.FixtureRequest, tmp_path: Path, require: Callable[[str], str]
) -> Iterator[Supervision]:
    supervision = Supervision(make_shell(request.param, tmp_path, require), tmp_path)
    yield supervision
    for job in supervision.root.glob("*/script"):
        supervision.call("cancel", job.parent.name, 0)
