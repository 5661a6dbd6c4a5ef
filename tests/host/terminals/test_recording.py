from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from studio_tui.host.terminals import recording as recording_module
from studio_tui.host.terminals.recording import Recording
from studio_tui.jobs.mask import Mask
from studio_tui.terminal.emulator import Emulator

SECRET = "hunter2-hunter2"


class Tape:
    """A recording on the disk, made by one host after the other."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.now = 1_790_000_000.0
        self.emulator = Emulator(40, 5)
        self.recording = self.opened()

    def opened(self) -> Recording:
        return Recording(self.path, Mask([SECRET]), lambda: self.now)

    def begin(self, offset: int = 0) -> None:
        self.recording.begin(self.emulator, "bash", offset, ["recorded by ana"])

    def lines(self) -> list[Any]:
        lines = self.path.read_bytes().splitlines()
        return [json.loads(line) for line in lines if not line.startswith(b"#")]

    def shown(self, code: str = "o") -> str:
        """The output after the first picture."""
        return "".join(event[2] for event in self.lines()[2:] if event[1] == code)


@pytest.fixture
def tape(tmp_path: Path) -> Iterator[Tape]:
    (tmp_path / "recordings").mkdir()
    made = Tape(tmp_path / "recordings" / "t-1.cast")
    yield made
    made.recording.close(done=False)


def test_it_begins_with_what_is_shown_and_only_this_user_reads_it(tape: Tape) -> None:
    tape.emulator.feed(b"\x1b[?1049heditor")
    tape.begin(15)
    tape.recording.output(15, b" open")
    head, picture, mark, output = tape.lines()
    assert (head["version"], head["term"]["cols"], head["title"]) == (3, 40, "bash")
    player = Emulator(40, 5)
    player.feed((picture[2] + output[2]).encode())
    player.changed_rows()
    assert player.rows[0].text == "editor open"
    assert player.modes.alternate
    assert mark[1:] == ["m", "recorded by ana"]
    assert stat.S_IMODE(tape.path.stat().st_mode) == 0o600


def test_it_waits_until_a_sequence_is_over(tape: Tape) -> None:
    tape.emulator.feed(b"\x1b[3")
    tape.begin(3)
    tape.recording.output(3, b"1")
    assert not tape.path.exists()
    tape.emulator.feed(b"1mred")
    tape.begin(7)
    tape.recording.output(7, b" more")
    assert tape.shown() == " more"


def test_a_restart_anywhere_loses_nothing_and_repeats_nothing(tape: Tape) -> None:
    whole = f"grün {SECRET} 漢字\r\n".encode() * 3
    tape.begin()
    for at in range(0, len(whole), 5):
        tape.recording.output(at, whole[at : at + 5])
    tape.recording.close()
    written = tape.path.read_bytes()
    expected = whole.decode().replace(SECRET, "*" * len(SECRET))
    assert tape.shown() == expected
    for cut in range(written.index(b"recorded by") + 20, len(written), 3):
        tape.path.write_bytes(written[:cut])
        again = tape.opened()
        assert again.resume()
        again.output(0, whole[:20])  # the ring has it all, from the beginning
        again.output(20, whole[20:])
        again.close()
        assert tape.shown() == expected, cut


def test_output_that_is_gone_is_told_and_the_screen_begins_anew(tape: Tape) -> None:
    tape.begin()
    tape.recording.output(0, b"before")
    tape.recording.output(5000, b"after")
    assert tape.shown("m").endswith("output was lost here")
    assert tape.shown() == "before\x1bcafter"


@pytest.mark.parametrize("size", [1, 4, 1000])
def test_a_secret_is_covered_however_it_is_cut(tape: Tape, size: int) -> None:
    tape.emulator.feed(b"picture " + SECRET.encode())
    tape.begin()
    data = b"token: " + SECRET.encode() + b" " + SECRET[:7].encode()
    for at in range(0, len(data), size):
        tape.recording.output(at, data[at : at + size])
    tape.recording.exited(0)
    assert SECRET.encode() not in tape.path.read_bytes()
    assert tape.shown() == f"token: {'*' * len(SECRET)} {SECRET[:7]}"
    assert tape.lines()[-1][1:] == ["x", "0"]


def test_a_full_disk_ends_it_with_whole_events(tape: Tape) -> None:
    tape.begin()
    tape.recording.output(0, b"fits")
    before = tape.path.read_bytes()
    assert tape.recording._file is not None
    tape.recording._file.close()
    tape.recording._file = open("/dev/full", "wb", buffering=0)  # noqa: SIM115 - it closes it
    tape.recording.output(4, b"does not")
    assert tape.recording.over == "the recording ended: No space left on device"
    tape.recording.output(12, b"nor this")
    tape.recording.mark("nor this")
    tape.recording.exited(0)
    tape.recording.close()
    assert tape.path.read_bytes() == before


def test_it_does_not_grow_for_ever(tape: Tape, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording_module, "RECORDING_CAP", 2 << 20)
    tape.begin()
    for number in range(100):
        tape.recording.output(number * 65536, b"y" * 65536)
    assert tape.recording.over == "the recording ended at 2 MiB"
    assert tape.path.stat().st_size <= 2 << 20
    assert set(tape.shown()) == {"y"}


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    tape = Tape(tmp_path / "file" / "t-1.cast")
    tape.begin()
    assert tape.recording.over
    tape.recording.output(0, b"x")


@pytest.mark.parametrize("content", [None, b"", b"no recording\n"])
def test_nothing_to_go_on_with(tape: Tape, content: bytes | None) -> None:
    if content is not None:
        tape.path.write_bytes(content)
    assert not tape.recording.resume()
