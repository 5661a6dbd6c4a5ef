"""What the marks of the top line say in each state."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from studio_tui.app import words
from studio_tui.document.entries import FileEntry, MachineEntry, SleepEntry

GIB = 1 << 30


@pytest.fixture
async def joined(studio: Any) -> Any:
    async with studio:
        yield studio


def test_a_settled_studio_is_saved(joined: Any) -> None:
    assert words.saved(joined) == words.Mark("✓ saved", "good")


def test_a_file_on_its_way(joined: Any) -> None:
    joined.document.files.put(FileEntry("f", path="a/train.py", state="unsaved"))
    assert words.saved(joined).text == "● saving"
    joined.saved()
    assert words.saved(joined).text == "● writing"
    joined.leave(99)
    assert words.saved(joined).text == "● safe, not yet in the file"


async def test_what_nobody_has_seen_since_the_host_left_is_not_called_saved(joined: Any) -> None:
    joined.files = {"a.py": b"a", "b.py": b"b"}
    file = await joined.file("a.py")
    joined.document.files.put(replace(file.entry, digest=file.text.digest))
    joined._files_open("b.py")
    joined.saved()
    assert words.saved(joined) == words.Mark("✓ saved", "good")
    joined.leave(99)
    assert words.saved(joined) == words.Mark("● safe at the relay", "wait")
    await joined.file("b.py")
    assert words.saved(joined) == words.Mark("✓ saved", "good")
    await file.insert(0, "x")
    joined.saved()
    assert words.saved(joined) == words.Mark("● safe, not yet in the file", "wait")


@pytest.mark.parametrize(
    ("state", "note", "said"),
    [
        ("unsavable", "disk full", "! train.py not saved: disk full"),
        ("unsavable", "", "! train.py not saved: the file cannot be written"),
        ("missing", "", "! train.py is gone from disk"),
    ],
)
def test_a_file_in_trouble(joined: Any, state: str, note: str, said: str) -> None:
    joined.document.files.put(FileEntry("f", path="a/train.py", state=state, note=note))
    joined.saved()
    assert words.saved(joined) == words.Mark(said, "bad")


def test_edits_made_offline_wait(joined: Any) -> None:
    joined.offline()
    joined.document.files.put(FileEntry("f", path="x"))
    assert words.saved(joined) == words.Mark("! 1 edit not yet sent", "bad")


def test_the_link(joined: Any) -> None:
    assert words.link(joined) == words.Mark("● live", "good")
    joined.session.link.round_trip = 0.0124
    assert words.link(joined).text == "● live 12 ms"
    joined.leave(99)
    assert words.link(joined) == words.Mark("◐ live, host away", "wait")
    joined.offline("the relay is gone")
    assert words.link(joined) == words.Mark("✗ offline, trying again: the relay is gone", "bad")


def test_before_joining(studio: Any) -> None:
    assert words.link(studio) == words.Mark("◌ connecting", "wait")


def test_milliseconds() -> None:
    assert words.milliseconds(0.0004) == "<1 ms"
    assert words.milliseconds(1.5) == "1500 ms"


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("NVIDIA H100 80GB HBM3", "H100"),
        ("NVIDIA A100-SXM4-80GB", "A100"),
        ("Tesla T4", "T4"),
        ("NVIDIA GeForce RTX 4090", "4090"),
        ("", "GPU"),
    ],
)
def test_gpu_name(name: str, short: str) -> None:
    assert words.gpu_name(name) == short


def test_hardware() -> None:
    gpus = [{"name": "NVIDIA H100"}, {"name": "Tesla T4"}, {"name": "NVIDIA H100"}]
    assert words.hardware(None) == ""
    assert words.hardware(MachineEntry("m", gpus=gpus)) == "2×H100  1×T4"
    assert words.hardware(MachineEntry("m", cpus=8, memory_bytes=32 * GIB)) == "8 cpus 32G"
    assert words.hardware(MachineEntry("m", cpus=1, price_per_hour=0.5)) == "1 cpu  $0.50/h"


@pytest.mark.parametrize(
    ("phase", "said"),
    [
        ("warning", "box sleeps in 1 min: nobody is here · ctrl+e to keep it up"),
        ("awake", "box stays up: nobody is here"),
        ("going", "box goes to sleep: nobody is here"),
        ("asleep", "box sleeps now: nobody is here"),
        ("failed", "box could not be put to sleep: nobody is here"),
        ("of another version", ""),
    ],
)
def test_a_machine_that_goes_to_sleep(phase: str, said: str) -> None:
    entry = SleepEntry("box", phase, 190.0, "nobody is here")
    assert words.sleep(entry, 100.0, "ctrl+e") == said
