from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from relay_server.wire import Sender, Stream
from studio_tui.document.entries import TerminalEntry
from studio_tui.document.framelog import FrameArray
from studio_tui.document.replica import Replica
from studio_tui.errors import UsageFault
from studio_tui.host.machines.sites import Site
from studio_tui.host.terminals import terminal as terminal_module
from studio_tui.host.terminals.holder import Holder, homes
from studio_tui.host.terminals.seat import Seat
from studio_tui.host.terminals.terminal import Terminal
from studio_tui.terminal.line import Spot
from studio_tui.terminal.past import pack_lines, unpack_lines
from studio_tui.terminal.screen import Screen
from studio_tui.terminal.scrollback import Scrollback
from tests.host.conftest import eventually

MakeHolder = Callable[..., Holder]

ANA, BOB = Sender(1, "ana", "owner"), Sender(2, "bob", "editor")
VIEWER = Sender(3, "vic", "viewer")
QUESTION = r"printf '\033[6n'"
"""Asks the terminal where the cursor is; the answer arrives as input."""


class Desk:
    """A terminal's host, as often as it is restarted."""

    def __init__(self, make: MakeHolder) -> None:
        self.make = make
        self.told: list[TerminalEntry] = [TerminalEntry("t", "test", "local")]
        self.terminal: Terminal
        self.array: FrameArray
        self._task: asyncio.Task[None] | None = None
        self._seq = 0

    async def start(self, script: str) -> None:
        holder = self.make()
        await holder.start((80, 24), ["sh", "-c", script], {})
        self.follow(holder, new=True)

    def follow(self, holder: Holder | None = None, *, new: bool = False) -> None:
        """A host takes the terminal up."""
        self.array = FrameArray(Replica())
        self.terminal = Terminal(
            self.told[-1], holder or self.make(), self.array, self.told.append, Seat(), new=new
        )
        self._task = asyncio.create_task(self.terminal.run())

    async def crash(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            assert self._task.cancelled() or self._task.exception() is None
            self.terminal.close()

    def send(self, *events: Any, sender: Sender = ANA, raw: bytes | None = None) -> None:
        self._seq += 1
        data = json.dumps(events).encode() if raw is None else raw
        self.terminal.received(Stream("input", self._seq, data, sender))

    def screen(self) -> Screen:
        shown = Screen()
        shown.replay(self.array.frames())
        return shown

    @property
    def rows(self) -> list[str]:
        return [row for row in self.screen().text() if row]

    @property
    def entry(self) -> TerminalEntry:
        return self.told[-1]

    async def until(self, text: str) -> None:
        await eventually(lambda: any(text in row for row in self.rows))

    async def over(self) -> None:
        async with asyncio.timeout(10):
            await self.terminal.over.wait()


@pytest.fixture
async def desk(holder: MakeHolder) -> AsyncIterator[Desk]:
    made = Desk(holder)
    yield made
    await made.crash()


@pytest.fixture
def pid_file(site: Site) -> Path:
    return Path(homes(site)) / "t" / "pid"


# -- output and input -------------------------------------------------------------------------


async def test_what_is_typed_is_seen(desk: Desk) -> None:
    await desk.start('while read line; do echo "<$line>"; done')
    desk.send({"text": "hello\n"})
    await desk.until("<hello>")
    await eventually(lambda: desk.screen().input_seq == 1)
    desk.send({"key": "w", "char": "w"}, {"key": "enter", "char": None}, {"paste": "pasted\n"})
    await desk.until("<pasted>")
    assert "<w>" in desk.rows


async def test_the_end_is_told_with_the_exit_code(desk: Desk) -> None:
    await desk.start("echo bye; exit 7")
    await desk.over()
    assert (desk.entry.state, desk.entry.exit_code) == ("exited", 7)
    assert (desk.entry.driver, desk.entry.driver_connection) == (None, None)
    assert desk.rows == ["bye"]
    desk.send({"text": "too late\n"})
    assert desk.entry.driver is None


async def test_a_signal_is_told_as_a_shell_tells_it(desk: Desk) -> None:
    await desk.start("kill -9 $$")
    await desk.over()
    assert desk.entry.exit_code == 137


async def test_that_a_password_is_asked_for_is_told(desk: Desk) -> None:
    await desk.start("stty -echo; echo secret:; read x; stty echo; echo thanks; read y")
    await eventually(lambda: desk.screen().modes.password)
    desk.send({"text": "hunter2\n"})
    await desk.until("thanks")
    await eventually(lambda: not desk.screen().modes.password)
    assert not any("hunter2" in row for row in desk.rows)


async def test_a_bell_and_a_title(desk: Desk) -> None:
    await desk.start(r"printf '\a\033]2;my title\007'; read x")
    await eventually(lambda: desk.screen().title == "my title")
    assert desk.screen().bells == 1


async def test_history(desk: Desk) -> None:
    await desk.start("seq 100; read x")
    await desk.until("100")
    history = desk.terminal.history(10, 3)
    assert history.rows == ["11", "12", "13"]
    assert history.total >= 100


async def test_what_programs_printed_is_copied_in_the_lines_that_they_printed(desk: Desk) -> None:
    """On the screen, and from what scrolled away; a column of `ls` or a table is left as it is."""
    words = " ".join(str(number) for number in range(100))
    await desk.start(f"echo {words}; printf '%080d\\n' 7; seq 3; echo {words}; read x")
    await desk.until("99")
    await eventually(lambda: desk.screen().cursor.y == 12)
    shown = Scrollback(desk.screen().rows[:12])
    printed = [words, f"{7:080}", "1", "2", "3", words]
    assert shown.text(Spot(0, 0), Spot(11, 80)).splitlines() == printed
    past = Scrollback(unpack_lines(pack_lines(desk.terminal.painted_history(0, 12))))
    assert past.text(Spot(0, 0), Spot(11, 80)).splitlines() == printed


async def test_ending_it(desk: Desk) -> None:
    await desk.start("trap 'echo saved; exit 4' HUP; echo up; while :; do sleep 0.05; done")
    await desk.until("up")
    async with asyncio.timeout(10):
        await desk.terminal.end()
    assert desk.entry.exit_code == 4
    assert desk.rows[-1] == "saved"


async def test_ending_it_while_it_is_not_connected(desk: Desk) -> None:
    await desk.start("echo up; read x")
    await desk.until("up")
    desk.terminal._writer = None
    async with asyncio.timeout(10):
        await desk.terminal.end()
    assert desk.entry.exit_code == 129


NONSENSE: list[Any] = [
    {"resize": [0, 0]},
    {"resize": [-1, 24]},
    {"resize": [10**9, 10**9]},
    {"resize": ["a", "b"]},
    {"resize": 3},
    {"text": 3},
    {"text": "\ud800"},
    {"text": "x" * (1 << 20) + "x"},
    {"key": "nothing+of+the+kind", "char": None},
    {"key": "", "char": ""},
    {"key": "a", "char": "\ud800"},
    {"mouse": {"kind": "down", "x": 10**30, "y": -1, "button": 10**30}},
    {"mouse": {"kind": "dance", "x": 1, "y": 1}},
    {"mouse": None},
    {},
    None,
    "text",
    [[]],
]


async def test_nonsense_from_a_client_harms_nothing(desk: Desk) -> None:
    await desk.start('read line; echo "<$line>"; read x')
    for event in NONSENSE:
        desk.send(event)
    for raw in (b"", b"\xff", b"{}", b"[", b"[" * 100_000, b"3", b"[1e999]"):
        desk.send(raw=raw)
    desk.terminal.received(Stream("output", 1, b'[{"text": "no\\n"}]', ANA))
    desk.terminal.received(Stream("input", 1, b'[{"text": "no\\n"}]', None))
    assert (desk.entry.cols, desk.entry.rows) == (80, 24)
    desk.send({"text": "\x15sane\n"})
    await desk.until("sane>")


async def test_input_that_nobody_reads_is_bounded(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal_module, "INPUT_CAP", 100_000)
    await desk.start("stty raw -echo; echo up; sleep 60")
    await desk.until("up")
    for _ in range(100):
        desk.send({"text": "x" * 100_000})
        await asyncio.sleep(0)
    writer: Any = desk.terminal._writer
    assert writer.transport.get_write_buffer_size() < 1_000_000
    writer.transport.abort()  # what is on its way would keep the socket open


@pytest.mark.parametrize("size", [10, 200_000])
async def test_input_that_is_dropped_reaches_no_program(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(terminal_module, "RETRY_SECONDS", 0.01)
    waiting = f"while [ ! -e {tmp_path}/go ]; do sleep 0.02; done"
    await desk.start(f"trap 'echo sized' WINCH; stty -echo -icanon; echo up; {waiting}; cat")
    await desk.until("up")
    for _ in range(20):
        desk.send({"text": "x" * size})
    await asyncio.sleep(0)
    await desk.terminal.drop_input()
    desk.send({"text": "kept"})
    await eventually(lambda: desk.terminal._writer is not None and not desk.terminal._unsent)
    desk.terminal.resize(90, 30)
    await desk.until("sized")  # so the holder has taken all that was sent before
    (tmp_path / "go").touch()
    await desk.until("kept")
    assert desk.rows == ["up", "sized", "kept"]


async def test_a_frame_that_no_relay_carries_is_left_out(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.start("echo first; read x; echo second; read y; echo third; read z")
    await desk.until("first")
    with monkeypatch.context() as patched:
        patched.setattr(terminal_module, "FRAME_CAP", 0)
        before = desk.array.frames()
        desk.send({"text": "\n"})
        await eventually(lambda: "second" in desk.terminal.history(0, 24).rows)
        await asyncio.sleep(0.1)
        assert desk.array.frames() == before
    desk.send({"text": "\n"})
    await desk.until("third")
    assert desk.rows == ["first", "second", "third"]


# -- the seat ---------------------------------------------------------------------------------


async def test_whoever_types_first_drives(desk: Desk) -> None:
    await desk.start("cat")
    desk.send({"text": "from ana\n"})
    desk.send({"text": "from bob\n"}, sender=BOB)
    desk.send({"text": "from vic\n"}, sender=VIEWER)
    desk.send({"text": "again ana\n"})
    await desk.until("again ana")
    assert (desk.entry.driver, desk.entry.driver_connection) == ("ana", 1)
    assert not any("bob" in row or "vic" in row for row in desk.rows)


async def test_the_seat_goes_round(desk: Desk) -> None:
    await desk.start("cat")
    desk.terminal.sit(Seat("bob", 2))
    assert desk.entry.driver == "bob"
    desk.send({"text": "from ana\n"})
    desk.terminal.sit(Seat("ana", 1))
    desk.send({"text": "now ana\n"})
    await desk.until("now ana")
    assert not any("from ana" in row for row in desk.rows)
    desk.terminal.sit(Seat())
    assert desk.entry.driver is None
    desk.send({"text": "bob again\n"}, sender=BOB)
    await desk.until("bob again")
    assert desk.entry.driver_connection == 2


async def test_nobody_drives_what_is_over(desk: Desk) -> None:
    await desk.start("exit")
    await desk.over()
    desk.terminal.sit(Seat("ana", 1))
    assert desk.entry.driver is None


async def test_only_the_driver_sets_the_size(desk: Desk) -> None:
    await desk.start("trap 'stty size' WINCH; echo up; while :; do sleep 0.05; done")
    await desk.until("up")
    desk.terminal.sit(Seat("ana", 1))
    desk.send({"resize": [100, 30]}, sender=BOB)
    desk.send({"resize": [90, 20]})
    await desk.until("20 90")
    assert (desk.entry.cols, desk.entry.rows) == (90, 20)
    assert (desk.screen().cols, desk.screen().lines) == (90, 20)
    with pytest.raises(UsageFault):
        desk.terminal.resize(5000, 5000)
    assert desk.entry.cols == 90
    desk.terminal.pin(True)
    desk.send({"resize": [100, 30]})
    assert (desk.entry.cols, desk.entry.pinned) == (90, True)
    desk.terminal.pin(False)
    desk.send({"resize": [100, 30]})
    assert desk.entry.cols == 100


# -- over a restart of the host ---------------------------------------------------------------


async def test_a_new_host_shows_the_same_screen(desk: Desk) -> None:
    await desk.start(r"seq 50; printf '\033[1;32mgreen\033[0m prompt> '; read x")
    await desk.until("prompt>")
    before = desk.screen()
    await desk.crash()
    desk.follow()
    await desk.until("prompt>")
    await eventually(lambda: desk.screen().rows == before.rows)
    assert desk.screen().cursor == before.cursor
    assert desk.terminal.history(0, 3).rows == ["1", "2", "3"]


async def test_also_a_full_screen_one(desk: Desk) -> None:
    await desk.start(
        r"echo below; printf '\033[?1049h\033[2J\033[5;5Hediting'; read x;"
        r"printf '\033[?1049l'; read y"
    )
    await desk.until("editing")
    await desk.crash()
    desk.follow()
    await desk.until("editing")
    assert desk.screen().modes.alternate
    assert desk.rows == ["    editing"]
    desk.send({"text": "\n"})
    await desk.until("below")
    assert not desk.screen().modes.alternate


async def test_a_question_is_answered_once(desk: Desk) -> None:
    """A second answer, to the output seen again, would be typed into the program."""
    await desk.start(
        f"stty -icanon -echo; {QUESTION}; answer=$(dd bs=1 count=6 2>/dev/null | tr '\\033' E);"
        r"""printf '\nfirst %s\n' "$answer"; """
        'stty icanon; read line; echo "then ${#line}"; read x'
    )
    await desk.until("first E[1;1R")
    await desk.crash()
    desk.follow()
    await desk.until("first E[1;1R")
    desk.send({"text": "typed\n"})
    await desk.until("then ")
    assert "then 5" in desk.rows


async def test_a_question_before_anybody_listened_is_answered(desk: Desk) -> None:
    """Programs ask in their first moment, and some wait for the answer."""
    holder = desk.make()
    script = (
        f"stty -icanon -echo; {QUESTION}; answer=$(dd bs=1 count=6 2>/dev/null | tr '\\033' E);"
        "echo answer $answer; read x"
    )
    await holder.start((80, 24), ["sh", "-c", script], {})
    await asyncio.sleep(0.3)
    desk.follow(holder, new=True)
    await desk.until("answer E[1;1R")


async def test_a_question_after_the_restart_is_answered_too(desk: Desk) -> None:
    await desk.start(
        "echo up; read go; stty -icanon -echo;"
        f"{QUESTION}; answer=$(dd bs=1 count=6 2>/dev/null | tr '\\033' E);"
        r"""printf '\nanswer %s\n' "$answer"; read x"""
    )
    await desk.until("up")
    await desk.crash()
    desk.follow()
    await desk.until("up")
    desk.send({"text": "\n"})
    await desk.until("answer E[3;1R")


async def test_what_ended_while_the_host_was_away(desk: Desk) -> None:
    await desk.start("echo up; sleep 0.3; echo last words; exit 6")
    await desk.until("up")
    await desk.crash()
    await asyncio.sleep(0.6)
    desk.follow()
    await desk.over()
    assert (desk.entry.state, desk.entry.exit_code) == ("exited", 6)
    assert desk.rows == ["up", "last words"]


async def test_what_was_over_before_still_shows_its_end(desk: Desk) -> None:
    await desk.start("echo bye; exit 2")
    await desk.over()
    await desk.crash()
    desk.follow()
    await desk.over()
    assert (desk.entry.state, desk.entry.exit_code) == ("exited", 2)
    assert desk.rows == ["bye"]


async def test_a_holder_that_was_killed(
    desk: Desk, pid_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal_module, "RETRY_SECONDS", 0.01)
    await desk.start("echo up; sleep 60")
    await desk.until("up")
    os.kill(int(pid_file.read_text().split()[0]), signal.SIGKILL)
    await desk.over()
    assert (desk.entry.state, desk.entry.exit_code) == ("exited", None)
    assert desk.rows == ["up"]


async def test_a_lost_connection_is_made_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal_module, "RETRY_SECONDS", 0.01)
    await desk.start("cat")
    desk.send({"text": "before\n"})
    await desk.until("before")
    writer: Any = desk.terminal._writer
    writer.transport.abort()
    await eventually(lambda: desk.terminal._writer not in (None, writer))
    desk.send({"text": "after\n"})
    await desk.until("after")
    await eventually(lambda: desk.rows == ["before", "before", "after", "after"])


async def test_a_holder_that_talks_nonsense_is_asked_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal_module, "RETRY_SECONDS", 0.01)
    await desk.start("echo up; read x; echo down")
    await desk.until("up")
    feed, said = desk.terminal._stream.feed, iter([b"Z\0\0\0\0"])
    monkeypatch.setattr(desk.terminal._stream, "feed", lambda data: feed(next(said, b"") or data))
    desk.send({"text": "\n"})
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.2):
            await desk.terminal.over.wait()
    desk.send({"text": "\n"})
    await desk.over()
    assert desk.rows[-1] == "down"
