"""What a finished command tells about itself."""

from __future__ import annotations

import pytest

from studio_tui.errors import NotFound, StudioError
from studio_tui.machines.connection import CommandFailed, Completed, ConnectionLost


def test_a_command_that_succeeded_is_itself() -> None:
    done = Completed(("true",), 0, b"", b"noise")
    assert done.ok
    assert done.check() is done


def test_a_command_that_failed_says_what_and_why() -> None:
    done = Completed(("cp", "a b", "c"), 1, b"", b"cp: starting\ncp: no space left\n")
    with pytest.raises(CommandFailed, match="cp 'a b' c failed with exit code 1") as raised:
        done.check()
    assert raised.value.hint == "cp: no space left"
    with pytest.raises(CommandFailed, match="copying failed"):
        done.check("copying")


def test_a_command_that_failed_without_a_word_still_has_a_hint() -> None:
    with pytest.raises(CommandFailed) as raised:
        Completed(("false",), 1, b"", b"\xff").check()
    assert raised.value.hint
    with pytest.raises(CommandFailed) as raised:
        Completed(("false",), 1, b"", b"").check()
    assert raised.value.hint


def test_a_lost_connection_is_something_that_cannot_be_reached() -> None:
    assert issubclass(ConnectionLost, NotFound)
    assert issubclass(CommandFailed, StudioError)
