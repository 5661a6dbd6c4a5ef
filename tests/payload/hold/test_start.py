from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from studio_tui.payload.hold import start

if TYPE_CHECKING:
    pass

from tests.payload.hold.conftest import Terminal


def test_start_again_starts_nothing(terminal: Terminal) -> None:
    first = terminal.start("sh", "-c", "echo once; exec sleep 60")
    again = terminal.start("sh", "-c", "echo twice")
    assert again == first
    client = terminal.attach()
    client.expect(b"once")
    assert b"twice" not in client.data


@pytest.mark.parametrize(
    "arguments",
    [[], ["start"], ["stop", "d", "1", "1"], ["start", "d", "0", "24"], ["start", "d", "x", "1"]],
)
def test_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert start.main(arguments) == 2
    assert "usage:" in capsys.readouterr().err


def test_a_folder_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = start.main(["start", str(tmp_path / "t"), "80", "24", "--cwd", str(tmp_path / "none")])
    assert code == 1
    assert "none" in capsys.readouterr().err
