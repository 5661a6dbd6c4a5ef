"""Foreign text reaches the real terminal of whoever looks on as cells and as nothing else.

The real app on a real pty, with a hostile program in a terminal, a hostile log, a hostile file, and
hostile names of files, jobs and people. Every control sequence that the app writes meanwhile must
be one that it also writes when everybody means well.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import re
import struct
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from studio_tui import sdk
from studio_tui.client import start
from studio_tui.document.entries import FileEntry, JobEntry, MachineEntry
from studio_tui.settings import studios
from studio_tui.terminal.emulator import Emulator
from tests.conftest import find_program

COLS, LINES = 160, 50
APP = """
import sys
from studio_tui.app.app import StudioApp
from studio_tui.client import locate
StudioApp(locate.attach(sys.argv[1], "cleo"), open_file=sys.argv[2]).run()
"""
ESCAPES = [
    b"\x1b]52;c;ZXZpbA==\x07", b"\x1b]0;title\x07", b"\x1b]2;title\x1b\\", b"\x1b]1337;File=:x\x07",
    b"\x1b]777;notify;a;b\x07", b"\x1b]4;1;red\x07", b"\x1b]11;?\x07", b"\x1b]104\x07",
    b"\x1b]8;;javascript:alert(1)\x07link\x1b]8;;\x07", b"\x1bP$qm\x1b\\", b"\x1bPq#0~\x1b\\",
    b"\x1b_Gf=32;x\x1b\\", b"\x1b^pm\x1b\\", b"\x1bXsos\x1b\\", b"\x1b[21t", b"\x1b[3;0;0t",
    b"\x1b[8;10;10t", b"\x1b[" + b"9" * 400 + b"m", b"\x1b[" + b"1;" * 400 + b"m", b"\x1b[5i",
    b"\x1b[2147483648C\x1b[99999;99999H", b"\x1b[?40h\x1b[?3h", b"\x1b[?1000h\x1b[?1006h",
    b"\x1b[6n\x1b[c\x1b[>c\x1b[=c\x1b[?2026$p\x05", b"\x1b#8", b"\x1b(0", b"\x1b[>31u", b"\x0e\x0f",
    b"\x1b[?1004h\x1b[?2004h", b"\x1b[?25l\x1b[5 q", b"\x1b[!p", b"\x9b31m\x9d52;c;eA==\x9c\x90",
    "\u009b31m\u009d0;t\u009c".encode(), "\u202eevil\u2066\u200f".encode(), b"\xff\xfe\xc3(",
    b"\xed\xa0\x80", b"[@click=app.bell]click[/]", b"\x00\x01\x7f\x0b\x0c",
]  # fmt: skip
CORPUS = b" ".join(ESCAPES)
NAME = "n\x1b]0;pwn\x07\u202e[@click=app.bell]x"
SEQUENCE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"
    r"|\x1b[P_^X].*?\x1b\\|\x1b[ -/]*[0-~]",
    re.DOTALL,
)
ALWAYS = re.compile(r"\x1b\[[\d;:]*[mH]")
LINK = re.compile(r"\x1b\]8;[^;]*;(https?://[^\x07\x1b]*)?\x1b\\")
UNSEEN = re.compile("[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class RealTerminal:
    """A program on a pty: every byte that it writes, and the screen that they make."""

    def __init__(self, *argv: str) -> None:
        self.pid, self._master = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm-256color", COLORTERM="truecolor")
            os.execv(argv[0], argv)
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLS, 0, 0))
        os.set_blocking(self._master, False)
        self.written = b""
        self._emulator = Emulator(COLS, LINES, self.type)
        asyncio.get_running_loop().add_reader(self._master, self._read)

    def _read(self) -> None:
        try:
            data = os.read(self._master, 1 << 16)
        except OSError:
            return
        self.written += data
        self._emulator.feed(data)

    def type(self, data: bytes) -> None:
        os.write(self._master, data)

    def shows(self, text: str) -> bool:
        self._emulator.changed_rows()
        return any(text in row.text for row in self._emulator.rows)

    async def until(self, text: str) -> None:
        try:
            async with asyncio.timeout(20):
                while not self.shows(text):
                    await asyncio.sleep(0.02)
        except TimeoutError:
            screen = "\n".join(row.text for row in self._emulator.rows)
            pytest.fail(f"{text!r} is not to be seen:\n{screen}")

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._master)
        os.kill(self.pid, 9)
        os.waitpid(self.pid, 0)
        os.close(self._master)


def obeyed(written: str) -> set[str]:
    """The control sequences in it that do more than paint."""
    found = set(SEQUENCE.findall(written))
    return {each for each in found if not ALWAYS.fullmatch(each) and not LINK.fullmatch(each)}


@pytest.fixture
def studio(tmp_path: Path, studio_home: Path) -> Iterator[Callable[..., str]]:
    """Opens a studio with these files; its id."""

    def opened(**files: bytes) -> str:
        folder = tmp_path / f"project-{len(studios.records())}"
        folder.mkdir()
        for name, data in files.items():
            (folder / name).write_bytes(data)
        return start.ensure(folder).id

    yield opened
    for record in studios.records():
        start.stop(record)


async def tour(studio: str, name: str, program: str) -> str:
    """What the app writes while it shows a file, names, a log, a chat and a program's output.

    Args:
        name: of a person, and of whatever has one.
        program: what is typed into a terminal.
    """
    async with sdk.attach(studio, name="ana") as ana, sdk.attach(studio, name=name):
        assert await (await ana.run(command=["cat", "log"])).wait() == 0
        real = RealTerminal(sys.executable, "-c", APP, studio, "text")
        try:
            await real.until("# opened")
            await real.until("opened the log")
            # What no host would list, any editor can write.
            job = JobEntry("forged", f"forged {name}", "failed", by=name, notes=[name])
            ana.document.jobs.put(job)
            ana.document.files.put(FileEntry("forged", name, "", "unsavable", name))
            ana.document.machines.put(MachineEntry(f"forged {name}", note=name))
            ana.document.say(name, f"said {name}", 1.0)
            await real.until("forged")
            real.type(b"\x14")  # a terminal of the app's own
            await ana.until(lambda: len(ana.document.terminals) == 1)
            term = await ana.terminal(next(iter(ana.document.terminals)))
            await term.take()
            await term.type(f"{program}; echo still-$((1+1))\n")
            await real.until("still-2")
        finally:
            real.close()
        await term.close()
    return real.written.decode()


@pytest.mark.timeout(60)
async def test_nothing_foreign_speaks_to_a_real_terminal(studio: Callable[..., str]) -> None:
    plain = await asyncio.to_thread(studio, text=b"# opened\n", log=b"opened the log\n")
    well_meant = await tour(plain, "bob", "cat log")
    printed = CORPUS.decode("utf-8", "ignore").replace("\0", "")
    files = {
        "text": f"# opened {printed}\n".encode(),
        "log": b"x" * 1_000_000 + b"\nopened the log " + CORPUS + b"\n",
        NAME: b"x",
    }
    evil = await asyncio.to_thread(lambda: studio(**files))
    # The last escape empties the screen, and what follows it has to be seen.
    meant = await tour(evil, NAME, "cat log; printf '\\033c'")
    shown = SEQUENCE.sub("", meant)
    assert "52;c;ZXZpbA==" in shown
    assert obeyed(meant) <= obeyed(well_meant)
    assert not UNSEEN.search(shown)


async def test_only_the_host_answers_what_a_program_asks(studio: Callable[..., str]) -> None:
    """However many look on, one answer comes, and it is not from anybody's real terminal."""
    asking = (
        "import sys, tty; tty.setraw(0)\n"
        "sys.stdout.write('\\x1b[c\\x1b[6nready\\r\\n'); sys.stdout.flush()\n"
        "got = ''\n"
        "while not got.endswith('q'): got += sys.stdin.read(1)\n"
        "print(repr(got)); sys.stdin.read(1)"
    )
    made = await asyncio.to_thread(studio)
    async with (
        sdk.attach(made, name="ana") as ana,
        sdk.attach(made, name="bob") as bob,
        sdk.attach(made, name="eve") as eve,
    ):
        term = await ana.terminal(command=[find_program("python3"), "-c", asking], cols=120)
        for other in (bob, eve):
            await other.terminal(term.id)
        await term.until("ready")
        await term.type("q")
        await term.until("q'")
        said = next(row for row in term.screen if "q'" in row)
        assert said.count("\\x1b[?") == 1
        assert said.count("R") == 1
