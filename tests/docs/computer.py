"""A person's computer: a home folder, a shell, and a terminal for what is interactive."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from studio_tui.terminal.emulator import Emulator
from tests.machines.sshd import Server

SECONDS = 240
"""For one command, on a machine that trains meanwhile."""
SHELL = ["/bin/bash", "-eo", "pipefail", "-c"]
COLS, ROWS = 160, 45


class Terminal:
    """A command on a pty; what is on its screen is read as a person reads it."""

    def __init__(self, process: subprocess.Popen[bytes], end: int) -> None:
        self._process = process
        self._end = end
        self._emulator = Emulator(COLS, ROWS)

    @property
    def text(self) -> str:
        return "\n".join(self._emulator.history(0, 1000).rows)

    def until(self, pattern: str) -> str:
        """Wait until the screen shows it; returns its first group, or all of it."""
        deadline = time.monotonic() + SECONDS
        while not (found := re.search(pattern, self.text)):
            assert self._read(deadline), f"no {pattern!r} on the screen:\n{self.text}"
        return found[found.lastindex or 0]

    def type(self, keys: str) -> None:
        os.write(self._end, keys.encode())

    def leave(self, keys: str = "") -> int:
        """Type the keys that end it, and wait for that; returns the exit code."""
        self.type(keys)
        deadline = time.monotonic() + SECONDS
        while self._read(deadline):
            pass
        return self._process.wait(max(0, deadline - time.monotonic()))

    def _read(self, deadline: float) -> bool:
        ready, _, _ = select.select([self._end], [], [], max(0, deadline - time.monotonic()))
        try:
            data = os.read(self._end, 65536) if ready else b""
        except OSError:  # its other end is closed
            data = b""
        self._emulator.feed(data)
        return bool(data)


class Computer:
    """What one person types runs here.

    Args:
        home: a new folder.
        variables: of its shells, beside the few that every shell has.
    """

    def __init__(self, home: Path, **variables: str) -> None:
        self.home = home
        self.folder = home
        """Where its shell is."""
        home.mkdir()
        tools = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self.variables = {
            "HOME": str(home), "STUDIO_HOME": str(home / ".studio"), "PATH": tools,
            "SHELL": "/bin/bash", "LANG": "C.UTF-8", "TERM": "xterm-256color",
            "OMP_NUM_THREADS": "1", **variables,
        }  # fmt: skip

    def go_to(self, name: str, **files: str) -> Path:
        """A folder in the home, with these files (a_py is a.py), as the shell's own."""
        self.folder = self.home / name
        self.folder.mkdir(exist_ok=True)
        for file, text in files.items():
            (self.folder / file.replace("_py", ".py")).write_text(text)
        return self.folder

    def reach(self, servers: dict[str, Server]) -> None:
        """Have ssh lead to them by these names; they have the programs that are here."""
        entries = ""
        for name, server in servers.items():
            tools = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
            server.configure(f"SetEnv HOME={server.home} PATH={tools}")
            entries += server.client_lines(name)
        config = self.home / "ssh_config"
        config.write_text(entries)
        self.variables["STUDIO_SSH_CONFIG"] = str(config)

    def stop_studios(self) -> None:
        """Leave nothing behind, whatever has come of the studios."""
        for studio in json.loads(self.run("studio-tui ls --json")):
            if studio["state"] == "joined":  # whoever opened it stops it
                continue
            with suppress(AssertionError):  # it ended already, or its relay did
                self.stop_jobs(studio["id"])
            with suppress(AssertionError):
                self.run(f"studio-tui stop {studio['id']}")

    def stop_jobs(self, studio: str) -> None:
        for job in json.loads(self.run(f"studio-tui job ls {studio} --json")):
            if job["state"] in ("queued", "starting", "running"):
                self.run(f"studio-tui job stop {studio} {job['id']}")

    def run(self, command: str, input: str = "") -> str:
        """What it prints; it has to end well."""
        done = subprocess.run(
            [*SHELL, command], cwd=self.folder, env=self.variables, input=input,
            capture_output=True, text=True, timeout=SECONDS, check=False,
        )  # fmt: skip
        assert done.returncode == 0, (
            f"{command}\nends with {done.returncode}\n{done.stdout}{done.stderr}"
        )
        return done.stdout

    @contextmanager
    def terminal(self, command: str) -> Iterator[Terminal]:
        """The command on a terminal of its own; it is killed when it is still there at the end."""
        ours, its = pty.openpty()
        fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLS, 0, 0))
        process = subprocess.Popen(
            [*SHELL, command], cwd=self.folder, env=self.variables, stdin=its, stdout=its,
            stderr=its, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(its)
        try:
            yield Terminal(process, ours)
        finally:
            process.kill()
            process.wait()
            os.close(ours)
