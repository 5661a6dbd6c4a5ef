"""In a terminal `python` is the one of jobs, whatever the user's own files do to PATH."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from studio_tui.payload.hold.shell import programs
from tests.payload.hold.conftest import Terminal

RESET = "PATH=/usr/bin:/bin; export PATH\n"  # as /etc/profile does
ACTIVATE = "PATH={other}:$PATH; export PATH; MINE=honoured\n"  # as conda and pyenv do

FILES = {
    "bash": {".bash_profile": RESET + ". ~/.bashrc\n", ".bashrc": ACTIVATE},
    "zsh": {".zshenv": "SEEN=1\n", ".zprofile": RESET, ".zshrc": ACTIVATE},
    "dash": {".profile": RESET + ACTIVATE},
    "fish": {
        ".config/fish/config.fish": "set -gx PATH {other} /usr/bin /bin; set -g MINE honoured\n"
    },
}


def a_python(folder: Path) -> Path:
    python = folder / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    return python


@pytest.mark.parametrize("shell", sorted(FILES))
def test_the_environments_python_is_found_first(
    shell: str,
    terminal: Terminal,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    require: Callable[[str], str],
) -> None:
    folder, home = tmp_path / "my folder", tmp_path / "home"
    python, other = a_python(folder / ".venv"), a_python(tmp_path / "other")
    for name, text in FILES[shell].items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text.replace("{other}", str(other.parent)))
    monkeypatch.setenv("SHELL", require(shell))
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("ZDOTDIR", raising=False)
    monkeypatch.delenv("ENV", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    terminal.pids.add(terminal.ask("start", "200", "24", "--cwd", str(folder))["pid"])
    client = terminal.attach()
    client.type(b'command -v python; echo "$MINE-$ENV$ZDOTDIR-"; exit\r')
    client.finish()
    said = client.data.decode().replace("\r", "")
    assert f"{python}\n" in said
    assert "honoured--\n" in said  # and the shells that start in it read what they always do


def test_a_command_finds_it_too(terminal: Terminal, tmp_path: Path) -> None:
    python = a_python(tmp_path / ".venv")
    terminal.start("sh", "-c", "command -v python", cols=200, cwd=tmp_path)
    client = terminal.attach()
    client.finish()
    assert client.data.decode().strip() == str(python)


def test_a_system_is_no_environment(tmp_path: Path) -> None:
    python = a_python(tmp_path / "usr")
    assert programs(str(tmp_path), str(python)) == ""
    (tmp_path / "usr" / "conda-meta").mkdir()
    assert programs(str(tmp_path), str(python)) == str(python.parent)
