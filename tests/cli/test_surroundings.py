from __future__ import annotations

import pytest

from studio_tui.cli import surroundings
from studio_tui.client import clock
from studio_tui.errors import StudioError

TERM = {"TERM": "xterm-256color"}


@pytest.mark.parametrize(
    ("env", "words"),
    [
        (TERM, "xterm-256color, UTF-8, 256 colours, no key that old terminals lack"),
        (TERM | {"COLORTERM": "truecolor"}, "all colours"),
        (TERM | {"NO_COLOR": ""}, "no colours (NO_COLOR)"),
        ({"TERM": "xterm-kitty"}, "xterm-kitty, UTF-8, few colours, every key"),
    ],
)
def test_what_a_terminal_can_do(env: dict[str, str], words: str) -> None:
    assert words in surroundings.screen(env, "UTF-8", True)


@pytest.mark.parametrize(
    ("env", "encoding", "why"),
    [(TERM, "latin-1", "its text is latin-1"), ({"TERM": "dumb"}, "UTF-8", "TERM is 'dumb'")],
)
def test_a_terminal_that_cannot(env: dict[str, str], encoding: str, why: str) -> None:
    with pytest.raises(StudioError, match=why) as caught:
        surroundings.screen(env, encoding, True)
    assert caught.value.hint


def test_without_a_terminal_nothing_is_said_of_it() -> None:
    assert surroundings.screen({}, "ascii", False) == "no terminal here"


def test_a_driver_against_torchs_build() -> None:
    assert surroundings.driver(None, False, []) == "no GPU to drive"
    assert surroundings.driver("CUDA 13.0", True, ["H200"]) == "torch for CUDA 13.0 drives H200"
    with pytest.raises(StudioError, match="torch is built for CPUs"):
        surroundings.driver(None, False, ["H200"])
    with pytest.raises(StudioError, match="the driver of H200 is older"):
        surroundings.driver("CUDA 13.0", False, ["H200"])


def test_a_clock_that_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDIO_RELAY", "ws://127.0.0.1:1")
    for ahead, words in ((3600.0, "3600 s ahead of"), (-60.0, "60 s behind")):
        monkeypatch.setattr(clock, "skew", lambda _, ahead=ahead: ahead)
        with pytest.raises(StudioError, match=words):
            surroundings.clock()
    monkeypatch.setattr(clock, "skew", lambda _: 0.2)
    assert surroundings.clock() == "as the relay's"


def test_a_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surroundings, "LEAST_FREE", 1 << 62)
    with pytest.raises(StudioError, match="GiB free at"):
        surroundings.disk()
