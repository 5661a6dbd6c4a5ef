"""What it costs the app to paint a terminal of 200x50: one row, one line scrolled, everything.

    python scripts/bench_paint.py [--frames N] [--rounds N]

A Textual app that shows nothing but the product's terminal view runs on a pty of its own, which is
read as fast as it writes. It takes frames that were encoded before, in the pace of a screen. Two
figures for each case, both CPU time:

- painting: unpacking the frame and noting what changed, then what Textual does at its next tick:
  styles, composition, escape sequences, up to the hand-over to the thread that writes;
- in all: the process with all of its threads, less the same app in the same pace without a frame.
  That has Textual's timers and messages in it, and the writing.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import json
import os
import pty
import statistics
import struct
import termios
import time
from collections.abc import Callable
from typing import Any

COLS, LINES = 200, 50
PERIOD = 1 / 50
WORDS = ("epoch", "loss=1.234", "0x7fffdeadbeef", "/usr/lib/python3", "warning:", "ok")


def row(number: int) -> str:
    """A line as programs print them: a dozen pieces of different colours."""
    pieces = (f"\x1b[{1 + at % 3};3{at % 8}m{WORDS[(number + at) % 6]:14}" for at in range(12))
    return f"\x1b[0m{number:6d} " + "".join(pieces) + "\x1b[0m"


def one_row(number: int) -> str:
    """Line 25 changes."""
    return f"\x1b[25;1H{row(number)}"


def scrolled(number: int) -> str:
    """A line is printed at the bottom."""
    return f"\x1b[{LINES};1H\r\n{row(number)}"


def everything(number: int) -> str:
    """Every row is another."""
    return "".join(f"\x1b[{y + 1};1H{row(number * 100 + y)}" for y in range(LINES))


CASES: dict[str, Callable[[int], str]] = {
    "one row": one_row,
    "one line scrolled": scrolled,
    "all 50 rows": everything,
}


class Recorded:
    """A terminal whose frames are known before."""

    driver, driving, mine = None, False, False

    def __init__(self) -> None:
        from studio_tui.terminal.emulator import Emulator
        from studio_tui.terminal.frames import FrameEncoder
        from studio_tui.terminal.screen import Screen

        self.view = Screen()
        self._emulator = Emulator(COLS, LINES)
        self._encoder = FrameEncoder(self._emulator)
        self._observer: Callable[[Any], None] = lambda changed: None
        self.take(self.frame(everything(1)))

    def frame(self, printed: str) -> bytes | None:
        """The frame that tells what was printed."""
        self._emulator.feed(printed.encode())
        return self._encoder.encode()

    def take(self, frame: bytes | None) -> None:
        """A frame arrives."""
        if frame is not None:
            self._observer(self.view.apply(frame))

    def send(self, events: list[dict[str, Any]]) -> None:
        """Nobody types here."""

    def observe(self, callback: Callable[[Any], None]) -> Callable[[], None]:
        """Tell `callback` of each frame."""
        self._observer = callback
        return lambda: None


class Painting:
    """CPU seconds of the app's thread in what is called through it."""

    seconds = 0.0

    def timed(self, do: Callable[[], None]) -> None:
        """Call it."""
        started = time.thread_time()
        do()
        self.seconds += time.thread_time() - started


async def paced(
    source: Recorded, frames: list[bytes | None], painting: Painting
) -> tuple[float, float]:
    """(in painting, in all) CPU seconds of taking these frames, one a period."""
    painting.seconds, started = 0.0, time.process_time()
    for frame in frames:
        painting.timed(lambda frame=frame: source.take(frame))  # type: ignore[misc]
        await asyncio.sleep(PERIOD)
    return painting.seconds, time.process_time() - started


def child(count: int, report: int) -> None:
    """The app, on the pty; what it measured goes to the file descriptor `report`."""
    from textual.screen import Screen

    from studio_tui.app.safe_app import SafeApp
    from studio_tui.app.widgets.terminal_view import TerminalView

    source, painting = Recorded(), Painting()

    class Timed(Screen[None]):
        def _on_timer_update(self) -> None:
            painting.timed(super()._on_timer_update)

    class Alone(SafeApp[None]):
        def get_default_screen(self) -> Screen[None]:
            return Timed()

        def compose(self) -> Any:
            yield TerminalView(source)

        def on_mount(self) -> None:
            self.run_worker(self.measure())

        async def measure(self) -> None:
            await asyncio.sleep(0.5)
            found = {}
            no_painting, idle = await paced(source, [None] * count, painting)
            for name, printed in CASES.items():
                frames = [source.frame(printed(number)) for number in range(100, 100 + count)]
                painted, used = await paced(source, frames, painting)
                found[name] = (painted - no_painting) / count, (used - idle) / count
            os.write(report, json.dumps(found).encode())
            self.exit()

    Alone().run()


def measured(count: int) -> dict[str, list[float]]:
    """CPU seconds a frame of each case, in an app of its own."""
    out, report = os.pipe()
    pid, master = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm-256color", COLORTERM="truecolor")
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLS, 0, 0))
        child(count, report)
        os._exit(0)
    os.close(report)
    try:
        while os.read(master, 1 << 20):
            pass
    except OSError:  # Linux says so when the other end is closed
        pass
    os.waitpid(pid, 0)
    os.close(master)
    with os.fdopen(out) as told:
        figures: dict[str, list[float]] = json.loads(told.read())
    return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    rounds = [measured(options.frames) for _ in range(options.rounds)]
    for name in CASES:
        for at, what in enumerate(("painting", "in all")):
            figures = [found[name][at] * 1e3 for found in rounds]
            middle, low, high = statistics.median(figures), min(figures), max(figures)
            print(f"{name:18} {what:9} {middle:6.2f} ms a frame   ({low:.2f} to {high:.2f})")


if __name__ == "__main__":
    main()
