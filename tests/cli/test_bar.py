"""How far a copy is, on a terminal and without one."""

from __future__ import annotations

import sys

import pytest

from studio_tui.cli.bar import Bar


def test_a_terminal_shows_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with Bar() as bar:
        bar.show(512, 1024, "a\x1b[2J")
    said = capsys.readouterr().err
    assert " 50%  512 B of 1.0 KB  a\ufffd[2J" in said
    assert said.endswith("\r\x1b[K")


def test_a_pipe_gets_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with Bar() as bar:
        bar.going().step(5)
    assert capsys.readouterr().err == ""


def test_who_calls_it_off_is_told_that_it_can_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt), Bar():
        raise KeyboardInterrupt
    assert "takes it up again" in capsys.readouterr().err
