"""Times what a person waits for: --help, the first paint of the app, one key in a terminal.

    python scripts/bench_app.py [--runs N]

Runs the real commands on ptys of 200x50 and reads their output with a real emulator, so that
"painted" means: the cell has the character. Each figure is the median, with the lowest and highest;
a bare Textual app and a bare interpreter are measured in the same run, to compare with.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import pty
import select
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable
from pathlib import Path

from studio_tui.terminal.emulator import Emulator

COLS, LINES = 200, 50
PATIENCE = 20.0
BARE_APP = """
from textual.app import App
from textual.widgets import Label
class Bare(App):
    def compose(self):
        yield Label("painted")
Bare().run()
"""


class Screen:
    """A program on a pty of its own, and what it shows."""

    def __init__(self, argv: list[str], env: dict[str, str]) -> None:
        self.started = time.perf_counter()
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.execvpe(argv[0], argv, env)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLS, 0, 0))
        self._emulator = Emulator(COLS, LINES, lambda reply: self.type(reply))

    def type(self, data: bytes) -> None:
        """Press keys."""
        os.write(self.master, data)

    def rows(self) -> list[str]:
        """The screen as text."""
        self._emulator.changed_rows()
        return [row.text for row in self._emulator.rows]

    def until(self, condition: Callable[[list[str]], bool], what: str) -> float:
        """Read until the screen shows it; returns the moment it did."""
        deadline = time.perf_counter() + PATIENCE
        while not condition(self.rows()):
            left = deadline - time.perf_counter()
            if left < 0 or not select.select([self.master], [], [], left)[0]:
                raise SystemExit("\n".join([f"never seen: {what}", *self.rows()]))
            self._emulator.feed(os.read(self.master, 1 << 16))
        return time.perf_counter()

    def drain(self, seconds: float) -> None:
        """Let it settle."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            if select.select([self.master], [], [], left)[0]:
                self._emulator.feed(os.read(self.master, 1 << 16))

    def close(self) -> None:
        """End it."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.master)


def told(what: str, seconds: list[float]) -> None:
    """Print one figure."""
    middle, low, high = statistics.median(seconds), min(seconds), max(seconds)
    print(f"{what:52} {middle * 1e3:8.1f} ms   ({low * 1e3:.1f} to {high * 1e3:.1f})")


def timed(argv: list[str], env: dict[str, str]) -> float:
    """How long a command takes."""
    started = time.perf_counter()
    subprocess.run(argv, env=env, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def first_paint(argv: list[str], env: dict[str, str], text: str) -> float:
    """From the start of a program until `text` is on its screen."""
    screen = Screen(argv, env)
    try:
        return screen.until(lambda rows: any(text in row for row in rows), text) - screen.started
    finally:
        screen.close()


def keys(argv: list[str], env: dict[str, str], count: int) -> list[float]:
    """From a key press in the shared terminal until its cell is painted."""
    screen = Screen(argv, env)
    try:
        screen.until(lambda rows: any("calm" in r or "^" in r for r in rows), "the workspace")
        screen.drain(1.5)
        screen.type(b"\x14")
        screen.drain(1.5)
        found = []
        for number in range(count):
            letter = "abcdefghij"[number % 10]
            before = sum(row.count(letter) for row in screen.rows())
            pressed = time.perf_counter()
            screen.type(letter.encode())
            painted = screen.until(
                lambda rows, n=before, c=letter: sum(row.count(c) for row in rows) > n,
                f"the letter {letter}",
            )
            found.append(painted - pressed)
            screen.drain(0.06)
            if number % 40 == 39:
                screen.type(b"\x03")
                screen.drain(0.2)
        return found
    finally:
        screen.close()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    studio = [sys.executable, "-m", "studio_tui"]
    with tempfile.TemporaryDirectory() as folder:
        env = dict(os.environ, STUDIO_HOME=f"{folder}/home", TERM="xterm-256color")
        project = Path(folder, "project")
        project.mkdir()
        (project / "train.py").write_text("print('hello')\n")
        opened = subprocess.run(
            [*studio, "open", str(project), "--json"], env=env, capture_output=True, check=True
        )
        name = json.loads(opened.stdout)["id"]
        try:
            bare = [sys.executable, "-c", "pass"]
            told("python -c pass", [timed(bare, env) for _ in range(runs)])
            told("studio-tui --help", [timed([*studio, "--help"], env) for _ in range(runs)])
            argv = [sys.executable, "-c", BARE_APP]
            told("first paint, bare Textual app", [
                first_paint(argv, env, "painted") for _ in range(runs)
            ])  # fmt: skip
            attach = [*studio, "attach", name]
            told("first paint, studio-tui attach", [
                first_paint(attach, env, name) for _ in range(runs)
            ])  # fmt: skip
            told("attach until the file list is painted", [
                first_paint(attach, env, "train.py") for _ in range(runs)
            ])  # fmt: skip
            told("one key in a shared terminal, press to paint", keys(attach, env, 100))
        finally:
            subprocess.run([*studio, "stop", name], env=env, check=True)


if __name__ == "__main__":
    main()
